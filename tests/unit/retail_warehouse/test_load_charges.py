"""What trucks charge for more reaches events as it stood before each Monday, on both engines."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import jinja2
import pytest
from tests.servers import ENGINES, empty_database

from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.postgres import PostgresWarehouse
from ghala_retail.use_cases.marketing import events

MODEL = Path(events.__file__).parent / "features" / "load_charges.sql"
MONDAY = date(2025, 6, 2)
SAID = {MONDAY - timedelta(days=3): 100.0, MONDAY - timedelta(days=1): 10.0, MONDAY: 1000.0}
"""By the day it was said, what a truck-load more costs; twice as much in the fourth week."""


def render(fleet: str | None) -> str:
    text = jinja2.Environment(autoescape=False).from_string(  # noqa: S701 - SQL of the pack
        MODEL.read_text(encoding="utf-8")
    )
    return text.render(predictions_of=lambda _: fleet, ref=lambda name: f"features.{name}")


@pytest.fixture(scope="module", params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> Iterator[Warehouse]:
    if request.param == "duckdb":
        with DuckDBWarehouse(tmp_path_factory.mktemp("sql") / "warehouse.duckdb") as opened:
            yield fill(opened)
        return
    with empty_database(postgres_server) as address, PostgresWarehouse(address) as opened:
        yield fill(opened)


def fill(opened: Warehouse) -> Warehouse:
    for schema in ("features", "platform"):
        opened.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    opened.execute(
        f"CREATE TABLE features.event_shelves AS SELECT DATE '{MONDAY}' AS monday"
        f" UNION ALL SELECT DATE '{MONDAY - timedelta(days=28)}'"
    )
    opened.execute(
        "CREATE TABLE platform.fleet (as_of DATE, role VARCHAR, location_id VARCHAR, day DATE,"
        " expected DOUBLE PRECISION, one_more DOUBLE PRECISION, two_more DOUBLE PRECISION,"
        " four_more DOUBLE PRECISION)"
    )
    for said_on, price in SAID.items():
        for ahead in range(28):
            day = said_on + timedelta(days=ahead)
            paid = price * (2 if day >= MONDAY + timedelta(weeks=3) else 1)
            opened.execute(
                "INSERT INTO platform.fleet VALUES (?, 'champion', 'D1', ?, 3, ?, ?, ?)",
                [said_on, day, paid, 2 * paid, 4 * paid],
            )
            opened.execute(
                "INSERT INTO platform.fleet VALUES (?, 'challenger', 'D1', ?, 9, 9, 9, 9)",
                [said_on, day],
            )
    return opened


def test_the_last_word_before_the_monday_counts_and_its_days_where_it_reaches_the_week(
    warehouse: Warehouse,
) -> None:
    found = warehouse.frame(f"{render('platform.fleet')} ORDER BY monday, week")

    assert found["monday"].to_list() == [MONDAY] * 4
    assert found["week"].to_list() == [MONDAY + timedelta(weeks=n) for n in (3, 4, 5, 6)]
    assert found["trucks"].to_list() == [3.0] * 4
    mean = (22 * 10 + 6 * 20) / 28  # the outlook of Sunday ends on the Saturday of that week
    assert found["one_more"].to_list() == pytest.approx([20.0, mean, mean, mean])
    assert found["four_more"].to_list() == pytest.approx([80.0, 4 * mean, 4 * mean, 4 * mean])


def test_where_fleet_does_not_run_there_is_no_charge(warehouse: Warehouse) -> None:
    assert warehouse.frame(render(None)).is_empty()

"""Promotions of stores are weighted with what the stores sell; a depot's are planned SKU by SKU."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from jinja2 import Template
from tests.servers import ENGINES, open_engine

import ghala_retail
from ghala.warehouse.engines.engine import Warehouse

MODEL = Path(str(ghala_retail.__file__)).parent / "warehouse/models/features/demand_plan.sql"
MONDAY = date(2024, 9, 2)
"""The plan arrives on it, for the week after the next one."""
# location, sku, weeks before the Monday on which the week's sales were known, units
SALES = (
    ("S1", "tea", 0, 1), ("S1", "rice", 3, 2), ("S2", "tea", 25, 5), ("S2", "tea", 26, 900),
    ("S2", "rice", -1, 900), ("D1", "tea", 0, 900), ("S3", "tea", 30, 7),
)  # fmt: skip
# what, sku, place, mailer share, front share
PLANS = (
    ("dated promotion", "tea", "S1", 1.0, 0.0), ("dated promotion", "tea", "D1", 0.5, 0.25),
    ("weekly promotion", "rice", "S2", 1.0, 1.0), ("weekly promotion", "rice", "D1", 1.0, 1.0),
)  # fmt: skip


@pytest.fixture(params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: str
) -> Iterator[Warehouse]:
    with open_engine(request.param, tmp_path, postgres_server) as opened:
        fill(opened)
        yield opened


def fill(opened: Warehouse) -> None:
    opened.execute("CREATE SCHEMA features")
    for statement in (
        "locations AS SELECT 's' AS source, id AS location_id,"
        " CASE WHEN id = 'D1' THEN 'depot' END AS location_kind"
        " FROM (VALUES ('S1'), ('S2'), ('S3'), ('D1')) AS t (id)",
        "products AS SELECT sku, 'food' AS category FROM (VALUES ('tea'), ('rice')) AS t (sku)",
        "sku_location_week (location_id VARCHAR, sku VARCHAR, week DATE, known_on DATE,"
        " units BIGINT)",
        "plan_snapshot (what VARCHAR, source VARCHAR, sku VARCHAR, place VARCHAR, week DATE,"
        " known_on DATE, superseded_on DATE, batch INTEGER, mailer_share DOUBLE PRECISION,"
        " front_share DOUBLE PRECISION, back_share DOUBLE PRECISION,"
        " feature_share DOUBLE PRECISION, display_share DOUBLE PRECISION,"
        " discount_share DOUBLE PRECISION)",
    ):
        opened.execute(f"CREATE TABLE features.{statement}")
    for place, sku, weeks, units in SALES:
        known_on = MONDAY - timedelta(weeks=weeks)
        opened.execute(
            "INSERT INTO features.sku_location_week VALUES (?, ?, ?, ?, ?)",
            [place, sku, known_on - timedelta(weeks=1), known_on, units],
        )
    for what, sku, place, mailer, front in PLANS:
        opened.execute(
            "INSERT INTO features.plan_snapshot"
            " VALUES (?, 's', ?, ?, ?, ?, NULL, 1, ?, ?, 0, 0, 0, 0)",
            [what, sku, place, MONDAY + timedelta(weeks=2), MONDAY, mailer, front],
        )


def test_shares_go_by_what_each_store_sold_in_half_a_year(warehouse: Warehouse) -> None:
    """Of S1's and S2's eight units S1 sold three; of six of tea and two of rice tea was six."""
    said = {"ref": "features.{}".format, "var": lambda _: True, "config": lambda **_: ""}
    sql = Template(MODEL.read_text(encoding="utf-8")).render(
        **said, is_incremental=lambda: False, lift_class=lambda: "0"
    )

    found = {
        (grain, series): (mailer, front)
        for grain, series, mailer, front in warehouse.rows(
            f"SELECT grain, series, mailer_share, front_share FROM ({sql}) AS plan"
        )
    }

    assert found == {
        ("sku_chain", "tea"): (pytest.approx(3 / 8), 0),
        ("category_store", "food|S1"): (pytest.approx(6 / 8), 0),
        ("sku_chain", "rice"): (pytest.approx(5 / 8), pytest.approx(5 / 8)),
        ("category_store", "food|S2"): (pytest.approx(2 / 8), pytest.approx(2 / 8)),
        ("sku_location", "tea|D1"): (0.5, 0.25),
    }

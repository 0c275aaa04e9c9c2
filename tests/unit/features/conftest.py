"""A warehouse with one history of events, and the views that read it."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
from tests.servers import ENGINES, open_engine

from ghala.features.definitions import Derived, FeatureView, Window
from ghala.features.history import history_sql
from ghala.warehouse.engines.engine import Warehouse

Event = tuple[str | None, date, date, int | None, bool]
EVENTS = {
    "shop": pl.String,
    "day": pl.Date,
    "arrived": pl.Date,
    "units": pl.Int64,
    "promoted": pl.Boolean,
}


def make_view(name: str, *windows: Window, derived: tuple[Derived, ...] = ()) -> FeatureView:
    return FeatureView(
        name=name,
        entity=("shop",),
        source="core.sales",
        event_time="day",
        known_on="arrived",
        description="What a shop sold.",
        owner="Tests",
        windows=windows,
        derived=derived,
    )


RECENT = make_view(
    "recent",
    Window("units_7", "sum", "units", 7),
    Window("mean_14", "mean", "units", 14),
    Window("least_14", "min", "units", 14),
    Window("most_14", "max", "units", 14),
    Window("days_14", "count", "units", 14),
    Window("middle_14", "median", "units", 14),
    Window("spread_14", "stddev_samp", "units", 14),
    Window("newest_14", "last", "units", 14),
    Window("plain_7", "sum", "units", 7, where="NOT promoted"),
    Window("double_7", "sum", "units * 2", 7),
    derived=(
        Derived("share_7", "1.0 * units_7 / nullif(days_14, 0)"),
        Derived("reach", "as_of + 14 - as_of"),
    ),
)
EVER = make_view(
    "ever",
    Window("units_ever", "sum", "units"),
    Window("newest_ever", "last", "units"),
    Window("newest_plain", "last", "units", where="NOT promoted"),
    Window("days_3", "count", "day", 3),
)


@pytest.fixture(scope="package", params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> Iterator[Warehouse]:
    """Every claim about features is made on both engines."""
    folder = tmp_path_factory.mktemp("features")
    with open_engine(request.param, folder, postgres_server) as opened:
        opened.execute("CREATE SCHEMA core")
        yield opened


def record(warehouse: Warehouse, events: Sequence[Event]) -> None:
    """Let these events be all that ever happened."""
    frame = pl.DataFrame(list(events), schema=EVENTS, orient="row")
    with warehouse.relation("given", frame):
        warehouse.execute("DROP TABLE IF EXISTS core.sales CASCADE")
        warehouse.execute("CREATE TABLE core.sales AS SELECT * FROM given")


def ask(
    warehouse: Warehouse,
    rows: Sequence[tuple[str | None, date]],
    *views: FeatureView,
) -> list[dict[str, Any]]:
    """The features of each shop on each day, in the order of the request."""
    frame = pl.DataFrame(
        [(number, *row) for number, row in enumerate(rows)],
        schema={"number": pl.Int64, "shop": pl.String, "as_of": pl.Date},
        orient="row",
    )
    asked = history_sql("wanted", views, dialect=warehouse.dialect)
    with warehouse.relation("wanted", frame):
        found = warehouse.frame(f"SELECT * FROM ({asked}) AS answered ORDER BY number")
    return found.to_dicts()

"""The shared views over a company whose days hold corrections, cancellations and late rows."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.conformance.test_engines import profile
from tests.servers import ENGINES
from tests.unit.retail_warehouse.conftest import STAGES, Company, day

from ghala.features.history import find_views
from ghala.features.store import FeatureStore
from ghala.warehouse.engines.opening import open_warehouse

SHARED = {"customer", "agent", "sku_location", "sku_location_stock", "location", "location_work"}


@pytest.fixture(scope="module", params=ENGINES)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> Iterator[FeatureStore]:
    """The feature store after the builds of twelve days, on each engine."""
    root: Path = tmp_path_factory.mktemp(request.param) / "duka"
    with profile(request.param, postgres_server):
        company = Company(root)
        for as_of, deliver in STAGES:
            deliver(company)
            company.load(as_of)
        yield FeatureStore(company.workspace)


def ask(store: FeatureStore, feature: str, *days: int, **entity: str) -> list[Any]:
    rows = {name: [value] * len(days) for name, value in entity.items()}
    request = pl.DataFrame({**rows, "as_of": [day(one) for one in days]})
    return store.history(request, [feature])[feature].to_list()


def test_an_order_that_is_cancelled_later_counts_until_the_cancellation_is_known(
    store: FeatureStore,
) -> None:
    assert ask(store, "customer.orders_7d", 3, 7, 8, customer_id="2") == [1, 1, 0]
    assert ask(store, "customer.spend_7d", 3, 7, 8, customer_id="2") == [232, 580, 0]
    assert ask(store, "customer.cancelled_orders_365d", 7, 8, customer_id="2") == [0, 1]


def test_a_line_that_is_corrected_counts_anew_from_its_correction(store: FeatureStore) -> None:
    assert ask(store, "customer.units_30d", 2, 3, 7, 11, customer_id="1") == [None, 4, 3, 2]


def test_what_came_through_an_agent_is_the_agent_s_once_the_order_is_known(
    store: FeatureStore,
) -> None:
    assert ask(store, "agent.customers_28d", 5, 6, 12, agent_id="7") == [None, 1, 1]
    assert ask(store, "agent.orders_28d", 6, 12, agent_id="7") == [1, 2]
    assert ask(store, "customer.last_channel", 12, customer_id="3") == ["agent"]
    assert ask(store, "customer.agent_share_365d", 12, customer_id="3") == [1.0]


def test_an_order_that_moves_to_another_depot_leaves_the_first(store: FeatureStore) -> None:
    at = {"sku": "A", "location_id": "D1"}
    assert ask(store, "sku_location.units_28d", 3, 7, 8, **at) == [5, 7, 2]
    assert ask(store, "location.lines_28d", 10, 11, location_id="D2")[1] > 1


def test_stock_is_what_the_newest_movement_left(store: FeatureStore) -> None:
    at = {"sku": "A", "location_id": "D1"}
    assert ask(store, "sku_location_stock.closing", 5, 7, 12, **at) == [0, 20, 20]
    assert ask(store, "sku_location_stock.emptied_28d", 5, 12, **at) == [1, 0]


def test_what_a_champion_said_is_read_from_its_day_on_until_it_lapses(store: FeatureStore) -> None:
    said = pl.DataFrame(
        {
            "use_case": "operations/demand", "version": [1, 1, 2, 3],
            "role": ["champion", "champion", "champion", "shadow"],
            "as_of": [day(1), day(1), day(8), day(8)], "grain": "sku_chain", "series": "A",
            "target_week": [day(1), day(8), day(8), day(8)], "horizon": [1, 2, 1, 1],
            "mean": [5.0, 6.0, 7.0, 99.0], "p10": 1.0, "p50": 2.0, "p90": 3.0,
        }
    ).with_columns(pl.col("version", "horizon").cast(pl.Int32))  # fmt: skip
    with open_warehouse(store.workspace) as warehouse, warehouse.relation("said", said):
        names = ", ".join(said.columns)
        warehouse.execute("DELETE FROM platform.forecasts")
        warehouse.execute(f"INSERT INTO platform.forecasts ({names}) SELECT {names} FROM said")
    series = {"grain": "sku_chain", "series": "A"}

    def read(feature: str) -> list[Any]:
        return ask(store, f"demand_forecast.{feature}", 1, 7, 8, 21, 22, **series)

    assert read("mean_1w") == [5, 5, 7, 7, None]
    assert read("version") == [1, 1, 2, 2, None]
    assert read("said_on") == [day(1), day(1), day(8), day(8), None]


def test_everything_that_is_kept_online_is_what_history_says(store: FeatureStore) -> None:
    as_of = date(2024, 1, 12)
    with open_warehouse(store.workspace) as warehouse:
        kept = store.materialize(as_of, warehouse=warehouse)
        assert store.check(warehouse=warehouse) == []
    assert {one["view"] for one in kept} >= SHARED
    assert {one["view"]: one["entities"] for one in kept}["customer"] == 3


def test_every_shared_view_says_what_each_feature_is_and_whose(store: FeatureStore) -> None:
    views = find_views(store.workspace)
    for name in SHARED:
        view = views[name]
        assert view.owner in ("Finance", "Marketing", "Operations")
        assert view.description
        assert all(feature.description for feature in view.features), name
        assert len(set(view.columns)) == len(view.columns)

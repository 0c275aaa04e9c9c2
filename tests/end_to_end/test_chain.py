"""A price that falls from next week on reaches the trucks, through one plan and one elasticity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ghala.contracts.discovery import use_case
from ghala.contracts.settings import Workspace
from ghala.features.examples import Request, read_examples, read_subjects
from ghala.features.history import views_of
from ghala.warehouse.build import build
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land
from ghala.warehouse.predictions import replace_predictions

PRICING, DEMAND, FLEET = "finance/pricing", "operations/demand", "operations/fleet"
TODAY, NEXT_WEEK = date(2024, 5, 27), date(2024, 6, 3)
MONDAYS = [date(2024, 1, 22) + timedelta(weeks=week) for week in range(18)]
SPOKEN = MONDAYS[-7:]
"""The weeks of which it is told what pricing and demand had said, for those who read them."""
DRAWN = {"sku_location": 0.12}


@dataclass(frozen=True)
class Plans:
    """What demand and the fleet say today, on the old price list and on the new one."""

    cut: list[str]
    demand: pl.DataFrame
    fleet: pl.DataFrame


class Company:
    """The workspace and its open warehouse, for models that are fitted without the road."""

    def __init__(self, workspace: Workspace, warehouse: Warehouse) -> None:
        self.workspace, self.warehouse = workspace, warehouse

    def fit(self, name: str, origins: Sequence[date], **drawn: Any) -> Any:
        found = use_case(self.workspace, name)
        examples = read_examples(
            self.warehouse,
            found,
            views=views_of(self.workspace, found),
            request=Request(origins, **drawn),
            as_of=TODAY,
        )
        return found.fit(examples, seed=1)

    def say(self, name: str, model: Any, day: date) -> pl.DataFrame:
        """What the model says of a day, kept as a champion's word."""
        found = use_case(self.workspace, name)
        views = views_of(self.workspace, found)
        subjects = read_subjects(self.warehouse, found, views=views, request=Request([day]))
        if name == FLEET:  # tomorrow's routes are another question
            subjects = subjects.with_columns(drops=pl.lit(None, pl.String))
        said = found.ask(model, subjects).with_columns(
            version=pl.lit(1), role=pl.lit("champion")
        )  # fmt: skip
        replace_predictions(self.warehouse, found, said, as_of=day)
        return said


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory, deliveries: Path) -> Plans:
    workspace = make_workspace(tmp_path_factory.mktemp("chain"), deliveries)
    load(workspace)
    with open_warehouse(workspace) as warehouse:
        company = Company(workspace, warehouse)
        pricing = company.fit(PRICING, MONDAYS[6:])
        for day in [*SPOKEN, TODAY]:
            company.say(PRICING, pricing, day)
        demand = company.fit(DEMAND, MONDAYS, caps=DRAWN)
        for day in SPOKEN:
            company.say(DEMAND, demand, day)
        before = company.say(DEMAND, demand, TODAY)
        fleet = company.fit(FLEET, SPOKEN)
        trucks = company.say(FLEET, fleet, TODAY)
        cut = cut_prices(warehouse, workspace.inbox / "company" / f"prices_{TODAY}.csv")
    load(workspace)
    with open_warehouse(workspace) as warehouse:
        company = Company(workspace, warehouse)
        after = company.say(DEMAND, demand, TODAY)
        more = company.say(FLEET, fleet, TODAY)
    key = ["grain", "series", "target_week", "horizon"]
    return Plans(
        cut,
        before.join(after, on=key, validate="1:1", suffix="_cut"),
        trucks.join(more, on=["location_id", "day"], validate="1:1", suffix="_cut"),
    )


def make_workspace(root: Path, deliveries: Path) -> Workspace:
    names = [PRICING, DEMAND, FLEET]
    (root / "ghala.toml").write_text(
        f'sources = ["company"]\nuse_cases = {names}\n[company]\nname = "Duka"\n', encoding="utf-8"
    )
    inbox = root / "inbox" / "company"
    inbox.mkdir(parents=True)
    for file in deliveries.iterdir():
        (inbox / file.name).hardlink_to(file)
    workspace = Workspace(root)
    workspace.landing.mkdir(exist_ok=True)
    return workspace


def load(workspace: Workspace) -> None:
    with open_warehouse(workspace) as warehouse:
        assert list(land(workspace, warehouse, TODAY, allow_late=True))
    build(workspace)


def cut_prices(warehouse: Warehouse, file: Path) -> list[str]:
    """Deliver a list with 20 % off the best-sold category from next week on; its SKUs."""
    rows = warehouse.frame(
        "WITH best AS (SELECT category FROM core.order_lines JOIN core.products USING (sku)"
        " GROUP BY category ORDER BY sum(units) DESC LIMIT 1)"
        " SELECT sku, zone, round(0.8 * price, 2) AS price_kes, prices.unit_cost AS cost_kes"
        " FROM core.prices AS prices JOIN core.products USING (sku) JOIN best USING (category)"
        f" WHERE prices.superseded_on IS NULL AND prices.valid_from <= DATE '{TODAY}'"
        f" AND (prices.valid_to IS NULL OR prices.valid_to > DATE '{TODAY}')"
    )
    whole = {"valid_from": pl.lit(NEXT_WEEK), "reason": pl.lit("list"), "test_arm": pl.lit("")}
    columns = ["sku", "zone", "valid_from", "price_kes", "cost_kes", "reason", "test_arm"]
    rows.with_columns(**whole).select(columns).write_csv(file)
    return rows["sku"].unique().to_list()


def test_demand_follows_the_price_list_that_is_planned(plans: Plans) -> None:
    goods = plans.demand.filter(pl.col("grain") == "sku_location")
    is_cut = pl.col("series").str.split("|").list.first().is_in(plans.cut)
    ahead = pl.col("target_week") >= NEXT_WEEK
    fallen = goods.filter(is_cut, ahead)
    assert fallen.height > 0
    assert fallen["mean_cut"].sum() > 1.1 * fallen["mean"].sum()
    same = goods.filter(~(is_cut & ahead))
    assert same["mean_cut"].to_list() == pytest.approx(same["mean"].to_list())


def test_the_depots_that_send_the_goods_feel_it_from_that_week_on(plans: Plans) -> None:
    days = plans.demand.filter(pl.col("grain") == "location_day")
    ahead = days.filter(pl.col("target_week") >= NEXT_WEEK)
    assert (ahead["mean_cut"] > ahead["mean"]).all()
    now = days.filter(pl.col("target_week") < NEXT_WEEK)
    assert now["mean_cut"].to_list() == pytest.approx(now["mean"].to_list())


def test_the_fleet_expects_more_loads_and_books_no_truck_less(plans: Plans) -> None:
    ahead = plans.fleet.filter(pl.col("day") >= NEXT_WEEK)
    assert (ahead["expected_cut"] >= ahead["expected"]).all()
    assert ahead["expected_cut"].sum() > ahead["expected"].sum()
    assert (ahead["decision_cut"] >= ahead["decision"]).all()
    now = plans.fleet.filter(pl.col("day") < NEXT_WEEK)
    assert now["decision_cut"].to_list() == now["decision"].to_list()

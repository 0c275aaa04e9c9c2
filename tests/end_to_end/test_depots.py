"""Demand in depots and the orders that follow from it go the whole road at a simulated company."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ghala.contracts.settings import Workspace
from ghala_retail.company.simulate import simulate
from ghala_retail.company.world import make_plan
from ghala_retail.use_cases import operations
from tests.conftest import read_json, run_ghala

DEMAND, ORDERS = "operations/demand", "operations/replenishment"
MONDAYS = [date(2024, 7, 22) + timedelta(weeks=week) for week in range(3)]
"""Both are trained on the first; demand is live on the third, when its first week is in."""
SHORT = {"weeks": 4, "refit_every_weeks": 4, "training_origins": 20, "most_subjects": 1500}
"""Not two years: a young company whose models are judged on the last month."""


@dataclass(frozen=True)
class Duka:
    """The company after its weeks, and what each run said."""

    workspace: Workspace
    runs: list[dict[str, Any]]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        with duckdb.connect(str(self.workspace.warehouse), read_only=True) as warehouse:
            return warehouse.execute(sql).fetchall()


@pytest.fixture(scope="module")
def duka(tmp_path_factory: pytest.TempPathFactory) -> Duka:
    root = tmp_path_factory.mktemp("depots")
    simulate(make_plan("tiny", "endogenous", seed=1, days=220), root / "company")
    place = root / "duka"
    use_cases = ("--use-case", DEMAND, "--use-case", ORDERS)
    made = run_ghala("init", str(place), "--name", "Duka", "--source", "company", *use_cases)
    assert made.returncode == 0, made.stderr
    (root / "company" / "inbox" / "company").rename(place / "inbox" / "company")
    for name in (DEMAND, ORDERS):
        shorten(place, name)
    where = ("--workspace", str(place))
    runs = []
    for monday in MONDAYS:
        late = ("--allow-late",) if monday == MONDAYS[0] else ()
        runs.append(read_json(run_ghala("run", "--as-of", str(monday), *late, *where, "--json")))
        for name in (DEMAND, ORDERS):
            sign(where, name, monday)
    return Duka(Workspace(place), runs)


def shorten(place: Path, name: str) -> None:
    """The policy of the use case with a short history."""
    folder = Path(operations.__file__).parent / name.partition("/")[2]
    policy = yaml.safe_load((folder / "policy.yml").read_text(encoding="utf-8"))
    policy["backtest"] |= SHORT
    policy["gates"] |= {"metrics": policy["gates"]["metrics"][-1:]}
    policy["probes"] = {**policy.get("probes", {}), "max_seed_spread": 0.2}
    if name == DEMAND:
        policy["gates"] |= {
            "baseline": "recent_mean", "metrics": ["wape"], "max_abs_bias": 0.15,
            "coverage": [0.6, 0.97],
        }  # fmt: skip
    file = place / "policies" / f"{name}.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(policy), encoding="utf-8")


def sign(where: tuple[str, ...], name: str, monday: date) -> None:
    """Approve what stands in UAT, if anything does."""
    status = read_json(run_ghala("status", *where, "--json"))
    [found] = [one for one in status["use_cases"] if one["name"] == name]
    tested = found["stages"].get("uat")
    if tested:
        run_ghala(
            "approve", name, str(tested["version"]), "-m", "good", "--as-of", str(monday), *where,
            GHALA_ACTOR="approver",
        )  # fmt: skip


def test_demand_of_depots_is_in_production_and_scored(duka: Duka) -> None:
    assert set(
        duka.ask(
            "SELECT DISTINCT grain, horizon FROM platform.operations__demand_predictions"
            " WHERE role = 'champion'"
        )
    ) == {
        (grain, horizon) for grain in ("sku_location", "location_day") for horizon in (1, 2, 3, 4)
    }


def test_what_is_ordered_reads_the_forecast_and_is_said_in_whole_packs(duka: Duka) -> None:
    [(rows, ordered, broken)] = duka.ask(
        "SELECT count(*), sum(decision), count(*) FILTER (WHERE decision % pack_units <> 0)"
        " FROM platform.operations__replenishment_predictions"
    )
    assert rows > 2000
    assert ordered > 0
    assert broken == 0
    [(read, apart, ranged)] = duka.ask(
        "SELECT count(*), max(abs(pace - said)), count(order_p90)"
        " FROM platform.operations__replenishment_predictions AS orders INNER JOIN ("
        " SELECT series, as_of, avg(mean) AS said FROM platform.operations__demand_predictions"
        " WHERE role = 'champion' AND grain = 'sku_location'"
        " GROUP BY series, as_of HAVING count(*) = 4"
        ") AS forecasts ON series = sku || '|' || location_id AND forecasts.as_of = orders.as_of"
    )
    assert ranged == read > 1000  # joint paths are drawn of what is forecast
    assert apart < 1e-6


def test_days_weeks_and_depots_add_up_in_the_marts(duka: Duka) -> None:
    totals = dict(
        duka.ask("SELECT level, sum(units) FROM marts_operations.demand_totals GROUP BY level")
    )
    assert totals["sku"] > 0
    assert totals["category"] == pytest.approx(totals["sku"])
    assert totals["location"] == pytest.approx(totals["sku"])


def test_the_weeks_of_a_depot_differ_as_its_own_forecast_says(duka: Duka) -> None:
    ratios = duka.ask(
        "SELECT name, max(totals.units / shipped.units) / min(totals.units / shipped.units)"
        " FROM marts_operations.demand_totals AS totals INNER JOIN ("
        " SELECT as_of, split_part(series, '|', 1) AS name, target_week AS week, sum(mean) AS units"
        " FROM platform.operations__demand_predictions"
        " WHERE grain = 'location_day' AND role = 'champion' GROUP BY 1, 2, 3"
        ") AS shipped USING (as_of, name, week) WHERE level = 'location' GROUP BY name"
    )
    assert len(ratios) == 8
    assert [ratio for _, ratio in ratios] == pytest.approx([1.0] * 8)


def test_a_least_order_value_is_proposed_per_zone_to_agents_and_customers(duka: Duka) -> None:
    found = duka.ask("SELECT zone, buyer, gain_year_kes FROM marts_operations.minimum_order_values")
    assert len({(zone, buyer) for zone, buyer, _ in found}) == len(found) > 0
    assert {buyer for _, buyer, _ in found} == {"agent", "customer"}
    assert all(gain >= 0 for _, _, gain in found)


def test_outcomes_are_matched_when_late_orders_are_in(duka: Duka) -> None:
    [(matched, soonest)] = duka.ask(
        "SELECT count(*), min(known_on - target_week) FROM platform.operations__demand_outcomes"
    )
    assert matched > 0
    assert soonest >= 14

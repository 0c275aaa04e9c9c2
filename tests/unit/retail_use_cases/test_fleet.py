"""Trucks: what a booking costs, what routes hold to, and what is said when something is missing."""

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.unit.retail_use_cases.depots import (
    KM_RATE,
    RATES,
    fleet_examples,
    made,
    write_drops,
)

from ghala_retail.use_cases.operations.fleet import use_case as module
from ghala_retail.use_cases.operations.fleet.drops import (
    Drops,
    Trucks,
    capacity_bound,
    distances,
    hours_of,
    read_drops,
)
from ghala_retail.use_cases.operations.fleet.routing import solve, sweep
from ghala_retail.use_cases.operations.fleet.use_case import Fleet, Model

TRUCKS = Trucks(
    litres=600.0, stops=60, radius_km=25.0, speed_kmh=35.0, door_hours=5 / 60, shift_hours=12.0,
    open_hours=13.0, available=(1, 1, 0), day_rate=(3500.0, 6000.0, 9500.0), km_rate=50.0,
)  # fmt: skip
DEPOTS = {"D1": 150.0, "D2": 70.0, "D3": 40.0}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    found: Fleet = made(Fleet, "operations/fleet", Path(module.__file__).parent)
    return found


@pytest.fixture(scope="module")
def examples() -> pl.DataFrame:
    return fleet_examples(DEPOTS)


@pytest.fixture(scope="module")
def model(fleet: Fleet, examples: pl.DataFrame) -> Model:
    return fleet.fit(examples, seed=1)


@pytest.fixture
def subjects(examples: pl.DataFrame) -> pl.DataFrame:
    return examples.filter(pl.col("as_of") == pl.col("as_of").max()).drop("actual", "known_on")


def drops_of(stops: int, litres: float) -> Drops:
    return read_drops(write_drops(stops, litres, seed=3), most_litres=TRUCKS.litres)


def test_routes_serve_every_drop_once_within_truck_and_shift() -> None:
    drops = drops_of(150, 1100.0)
    found, away = solve(drops, TRUCKS, seed=1), distances(drops, TRUCKS)

    assert sorted(drop for route in found.routes for drop in route) == list(range(150))
    for route in found.routes:
        assert len(route) <= TRUCKS.stops
        assert drops.litres[list(route)].sum() <= TRUCKS.litres + 1e-6
        assert hours_of(route, away, TRUCKS) <= TRUCKS.shift_hours + 1e-3


def test_routes_take_no_more_trucks_and_less_road_than_the_sweep() -> None:
    drops = drops_of(170, 1250.0)
    found, by_hand = solve(drops, TRUCKS, seed=1), sweep(drops, TRUCKS)

    assert capacity_bound(drops, TRUCKS) <= len(found.routes) <= len(by_hand.routes)
    assert found.km < by_hand.km


def test_the_same_day_gets_the_same_routes() -> None:
    drops = drops_of(80, 600.0)

    assert solve(drops, TRUCKS, seed=5) == solve(drops, TRUCKS, seed=5)


def test_own_trucks_drive_before_those_on_contract_and_those_before_spot_trucks() -> None:
    assert sorted(solve(drops_of(170, 1250.0), TRUCKS, seed=1).hires) == [0, 1, 2]


def test_a_drop_beyond_a_shift_is_named_and_the_others_are_served() -> None:
    far = dataclasses.replace(TRUCKS, radius_km=400.0)
    drops = drops_of(40, 300.0)
    found = solve(drops, far, seed=1)

    assert found.left
    assert sorted(found.left + tuple(d for route in found.routes for d in route)) == list(range(40))


def test_where_no_drop_can_be_reached_nothing_is_driven() -> None:
    nowhere = dataclasses.replace(TRUCKS, speed_kmh=0.01)
    found = solve(drops_of(5, 40.0), nowhere, seed=1)

    assert (found.routes, len(found.left)) == ((), 5)


def test_a_drop_larger_than_a_truck_comes_in_parts() -> None:
    drops = read_drops("0000aaaa:1500.0 ffff0000:10.0", most_litres=600.0)

    assert drops.litres.tolist() == [500.0, 500.0, 500.0, 10.0]


def test_drops_of_unknown_size_are_driven_as_stops() -> None:
    drops = drops_of(130, 0.0)

    assert capacity_bound(drops, TRUCKS) == 3
    assert len(solve(drops, TRUCKS, seed=1).routes) == 3


def test_what_trucks_carry_and_cost_is_learned_from_trips(model: Model) -> None:
    assert model.counting.day_rate == pytest.approx(tuple(RATES.values()), rel=1e-6)
    assert model.counting.km_rate == pytest.approx(KM_RATE, rel=1e-6)
    assert (model.counting.litres, model.counting.stops) == (600.0, 60)
    for depot in model.counting.depots.values():
        assert depot.speed_kmh == pytest.approx(30.0, rel=1e-6)


def test_bookings_cost_less_than_a_fleet_for_nearly_every_day(
    fleet: Fleet, model: Model, examples: pl.DataFrame
) -> None:
    said = fleet.judge(model, examples)
    cost = {who: fleet.losses(said, "cost", who=who).mean() for who in ("decision", "p95_fleet")}

    assert cost["decision"] < 0.95 * cost["p95_fleet"]
    assert said["infeasible"].null_count() == said.height


def test_the_booking_is_the_cheapest_one_for_the_distribution_that_is_said(
    fleet: Fleet, model: Model, subjects: pl.DataFrame
) -> None:
    said = fleet.ask(model, subjects).filter(pl.col("location_id") == "D1")
    rows = said.head(1)
    draws = np.random.default_rng(4)
    base = module._base(subjects, model.counting, fleet.policy.working.shift)
    design = module._design(subjects)
    centre, spread = model.outlook.at(base, design, module.weeks_ahead(subjects))
    at = subjects.with_row_index("at").filter(pl.col("location_id") == "D1")["at"][0]
    trips = np.ceil(centre[at] * np.exp(spread[at] * draws.normal(size=20_000)))
    many = pl.concat([rows] * len(trips)).with_columns(actual=pl.Series(trips))
    costs = {n: fleet.cost(many, pl.Series([float(n)] * len(trips))).mean() for n in range(1, 8)}

    assert min(costs, key=lambda n: float(str(costs[n]))) == rows["decision"][0]


def test_more_units_ahead_mean_more_trucks(
    fleet: Fleet, model: Model, subjects: pl.DataFrame
) -> None:
    mine = pl.col("location_id") == "D1"
    learned = dataclasses.replace(
        model.outlook, mean=(*model.outlook.mean[:2], 1.0, *model.outlook.mean[3:])
    )
    monday = pl.col("day").dt.truncate("1w")
    double = subjects.with_columns(target_week_1w=monday, mean_1w=2 * pl.col("same_units_28d"))
    changed = dataclasses.replace(model, outlook=learned)
    before, after = (fleet.ask(changed, rows).filter(mine) for rows in (subjects, double))

    assert after["expected"].sum() > 1.6 * before["expected"].sum()


def test_routes_are_laid_for_the_newest_day_beside_bound_and_sweep(
    fleet: Fleet, model: Model, subjects: pl.DataFrame
) -> None:
    said = fleet.ask(model, subjects).filter(pl.col("routes").is_not_null())

    assert said["location_id"].to_list() == ["D1", "D2", "D3"]
    assert (said["day"] == said["as_of"]).all()
    assert (said["routed_trucks"] >= said["least_trucks"]).all()
    assert (said["routed_trucks"] <= said["sweep_trucks"]).all()


def test_a_depot_without_trips_is_told_and_never_silently_zero(
    fleet: Fleet, model: Model, subjects: pl.DataFrame
) -> None:
    unknown = subjects.with_columns(
        pl.lit("D9").alias("location_id"),
        pl.lit(None, dtype=pl.Float64).alias("trips_91d"),
        pl.col("^same_.*$", "^depot_.*$").cast(pl.Float64) * None,
    )
    said = fleet.ask(model, unknown)

    assert said["infeasible"].str.contains("no trip of this depot is known").all()
    assert said["decision"].null_count() == 0


def test_a_depot_where_nothing_is_ordered_books_nothing_beside_its_own(
    fleet: Fleet, model: Model, subjects: pl.DataFrame
) -> None:
    idle = subjects.with_columns(pl.col("^same_.*$") * 0, drops=pl.lit(None, dtype=pl.String))
    said = fleet.ask(model, idle)

    assert said["contract"].to_list() == [0.0] * said.height
    assert said["expected"].sum() == 0


def test_without_any_trip_there_is_nothing_to_learn(fleet: Fleet, examples: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="no trip of any depot"):
        fleet.fit(examples.with_columns(trips_91d=pl.lit(0.0)), seed=1)


def test_a_hire_that_was_never_used_gets_a_rate_in_proportion(
    fleet: Fleet, examples: pl.DataFrame
) -> None:
    no_spot = examples.with_columns(pl.col("^spot_.*$") * 0)
    own, contract, spot = fleet.fit(no_spot, seed=1).counting.day_rate

    assert (own, contract) == pytest.approx((3500.0, 6000.0), rel=1e-6)
    assert spot > contract


def test_what_is_saved_says_the_same(
    fleet: Fleet, model: Model, subjects: pl.DataFrame, *, tmp_path: Path
) -> None:
    fleet.save(model, tmp_path)

    assert fleet.ask(fleet.load(tmp_path), subjects).equals(fleet.ask(model, subjects))

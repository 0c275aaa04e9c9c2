"""People: what a roster costs, what the law says of it, and what is said when people lack."""

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ortools.sat.python import cp_model
from tests.unit.retail_use_cases.depots import made, work_examples

from ghala_retail.use_cases.operations.workforce import use_case as module
from ghala_retail.use_cases.operations.workforce.rostering import (
    COVERS,
    HOURS,
    PATTERNS,
    Law,
    Week,
    count_people,
    lost_hours,
    people_by_rule,
    plan,
)
from ghala_retail.use_cases.operations.workforce.use_case import Model, Workforce

LAW = Law(week_hours=52.0, days=6, short_share=0.5)
DEPOTS = {"D1": 3.0, "D2": 0.5}


def week_of(hours: float, *, days: int = 7, spread: float = 0.3) -> Week:
    mean = np.full((days, 4), hours)
    return Week(mean, np.full((days, 4), spread), done=3.3, wage=600.0, price=1500.0)


@pytest.fixture(scope="module")
def workforce() -> Workforce:
    found: Workforce = made(Workforce, "operations/workforce", Path(module.__file__).parent)
    return found


@pytest.fixture(scope="module")
def examples() -> pl.DataFrame:
    return work_examples(DEPOTS)


@pytest.fixture(scope="module")
def model(workforce: Workforce, examples: pl.DataFrame) -> Model:
    return workforce.fit(examples, seed=1)


@pytest.fixture
def subjects(examples: pl.DataFrame) -> pl.DataFrame:
    return examples.filter(pl.col("as_of") == pl.col("as_of").max()).drop("actual", "known_on")


def test_work_that_is_expected_to_stay_is_what_draws_say() -> None:
    draws = 5.0 * np.exp(0.4 * np.random.default_rng(1).normal(size=400_000) - 0.08)
    for done in (0.0, 3.0, 5.0, 9.0):
        expected = lost_hours(np.array(5.0), np.array(0.4), done=np.array(done))
        assert float(expected) == pytest.approx(np.maximum(draws - done, 0).mean(), abs=0.02)


def test_a_days_roster_is_the_cheapest_of_all() -> None:
    free = Law(week_hours=52.0, days=6, short_share=1.0)
    week = Week(
        np.array([[2.0, 6.0, 5.0, 1.0]]), np.full((1, 4), 0.3), done=3.3, wage=600.0, price=1500.0
    )

    def cost(people: np.ndarray) -> float:
        wages = sum(n * week.wage * len(one) for n, one in zip(people, PATTERNS, strict=True))
        undone = lost_hours(week.hours[0], week.spread[0], done=(people @ COVERS) * week.done)
        return float(wages + week.price * undone.sum())

    found = plan(week, free, staff=None).people[0]
    every = (np.array(one) for one in itertools.product(range(3), repeat=len(PATTERNS)))

    assert cost(found) == pytest.approx(min(map(cost, every)), rel=0.003)


def test_a_roster_keeps_the_law_with_the_people_who_are_there() -> None:
    staff = 5
    found = plan(week_of(10.0), LAW, staff=staff)
    people, each = found.people, np.array([HOURS * len(one) for one in PATTERNS])

    assert (people.sum(axis=1) <= staff).all()
    assert people.sum() <= LAW.days * staff
    assert (people @ each).sum() <= LAW.week_hours * staff
    late, early = people @ COVERS[:, 3], people @ COVERS[:, 0]
    assert (late[:-1] + early[1:] <= staff).all()
    assert people[:, 3:].sum() <= LAW.short_share * people.sum() + 1e-6
    assert count_people(people, LAW) <= staff
    assert found.lacking == found.needed - staff > 0


@pytest.mark.parametrize("hours", [3.0, 7.0, 10.0])
@pytest.mark.parametrize("short_of", [0, 2])
def test_so_many_people_can_work_the_roster_each_within_the_law(
    hours: float, short_of: int
) -> None:
    """Names are put to the shifts: 52 hours, six days, one shift a day, eleven hours of rest."""
    random = np.random.default_rng(int(hours))
    mean = hours * np.exp(0.4 * random.normal(size=(7, 4)))
    week = Week(mean, np.full((7, 4), 0.3), done=3.3, wage=600.0, price=1500.0)
    needed = plan(week, LAW, staff=None).needed
    staff = needed - short_of
    found = plan(week, LAW, staff=staff)

    model = cp_model.CpModel()
    works = {
        (name, day, kind): model.new_bool_var("")
        for name in range(staff) for day in range(7) for kind in range(len(PATTERNS))
    }  # fmt: skip
    kinds, each = range(len(PATTERNS)), [int(HOURS) * len(one) for one in PATTERNS]
    ends_late, begins_early = ([k for k in kinds if COVERS[k, shift]] for shift in (3, 0))
    for day, kind in itertools.product(range(7), kinds):
        model.add(sum(works[n, day, kind] for n in range(staff)) == found.people[day, kind])
    for name in range(staff):
        days = [sum(works[name, day, kind] for kind in kinds) for day in range(7)]
        model.add(sum(days) <= LAW.days)
        model.add(
            sum(works[name, d, k] * each[k] for d in range(7) for k in kinds) <= int(LAW.week_hours)
        )
        for day in range(7):
            model.add(days[day] <= 1)
        for day in range(6):
            late = sum(works[name, day, kind] for kind in ends_late)
            model.add(late + sum(works[name, day + 1, kind] for kind in begins_early) <= 1)
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = 10
    solver.parameters.num_workers = 1
    assert solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    assert found.lacking == short_of


def test_enough_people_lack_nowhere() -> None:
    found = plan(week_of(2.0), LAW, staff=20)

    assert found.lacking == 0
    assert (found.present >= 1).all()


def test_the_rule_that_asks_for_the_most_people_is_named() -> None:
    long_days = people_by_rule(np.eye(7, dtype=np.int64)[[0] * 7] * 4, LAW)
    one_busy_day = people_by_rule(np.eye(7, dtype=np.int64)[:1] * 9, LAW)

    assert max(long_days, key=lambda rule: long_days[rule]) == "52 hours a week"
    assert max(one_busy_day, key=lambda rule: one_busy_day[rule]) == "one shift a day"


def test_no_work_takes_nobody() -> None:
    found = plan(week_of(0.0), LAW, staff=3)

    assert found.people.sum() == 0
    assert found.needed == 0


def test_dearer_undone_work_takes_more_people() -> None:
    cheap, dear = week_of(5.0), week_of(5.0)
    dear = Week(dear.hours, dear.spread, dear.done, dear.wage, price=6000.0)

    assert plan(dear, LAW, staff=None).people.sum() > plan(cheap, LAW, staff=None).people.sum()


def test_a_plan_costs_less_than_fixed_shifts_and_than_the_peak(
    workforce: Workforce, model: Model, examples: pl.DataFrame
) -> None:
    said = workforce.judge(model, examples)
    cost = {
        who: workforce.losses(said, "cost", who=who).sum()
        for who in ("decision", *workforce.baselines)
    }

    assert cost["decision"] < 0.9 * cost["two_shifts"]
    assert cost["decision"] < 0.9 * cost["peak"]
    assert cost["decision"] < cost["crew_two_shifts"]


def test_every_subject_gets_one_row_in_its_place(
    workforce: Workforce, model: Model, subjects: pl.DataFrame
) -> None:
    some = subjects.sample(50, seed=1)
    twice = pl.concat([some, some])
    said = workforce.ask(model, twice)

    assert said.select(workforce.key).equals(twice.select(workforce.key))
    assert said["decision"].null_count() == 0


def test_people_who_lack_are_counted_and_the_rest_is_planned(
    workforce: Workforce, model: Model, subjects: pl.DataFrame
) -> None:
    few = subjects.with_columns(workers_28d=pl.lit(1))
    said = workforce.ask(model, few).filter(pl.col("location_id") == "D1", pl.col("crew") == "road")
    [words] = said["infeasible"].unique().to_list()

    assert words.startswith(f"{said['needed'][0] - 1:.0f} people lack: the week takes ")
    assert " 1 are there; the plan covers" in words
    rule = words.partition("(")[2].partition(")")[0]
    assert rule in ("one shift a day", "52 hours a week", "6 days a week")
    assert said["decision"].sum() > 0


def test_a_depot_without_staff_is_told_who_would_be_needed(
    workforce: Workforce, model: Model, subjects: pl.DataFrame
) -> None:
    unknown = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("wage", "absence")]
    said = workforce.ask(model, subjects.with_columns(pl.lit(0).alias("workers_28d"), *unknown))

    assert said["infeasible"].str.contains("nobody was planned here for 28 days").all()
    assert said["decision"].sum() > 0
    assert (said["wage"] > 0).all()


def test_a_depot_without_work_is_told_and_never_silently_empty(
    workforce: Workforce, model: Model, subjects: pl.DataFrame
) -> None:
    idle = subjects.with_columns(pl.col("^same_hours.*$") * 0.0)
    said = workforce.ask(model, idle)

    assert said["infeasible"].str.contains("no work of this depot is known").all()
    assert said["decision"].sum() == 0


def test_without_any_wave_there_is_nothing_to_learn(
    workforce: Workforce, examples: pl.DataFrame
) -> None:
    nothing = examples.with_columns(pl.lit(None, dtype=pl.Float64).alias("same_hours_182d"))
    with pytest.raises(ValueError, match="no wave of work"):
        workforce.fit(nothing, seed=1)


def test_what_is_saved_says_the_same(
    workforce: Workforce, model: Model, subjects: pl.DataFrame, *, tmp_path: Path
) -> None:
    workforce.save(model, tmp_path)

    assert workforce.ask(workforce.load(tmp_path), subjects).equals(workforce.ask(model, subjects))

import pytest

from ghala.monitoring.outcomes import measure
from ghala.monitoring.watch import judge_shadow
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.predictions import match_outcomes

from .conftest import Demand, say, sell, week


def matched(warehouse: Warehouse) -> list[tuple[int, float]]:
    rows = warehouse.rows(
        "SELECT target_week, actual FROM platform.operations__demand_outcomes"
        " ORDER BY target_week, series"
    )
    return [((day - week(0)).days // 7, units) for day, units in rows]


def test_only_outcomes_that_were_known_by_the_day_are_matched(
    warehouse: Warehouse, use_case: Demand
) -> None:
    for number in (1, 2, 3):
        say(warehouse, number, 10)
        sell(warehouse, number, number, late=2 if number == 1 else 0)

    assert match_outcomes(warehouse, use_case, week(1)) == 0
    assert match_outcomes(warehouse, use_case, week(3)) == 1
    assert matched(warehouse) == [(2, 2)]
    assert match_outcomes(warehouse, use_case, week(4)) == 2
    assert matched(warehouse) == [(1, 1), (2, 2), (3, 3)]


def test_matching_again_adds_nothing(warehouse: Warehouse, use_case: Demand) -> None:
    say(warehouse, 1, 10)
    say(warehouse, 1, 12, version=2, role="shadow")
    say(warehouse, 1, 14, as_of=week(-1), horizon=2)
    sell(warehouse, 1, 11)

    assert match_outcomes(warehouse, use_case, week(2)) == 1
    assert match_outcomes(warehouse, use_case, week(2)) == 0
    assert match_outcomes(warehouse, use_case, week(5)) == 0
    assert matched(warehouse) == [(1, 11)]


def test_what_nobody_predicted_is_no_outcome(warehouse: Warehouse, use_case: Demand) -> None:
    say(warehouse, 1, 10)
    for number in (1, 2):
        sell(warehouse, number, 5)
    sell(warehouse, 1, 5, series="salt")
    sell(warehouse, 1, 5, grain="category_store")

    match_outcomes(warehouse, use_case, week(9))

    assert matched(warehouse) == [(1, 5)]


def test_accuracy_is_counted_per_grain_from_the_champions_forecasts(
    warehouse: Warehouse, use_case: Demand
) -> None:
    for number, mean, units in ((1, 12, 10), (2, 8, 10), (3, 16, 20)):
        say(warehouse, number, mean)
        say(warehouse, number, 999, version=2, role="shadow")
        sell(warehouse, number, units)
    say(warehouse, 3, 50, grain="category_store", series="food", smart_mean=40.0)
    sell(warehouse, 3, 40, grain="category_store", series="food")
    match_outcomes(warehouse, use_case, week(4))

    store, chain = measure(warehouse, use_case, as_of=week(4), weeks=4)

    assert (store.grain, store.weeks, store.loss) == ("category_store", 1, 0.25)
    assert store.figures["bias"] == 0.25
    assert store.value_added == 0
    assert (chain.grain, chain.weeks, chain.baseline) == ("sku_chain", 3, "smart_mean")
    assert chain.loss == pytest.approx((2 + 2 + 4) / 40)
    assert chain.figures["bias"] == pytest.approx((12 + 8 + 16 - 40) / 40)
    assert chain.baseline_loss == pytest.approx(10 / 40)
    assert chain.baselines["recent_mean"] == pytest.approx((2 + 2 + 12) / 40)
    assert chain.value_added == pytest.approx(0.2)
    assert chain.weekly_value_added[2] == pytest.approx(1 - 4 / 10)


def test_only_the_asked_weeks_and_what_was_known_by_then_count(
    warehouse: Warehouse, use_case: Demand
) -> None:
    for number in range(1, 9):
        say(warehouse, number, 10 if number > 4 else 500)
        sell(warehouse, number, 10)
    match_outcomes(warehouse, use_case, week(9))

    [now] = measure(warehouse, use_case, as_of=week(9), weeks=4)
    [then] = measure(warehouse, use_case, as_of=week(3), weeks=1)

    assert (now.weeks, now.loss) == (4, 0)
    assert (then.weeks, then.loss) == (1, 49)


def test_before_anything_came_true_there_is_no_accuracy(
    warehouse: Warehouse, use_case: Demand
) -> None:
    say(warehouse, 1, 10)

    assert measure(warehouse, use_case, as_of=week(9), weeks=4) == []


def test_a_version_is_measured_in_any_role_and_beside_another_only_on_common_days(
    warehouse: Warehouse, use_case: Demand
) -> None:
    for number in (1, 2, 3):
        say(warehouse, number, 20 if number == 1 else 11)
        sell(warehouse, number, 10)
        if number > 1:
            say(warehouse, number, 12, version=2, role="shadow")
    match_outcomes(warehouse, use_case, week(4))

    def wape(**options: int) -> float:
        [found] = measure(warehouse, use_case, as_of=week(4), weeks=9, **options)
        return found.loss

    assert wape(version=2) == pytest.approx(0.2)
    assert wape(version=1) == pytest.approx(0.4)
    assert wape(version=1, beside=2) == pytest.approx(0.1)


def shadow(
    warehouse: Warehouse, use_case: Demand, *, mean: float, champion: int | None
) -> tuple[bool, str]:
    say(warehouse, 1, 11)
    say(warehouse, 1, mean, version=2, role="shadow")
    sell(warehouse, 1, 10)
    match_outcomes(warehouse, use_case, week(2))
    [verdict] = judge_shadow(warehouse, use_case, version=2, champion=champion, as_of=week(2))
    return verdict.passed, verdict.reason


@pytest.mark.parametrize(("mean", "passes"), [(11.0, True), (9.0, True), (12.0, False)])
def test_a_version_in_shadow_must_not_be_worse_than_the_champion_beside_it(
    warehouse: Warehouse, use_case: Demand, *, mean: float, passes: bool
) -> None:
    passed, reason = shadow(warehouse, use_case, mean=mean, champion=1)

    assert passed is passes
    assert "version 1 had 10.0%" in reason
    assert "1.05 times" in reason


def test_a_first_version_in_shadow_is_judged_beside_the_baseline(
    warehouse: Warehouse, use_case: Demand
) -> None:
    passed, reason = shadow(warehouse, use_case, mean=12, champion=None)

    assert not passed
    assert "smart_mean had 0.0%" in reason


def test_a_shadow_of_which_nothing_came_true_does_not_pass(
    warehouse: Warehouse, use_case: Demand
) -> None:
    say(warehouse, 1, 10, version=2, role="shadow")

    [verdict] = judge_shadow(warehouse, use_case, version=2, champion=None, as_of=week(9))

    assert not verdict.passed
    assert "come true" in verdict.reason

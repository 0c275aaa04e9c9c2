from datetime import timedelta

import pytest

from ghala.contracts.policy import Alerts, Retrain
from ghala.contracts.records import RetrainDecision
from ghala.monitoring.decisions import Facts, decide_retrain, find_alerts
from ghala.monitoring.outcomes import Accuracy

from .conftest import make_accuracy, week

RULE = Retrain(max_age_weeks=13, cooldown_weeks=2, max_abs_bias=0.1, max_drift_share=0.5)


def decide(
    *accuracy: Accuracy, age: int | None = 5, drift: float | None = None, rule: Retrain = RULE
) -> RetrainDecision:
    trained = None if age is None else week(20) - timedelta(weeks=age)
    return decide_retrain(Facts(week(20), trained, accuracy, drift), rule)


def test_a_model_that_was_never_trained_is_due() -> None:
    assert decide(age=None) == RetrainDecision(True, ("never trained",))


def test_a_young_accurate_model_is_kept_and_its_next_day_is_said() -> None:
    assert decide(make_accuracy(), drift=0.2) == RetrainDecision(False, (), week(20 - 5 + 13))


@pytest.mark.parametrize(("age", "due"), [(12, False), (13, True), (40, True)])
def test_age_alone_is_reason_enough_from_the_limit_on(*, age: int, due: bool) -> None:
    decision = decide(make_accuracy(), age=age)

    assert decision.due is due
    assert decision.reasons == ((f"age: trained {age} weeks ago, 13 is the limit",) if due else ())


@pytest.mark.parametrize(
    ("weekly", "due"),
    [
        ((-0.1, -0.1, -0.1, 0.5), True),
        ((-0.1, 0.1, -0.1, 0.5), False),
        ((-0.1, -0.1, -0.1, 0.2, 0.2), False),
        ((-0.1, -0.1), False),
    ],
)
def test_three_of_the_last_four_weeks_worse_than_the_simple_rule_are_reason_enough(
    *, weekly: tuple[float, ...], due: bool
) -> None:
    decision = decide(make_accuracy(weekly_value_added=weekly))

    assert decision.due is due
    if due:
        [reason] = decision.reasons
        assert reason.startswith("performance: sku_chain added less than +0.0% over smart_mean")
        assert "3 of 4 weeks" in reason


@pytest.mark.parametrize("bias", [0.2, -0.2])
def test_a_bias_over_two_weeks_is_reason_enough_and_one_week_is_not(bias: float) -> None:
    decision = decide(make_accuracy(bias=bias, weeks=2))

    assert decision.due
    assert f"bias of {bias:+.1%} over 2 weeks, 10.0% is the limit" in decision.reasons[0]
    assert not decide(make_accuracy(bias=bias, weeks=1)).due
    assert not decide(make_accuracy(bias=bias / 2, weeks=2)).due


def test_drift_beyond_the_limit_is_reason_enough() -> None:
    assert decide(make_accuracy(), drift=0.6).reasons == (
        "drift: 60% of the inputs drifted, 50% is the limit",
    )
    assert not decide(make_accuracy(), drift=0.5).due
    assert not decide(make_accuracy(), drift=None).due


def test_every_reason_is_named_for_every_grain() -> None:
    bad = {"bias": 0.3, "weekly_value_added": (-1.0,) * 4}
    decision = decide(
        make_accuracy(**bad), make_accuracy(grain="category_store", **bad), age=20, drift=0.9
    )

    assert len(decision.reasons) == 6
    assert sum("category_store" in reason for reason in decision.reasons) == 2


def test_a_model_that_is_cooling_down_is_kept_and_says_what_it_would_be_trained_for() -> None:
    decision = decide(make_accuracy(bias=0.5), age=1)

    assert not decision.due
    assert decision.reasons[0] == "cooling down: trained 1 weeks ago"
    assert "bias of +50.0%" in decision.reasons[1]
    assert decide(make_accuracy(bias=0.5), age=2).due


def test_no_alert_is_raised_for_a_good_model() -> None:
    assert find_alerts([make_accuracy()], Alerts(max_loss=0.4)) == []


@pytest.mark.parametrize(
    ("accuracy", "rule", "words"),
    [
        (make_accuracy(), Alerts(max_loss=0.3), "sku_chain: WAPE 36.0% is above 30.0%"),
        (
            make_accuracy(loss=0.5),
            Alerts(),
            "sku_chain: -25.0% against smart_mean over 4 weeks, at least +0.0% is asked",
        ),
        (make_accuracy(bias=-0.25), Alerts(), "sku_chain: bias -25.0% is beyond 10.0%"),
    ],
)
def test_each_threshold_that_is_broken_is_told_with_its_figures(
    accuracy: Accuracy, rule: Alerts, words: str
) -> None:
    assert find_alerts([accuracy, make_accuracy(grain="other", loss=0.2)], rule) == [words]


def test_a_baseline_that_was_never_wrong_leaves_no_room_to_add_value() -> None:
    assert make_accuracy(baselines={"smart_mean": 0.0}).value_added == 0

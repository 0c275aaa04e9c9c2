from datetime import timedelta
from pathlib import Path

import pytest

from ghala.contracts.policy import Alerts, Retrain, Rollback
from ghala.contracts.records import RetrainDecision
from ghala.contracts.settings import Workspace
from ghala.features.history import definitions_hash
from ghala.monitoring.decisions import Facts, decide_retrain, decide_rollback, find_alerts
from ghala.monitoring.outcomes import Accuracy
from ghala.monitoring.watch import Standing, _find_changes

from .conftest import Demand, make_accuracy, week

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


@pytest.mark.parametrize(("share", "due"), [(0.2, False), (0.6, True), (None, False)])
def test_enough_new_outcomes_are_reason_enough_where_the_policy_says_so(
    *, share: float | None, due: bool
) -> None:
    rule = Retrain(max_new_share=0.5)
    facts = Facts(week(20), week(15), [make_accuracy()], None, new_share=share)

    decision = decide_retrain(facts, rule)
    assert decision.due is due
    if due:
        assert decision.reasons[0].startswith("data volume: 60% as many outcomes came")
    assert not decide_retrain(facts, Retrain()).due


def test_a_changed_upstream_is_reason_enough_where_the_policy_says_so() -> None:
    facts = Facts(
        week(20), week(15), [make_accuracy()], None, changed=["finance/pricing is version 1"]
    )

    assert not decide_retrain(facts, Retrain()).due
    decision = decide_retrain(facts, Retrain(upstream_changed="retrain"))
    assert decision.reasons == ("upstream changed: finance/pricing is version 1",)


def test_an_upstream_that_was_rolled_back_and_a_feature_that_means_something_else_are_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "ghala.toml").write_text(
        'sources = ["completejourney"]\nuse_cases = ["operations/demand"]\n[company]\nname = "D"\n',
        encoding="utf-8",
    )
    found = Demand(tmp_path)
    known = {"features": definitions_hash([]), "upstream": {"finance/pricing": 2}}
    now = Standing(1, week(0), training=known, upstream={"finance/pricing": 1})

    said = _find_changes(Workspace(tmp_path), found, now)
    assert said == ["finance/pricing is version 1, it was 2"]
    other = Standing(1, week(0), training={**known, "features": "another"}, upstream={})
    assert _find_changes(Workspace(tmp_path), found, other) == [
        "a feature it reads is defined otherwise"
    ]


@pytest.mark.parametrize(
    ("live", "weeks", "due"), [(0.36, 4, False), (0.39, 4, False), (0.41, 4, True), (0.9, 1, False)]
)
def test_production_goes_back_when_the_version_before_would_have_been_better_by_the_margin(
    *, live: float, weeks: int, due: bool
) -> None:
    now, before = make_accuracy(loss=live, weeks=weeks), make_accuracy(loss=0.36)
    rule = Rollback(rule="auto", margin=0.1, weeks=2)

    decision = decide_rollback([now], [before], rule, leave=2)
    assert (decision.due, decision.leave) == (due, 2)
    assert bool(decision.reasons) is due
    assert not decide_rollback([now], [], rule, leave=2).due

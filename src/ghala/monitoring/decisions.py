"""When must a model be trained again? Pure functions of facts, with every reason in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ghala.contracts.policy import Alerts, Retrain, Rollback
from ghala.contracts.records import RetrainDecision, RollbackDecision
from ghala.monitoring.outcomes import Accuracy, write_loss

_BAD_WEEKS = 3
"""In so many of the last four weeks must the simple rule have been better."""


@dataclass(frozen=True)
class Facts:
    """What is known of a use case on a business date.

    Attributes:
        new_share: outcomes that came since the last training, over those before it.
        changed: what the last training read and means or is something else by now, in words.
    """

    as_of: date
    last_training: date | None
    accuracy: Sequence[Accuracy]
    drift_share: float | None
    new_share: float | None = None
    changed: Sequence[str] = ()


def decide_retrain(facts: Facts, rule: Retrain) -> RetrainDecision:
    """Whether to train again by age, value added, bias, drift, new data or a changed upstream."""
    if facts.last_training is None:
        return RetrainDecision(True, ("never trained",))
    age = (facts.as_of - facts.last_training).days // 7
    next_due = facts.last_training + timedelta(weeks=rule.max_age_weeks)
    reasons = [
        *_performance(facts.accuracy, rule),
        *_drift(facts.drift_share, rule),
        *_upstream(facts, rule),
    ]
    if age >= rule.max_age_weeks:
        reasons.append(f"age: trained {age} weeks ago, {rule.max_age_weeks} is the limit")
    if reasons and age < rule.cooldown_weeks:
        return RetrainDecision(
            False, (f"cooling down: trained {age} weeks ago", *reasons), next_due
        )
    return RetrainDecision(bool(reasons), tuple(reasons), next_due)


def decide_rollback(
    live: Sequence[Accuracy], before: Sequence[Accuracy], rule: Rollback, *, leave: int | None
) -> RollbackDecision:
    """Whether the version in production is worse than the one before, where both spoke."""
    rivals = {one.grain: one for one in before}
    reasons = []
    for one in live:
        rival = rivals.get(one.grain)
        if rival is None or min(one.weeks, rival.weeks) < rule.weeks:
            continue
        if one.loss > rival.loss + rule.margin * abs(rival.loss):
            reasons.append(
                f"{_prefix(one)}{write_loss(one.metric, one.loss)} over {one.weeks} weeks, the"
                f" version before would have had {write_loss(one.metric, rival.loss).split()[-1]};"
                f" {rule.margin:.0%} more is the limit"
            )
    return RollbackDecision(bool(reasons), leave, tuple(reasons))


def find_alerts(accuracy: Sequence[Accuracy], rule: Alerts) -> list[str]:
    """Every threshold that the recent weeks broke, in words."""
    found = []
    for one in accuracy:
        group, bias = _prefix(one), one.figures.get("bias", 0.0)
        if rule.max_loss is not None and one.loss > rule.max_loss:
            limit = write_loss(one.metric, rule.max_loss).split()[-1]
            found.append(f"{group}{write_loss(one.metric, one.loss)} is above {limit}")
        if one.value_added < rule.min_value_added:
            found.append(
                f"{group}{one.value_added:+.1%} against {one.baseline} over {one.weeks}"
                f" weeks, at least {rule.min_value_added:+.1%} is asked"
            )
        if abs(bias) > rule.max_abs_bias:
            found.append(f"{group}bias {bias:+.1%} is beyond {rule.max_abs_bias:.1%}")
    return found


def _prefix(one: Accuracy) -> str:
    return f"{one.grain}: " if one.grain else ""


def _performance(accuracy: Sequence[Accuracy], rule: Retrain) -> list[str]:
    reasons = []
    for one in accuracy:
        recent = one.weekly_value_added[-rule.value_added_weeks :]
        bad = sum(value < rule.min_value_added for value in recent)
        if bad >= _BAD_WEEKS:
            reasons.append(
                f"performance: {one.grain or 'it'} added less than {rule.min_value_added:+.1%} over"
                f" {one.baseline} in {bad} of {len(recent)} weeks"
            )
        bias = one.figures.get("bias", 0.0)
        if one.weeks >= 2 and abs(bias) > rule.max_abs_bias:
            reasons.append(
                f"performance: {one.grain or 'it'} has a bias of {bias:+.1%} over {one.weeks}"
                f" weeks, {rule.max_abs_bias:.1%} is the limit"
            )
    return reasons


def _upstream(facts: Facts, rule: Retrain) -> list[str]:
    reasons = []
    if rule.max_new_share is not None and (facts.new_share or 0.0) > rule.max_new_share:
        reasons.append(
            f"data volume: {facts.new_share:.0%} as many outcomes came since the training as it"
            f" had, {rule.max_new_share:.0%} is the limit"
        )
    if rule.upstream_changed == "retrain":
        reasons += [f"upstream changed: {what}" for what in facts.changed]
    return reasons


def _drift(share: float | None, rule: Retrain) -> list[str]:
    if share is None or share <= rule.max_drift_share:
        return []
    return [f"drift: {share:.0%} of the inputs drifted, {rule.max_drift_share:.0%} is the limit"]

"""Look at a use case on a business date: outcomes, accuracy, drift, alerts, decision."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from ghala.contracts.records import RetrainDecision, RollbackDecision, Verdict
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.evaluation.verdicts import make_verdict
from ghala.features.examples import count_new
from ghala.features.history import definitions_hash, views_of
from ghala.features.served import read_served, served_on
from ghala.features.store import FeatureStore
from ghala.monitoring.decisions import Facts, decide_retrain, decide_rollback, find_alerts
from ghala.monitoring.drift import Drift, drift_columns, measure_drift
from ghala.monitoring.outcomes import Accuracy, measure, write_loss
from ghala.registry.versions import REFERENCE, Registry
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.predictions import match_outcomes

NOT_YET = "shadow"
"""The gate that fails while nothing of a shadow has come true; then there is only to wait."""

_KEPT_FOR = timedelta(weeks=1)
"""What is kept online longer than between two runs of a weekly loop is stale."""


@dataclass(frozen=True)
class Seen:
    """What a look found."""

    outcomes: int
    accuracy: list[Accuracy]
    drift: Drift | None
    alerts: list[str]
    decision: RetrainDecision
    rollback: RollbackDecision

    def as_dict(self) -> dict[str, Any]:
        """The look as plain values for the ledger."""
        return {
            "outcomes": self.outcomes,
            "accuracy": [one.as_dict() for one in self.accuracy],
            "drift": None
            if self.drift is None
            else {"share": self.drift.share, "drifted": list(self.drift.drifted)},
            "alerts": self.alerts,
            "decision": asdict(self.decision),
            "rollback": asdict(self.rollback),
        }


@dataclass(frozen=True)
class Standing:
    """Where the use case stands before the look.

    Attributes:
        before: the version that a rollback would go back to.
        training: the fact of the last training.
        upstream: the version in production of each use case that this one reads.
        ran_on: the day that the loop ran for last, and renewed what is kept online.
    """

    champion: int | None
    last_training: date | None
    before: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    upstream: Mapping[str, int | None] = field(default_factory=dict)
    ran_on: date | None = None


def look(
    workspace: Workspace,
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    standing: Standing,
    as_of: date,
) -> Seen:
    """Match outcomes, measure, check what is kept online, and decide; only outcomes are written."""
    outcomes = match_outcomes(warehouse, use_case, as_of)
    rule = use_case.policy.retrain
    accuracy = measure(warehouse, use_case, as_of=as_of, weeks=rule.value_added_weeks)
    drift = _drift(workspace, use_case, champion=standing.champion, as_of=as_of)
    due = max(standing.ran_on or date.min, as_of - _KEPT_FOR)
    online = FeatureStore(workspace).check(warehouse=warehouse, due=due)
    facts = Facts(
        as_of, standing.last_training, accuracy, drift.share if drift else None,
        new_share=count_new(warehouse, use_case, since=standing.last_training, as_of=as_of),
        changed=_find_changes(workspace, use_case, standing),
    )  # fmt: skip
    return Seen(
        outcomes=outcomes,
        accuracy=accuracy,
        drift=drift,
        alerts=[*find_alerts(accuracy, use_case.policy.alerts), *online],
        decision=decide_retrain(facts, rule),
        rollback=_compare_with_before(warehouse, use_case, standing, as_of=as_of),
    )


def _compare_with_before(
    warehouse: Warehouse, use_case: UseCase, standing: Standing, *, as_of: date
) -> RollbackDecision:
    rule, now, before = use_case.policy.rollback, standing.champion, standing.before
    if rule.rule == "manual" or now is None or before is None:
        return RollbackDecision(False)
    live, rival = (
        measure(
            warehouse, use_case, as_of=as_of, weeks=rule.weeks, version=version, beside=other
        )
        for version, other in ((now, before), (before, now))
    )  # fmt: skip
    return decide_rollback(live, rival, rule, leave=now)


def _find_changes(workspace: Workspace, use_case: UseCase, standing: Standing) -> list[str]:
    """What the last training read and what is another one by now."""
    if "features" not in standing.training:
        return []
    views = views_of(workspace, use_case)
    changed = []
    if definitions_hash(views) != standing.training["features"]:
        changed.append("a feature it reads is defined otherwise")
    for name, version in standing.upstream.items():
        before = standing.training.get("upstream", {}).get(name)
        if before != version:
            changed.append(f"{name} is version {version}, it was {before}")
    return changed


def judge_shadow(
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    version: int,
    champion: int | None,
    as_of: date,
) -> list[Verdict]:
    """How the version in UAT did in shadow, beside the champion or else the baseline."""
    rule = use_case.policy.uat
    weeks = max(rule.shadow_weeks, 1) + use_case.policy.retrain.value_added_weeks
    tested = measure(warehouse, use_case, as_of=as_of, weeks=weeks, version=version)
    rivals = {} if champion is None else {
        one.grain: one.loss
        for one in measure(
            warehouse, use_case, as_of=as_of, weeks=weeks, version=champion, beside=version
        )
    }  # fmt: skip
    verdicts = []
    for one in tested:
        rival = rivals.get(one.grain, one.baseline_loss)
        # A loss may be below zero, as a cost is that earns money.
        limit = rival + (rule.max_loss_ratio - 1) * abs(rival)
        who = f"version {champion}" if one.grain in rivals else one.baseline
        group, gate = f"{one.grain}: " if one.grain else "", f"shadow:{one.grain or one.metric}"
        words = (
            f"{group}{write_loss(one.metric, one.loss)} in shadow over {_weeks(one.weeks)}, {who}"
            f" had {write_loss(one.metric, rival).split()[-1]}; up to"
            f" {rule.max_loss_ratio:.2f} times that is allowed."
        )
        figures = {"loss": one.loss, "rival": rival}
        verdicts.append(make_verdict(gate, words, passed=one.loss <= limit, figures=figures))
    return verdicts or [
        make_verdict(NOT_YET, "No week of its shadow has come true yet.", passed=False, figures={})
    ]


def _weeks(number: int) -> str:
    return "1 week" if number == 1 else f"{number} weeks"


def _drift(
    workspace: Workspace, use_case: UseCase, *, champion: int | None, as_of: date
) -> Drift | None:
    """Compare what was served last with what the champion learned from."""
    served = [day for day in served_on(workspace, use_case) if day <= as_of]
    if champion is None or not served:
        return None
    folder = Registry(workspace).fetch(use_case.name, champion)
    reference = pl.read_parquet(folder / REFERENCE)
    current = read_served(workspace, use_case, served[-1])
    columns = list(use_case.watched) or drift_columns(reference)
    if not columns:  # nothing that it learned from is a number that varies
        return None
    report = workspace.reports / use_case.name / f"{as_of}.html"
    return measure_drift(reference, current, columns=columns, report=report)

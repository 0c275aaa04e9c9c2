"""Look at a use case on a business date: outcomes, accuracy, drift, alerts, decision."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl

from ghala.contracts.records import Decision, RetrainDecision, Verdict
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.served import read_served, served_on
from ghala.features.store import FeatureStore
from ghala.monitoring.decisions import Facts, decide_retrain, find_alerts
from ghala.monitoring.drift import Drift, drift_columns, measure_drift
from ghala.monitoring.outcomes import Accuracy, match_outcomes, measure
from ghala.registry.versions import Registry
from ghala.warehouse.engines.engine import Warehouse


@dataclass(frozen=True)
class Seen:
    """What a look found."""

    outcomes: int
    accuracy: list[Accuracy]
    drift: Drift | None
    alerts: list[str]
    decision: RetrainDecision

    def as_dict(self) -> dict[str, Any]:
        """The look as plain values for the ledger."""
        return {
            "outcomes": self.outcomes,
            "accuracy": [{**asdict(one), "value_added": one.value_added} for one in self.accuracy],
            "drift": None
            if self.drift is None
            else {"share": self.drift.share, "drifted": list(self.drift.drifted)},
            "alerts": self.alerts,
            "decision": asdict(self.decision),
        }


@dataclass(frozen=True)
class Standing:
    """Where the use case stands before the look."""

    champion: int | None
    last_training: date | None


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
    online = FeatureStore(workspace).check(warehouse=warehouse)
    facts = Facts(as_of, standing.last_training, accuracy, drift.share if drift else None)
    return Seen(
        outcomes=outcomes,
        accuracy=accuracy,
        drift=drift,
        alerts=[*find_alerts(accuracy, use_case.policy.alerts), *online],
        decision=decide_retrain(facts, rule),
    )


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
        one.grain: one.wape
        for one in measure(
            warehouse, use_case, as_of=as_of, weeks=weeks, version=champion, beside=version
        )
    }  # fmt: skip
    verdicts = []
    for one in tested:
        rival = rivals.get(one.grain, one.baseline_wape)
        ratio = one.wape / max(rival, 1e-9)
        who = f"version {champion}" if one.grain in rivals else one.baseline
        words = (
            f"{one.grain}: WAPE {one.wape:.1%} in shadow over {_weeks(one.weeks)}, {who} had"
            f" {rival:.1%}; up to {rule.max_wape_ratio:.2f} times that is allowed."
        )
        decision = Decision.PASS if ratio <= rule.max_wape_ratio else Decision.FAIL
        verdicts.append(Verdict(f"shadow:{one.grain}", decision, words, {"ratio": ratio}))
    return verdicts or [
        Verdict("shadow", Decision.FAIL, "No week of its shadow has come true yet.", {})
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
    reference = pl.read_parquet(folder / "reference.parquet")
    current = read_served(workspace, use_case, served[-1])
    columns = list(use_case.watched) or drift_columns(reference)
    report = workspace.reports / use_case.name / f"{as_of}.html"
    return measure_drift(reference, current, columns=columns, report=report)

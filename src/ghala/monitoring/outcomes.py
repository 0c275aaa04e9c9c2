"""How good were predictions that have come true? Measured per group, by the kind's own loss."""

import math
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.use_case import UseCase, last_target
from ghala.evaluation.gates import split
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.predictions import create_tables, outcome_key, outcomes_of, predictions_of


@dataclass(frozen=True)
class Accuracy:
    """How good one role's predictions of a group were, over the weeks that have come true.

    Attributes:
        grain: the group, such as the grain of a forecast; empty when the use case has one.
        metric: what ``loss`` is; lower is better.
        baseline: the one that the policy compares with.
        baselines: the loss of each baseline.
        figures: what else the kind measures, such as ``bias``.
        weekly_value_added: relative gain over the baseline, week by week, oldest first.
    """

    grain: str
    weeks: int
    metric: str
    loss: float
    baseline: str
    baselines: dict[str, float]
    figures: dict[str, float] = field(default_factory=dict)
    weekly_value_added: tuple[float, ...] = ()

    @property
    def value_added(self) -> float:
        """Relative gain over the baseline; negative means the simple rule was better."""
        rival = self.baseline_loss  # may be below zero, as a cost is that earns money
        return (rival - self.loss) / abs(rival) if rival else 0.0

    @property
    def baseline_loss(self) -> float:
        """The loss of the baseline."""
        return self.baselines[self.baseline]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, with what follows from them."""
        derived = {"value_added": self.value_added, "baseline_loss": self.baseline_loss}
        return asdict(self) | derived


def write_loss(metric: str, value: float) -> str:
    """A loss for people: WAPE is a share, others have the unit of the outcome."""
    return f"WAPE {value:.1%}" if metric == "wape" else f"{metric.replace('_', ' ')} {value:,.4g}"


def measure(
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    as_of: date,
    weeks: int,
    version: int | None = None,
    beside: int | None = None,
) -> list[Accuracy]:
    """Accuracy per group over the last ``weeks`` weeks that have come true by ``as_of``.

    What the champion of the time said is judged, or what ``version`` said in any role; with
    ``beside`` only where that other version said something too.
    """
    create_tables(warehouse, use_case)
    target, key = quoted(use_case.target[0]), ", ".join(map(quoted, outcome_key(use_case)))
    said, happened = predictions_of(use_case), outcomes_of(use_case)
    since = last_target(use_case, as_of) - timedelta(weeks=weeks - 1)
    columns = ", ".join(map(quoted, (*use_case.key, *use_case.columns, *use_case.kept)))
    rows = warehouse.frame(
        f"""
        SELECT {columns}, actual FROM {said} JOIN {happened} USING ({key})
        WHERE known_on <= $as_of AND {target} >= $since
            AND CASE WHEN CAST($version AS INTEGER) IS NULL THEN role = 'champion'
                ELSE version = CAST($version AS INTEGER) END
            AND (CAST($beside AS INTEGER) IS NULL OR as_of IN (
                SELECT as_of FROM {said} WHERE version = CAST($beside AS INTEGER)))
        ORDER BY {", ".join(map(quoted, use_case.key))}""",  # noqa: S608 - the columns of the use case
        {"as_of": as_of, "since": since, "version": version, "beside": beside},
    )
    return measure_rows(use_case, rows)


def measure_rows(use_case: UseCase, rows: pl.DataFrame) -> list[Accuracy]:
    """Accuracy per group of predictions that have their ``actual``."""
    return sorted((_judge(use_case, *part) for part in split(use_case, rows)), key=_name)


def _name(one: Accuracy) -> str:
    return one.grain


def _judge(use_case: UseCase, name: str, rows: pl.DataFrame) -> Accuracy:
    metric, baseline = use_case.headline, use_case.baseline
    losses = {
        who: use_case.losses(rows, metric, who=who).to_numpy()
        for who in (use_case.answer, *use_case.baselines)
    }
    # Summed by numpy: polars adds in an order that changes between calls, in the last digits.
    week = rows[use_case.target[0]].dt.truncate("1w").rank("dense").to_numpy() - 1
    own, rival = (np.bincount(week, losses[who]) for who in (use_case.answer, baseline))
    with np.errstate(divide="ignore", invalid="ignore"):
        added = (rival - own) / np.abs(rival)
    means = {who: float(values.mean()) for who, values in losses.items()}
    return Accuracy(
        grain=name,
        weeks=len(own),
        metric=metric,
        loss=means.pop(use_case.answer),
        baseline=baseline,
        baselines=means,
        figures={k: v for k, v in use_case.figures(rows).items() if math.isfinite(v)},
        weekly_value_added=tuple(float(value) for value in added),
    )

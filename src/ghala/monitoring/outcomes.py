"""Match predictions with what then happened, and measure how good they were."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from ghala.contracts.use_case import UseCase
from ghala.warehouse.engines.engine import Warehouse

_KEYS = ("grain", "series", "target_week")


@dataclass(frozen=True)
class Accuracy:
    """How good one role's forecasts of a grain were, over the weeks that have come true."""

    grain: str
    weeks: int
    wape: float
    baseline: str
    baseline_wape: float
    recent_wape: float
    bias: float
    weekly_value_added: tuple[float, ...]

    @property
    def value_added(self) -> float:
        """Relative WAPE gain over the baseline; negative means the simple rule was better."""
        return 1 - self.wape / self.baseline_wape if self.baseline_wape else 0.0


def match_outcomes(warehouse: Warehouse, use_case: UseCase, as_of: date) -> int:
    """Add the outcomes that became known by ``as_of`` for what was predicted; return how many."""
    before = warehouse.scalar("SELECT count(*) FROM platform.outcomes")
    with warehouse.transaction():
        warehouse.execute(
            "INSERT INTO platform.outcomes"  # noqa: S608 - the use case's own statement
            " SELECT $use_case, grain, series, target_week, known_on, actual"
            f" FROM ({use_case.outcomes_sql}) AS happened WHERE known_on <= $as_of"
            f" AND EXISTS (SELECT 1 FROM platform.forecasts AS said WHERE {_same('said')})"
            f" AND NOT EXISTS (SELECT 1 FROM platform.outcomes AS matched"
            f"   WHERE {_same('matched')})",
            {"use_case": use_case.name, "as_of": as_of},
        )
    return int(warehouse.scalar("SELECT count(*) FROM platform.outcomes")) - int(before)


def measure(
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    as_of: date,
    weeks: int,
    version: int | None = None,
    beside: int | None = None,
) -> list[Accuracy]:
    """Accuracy per grain over the last ``weeks`` weeks that have come true by ``as_of``.

    What the champion of the time said is judged, or what ``version`` said in any role; with
    ``beside`` only where that other version said something too.
    """
    baseline = use_case.policy.gates.baseline
    rows = warehouse.frame(
        f"""
        SELECT grain, target_week, sum(actual) AS actual, sum(mean) AS forecast,
            sum(abs(mean - actual)) AS error, sum(abs({baseline} - actual)) AS baseline_error,
            sum(abs(recent_mean - actual)) AS recent_error
        FROM platform.forecasts
        JOIN platform.outcomes USING (use_case, grain, series, target_week)
        WHERE use_case = $use_case AND known_on <= $as_of AND target_week >= $since
            AND CASE WHEN CAST($version AS INTEGER) IS NULL THEN role = 'champion'
                ELSE version = CAST($version AS INTEGER) END
            AND (CAST($beside AS INTEGER) IS NULL OR as_of IN (
                SELECT as_of FROM platform.forecasts
                WHERE use_case = $use_case AND version = CAST($beside AS INTEGER)))
        GROUP BY grain, target_week ORDER BY grain, target_week""",  # noqa: S608 - the baseline is a checked name
        {
            "use_case": use_case.name,
            "as_of": as_of,
            "since": as_of - timedelta(weeks=weeks),
            "version": version,
            "beside": beside,
        },
    )
    return [
        _accuracy(str(grain), part, baseline)
        for (grain,), part in rows.group_by("grain", maintain_order=True)
    ]


def _same(other: str) -> str:
    keys = " AND ".join(f"{other}.{key} = happened.{key}" for key in _KEYS)
    return f"{other}.use_case = $use_case AND {keys}"


def _accuracy(grain: str, weekly: pl.DataFrame, baseline: str) -> Accuracy:
    units = max(float(weekly["actual"].sum()), 1e-9)
    added = 1 - weekly["error"] / weekly["baseline_error"]
    return Accuracy(
        grain=grain,
        weeks=weekly.height,
        wape=float(weekly["error"].sum()) / units,
        baseline=baseline,
        baseline_wape=float(weekly["baseline_error"].sum()) / units,
        recent_wape=float(weekly["recent_error"].sum()) / units,
        bias=(float(weekly["forecast"].sum()) - float(weekly["actual"].sum())) / units,
        weekly_value_added=tuple(float(value) for value in added),
    )

"""Segment: a label per entity, judged by what it tells of the days from ``as_of`` on."""

from typing import Any, Literal

import polars as pl
from pydantic import Field

from ghala.contracts.policy import Gates, Policy
from ghala.contracts.records import Verdict
from ghala.contracts.use_case import TEXT, UseCase
from ghala.evaluation.metrics import rand_index
from ghala.evaluation.verdicts import make_verdict

_REFIT = "segment_before"


class SegmentGates(Gates):
    """What segments must reach in the backtest."""

    metrics: tuple[Literal["squared_error", "absolute_error"], ...] = ("squared_error",)
    min_stability: float = Field(
        0.80, gt=0, le=1, description="adjusted Rand index between one fit and the next"
    )
    min_share: float = Field(0.02, ge=0, lt=1, description="of the entities, in the least segment")


class SegmentPolicy(Policy):
    """The rules of a segmentation."""

    gates: SegmentGates = SegmentGates()


class Segment(UseCase):
    """A label per entity.

    Predictions carry ``segment``, and one column of labels per baseline, such as RFM quintiles.
    ``actual`` is what the entity then did over ``horizon_days``. An entity is expected to do what
    the others of its segment did on average, itself left out, so that many small segments gain
    nothing.
    """

    policy: SegmentPolicy
    rules = SegmentPolicy
    answer = "segment"
    metrics = ("squared_error", "absolute_error")
    headline = "squared_error"
    decisive = "squared_error"
    noun = "segments"

    @property
    def columns(self) -> dict[str, str]:
        """The label, and those of the baselines."""
        return dict.fromkeys((self.answer, *self.baselines), TEXT)

    def losses(self, rows: pl.DataFrame, metric: str, *, who: str) -> pl.Series:
        """The error of the mean of the others in the segment on that day; alone, of everybody."""

        def others(over: tuple[str, ...]) -> pl.Expr:
            actual = pl.col("actual")
            return (actual.sum().over(over) - actual) / (pl.len().over(over) - 1)

        is_alone = pl.len().over("as_of", who) == 1
        everybody = pl.when(pl.len().over("as_of") > 1).then(others(("as_of",))).otherwise(0.0)
        expected = pl.when(is_alone).then(everybody).otherwise(others(("as_of", who)))
        error = rows.select(loss=expected - pl.col("actual"))["loss"]
        return error**2 if metric == "squared_error" else error.abs()

    def judge(
        self, model: Any, examples: pl.DataFrame, *, before: Any | None = None
    ) -> pl.DataFrame:
        """Also what the fit before would have called each entity, to see how stable labels are."""
        said = super().judge(model, examples)
        if before is None:
            return said.with_columns(pl.lit(None, pl.String).alias(_REFIT))
        earlier = super().judge(before, examples)[self.answer]
        return said.with_columns(earlier.cast(pl.String).alias(_REFIT))

    def figures(self, rows: pl.DataFrame) -> dict[str, float]:
        """How many segments there are, and the share of the least; in a backtest, stability."""
        counts = rows[self.answer].value_counts()["count"]
        found = {
            "segments": float(len(counts)),
            "smallest_share": float(counts.min() or 0) / max(rows.height, 1),  # type: ignore[arg-type]
        }
        refit = rows.drop_nulls(_REFIT) if _REFIT in rows.columns else rows.clear()
        if refit.height:
            found["stability"] = rand_index(refit[self.answer], refit[_REFIT])
        return found

    def checks(self, rows: pl.DataFrame) -> list[Verdict]:
        """One fit calls most entities as the next does, and no segment is too small to act on."""
        gates, found = self.policy.gates, self.figures(rows)
        verdicts = [
            make_verdict(
                "smallest_share",
                f"the least of {found['segments']:.0f} segments holds"
                f" {found['smallest_share']:.1%}; {gates.min_share:.1%} is asked.",
                passed=found["smallest_share"] >= gates.min_share,
                figures={"smallest_share": found["smallest_share"]},
            )
        ]
        stable = found.get("stability")
        said = (
            "the backtest has one fit, and nothing to compare it with; let it refit at least once."
            if stable is None
            else f"one fit and the next agree with an adjusted Rand index of {stable:.2f};"
            f" {gates.min_stability:.2f} is asked."
        )
        figures = {} if stable is None else {"stability": stable}
        passed = stable is not None and stable >= gates.min_stability
        return [*verdicts, make_verdict("stability", said, passed=passed, figures=figures)]

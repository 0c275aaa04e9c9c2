"""Score: a probability or an expected value per entity, over the days from ``as_of`` on."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from ghala.contracts.errors import CheckFailed
from ghala.contracts.policy import Gates, Policy
from ghala.contracts.records import Verdict
from ghala.contracts.use_case import NUMBER, UseCase
from ghala.evaluation.metrics import auc, bias, calibration_error
from ghala.evaluation.verdicts import level_verdict, make_verdict


class ScoreGates(Gates):
    """What a score must reach in the backtest."""

    metrics: tuple[Literal["squared_error", "absolute_error", "log_loss"], ...] = ("squared_error",)
    max_abs_bias: float = Field(0.20, gt=0, description="of the sum of scores")
    max_calibration_error: float = Field(
        0.50, gt=0, description="root mean square over deciles of the score, over the mean outcome"
    )
    min_auc: float = Field(0.55, ge=0.5, lt=1, description="of ranking those with an outcome first")


class ScorePolicy(Policy):
    """The rules of a score."""

    gates: ScoreGates = ScoreGates()


class Score(UseCase):
    """A probability or an expected value per entity, over ``horizon_days`` from ``as_of`` on.

    Predictions carry ``mean``, and one column per baseline in the same unit. ``actual`` is 0 or 1
    for a probability, else the value that came. A probability's squared error is its Brier score.
    """

    policy: ScorePolicy
    rules = ScorePolicy
    answer = "mean"
    metrics = ("squared_error", "absolute_error", "log_loss")
    headline = "squared_error"
    decisive = "squared_error"
    noun = "scores"

    @property
    def columns(self) -> dict[str, str]:
        """The score, and those of the baselines."""
        return dict.fromkeys((self.answer, *self.baselines), NUMBER)

    def losses(self, rows: pl.DataFrame, metric: str, *, who: str) -> pl.Series:
        """The squared or absolute error, or minus the logarithm of what was given to the truth.

        Raises:
            CheckFailed: the logarithm was asked of something else than probabilities.
        """
        error = rows[who] - rows["actual"]
        if metric != "log_loss":
            return error**2 if metric == "squared_error" else error.abs()
        if not (rows["actual"].is_in([0.0, 1.0]).all() and rows[who].is_between(0, 1).all()):
            raise CheckFailed(
                f"{self.name}: log_loss is for probabilities; {who} or an outcome is none.",
                "Give gates.metrics squared_error in the policy, or predict a probability.",
            )
        return -(1 - error.abs()).clip(lower_bound=1e-12).log()

    def figures(self, rows: pl.DataFrame) -> dict[str, float]:
        """The relative bias, the calibration error over deciles, and the quality of the ranking."""
        actual, said = (rows[name].to_numpy().astype(np.float64) for name in ("actual", "mean"))
        return {
            "bias": bias(actual, said),
            "calibration_error": calibration_error(actual, said),
            "auc": auc(actual, said),
        }

    def checks(self, rows: pl.DataFrame) -> list[Verdict]:
        """Scores are right in sum and in each decile, and rank better than chance."""
        gates, found = self.policy.gates, self.figures(rows)
        limit = gates.max_calibration_error
        return [
            level_verdict(found["bias"], limit=gates.max_abs_bias),
            make_verdict(
                "calibration",
                f"scores are off by {found['calibration_error']:.1%} of the mean outcome over"
                f" deciles, beyond what chance explains; up to {limit:.1%} is allowed.",
                passed=found["calibration_error"] <= limit,
                figures={"calibration_error": found["calibration_error"]},
            ),
            make_verdict(
                "auc",
                f"of two, the one with an outcome has the higher score in {found['auc']:.1%} of"
                f" cases; {gates.min_auc:.1%} is asked, 50 % is chance.",
                passed=found["auc"] >= gates.min_auc,
                figures={"auc": found["auc"]},
            ),
        ]

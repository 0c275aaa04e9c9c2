"""Forecast: a quantity over future weeks."""

from typing import ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ghala.contracts.errors import ConfigurationError
from ghala.contracts.policy import Gates, Policy
from ghala.contracts.records import Verdict
from ghala.contracts.use_case import NUMBER, WHOLE, UseCase
from ghala.evaluation.metrics import bias, calibration_error, coverage, pinball
from ghala.evaluation.verdicts import level_verdict, make_verdict


class ForecastGates(Gates):
    """What a forecast must reach in the backtest, per grain."""

    metrics: tuple[Literal["wape", "pinball"], ...] = ("wape", "pinball")
    max_abs_bias: float = Field(0.05, gt=0)
    coverage: tuple[float, float] = (0.75, 0.85)
    max_calibration_error: float = Field(
        0.25, gt=0, description="mean gap between said and true, over tenths of what was said"
    )

    @model_validator(mode="after")
    def _band_is_one(self) -> Self:
        if not 0 <= self.coverage[0] < self.coverage[1] <= 1:
            raise ValueError("coverage is [low, high] with 0 <= low < high <= 1")
        return self


class ForecastPolicy(Policy):
    """The rules of a forecast."""

    gates: ForecastGates = ForecastGates()


class Forecast(UseCase):
    """A quantity over future weeks.

    A forecast may be made at several grains at once; ``grain`` names one and ``series`` the member.
    Predictions carry ``mean, p10, p50, p90`` in the outcome's unit, the baselines ``naive`` (last
    week), ``recent_mean`` (last four weeks) and ``smart_mean`` (the strong simple rule, with its
    own ``smart_mean_p10, smart_mean_p50, smart_mean_p90``).
    """

    policy: ForecastPolicy
    entity = ("grain", "series")
    target = ("target_week",)
    horizon_days = 7
    baselines = ("smart_mean", "recent_mean", "naive")
    quantile_baselines: ClassVar[tuple[str, ...]] = ("smart_mean",)
    quantiles: ClassVar[dict[str, float]] = {"p10": 0.1, "p50": 0.5, "p90": 0.9}

    rules = ForecastPolicy
    answer = "mean"
    group = "grain"
    metrics = ("wape", "pinball")
    headline = "wape"
    decisive = "pinball"
    noun = "forecasts"

    @property
    def columns(self) -> dict[str, str]:
        """The horizon in weeks, means, quantiles and the dispersion around the mean."""
        rivals = [f"{name}_{level}" for name in self.quantile_baselines for level in self.quantiles]
        numbers = ("mean", *self.quantiles, "dispersion", *self.baselines, *rivals)
        return {"horizon": WHOLE, **dict.fromkeys(numbers, NUMBER)}

    @property
    def baseline(self) -> str:
        """The baseline to beat.

        Raises:
            ConfigurationError: it is to be beaten in pinball loss and has no quantiles.
        """
        name, gates = super().baseline, self.policy.gates
        if "pinball" in gates.metrics and name in set(self.baselines) - {*self.quantile_baselines}:
            raise ConfigurationError(
                f"{self.name}: gates.metrics: {name} has no quantiles for the pinball loss.",
                f"Compare by wape only, or with {', '.join(self.quantile_baselines)}.",
            )
        return name

    def losses(self, rows: pl.DataFrame, metric: str, *, who: str) -> pl.Series:
        """The absolute error over the mean of what happened, or the mean pinball loss."""
        actual = rows["actual"].to_numpy()
        if metric == "wape":
            return (rows[who] - rows["actual"]).abs() / max(float(actual.mean()), 1e-9)
        prefix = "" if who == self.answer else f"{who}_"
        parts = [
            pinball(actual, rows[prefix + name].to_numpy(), level)
            for name, level in self.quantiles.items()
        ]
        return pl.Series("loss", np.mean(parts, axis=0))

    def figures(self, rows: pl.DataFrame) -> dict[str, float]:
        """The relative bias, and the share of outcomes inside the 80 % interval."""
        return {
            "bias": bias(rows["actual"].to_numpy(), rows["mean"].to_numpy()),
            "coverage": coverage(rows),
        }

    def checks(self, rows: pl.DataFrame) -> list[Verdict]:
        """The bias is small, also of small and of large ones, and the interval is about right."""
        gates, found = self.policy.gates, self.figures(rows)
        gap = calibration_error(rows["actual"].to_numpy(), rows["mean"].to_numpy())
        low, high = gates.coverage
        return [
            level_verdict(found["bias"], limit=gates.max_abs_bias),
            make_verdict(
                "coverage",
                f"the 80 % interval covers {found['coverage']:.1%}; {low:.0%} to {high:.0%} is"
                " allowed.",
                passed=low <= found["coverage"] <= high,
                figures={"coverage": found["coverage"]},
            ),
            make_verdict(
                "calibration",
                f"over tenths from small to large, said and true lie {gap:.1%} apart; up to"
                f" {gates.max_calibration_error:.1%} is allowed.",
                passed=gap <= gates.max_calibration_error,
                figures={"gap": gap},
            ),
        ]

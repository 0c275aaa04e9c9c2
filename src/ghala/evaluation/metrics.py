"""Accuracy of forecasts of counts."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala.evaluation.intervals import cdf, covered

Floats = NDArray[np.float64]


def wape(actual: Floats, forecast: Floats) -> float:
    """Weighted absolute percentage error: sum of absolute errors over sum of actuals."""
    return float(np.abs(forecast - actual).sum() / max(actual.sum(), 1e-9))


def bias(actual: Floats, forecast: Floats) -> float:
    """Relative bias: (sum of forecasts - sum of actuals) / sum of actuals."""
    return float((forecast.sum() - actual.sum()) / max(actual.sum(), 1e-9))


def pinball(actual: Floats, quantile: Floats, level: float) -> Floats:
    """Pinball loss of each quantile forecast (Koenker & Bassett 1978), in the outcome's unit."""
    gap = actual - quantile
    return np.maximum(level * gap, (level - 1) * gap)


def rmsse(actual: Floats, forecast: Floats, scale: Floats) -> float:
    """Root mean squared error, each row scaled by its series' one-step naive error."""
    return float(np.sqrt(np.mean(((forecast - actual) / np.maximum(scale, 1e-9)) ** 2)))


def pit(actual: Floats, mean: Floats, dispersion: Floats, *, seed: int) -> Floats:
    """Randomised probability integral transform under a negative binomial.

    Uniform on (0, 1) when the distribution is right (Czado, Gneiting & Held 2009). ``dispersion``
    is ``d`` in ``variance = mean + d * mean**2``.
    """
    upper, lower = cdf(actual, mean, dispersion), cdf(actual - 1, mean, dispersion)
    return lower + np.random.default_rng(seed).random(len(actual)) * (upper - lower)


def coverage(frame: pl.DataFrame) -> float:
    """Share of actuals inside the central 80 % interval, by randomised PIT.

    ``frame`` has ``actual, mean, dispersion``. A closed interval of a count covers too much by
    construction; the randomised transform does not.
    """
    columns = (frame[name].to_numpy() for name in ("actual", "mean", "dispersion"))
    return float(covered(*columns).mean())


def accuracy(frame: pl.DataFrame, forecast: str = "mean") -> dict[str, float]:
    """WAPE and bias of one column of predictions that have their ``actual``."""
    actual, values = frame["actual"].to_numpy(), frame[forecast].to_numpy()
    return {"wape": wape(actual, values), "bias": bias(actual, values)}


def relative_difference(one: pl.DataFrame, other: pl.DataFrame) -> float:
    """The largest difference of two frames' numbers, relative to the larger of them or to 1.

    Infinite when the rows, the columns or anything that is no number differ.
    """
    if one.shape != other.shape or one.columns != other.columns:
        return float("inf")
    worst = 0.0
    for name in one.columns:
        if not (one[name].dtype.is_numeric() and other[name].dtype.is_numeric()):
            if not one[name].equals(other[name], null_equal=True):
                return float("inf")
            continue
        left, right = (frame[name].cast(pl.Float64).to_numpy() for frame in (one, other))
        same = (left == right) | (np.isnan(left) & np.isnan(right))
        scale = np.maximum(np.maximum(np.abs(left), np.abs(right)), 1.0)
        gaps = np.where(same, 0.0, np.abs(left - right) / scale)
        worst = max(worst, float(np.nan_to_num(gaps, nan=np.inf).max(initial=0.0)))
    return worst

"""Accuracy of forecasts of counts."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

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


def auc(actual: Floats, score: Floats) -> float:
    """Area under the ROC curve of ranking rows with an outcome above zero before the others.

    By ranks, ties shared (Hanley & McNeil 1982). 0.5 is chance, also where all rows are alike.
    """
    happened = actual > 0
    positives, negatives = int(happened.sum()), int((~happened).sum())
    if not positives or not negatives:
        return 0.5
    ranks = rankdata(score)
    above = ranks[happened].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def calibration_error(actual: Floats, score: Floats, bins: int = 10) -> float:
    """Root mean squared gap between score and outcome over bins of the score, by the mean outcome.

    What chance alone would make of the gap is taken off (Kumar, Liang & Ma 2019).
    """
    order = np.argsort(score, kind="stable")
    squared = 0.0
    for rows in np.array_split(order, min(bins, max(len(order) // 2, 1))):
        gap = actual[rows] - score[rows]
        chance = gap.var(ddof=1) / len(rows) if len(rows) > 1 else 0.0
        squared += len(rows) / len(order) * (gap.mean() ** 2 - chance)
    return float(np.sqrt(max(squared, 0.0)) / max(actual.mean(), 1e-9))


def rand_index(one: pl.Series, other: pl.Series) -> float:
    """Adjusted Rand index of two labellings: 1 the same, 0 as alike as chance (Hubert & Arabie)."""
    both = pl.DataFrame({"one": one, "other": other})
    cells, rows, columns = (
        both.group_by(keys).len()["len"].to_numpy().astype(np.float64)
        for keys in (["one", "other"], ["one"], ["other"])
    )
    pairs, by_row, by_column = ((n * (n - 1) / 2).sum() for n in (cells, rows, columns))
    expected = by_row * by_column / max(both.height * (both.height - 1) / 2, 1.0)
    spread = (by_row + by_column) / 2 - expected
    return float((pairs - expected) / spread) if spread else 1.0

"""Intervals for counts: a negative binomial around a mean, with dispersion fitted by mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

CENTRAL = (0.1, 0.9)
_GRID = np.geomspace(0.01, 4.0, 16)
_FINE = np.geomspace(1e-4, 0.01, 8)
"""For totals of many, of which even the least of the grid would cover too much."""
_BUCKETS = 10
_SAMPLE = 2_000
_LEAST_MEAN = 1e-3


@dataclass(frozen=True)
class Dispersion:
    """The dispersion ``d`` at centres of the mean, where ``variance = mean + d * mean**2``."""

    centres: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, mean: Floats) -> Floats:
        """The dispersion for each mean, interpolated in its logarithm."""
        logs = np.log(np.maximum(mean, _LEAST_MEAN))
        return np.asarray(np.interp(logs, np.log(self.centres), self.values), dtype=np.float64)


def cdf(counts: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """The probability of at most so many, row by row."""
    size, chance = _shape(mean, dispersion)
    return np.asarray(stats.nbinom.cdf(counts, size, chance), dtype=np.float64)


def quantile(level: float, mean: Floats, dispersion: Floats) -> Floats:
    """The smallest count that is not exceeded with probability ``level``, row by row."""
    size, chance = _shape(mean, dispersion)
    return np.asarray(stats.nbinom.ppf(level, size, chance), dtype=np.float64)


def quantiles(level: float, mean: Floats, dispersion: Dispersion) -> Floats:
    """The quantile for each mean under a fitted dispersion, to a thousandth of the mean.

    The quantile depends on the mean alone, so that each distinct mean is solved once.
    """
    logs = np.round(np.log(np.maximum(mean, _LEAST_MEAN)), 3)
    distinct, place = np.unique(logs, return_inverse=True)
    means = np.exp(distinct)
    return np.asarray(quantile(level, means, dispersion.at(means))[place])


def covered(counts: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """The probability, row by row, that the randomised PIT lies in the central 80 %.

    The expectation over the randomisation needs no random draw (Czado, Gneiting & Held 2009).
    """
    low, high = cdf(counts - 1.0, mean, dispersion), cdf(counts, mean, dispersion)
    inside = np.minimum(high, CENTRAL[1]) - np.maximum(low, CENTRAL[0])
    return np.asarray(np.clip(inside, 0.0, None) / np.maximum(high - low, 1e-12))


def fit_dispersion(counts: Floats, mean: Floats, *, seed: int) -> Dispersion:
    """Fit the dispersion per bucket of the mean, so that 80 % intervals cover 80 % of ``counts``.

    Args:
        counts: what happened, out of sample.
        mean: what had been forecast.
        seed: of the rows drawn from large buckets.

    Raises:
        ValueError: there are no rows.
    """
    if not len(counts):
        raise ValueError("no out-of-sample rows to fit the dispersion on")
    edges = np.unique(np.quantile(mean, np.linspace(0, 1, _BUCKETS + 1)[1:-1]))
    bucket = np.searchsorted(edges, mean)
    random = np.random.default_rng(seed)
    centres, values = [], []
    for number in np.unique(bucket):
        rows = random.permutation(np.flatnonzero(bucket == number))[:_SAMPLE]
        centres.append(max(float(mean[rows].mean()), _LEAST_MEAN))
        values.append(_solve(counts[rows], mean[rows]))
    return Dispersion(tuple(centres), tuple(values))


def _solve(counts: Floats, mean: Floats) -> float:
    wanted = CENTRAL[1] - CENTRAL[0]
    grid, shares = _GRID, _shares(counts, mean, _GRID)
    if shares[0] > wanted:
        grid, shares = _FINE, _shares(counts, mean, _FINE)
    rising = np.maximum.accumulate(shares)
    return float(np.exp(np.interp(wanted, rising, np.log(grid))))


def _shares(counts: Floats, mean: Floats, grid: Floats) -> Floats:
    """How much of what happened the central 80 % holds, by dispersion."""
    return np.array([covered(counts, mean, np.full(len(counts), d)).mean() for d in grid])


def _shape(mean: Floats, dispersion: Floats) -> tuple[Floats, Floats]:
    size = 1.0 / np.maximum(dispersion, 1e-6)
    return size, size / (size + np.maximum(mean, _LEAST_MEAN))

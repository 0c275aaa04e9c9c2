"""Intervals for differences between two models judged on the same series."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

RESAMPLES = 1000
_SETS = 20_000
"""Of more series sets are drawn, each of every so-manieth one: as good, and bounded in memory."""


@dataclass(frozen=True)
class Gain:
    """Relative improvement of a loss over a rival's, with its bootstrap interval.

    ``estimate`` 0.1 means the loss is 10 % lower than the rival's. ``probability`` is that of a
    gain above minus the margin.
    """

    estimate: float
    low: float
    high: float
    probability: float


def relative_gain(
    losses: pl.DataFrame, *, confidence: float, seed: int, margin: float = 0.0
) -> Gain:
    """Paired bootstrap over series of ``(sum(rival) - sum(loss)) / abs(sum(rival))``.

    A loss may be below zero, as a cost is that earns money: less is better there too.

    Args:
        losses: columns ``series``, ``loss`` and ``rival``, one row per prediction. Series are what
            is resampled: errors of one series are not independent.
        confidence: of the two-sided interval.
        seed: of the resampling; same rows and seed, same interval.
        margin: how much worse than the rival is still as good, as a share of its loss.
    """
    # Summed by numpy: polars adds in an order that changes between calls, in the last digits.
    series = (losses["series"].rank("dense").to_numpy() - 1) % _SETS
    totals = [np.bincount(series, losses[name]) for name in ("loss", "rival")]
    sums = np.column_stack(totals).astype(np.float64)
    draws = _resample(sums, seed)
    gains = _gain(draws[:, 0], draws[:, 1])
    tail = (1 - confidence) / 2
    total = sums.sum(axis=0)
    return Gain(
        estimate=float(_gain(total[0], total[1])),
        low=float(np.quantile(gains, tail)),
        high=float(np.quantile(gains, 1 - tail)),
        probability=float((gains > -margin).mean()),
    )


def _gain(loss: NDArray[np.float64], rival: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((rival - loss) / np.maximum(np.abs(rival), 1e-12))


def _resample(sums: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Poisson bootstrap: every series is drawn a Poisson(1) number of times, per resample."""
    random = np.random.default_rng(seed)
    blocks = []
    for _ in range(10):
        weights = random.poisson(1.0, size=(RESAMPLES // 10, len(sums))).astype(np.float64)
        blocks.append(weights @ sums)
    return np.concatenate(blocks)

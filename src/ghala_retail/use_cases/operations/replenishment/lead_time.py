"""What is wanted until the next order but one could be in: the distribution a reorder point needs.

Weeks are whole, as reviews are: an order of this Monday is on the shelf on a later Monday, and the
next review is a week away. How many weeks that takes spreads as the supplier's deliveries did.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

MOST_WEEKS = 12
"""No delivery is thought to take longer."""
_FORECAST = 4
"""Weeks that are forecast; the last one's mean goes on."""
_PROBABILITY = (0.05, 0.9999)


@dataclass(frozen=True)
class LeadTimeDemand:
    """Units by row: mean, and dispersion (variance above the mean, over its square)."""

    mean: Floats
    dispersion: Floats

    def at(self, service: Floats) -> Floats:
        """The quantile of a gamma with these moments, by the cube of a normal.

        Wilson & Hilferty (1931). A reorder point need not be whole; millions of rows are tuned on.
        """
        mean = np.maximum(self.mean, 1e-3)
        part = (1 / mean + self.dispersion) / 9
        cube = 1 - part + ndtri(np.clip(service, *_PROBABILITY)) * np.sqrt(part)
        return np.asarray(mean * np.maximum(cube, 0.0) ** 3)


def lead_chances(rows: pl.DataFrame) -> Floats:
    """By row, the chance that an order takes 1, 2, ... ``MOST_WEEKS`` whole weeks."""
    days, spread = rows["lead_days"].to_numpy(), 7 * rows["lead_spread"].to_numpy()
    ends = 7.0 * np.arange(1, MOST_WEEKS)
    by = ndtr((ends - days[:, None]) / np.maximum(spread, 1e-3)[:, None])
    edge = np.ones((len(days), 1))
    return np.diff(np.concatenate([0 * edge, by, edge], axis=1), axis=1)


def add_weeks(rows: pl.DataFrame) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the weeks to cover: the lead time and a review's week."""
    chances, weeks = lead_chances(rows), np.arange(1, MOST_WEEKS + 1)
    mean = chances @ weeks
    return mean + 1, np.sqrt(np.maximum(chances @ weeks**2 - mean**2, 0.0))


def protect(rows: pl.DataFrame) -> LeadTimeDemand:
    """The moments of the sum of the forecast's joint paths over a random number of weeks.

    A path's weeks share the level and nothing else (``ghala.evaluation.paths``).
    """
    means = np.column_stack([rows[f"week_{n}"].to_numpy() for n in range(1, _FORECAST + 1)])
    weeks = np.concatenate([means, np.repeat(means[:, -1:], MOST_WEEKS + 1 - _FORECAST, 1)], 1)
    chances = lead_chances(rows)
    sums, squares = (np.cumsum(each, axis=1)[:, 1:] for each in (weeks, weeks**2))
    level, common = (np.expm1(rows[name].to_numpy()) for name in ("level", "common"))
    own = np.maximum((1 + rows["dispersed"].to_numpy()) / ((1 + level) * (1 + common)) - 1, 0.0)
    each = (own + common) * (1 + level)
    mean = (chances * sums).sum(axis=1)
    within = sums + each[:, None] * squares + level[:, None] * sums**2
    between = (chances * sums**2).sum(axis=1) - mean**2
    variance = (chances * within).sum(axis=1) + between
    spread = np.maximum(variance - mean, 1e-6) / np.maximum(mean, 1e-6) ** 2
    return LeadTimeDemand(mean, spread)

"""What is wanted until the next order but one could be in: the distribution a reorder point needs.

Weeks are whole, as reviews are: an order of this Monday is on the shelf on a later Monday, and the
next review is a week away. How many weeks that takes spreads as the supplier's deliveries did.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ghala.evaluation.paths import Shocks, draw_paths
from ghala_retail.use_cases.operations.replenishment.terms import FORECAST_WEEKS, ORDER

Floats = NDArray[np.float64]

MOST_WEEKS = 12
"""No delivery is thought to take longer."""
_SHOCKS = [f"shock_{part}" for part in ("everywhere", "location", "category", "level")]
_PATHS = 100
_AT_ONCE = 5_000
"""Rows whose paths are drawn at once: 16 MB."""
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

    def beyond(self, units: Floats) -> Floats:
        """The chance that more than so many units are wanted."""
        mean = np.maximum(self.mean, 1e-3)
        part = (1 / mean + self.dispersion) / 9
        return np.asarray(ndtr((1 - part - np.cbrt(units / mean)) / np.sqrt(part)))


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

    A path's weeks share the level and nothing else (``ghala.evaluation.paths``). Beyond the weeks
    that are forecast, the last one's mean goes on.
    """
    means = np.column_stack([rows[f"week_{n}"].to_numpy() for n in range(1, FORECAST_WEEKS + 1)])
    last = np.repeat(means[:, -1:], MOST_WEEKS + 1 - FORECAST_WEEKS, axis=1)
    weeks = np.concatenate([means, last], axis=1)
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


def look_ahead(rows: pl.DataFrame) -> pl.DataFrame:
    """Described rows with the moments of what is wanted until the next order could be in."""
    wanted = protect(rows)
    return rows.with_columns(lead_mean=wanted.mean, lead_dispersion=wanted.dispersion)


def draw_orders(rows: pl.DataFrame, *, seed: int) -> tuple[pl.Series, pl.Series]:
    """What is wanted of all SKUs of an order in the weeks that are forecast: p10 and p90, in units.

    Sums of the forecast's joint paths, since quantiles do not add up; null where no forecast was.
    """
    order = rows.select(pl.struct(ORDER).rank("dense") - 1).to_series()
    known = rows.with_columns(_order=order.cast(pl.Int64)).filter(pl.col("mean_1w").is_not_null())
    sums = np.zeros((int(order.max() or 0) + 1, _PATHS))  # type: ignore[arg-type]
    for one in known.partition_by(_SHOCKS):
        shocks = Shocks(*one.select(_SHOCKS).row(0))
        for part in one.iter_slices(_AT_ONCE):
            weeks = pl.concat(_week(part, n) for n in range(1, FORECAST_WEEKS + 1))
            paths = draw_paths(weeks, shocks, seed=seed, paths=_PATHS)
            np.add.at(sums, weeks["_order"].to_numpy(), paths)
    is_known = pl.Series(np.isin(order.to_numpy(), known["_order"].to_numpy()))
    low, high = np.quantile(sums, (0.1, 0.9), axis=1)[:, order.to_numpy()]
    said = pl.DataFrame({"known": is_known, "low": low, "high": high}).select(
        pl.when("known").then(name) for name in ("low", "high")
    )
    return said["low"], said["high"]


def _week(rows: pl.DataFrame, n: int) -> pl.DataFrame:
    """The forecast of one week ahead, as paths are drawn from it."""
    return rows.select(
        "_order", "series", "location_id", "category",
        target_week=f"target_week_{n}w", mean=f"mean_{n}w", dispersion=f"dispersion_{n}w",
    ).drop_nulls("mean")  # fmt: skip

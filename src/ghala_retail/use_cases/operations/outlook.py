"""What a depot's day brings: its recent weekdays times the calendar, with a log-normal spread.

Trucks and people are planned on the same days by the same rule. The logarithm of what comes over
what the same weekday brought lately is a ridge regression on the calendar, on where the depot is
heading and on what demand is forecast to do; the spread widens with the weeks ahead and narrows
with the size of the depot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

Floats = NDArray[np.float64]

PAYDAYS = ((0, 1), (2, 3), (4, 6), (7, 10), (11, 17))
"""Days since payday that have an effect of their own; later days are the usual ones."""
MONTHS = ((1, 3), (4, 7), (14, 17), (24, 27), (28, 31))
"""Days of the month that have an effect of their own."""

UNITS_AHEAD = tuple(
    f"demand_forecast.{name}_{week}w" for week in (1, 2, 3, 4) for name in ("target_week", "mean")
)
"""What demand's champion says of the depot's weekday, in units."""

_RIDGE = 4.0
_SIZE = 3.0
"""The logarithm of a middling base, so that the spread's size term is centred."""
_LEAST = 1e-3
_STEPS = 8
_OUTLIER = 3.0
_SPREADS = [(-4.0, 0.5), (-0.5, 0.5), (-0.7, 0.2)]
"""Bounds of the spread's coefficients: its level, a week ahead, the size."""


@dataclass(frozen=True)
class Outlook:
    """Coefficients of the centre's logarithm, and of the logarithm of the spread."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]

    def at(self, base: Floats, design: Floats, weeks: Floats) -> tuple[Floats, Floats]:
        """The centre and the spread (standard deviation of the logarithm) of each row."""
        base = np.maximum(base, _LEAST)
        centre = base * np.exp(design @ np.asarray(self.mean))
        return centre, np.exp(_sizes(base, weeks) @ np.asarray(self.spread))


def calendar_design(subjects: pl.DataFrame, trend: Floats) -> Floats:
    """One row per subject: constant, trend, demand's forecast over the usual, calendar."""
    since = subjects["days_since_payday"].fill_null(99).to_numpy()
    of_month = subjects["day_of_month"].to_numpy()
    to_event = subjects["days_to_event"].fill_null(99).to_numpy()
    columns = [
        np.ones(subjects.height),
        np.log(np.clip(trend, 0.5, 2.0)),
        np.log(np.clip(forecast_ratio(subjects), 0.33, 3.0)),
        *((since >= low) & (since <= high) for low, high in PAYDAYS),
        *((of_month >= low) & (of_month <= high) for low, high in MONTHS),
        *(subjects[name].to_numpy() for name in ("public_day", "religious_day", "school_day")),
        (to_event >= 1) & (to_event <= 4),
    ]
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])


def forecast_ratio(subjects: pl.DataFrame) -> Floats:
    """Units that demand forecasts for the day over those of recent same weekdays; 1 if unknown."""
    monday = pl.col("day").dt.truncate("1w")
    said = pl.coalesce(
        pl.when(pl.col(f"target_week_{week}w") == monday).then(pl.col(f"mean_{week}w"))
        for week in (1, 2, 3, 4)
    )
    ratio = said / pl.when(pl.col("same_units_28d") > 0).then(pl.col("same_units_28d"))
    known = subjects.select(ratio.cast(pl.Float64).fill_nan(None).fill_null(1.0))
    return known.to_series().to_numpy()


def weeks_ahead(subjects: pl.DataFrame) -> Floats:
    """Whole weeks from the day it is said to the day it is about."""
    return subjects["days_ahead"].to_numpy().astype(np.float64) // 7


def blend(subjects: pl.DataFrame, names: Sequence[str], weights: Sequence[float]) -> Floats:
    """The weighted mean of those columns that are known; zero where none is."""
    values = subjects.select(pl.col(name).cast(pl.Float64) for name in names).to_numpy()
    weight = np.where(np.isnan(values), 0.0, np.asarray(weights))
    total = weight.sum(axis=1)
    mean = (np.nan_to_num(values) * weight).sum(axis=1) / np.where(total > 0, total, 1.0)
    return np.asarray(mean)


def ratio_of(part: pl.Series, whole: pl.Series) -> Floats:
    """One column over another; 1 where either is unknown or nothing."""
    one, other = (
        column.cast(pl.Float64).fill_null(0.0).to_numpy() for column in (part, whole)
    )  # fmt: skip
    known = (one > 0) & (other > 0)
    return np.where(known, one / np.where(known, other, 1.0), 1.0)


def fit_amounts(base: Floats, design: Floats, weeks: Floats, *, actual: Floats) -> Outlook:
    """Fit to amounts, such as hours; the centre is their mean.

    Poisson pseudo-likelihood with a ridge, which keeps totals unbiased and takes zeros as they are
    (Santos Silva and Tenreyro 2006); the spread is that of a log-normal with the squared errors
    that are left.
    """
    base = np.maximum(base, _LEAST)
    penalty = _RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 0.0
    given = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        mean = base * np.exp(np.clip(design @ given, -2.0, 2.0))
        slope = design.T @ (actual - mean) - penalty @ given
        given = given + np.linalg.solve((design * mean[:, None]).T @ design + penalty, slope)
    mean = base * np.exp(np.clip(design @ given, -2.0, 2.0))
    return Outlook(tuple(given.tolist()), _fit_spread(actual / mean - 1, _sizes(base, weeks)))


def _fit_spread(left: Floats, sizes: Floats) -> tuple[float, ...]:
    """Coefficients of the spread's logarithm, of relative errors: gamma likelihood of squares."""
    squares = np.minimum(left**2, _OUTLIER**2)

    def loss(given: Floats) -> tuple[float, Floats]:
        spread = np.exp(np.clip(2 * sizes @ given, -10.0, 2.0))
        variance = np.expm1(spread)  # of a log-normal with mean 1
        slope = (1 / variance - squares / variance**2) * (variance + 1) * 2 * spread
        value = (squares / variance + np.log(variance)).mean()
        return float(value), sizes.T @ slope / len(left)

    start = np.array([np.log(0.3), 0.0, 0.0])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=_SPREADS).x
    return tuple(found.tolist())


def fit_counts(base: Floats, design: Floats, weeks: Floats, *, count: Floats) -> Outlook:
    """Fit to whole counts, of which each says only that the load was above the count below.

    The centre is the load's median.

    Maximum likelihood of an interval-censored normal of the logarithm (Tobin 1958), with ridge.
    """
    log_base, sizes = np.log(np.maximum(base, _LEAST)), _sizes(base, weeks)
    high = np.log(np.maximum(count, 0.02)) - log_base
    low = np.where(count > 1, np.log(np.maximum(count - 1, 0.02)) - log_base, -50.0)
    width = design.shape[1]

    def loss(given: Floats) -> tuple[float, Floats]:
        mean, spread = given[:width], np.exp(sizes @ given[width:])
        above, below = ((edge - design @ mean) / spread for edge in (high, low))
        chance = np.maximum(norm.cdf(above) - norm.cdf(below), 1e-12)
        at_high, at_low = norm.pdf(above), norm.pdf(below)
        slope = (at_high - at_low) / (chance * spread)
        wider = (at_high * above - at_low * np.maximum(below, -40.0)) / chance
        penalty = _RIDGE * (given[1:width] ** 2).sum()
        step = np.concatenate([design.T @ slope, sizes.T @ wider])
        step[1:width] += 2 * _RIDGE * given[1:width]
        return float(penalty - np.log(chance).sum()), step

    start = np.zeros(width + sizes.shape[1])
    start[width] = np.log(0.2)
    bounds = [(-2.0, 2.0)] * width + _SPREADS
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Outlook(tuple(found[:width].tolist()), tuple(found[width:].tolist()))


def _sizes(base: Floats, weeks: Floats) -> Floats:
    return np.column_stack([np.ones(len(base)), weeks, np.log(np.maximum(base, _LEAST)) - _SIZE])

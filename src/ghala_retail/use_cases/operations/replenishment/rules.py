"""When to order and up to what: the forecast's rule, and the two that it must beat."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from ghala_retail.use_cases.operations.replenishment.terms import WEEKS, Costs

Floats = NDArray[np.float64]

_MOST_WEEKS = 26.0
"""No lot lasts longer, however dear an order is."""
_PROBABILITY = (0.05, 0.9999)


@dataclass(frozen=True)
class Levels:
    """Of each row: order when the position is at or below ``point``, up to ``top``.

    When a SKU of the supplier and depot is due, those at or below ``join`` are ordered with it, so
    that they share the order's cost (can-order policy, Balintfy 1964).
    """

    point: Floats
    join: Floats
    top: Floats


@dataclass(frozen=True)
class Cycles:
    """Of each row, from its supplier's joint order for its depot.

    Attributes:
        weeks: how long an order should last: least cost under the least order.
        free: what it would be without the least order.
        least: how long the supplier's least order lasts.
        excess: what the least order costs the supplier and depot a year, in KES: its shadow price.
        wanted: the least order, in units, at which it would cost nothing.
    """

    weeks: Floats
    free: Floats
    least: Floats
    excess: Floats
    wanted: Floats


def join_orders(rows: pl.DataFrame, costs: Costs) -> Cycles:
    """The cycle of each supplier and depot: one order for all its SKUs (Silver, Pyke & Thomas, 10).

    Cost a week of a cycle of T weeks is ``(K + k n)/T + T/2 sum h d``; T is no shorter than the
    least order lasts, and as long as a price break asks for where that saves more than it holds.
    """
    group = ["as_of", "supplier_id", "location_id"]
    sums = rows.select(
        units=pl.col("pace").sum().over(group),
        held=(pl.col("holding") * pl.col("pace")).sum().over(group),
        spent=(pl.col("unit_cost") * pl.col("pace")).sum().over(group),
        lines=(pl.col("pace") > 0).sum().over(group),
    )
    units, held, spent, lines = (column.to_numpy().astype(float) for column in sums)
    fixed = costs.order + costs.line * lines
    with np.errstate(divide="ignore", invalid="ignore"):
        free = np.clip(np.sqrt(2 * fixed / held), 1.0, _MOST_WEEKS)
        least = rows["moq_units"].to_numpy() / units
        broken = rows["break_units"].to_numpy() / units
    free = np.where(units > 0, free, 1.0)
    reached = np.maximum(free, np.minimum(np.where(units > 0, least, 1.0), WEEKS))
    saved = rows["break_discount"].to_numpy() * spent
    pays = (broken > reached) & (broken <= _MOST_WEEKS)
    longer = np.where(pays, broken, reached)
    pays &= _weekly(longer, fixed, held) - saved < _weekly(reached, fixed, held)
    excess = _weekly(reached, fixed, held) - _weekly(free, fixed, held)
    return Cycles(
        weeks=np.where(pays, longer, reached), free=free, least=least, excess=excess * WEEKS,
        wanted=np.floor(units * free),
    )  # fmt: skip


def _weekly(weeks: Floats, fixed: Floats, held: Floats) -> Floats:
    """What a cycle of so many weeks costs a week."""
    return np.asarray(fixed / weeks + weeks / 2 * held)


def protect(rows: pl.DataFrame) -> tuple[Floats, Floats]:
    """Mean and dispersion of what is wanted until the next order but one could be in.

    The moments of the sum of the forecast's joint paths: weeks share the level and nothing else,
    and the lead time spreads too. Beyond four weeks the last one's mean goes on.
    """
    weeks = np.column_stack([rows[f"week_{n}"].to_numpy() for n in (1, 2, 3, 4)])
    span = rows["lead_days"].to_numpy() / 7 + 1
    parts = np.clip(span[:, None] - np.arange(4), 0, 1)
    parts[:, 3] += np.maximum(span - 4, 0)
    mean = (weeks * parts).sum(axis=1)
    level, common = (np.expm1(rows[name].to_numpy()) for name in ("level", "common"))
    spread = rows["dispersed"].to_numpy()
    own = np.maximum((1 + spread) / ((1 + level) * (1 + common)) - 1, 0.0)
    each = (own + common) * (1 + level)
    variance = mean + (each[:, None] * weeks**2 * parts).sum(axis=1) + level * mean**2
    variance += (rows["pace"] * rows["lead_spread"]).to_numpy() ** 2
    return mean, np.maximum(variance - mean, 1e-6) / np.maximum(mean, 1e-6) ** 2


def forecast_levels(
    rows: pl.DataFrame, cycles: Cycles, *, service: Floats, shared: tuple[float, float]
) -> Levels:
    """The reorder point is a quantile of the lead-time demand; the lot lasts the joint cycle.

    ``shared`` are the length of the cycle as a multiple of the joint one, and the share of the lot
    above the reorder point at which a SKU joins an order.
    """
    mean, dispersion = protect(rows)
    point = np.where(mean > 1e-3, _quantile(service, mean, dispersion), 0.0)
    lot = rows["pace"].to_numpy() * cycles.weeks * shared[0]
    return _capped(rows, point, lot, join=shared[1])


def textbook_levels(rows: pl.DataFrame, costs: Costs, *, z: Floats, lots: float) -> Levels:
    """Normal safety stock over the lead time, and Wilson's lot (EOQ) per SKU, as in textbooks."""
    pace, spread = rows["sold_pace"].to_numpy(), rows["sold_spread"].to_numpy()
    span = rows["lead_days"].to_numpy() / 7 + 1
    sigma = np.sqrt(span * spread**2 + (pace * rows["lead_spread"].to_numpy()) ** 2)
    lot = np.sqrt(2 * (costs.order * lots + costs.line) * pace / rows["holding"].to_numpy())
    return _capped(rows, pace * span + z * sigma, lot)


def cover_levels(rows: pl.DataFrame, *, weeks: Floats) -> Levels:
    """Fill up to so many weeks of what was sold, at every review, beyond the lead time."""
    pace = rows["sold_pace"].to_numpy()
    top = pace * (rows["lead_days"].to_numpy() / 7 + weeks)
    return _capped(rows, top - 1e-9, np.zeros(len(top)))


def _quantile(service: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """The quantile of a gamma with the moments of the negative binomial, by the cube of a normal.

    Wilson & Hilferty (1931). A reorder point need not be whole; millions of rows are tuned over.
    """
    mean = np.maximum(mean, 1e-3)
    part = (1 / mean + dispersion) / 9
    cube = 1 - part + ndtri(np.clip(service, *_PROBABILITY)) * np.sqrt(part)
    return np.asarray(mean * np.maximum(cube, 0.0) ** 3)


def _capped(rows: pl.DataFrame, point: Floats, lot: Floats, *, join: float = 0.0) -> Levels:
    """Nothing is ordered that would pass its shelf life; what does not sell is not ordered."""
    pace = np.maximum(rows["pace"].to_numpy(), rows["sold_pace"].to_numpy())
    most = pace * rows["shelf_weeks"].to_numpy()
    point = np.where(pace > 0, np.minimum(point, most), -1.0)
    top = np.where(pace > 0, np.minimum(point + lot, most), 0.0)
    return Levels(point, point + join * (top - point), top)

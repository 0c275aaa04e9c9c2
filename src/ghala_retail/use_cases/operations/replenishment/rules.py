"""When to order and up to what: the forecast's rule, and the two that it must beat."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.use_cases.operations.replenishment.lead_time import LeadTimeDemand, add_weeks
from ghala_retail.use_cases.operations.replenishment.terms import ORDER, WEEKS, Costs

Floats = NDArray[np.float64]

_MOST_WEEKS = 26.0
"""No lot lasts longer, however dear an order is."""
_ROUNDS = 4
"""Of the search for a joint cycle."""


@dataclass(frozen=True)
class Levels:
    """Of each row: order when the position is at or below ``point``, up to ``top``.

    An order of a supplier and depot is also due when all its SKUs together are expected to lose
    ``waits`` KES in a week of waiting; 0 is never. When it is due, SKUs at or below ``join`` are
    ordered with it, so that they share its cost (can-order policy, Balintfy 1964). An order of at
    least half of ``least`` units is filled up to it; the supplier's own least order always is.
    """

    point: Floats
    join: Floats
    top: Floats
    least: Floats
    waits: Floats


@dataclass(frozen=True)
class Cycles:
    """Of each row, from its supplier's joint order for its depot.

    Attributes:
        weeks: how long an order should last: least cost under the least order.
        free: what it would be without the least order.
        room: units that are sold within a year and before they are too old.
        sought: units from which a price break is worth to be sought; 0 where it is not.
        rate: what ordering costs a week, in KES: an order with all its lines, over its weeks.
        excess: what the least order costs the supplier and depot a year, in KES: its shadow price.
        wanted: the least order, in units, at which it would cost nothing.
    """

    weeks: Floats
    free: Floats
    room: Floats
    sought: Floats
    rate: Floats
    excess: Floats
    wanted: Floats


def join_orders(rows: pl.DataFrame, costs: Costs) -> Cycles:
    """The cycle of each supplier and depot: one order for its SKUs (Silver, Pyke & Thomas, ch. 10).

    A cycle is no shorter than the least order lasts, and as long as a price break asks for where
    that saves more than it holds.
    """
    order = _Order(rows, costs)
    with np.errstate(divide="ignore", invalid="ignore"):
        least = order.moq / order.units
        broken = rows["break_units"].to_numpy() / order.units
    free = order.best_cycle()
    reached = np.maximum(free, np.minimum(np.where(order.units > 0, least, 1.0), WEEKS))
    saved = rows["break_discount"].to_numpy() * order.spent
    keeps = rows["break_units"].to_numpy() <= order.room(_MOST_WEEKS)
    longer = np.where(broken > reached, broken, reached)
    pays = keeps & (saved > 0)
    pays &= order.weekly(np.where(pays, longer, reached)) - saved < order.weekly(reached)
    weeks = np.where(pays, longer, reached)
    return Cycles(
        weeks=weeks, free=free, rate=order.fixed / weeks, room=order.room(WEEKS),
        sought=np.where(pays, rows["break_units"].to_numpy(), 0.0),
        excess=(order.weekly(reached) - order.weekly(free)) * WEEKS,
        wanted=np.floor(order.units * free),
    )  # fmt: skip


@dataclass(frozen=True)
class Shared:
    """What all classes of SKUs share, as they are tuned.

    Attributes:
        longer: the length of a cycle, as a multiple of the joint one.
        join: share of the lot, above the quantile it is put on, at which a SKU joins an order.
        waits: what waiting a week must lose, as a multiple of what ordering costs a week.
    """

    longer: float
    join: float
    waits: float


class _Order:
    """What the SKUs of one supplier for one depot sell, hold and cost together, row by row."""

    def __init__(self, rows: pl.DataFrame, costs: Costs) -> None:
        self.costs = costs
        of = rows.select(pl.struct(ORDER).rank("dense") - 1).to_series().to_numpy()
        self.of = of.astype(np.int64)
        self.pace = rows["pace"].to_numpy()
        self.held = rows["holding"].to_numpy() * self.pace
        self.moq = rows["moq_units"].to_numpy()
        self.kept = rows["kept_weeks"].to_numpy()
        self.units = self.sum(self.pace)
        self.fixed = costs.order + costs.line * self.sum((self.pace > 0).astype(float))
        self.spent = self.sum(rows["unit_cost"].to_numpy() * self.pace)

    @cached_property
    def own(self) -> Floats:
        """Weeks that a SKU's lot would last if an order cost nothing but its line."""
        return own_weeks(self.held, self.costs)

    def room(self, weeks: float) -> Floats:
        """Units that are sold within so many weeks and before they are too old."""
        return self.sum(self.pace * np.minimum(self.kept, weeks))

    def sum(self, values: Floats) -> Floats:
        """Over the order, for each of its rows."""
        return np.asarray(np.bincount(self.of, values)[self.of])

    def best_cycle(self) -> Floats:
        """Weeks between orders; a slow SKU joins only every so many of them."""
        weeks = np.ones(len(self.of))
        sells = self.held > 0
        for _ in range(_ROUNDS):
            skips = np.maximum(self.own / weeks, 1.0)
            lines = self.sum(np.where(sells, self.costs.line / skips, 0.0))
            held = np.maximum(self.sum(self.held * skips), 1e-9)
            weeks = np.clip(np.sqrt(2 * (self.costs.order + lines) / held), 1.0, _MOST_WEEKS)
        return np.where(self.units > 0, weeks, 1.0)

    def weekly(self, weeks: Floats) -> Floats:
        """What a cycle of so many weeks costs a week, in KES: orders, lines and holding."""
        lasts = np.maximum(weeks, np.minimum(self.own, _MOST_WEEKS))
        lines = np.where(self.held > 0, self.costs.line / lasts, 0.0)
        return self.costs.order / weeks + self.sum(lines + self.held * lasts / 2)


def own_weeks(held: Floats, costs: Costs) -> Floats:
    """Weeks that a lot lasts which bears the cost of its line only (Wilson), given KES a week."""
    return np.sqrt(2 * costs.line / np.maximum(held, 1e-9))


def forecast_levels(
    rows: pl.DataFrame, cycles: Cycles, wanted: LeadTimeDemand, *, odds: Floats,
    shared: Shared, costs: Costs,
) -> Levels:  # fmt: skip
    """An order is due when waiting a week loses more than it saves; its lots last the joint cycle.

    A lot is put on top of a quantile of the lead-time demand. The chance to be sold out in a cycle
    is where a lot's holding and a lost sale balance, ``h T / (h T + missed)`` with lost sales
    (Silver, Pyke & Thomas, ch. 7), times ``odds``. The reorder point is where a SKU makes the order
    due by itself.
    """
    weeks = lot_weeks(rows, cycles, costs, longer=shared.longer)
    base = np.where(wanted.mean > 1e-3, wanted.at(chance_to_last(rows, weeks, odds)), 0.0)
    pace = rows["pace"].to_numpy()
    waits = shared.waits * cycles.rate
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = 1 - waits / (pace * rows["missed"].to_numpy())
    point = np.where(alone > 0, wanted.at(np.nan_to_num(alone)), -1.0)
    found = _capped(rows, base, pace * weeks, join=shared.join)
    return replace(found, point=np.minimum(point, found.top), least=cycles.sought, waits=waits)


def lot_weeks(rows: pl.DataFrame, cycles: Cycles, costs: Costs, *, longer: float) -> Floats:
    """Weeks that a lot lasts: the joint cycle's, or more where its line is dear beside holding."""
    held = (rows["holding"] * rows["pace"]).to_numpy()
    joint = np.clip(cycles.weeks * longer, 1.0, _MOST_WEEKS)
    return np.maximum(joint, np.minimum(own_weeks(held, costs), _MOST_WEEKS))


def chance_to_last(rows: pl.DataFrame, weeks: Floats, odds: Floats) -> Floats:
    """The chance that a SKU lasts through a cycle of so many weeks."""
    held = odds * rows["holding"].to_numpy() * weeks
    return np.asarray(1 - held / (held + np.maximum(rows["missed"].to_numpy(), 1e-9)))


def textbook_levels(rows: pl.DataFrame, costs: Costs, *, z: Floats, lots: float) -> Levels:
    """Normal safety stock over the lead time, and Wilson's lot (EOQ) per SKU, as in textbooks."""
    pace, spread = rows["sold_pace"].to_numpy(), rows["sold_spread"].to_numpy()
    span, late = add_weeks(rows)
    sigma = np.sqrt(span * spread**2 + (pace * late) ** 2)
    holding = np.maximum(rows["holding"].to_numpy(), 1e-9)
    lot = np.sqrt(2 * (costs.order * lots + costs.line) * pace / holding)
    return _capped(rows, pace * span + z * sigma, lot)


def cover_levels(rows: pl.DataFrame, *, weeks: Floats) -> Levels:
    """Fill up to so many weeks of what was sold, at every review, beyond the lead time."""
    pace = rows["sold_pace"].to_numpy()
    top = pace * (rows["lead_days"].to_numpy() / 7 + weeks)
    return _capped(rows, top - 1e-9, np.zeros(len(top)))


def _capped(rows: pl.DataFrame, point: Floats, lot: Floats, *, join: float = 0.0) -> Levels:
    """Nothing is ordered that would pass its shelf life; what does not sell is not ordered."""
    pace = np.maximum(rows["pace"].to_numpy(), rows["sold_pace"].to_numpy())
    most = pace * rows["shelf_weeks"].to_numpy()
    point = np.where(pace > 0, np.minimum(point, most), -1.0)
    top = np.where(pace > 0, np.minimum(point + lot, most), 0.0)
    return Levels(point, point + join * (top - point), top, *np.zeros((2, len(top))))

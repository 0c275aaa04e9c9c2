"""Live through past weeks with a policy: what it would have ordered, held and missed."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.use_cases.operations.replenishment.lead_time import MOST_WEEKS, LeadTimeDemand
from ghala_retail.use_cases.operations.replenishment.rules import Levels
from ghala_retail.use_cases.operations.replenishment.terms import WEEKS, Costs

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

INPUTS = (
    "closing", "on_order", "pace", "holding", "missed", "pack_units", "moq_units", "lead_days",
    "lead_spread", "unit_cost", "break_units", "break_discount", "kept_weeks", "lead_mean",
    "lead_dispersion",
)  # fmt: skip
"""What a replay reads of each row."""

_WORTH = 0.5
"""An order of less than this share of a price break is not filled up to it."""
_HALVINGS = 12
"""Of a year: how long the SKUs of an order should last is found to within two hours."""


@dataclass(frozen=True)
class World:
    """The weeks to live through: places of the rows by cell (SKU in a depot) and week.

    ``row`` is -1 where a week of a cell is not there; the terms of the week before then hold.
    """

    rows: pl.DataFrame
    row: Whole
    group: Whole
    late: Floats

    @property
    def cells(self) -> int:
        """How many SKUs in depots."""
        return len(self.row)


@dataclass(frozen=True)
class Lived:
    """Of each row, in KES and units."""

    cost: Floats
    held: Floats
    ordered: Floats
    missed: Floats
    lost_units: Floats


def arrange(rows: pl.DataFrame, *, seed: int) -> World:
    """Put described rows with their ``actual`` in order of time, cell by cell."""
    weeks, week = np.unique(rows["as_of"].to_numpy(), return_inverse=True)
    cells = rows.select(pl.struct("sku", "location_id").rank("dense") - 1).to_series().to_numpy()
    place = np.full((int(cells.max()) + 1, len(weeks)), -1, np.int64)
    place[cells, week] = np.arange(rows.height)
    orders = rows.select(pl.struct("supplier_id", "location_id").rank("dense") - 1).to_series()
    group = np.zeros(len(place), np.int64)
    group[cells] = orders.to_numpy()
    random = np.random.default_rng(seed)
    late = random.standard_normal((int(group.max()) + 1, len(weeks)))
    return World(rows, place, group, late)


def live(world: World, levels: Levels, costs: Costs) -> Lived:
    """Order each Monday by the levels of that week, receive, sell and miss, week after week.

    The position of the first week is what was there and on its way; from then on it is the
    policy's own. An order's fixed cost is shared by its lines. What a price break takes off counts
    when the goods are sold, so that nobody gains by stock that is left over.
    """
    column = {name: world.rows[name].to_numpy() for name in (*INPUTS, "actual")}
    row = _first(world.row)
    stock = column["closing"][row].astype(float)
    coming = np.zeros((world.cells, MOST_WEEKS + 2))
    coming[:, 1] = column["on_order"][row]
    off = np.zeros(world.cells)
    lived = Lived(*np.zeros((5, world.rows.height)))
    for week in range(world.row.shape[1]):
        there = world.row[:, week] >= 0
        row = np.where(there, world.row[:, week], row)
        stock, coming = stock + coming[:, 0], np.roll(coming, -1, axis=1)
        coming[:, -1] = 0.0
        position = stock + coming.sum(axis=1)
        units = order(column, levels, row=row, position=position, group=world.group)
        units = np.where(there, units, 0.0)
        coming[np.arange(world.cells), _lead(column, world, row=row, week=week) - 1] += units
        wanted = np.where(there, column["actual"][row], column["pace"][row])
        sold = np.minimum(stock, wanted)
        now, lost = row[there], wanted - sold
        off += _take_off(world, column, row=row, units=units)
        saved = off * sold / np.maximum(stock + coming.sum(axis=1), 1.0)
        off = off - saved
        lived.held[now] = (column["holding"][row] * (stock - sold / 2))[there]
        lived.ordered[now] = (_pay(world, costs, units=units) - saved)[there]
        lived.missed[now] = (column["missed"][row] * lost)[there]
        lived.lost_units[now] = lost[there]
        stock = stock - sold
    np.sum([lived.held, lived.ordered, lived.missed], axis=0, out=lived.cost)
    return lived


def order(
    rows: dict[str, Floats], levels: Levels, *, row: Whole, position: Floats, group: Whole
) -> Floats:
    """Up to the top in whole packs, filled up to the supplier's least order or to a price break.

    Nothing is ordered where even a year of everything is less than the least order.
    """
    pack, moq, top = rows["pack_units"][row], rows["moq_units"][row], levels.top[row]
    sells = top > 0
    due = np.bincount(group, (position <= levels.point[row]) & sells)[group] > 0
    due |= _lose(rows, row, position=position, group=group, waits=levels.waits[row])
    joins = due & (position <= levels.join[row]) & sells
    short = np.maximum(top - position, 1e-9)
    units = np.where(joins, np.ceil(short / pack) * pack, 0.0)
    total = np.bincount(group, units)[group]
    worth = total >= _WORTH * levels.least[row]
    least = np.maximum(moq, np.where(worth, levels.least[row], 0.0))
    few = (total > 0) & (total < least) & sells
    if few.any():
        here = {name: rows[name][row[few]] for name in ("pace", "pack_units", "kept_weeks")}
        units[few] = _fill(here, units[few], least[few], position=position[few], group=group[few])
        total = np.bincount(group, units)[group]
    return np.where(total >= moq, units, 0.0)


def _lose(
    rows: dict[str, Floats], row: Whole, *, position: Floats, group: Whole, waits: Floats
) -> NDArray[np.bool_]:
    """Whether the SKUs of an order are expected to lose too much in a week of waiting.

    What one loses is its margin on the week's demand, times the chance to be sold out by then.
    """
    if not waits.any():
        return np.zeros(len(row), bool)
    wanted = LeadTimeDemand(rows["lead_mean"][row], rows["lead_dispersion"][row])
    loss = rows["missed"][row] * rows["pace"][row] * wanted.beyond(np.maximum(position, 0.0))
    return (np.bincount(group, loss)[group] >= waits) & (waits > 0)


def _fill(
    here: dict[str, Floats], units: Floats, least: Floats, *, position: Floats, group: Whole
) -> Floats:
    """Add what lasts shortest until the least order is reached: all then last equally long."""
    _, of = np.unique(group, return_inverse=True)
    pace, pack = here["pace"], here["pack_units"]

    def filled(weeks: Floats) -> Floats:
        more = pace * np.minimum(weeks[of], here["kept_weeks"]) - position
        return np.maximum(units, np.floor(np.maximum(more, 0.0) / pack + 0.5) * pack)

    low, high = np.zeros(of.max() + 1), np.full(of.max() + 1, float(WEEKS))
    aim = np.zeros(len(low))
    aim[of] = least
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = np.bincount(of, filled(middle)) >= aim
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return filled(high)


def _lead(column: dict[str, Floats], world: World, *, row: Whole, week: int) -> Whole:
    """Whole weeks until an order of this week is in; it spreads as its supplier's do."""
    days = column["lead_days"][row] + 7 * column["lead_spread"][row] * world.late[world.group, week]
    return np.asarray(np.clip(np.ceil(days / 7), 1, MOST_WEEKS), dtype=np.int64)


def _pay(world: World, costs: Costs, *, units: Floats) -> Floats:
    """Fixed costs of orders and lines."""
    lines = np.bincount(world.group, units > 0)[world.group]
    return np.where(units > 0, costs.order / np.maximum(lines, 1) + costs.line, 0.0)


def _take_off(world: World, column: dict[str, Floats], *, row: Whole, units: Floats) -> Floats:
    """What price breaks take off the goods."""
    total = np.bincount(world.group, units)[world.group]
    off = column["break_discount"][row] * (total >= column["break_units"][row])
    return np.asarray(off * column["unit_cost"][row] * units)


def _first(row: Whole) -> Whole:
    """The first row of each cell."""
    first = (row >= 0).argmax(axis=1)
    return np.asarray(row[np.arange(len(row)), first])

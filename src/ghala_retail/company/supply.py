"""Stock in every depot, and the company's own way of ordering, which runs out at times."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ghala_retail.company.assortment import Assortment, Suppliers
from ghala_retail.company.draws import Array, Draws
from ghala_retail.company.people import Depots
from ghala_retail.company.world import Plan

REVIEW_DAYS = 7
COVER_DAYS = 14
SAFETY = 0.75
"""Standard deviations of the demand over the lead time that the company holds."""
LEARNING = 0.04
COUNT_EVERY = 56
SHRINKS = 0.0003
"""Chance a day that a unit of a SKU is lost without anyone noticing until it is counted."""
ENDLESS = 10**6


@dataclass(frozen=True)
class Purchases:
    """Lines of orders to suppliers; each (supplier, depot) of a day is one order."""

    number: Array
    supplier: Array
    cell: Array
    units: Array
    expected: Array
    arrives: Array


@dataclass(frozen=True)
class Movements:
    """What moved in a day, for the cells (depot x SKU) in which anything did."""

    cell: Array
    received: Array
    shipped: Array
    adjusted: Array
    closing: Array


class Stock:
    """The stock of every SKU in every depot: what is there, and what the books say."""

    def __init__(
        self, plan: Plan, draws: Draws, *, assortment: Assortment, suppliers: Suppliers,
        depots: Depots,
    ) -> None:  # fmt: skip
        self.plan, self.draws = plan, draws
        self.assortment, self.suppliers, self.depots = assortment, suppliers, depots
        self.cells = depots.count * assortment.count
        self.sku = np.tile(np.arange(assortment.count), depots.count)
        self.depot = np.repeat(np.arange(depots.count), assortment.count)
        self.pack = assortment.pack[self.sku]
        self.supplier = assortment.supplier[self.sku]
        self.lead = suppliers.lead_days[self.supplier]
        self._coming: dict[int, list[Purchases]] = defaultdict(list)
        self._back: dict[int, list[tuple[Array, Array]]] = defaultdict(list)
        self.is_endless = False

    def open(self, rate: Array) -> None:
        """Fill the shelves for what sells in a day: between two and six weeks of it."""
        self.rate = rate
        cover = 16 + 30 * self.draws.uniform("stock/opening", self.cells)
        units = np.ceil((rate * (cover + self.lead) + 1.2) / self.pack) * self.pack
        self.there = np.where(self.assortment.on_sale(0)[self.sku], units, 0).astype(np.int64)
        self.booked = self.there.copy()
        self.on_order = np.zeros(self.cells, np.int64)
        self._start()

    def _start(self) -> None:
        self._received = np.zeros(self.cells, np.int64)
        self._shipped = np.zeros(self.cells, np.int64)
        self._adjusted = np.zeros(self.cells, np.int64)
        self._seen = np.zeros(self.cells, bool)

    def receive(self, day: int) -> list[Purchases]:
        """Take in what suppliers deliver and customers send back today."""
        arrived = self._coming.pop(day, [])
        for purchases in arrived:
            np.add.at(self._received, purchases.cell, purchases.units)
            self.on_order -= np.bincount(
                purchases.cell, purchases.units, minlength=self.cells
            ).astype(np.int64)
        for cell, units in self._back.pop(day, []):
            np.add.at(self._adjusted, cell, units)
        self.there += self._received + self._adjusted
        self.booked += self._received + self._adjusted
        return arrived

    def bring_back(self, cell: Array, units: Array, *, day: int) -> None:
        """Goods of a cancelled order return to their shelf on a later day."""
        self._back[day].append((cell, units))

    def serve(self, cell: Array, units: Array) -> Array:
        """Ship what is there, first come first served; a mask of the lines that were served."""
        if self.is_endless:
            return np.ones(len(cell), bool)
        asked = np.bincount(cell, units, minlength=self.cells)
        served: Array = asked[cell] <= self.there[cell]
        short = np.flatnonzero(~served)
        if len(short):
            order = short[np.argsort(cell[short], kind="stable")]
            sums = np.cumsum(units[order])
            first = np.r_[True, cell[order][1:] != cell[order][:-1]]
            before = np.maximum.accumulate(np.where(first, sums - units[order], 0))
            served[order] = sums - before <= self.there[cell[order]]
        shipped = np.bincount(cell[served], units[served], minlength=self.cells).astype(np.int64)
        self._shipped += shipped
        self.there -= shipped
        self.booked -= shipped
        return served

    def close(self, day: int) -> Movements:
        """Lose a little, count some shelves, learn what sells; tell what moved."""
        lots = self.draws.uniform("stock/shrinks", self.cells, day)
        lost = (lots < SHRINKS) & (self.there > 0)
        self.there -= lost
        counted = np.arange(self.cells) % COUNT_EVERY == day % COUNT_EVERY
        found = np.where(counted, self.there - self.booked, 0)
        self._adjusted += found
        self.booked += found
        live = self.assortment.on_sale(day)[self.sku]
        self.rate += LEARNING * live * (self._shipped - self.rate)
        moved = np.flatnonzero(
            (self._received > 0) | (self._shipped > 0) | (self._adjusted != 0) | counted
        )
        told = Movements(
            moved, self._received[moved], self._shipped[moved], self._adjusted[moved],
            self.booked[moved],
        )  # fmt: skip
        self._start()
        return told

    def order(self, day: int) -> Purchases | None:
        """Order what falls below its reorder point, from the suppliers under review today."""
        due = (np.arange(self.suppliers.count) % REVIEW_DAYS == day % REVIEW_DAYS)[self.supplier]
        live = self.assortment.on_sale(day + 7)[self.sku]
        horizon = self.lead + REVIEW_DAYS
        need = self.rate * horizon
        point = need + SAFETY * np.sqrt(np.maximum(need, 0.0))
        position = self.booked + self.on_order
        cells = np.flatnonzero(due & live & (position <= point))
        if len(cells) == 0:
            return None
        wanted = point[cells] + self.rate[cells] * COVER_DAYS - position[cells]
        units = self._round_up(cells, np.maximum(wanted, 1.0))
        return self._place(cells, units, day=day)

    def _round_up(self, cells: Array, wanted: Array) -> Array:
        """Whole cartons, and enough of them for the supplier's least order."""
        group = self.supplier[cells] * self.depots.count + self.depot[cells]
        total = np.bincount(group, wanted)
        raised = np.maximum(1.0, self.suppliers.moq[self.supplier[cells]] / total[group])
        pack = self.pack[cells]
        return (np.ceil(wanted * np.minimum(raised, 3.0) / pack) * pack).astype(np.int64)

    def _place(self, cells: Array, units: Array, *, day: int) -> Purchases:
        group = self.supplier[cells] * self.depots.count + self.depot[cells]
        who = self.supplier[cells]
        luck = np.exp(self.suppliers.lead_spread[who] * self.draws.normal("lead", group, day))
        takes = np.maximum(1, np.round(self.lead[cells] * luck)).astype(np.int64)
        placed = Purchases(
            number=day * 100_000 + group,
            supplier=who,
            cell=cells,
            units=units,
            expected=day + self.lead[cells],
            arrives=day + takes,
        )
        self.on_order[cells] += units
        parts = self.draws.uniform("lead/parts", group, day) < 0.1
        first = np.where(parts, units - units // 3, units)
        self._ship(placed, first, later=0)
        self._ship(placed, units - first, later=7)
        return placed

    def _ship(self, placed: Purchases, units: Array, *, later: int) -> None:
        """Note on which day which part of an order comes in."""
        for arrives in np.unique(placed.arrives[units > 0]):
            rows = (placed.arrives == arrives) & (units > 0)
            self._coming[int(arrives) + later].append(
                Purchases(
                    placed.number[rows], placed.supplier[rows], placed.cell[rows], units[rows],
                    placed.expected[rows], placed.arrives[rows] + later,
                )
            )  # fmt: skip

"""Orders and their lines, with what comes later: cancellations, corrections and returns."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ghala_retail.company.assortment import Assortment
from ghala_retail.company.draws import Array, Draws
from ghala_retail.company.exports import Outbox, days, decimal, moments, whole, words
from ghala_retail.company.people import Depots

CANCELLED, CORRECTED, RETURNED = 0.02, 0.006, 0.025
ON_TIME, SOON = 0.85, 0.98
"""Share of the agents' phones that send on the same day, and within a week."""
FREE_DELIVERY_KES, WEB_FEE_KES, AGENT_FEE_KES = 2_000.0, 150.0, 50.0
STATUSES = ("delivered", "cancelled", "test")
REASONS = ("damaged", "wrong_item", "not_as_described", "changed_mind")


@dataclass(frozen=True)
class Sales:
    """The orders of a day, and their lines in the same order."""

    order: Array
    """The number of each order."""
    customer: Array
    agent: Array
    depot: Array
    seconds: Array
    fee: Array
    line_order: Array
    """A place among the orders, for each line."""
    line: Array
    sku: Array
    units: Array
    price: Array
    discount: Array
    """KES off the whole line."""
    margin: Array
    """KES without VAT, after cost and discount."""

    def line_orders(self, field: str) -> Array:
        """A column of the orders for each line."""
        value: Array = getattr(self, field)[self.line_order]
        return value


@dataclass(frozen=True)
class Aftermath:
    """What becomes of a day's sales; days counted from the first one."""

    arrives: Array
    cancelled_on: Array
    """By order; -1 when it stands."""


class Clerks:
    """Send sales into the warehouse's inbox as the webshop and the agents' app do."""

    def __init__(self, draws: Draws, *, assortment: Assortment, depots: Depots) -> None:
        self.draws, self.assortment, self.depots = draws, assortment, depots

    def aftermath(self, sales: Sales, day: int) -> Aftermath:
        """When each order arrives, and which are cancelled."""
        lot = self.draws.uniform("agent/network", sales.agent.clip(min=0), day)
        soon = 1 + (lot - ON_TIME) / (SOON - ON_TIME) * 6
        late = 7 + (lot - SOON) / (1 - SOON) * 14
        lag = np.where(lot < ON_TIME, 0, np.where(lot < SOON, soon, late)).astype(np.int64)
        arrives = day + 1 + np.where(sales.agent >= 0, lag, 0)
        falls = is_cancelled(self.draws, sales.order)
        after = 1 + self.draws.integers("order/cancelled_after", sales.order, below=5)
        return Aftermath(arrives, np.where(falls, arrives + after - 1, -1))

    def send(self, outbox: Outbox, sales: Sales, *, day: int, after: Aftermath) -> None:
        """The orders and lines of a day, their cancellations, corrections and returns."""
        for channel, mine in (("web", sales.agent < 0), ("agent", sales.agent >= 0)):
            orders = self._orders(sales, mine, day=day, status=np.zeros(len(mine), int))
            outbox.send_late(f"{channel}_orders", orders, arrives=after.arrives[mine])
            of_mine = mine[sales.line_order]
            arrives = after.arrives[sales.line_order]
            lines = self._lines(sales, of_mine, units=sales.units)
            outbox.send_late(f"{channel}_lines", lines, arrives=arrives[of_mine])
            fallen = mine & (after.cancelled_on >= 0)
            again = self._orders(sales, fallen, day=day, status=np.ones(len(mine), int))
            outbox.send_late(f"{channel}_orders", again, arrives=after.cancelled_on[fallen] + 1)
            self._correct(outbox, channel, sales, of_mine=of_mine, arrives=arrives)
        self._take_back(outbox, sales, day=day, after=after)

    def _orders(self, sales: Sales, mask: Array, *, day: int, status: Array) -> pa.Table:
        rows = np.flatnonzero(mask)
        agent = sales.agent[rows]
        return pa.table(
            {
                "order_id": whole(sales.order[rows], bits=64),
                "customer_id": whole(sales.customer[rows] + 1, bits=64),
                "agent_id": whole(agent + 1, unless=agent < 0, bits=64),
                "depot_id": words(self.depots.ids, sales.depot[rows]),
                "ordered_at": moments(day, sales.seconds[rows]),
                "status": words(STATUSES, status[rows]),
                "delivery_fee_kes": decimal(sales.fee[rows]),
            }
        )

    def _lines(self, sales: Sales, mask: Array, *, units: Array) -> pa.Table:
        rows = np.flatnonzero(mask)
        share = units[rows] / sales.units[rows]
        return pa.table(
            {
                "order_id": whole(sales.order[sales.line_order[rows]], bits=64),
                "line": whole(sales.line[rows]),
                "sku": words(self.assortment.ids, sales.sku[rows]),
                "units": whole(units[rows]),
                "unit_price_kes": decimal(sales.price[rows]),
                "discount_kes": decimal(sales.discount[rows] * share),
            }
        )

    def _correct(
        self, outbox: Outbox, channel: str, sales: Sales, *, of_mine: Array, arrives: Array
    ) -> None:
        """Lines of which less was delivered than ordered, told days to weeks later."""
        key = line_key(sales.line_orders("order"), sales.line)
        wrong = of_mine & is_corrected(self.draws, key)
        after = 3 + self.draws.integers("line/corrected_after", key, below=23)
        table = self._lines(sales, wrong, units=sales.units - 1)
        outbox.send_late(f"{channel}_lines", table, arrives=(arrives + after)[wrong])

    def _take_back(self, outbox: Outbox, sales: Sales, *, day: int, after: Aftermath) -> None:
        key = line_key(sales.line_orders("order"), sales.line)
        stands = (after.cancelled_on < 0)[sales.line_order]
        back = np.flatnonzero(stands & (self.draws.uniform("line/returned", key) < RETURNED))
        if len(back) == 0:
            return
        wait = 4 + self.draws.integers("line/returned_after", key[back], below=22)
        known = np.maximum(day + wait, after.arrives[sales.line_order[back]])
        paid = sales.price[back] * sales.units[back] - sales.discount[back]
        table = pa.table(
            {
                "return_id": whole(key[back], bits=64),
                "order_id": whole(sales.order[sales.line_order[back]], bits=64),
                "sku": words(self.assortment.ids, sales.sku[back]),
                "units": whole(sales.units[back]),
                "reason": words(REASONS, key[back] % 4, unless=key[back] % 17 == 0),
                "returned_on": days(known),
                "refund_kes": decimal(paid),
            }
        )
        outbox.send_late("returns", table, arrives=known + 1)


def line_key(order: Array, line: Array) -> Array:
    """One number for each line of each order."""
    key: Array = order * 32 + line
    return key


def is_cancelled(draws: Draws, order: Array) -> Array:
    """Whether orders are cancelled in the end."""
    falls: Array = draws.uniform("order/cancelled", order) < CANCELLED
    return falls


def is_corrected(draws: Draws, key: Array) -> Array:
    """Whether lines, by their key, are corrected in the end."""
    wrong: Array = draws.uniform("line/corrected", key) < CORRECTED
    return wrong

"""Faults that the company's systems put into their exports, each noted with its start and size."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ghala_retail.company.assortment import Assortment
from ghala_retail.company.draws import Draws
from ghala_retail.company.exports import Outbox
from ghala_retail.company.sales import is_cancelled, is_corrected, line_key
from ghala_retail.company.world import Plan

AGAIN = 91
"""Days after which a fault happens again."""
RESENT_ON, RESENT_AFTER, RESENT_SHARE = 24, 3, 0.1
LATE_ON, LATE_BY = 30, 2
CARTONS_FROM, CARTONS_DAYS, CARTON_SKUS = 40, 7, 3
TEST_ORDERS, TEST_NUMBERS = 2, 5_000_000
ODD_DAY = 9
"""Day of the month on which stock and customers are odd."""


@dataclass(frozen=True)
class Fault:
    """What was wrong in a feed, between which days of arrival, in how many rows."""

    name: str
    feed: str
    start: str
    end: str
    rows: int
    skus: tuple[str, ...] = ()


class Faults:
    """Disturbs what waits to be sent."""

    def __init__(self, plan: Plan, draws: Draws, assortment: Assortment) -> None:
        self.plan, self.draws, self.assortment = plan, draws, assortment
        self._planted: list[Fault] = []

    @property
    def planted(self) -> list[dict[str, Any]]:
        """Every fault so far."""
        return [asdict(fault) for fault in self._planted]

    def disturb(self, outbox: Outbox, day: int) -> None:
        """Disturb what a day's business sends for the next morning."""
        if not self.plan.world.has_faults:
            return
        arrives, cycle = day + 1, day % AGAIN
        if cycle == RESENT_ON:
            self._resend(outbox, arrives)
        if cycle == LATE_ON:
            self._delay(outbox, arrives)
        if CARTONS_FROM <= cycle < CARTONS_FROM + CARTONS_DAYS:
            self._count_cartons(outbox, arrives)
        self._change(outbox, "web_orders", arrives, name="test_orders", how=self._add_tests)
        if self.plan.date(day).day == ODD_DAY:
            self._change(outbox, "stock", arrives, name="negative_stock", how=_turn_negative)
            self._change(outbox, "agent_orders", arrives, name="blank_customer", how=_blank)

    def _note(self, name: str, feed: str, *, arrives: int, rows: int, end: int) -> None:
        start, last = self.plan.date(arrives), self.plan.date(end)
        self._planted.append(Fault(name, feed, start.isoformat(), last.isoformat(), rows))

    def _change(
        self, outbox: Outbox, feed: str, arrives: int, *, name: str,
        how: Callable[[pa.Table], tuple[pa.Table, int]],
    ) -> None:  # fmt: skip
        table = outbox.taken(feed, arrives)
        if table is not None:
            changed, rows = how(table)
            outbox.send(feed, changed, arrives=arrives)
            self._note(name, feed, arrives=arrives, rows=rows, end=arrives)

    def _resend(self, outbox: Outbox, arrives: int) -> None:
        """Some of the website's orders come again, exactly as they were."""
        for feed in ("web_orders", "web_lines"):
            table = outbox.taken(feed, arrives)
            if table is None:
                continue
            outbox.send(feed, table, arrives=arrives)
            number = table["order_id"].to_numpy()
            chosen = self.draws.uniform("fault/resent", number) < RESENT_SHARE
            chosen &= ~is_cancelled(self.draws, number)  # else a cancelled order would stand again
            if "line" in table.column_names:
                key = line_key(number, table["line"].to_numpy())
                chosen &= ~is_corrected(self.draws, key)
            again = table.filter(pa.array(chosen))
            outbox.send(feed, again, arrives=arrives + RESENT_AFTER)
            end = arrives + RESENT_AFTER
            self._note("resent", feed, arrives=end, rows=again.num_rows, end=end)

    def _delay(self, outbox: Outbox, arrives: int) -> None:
        """The stock file of a day comes two days late."""
        table = outbox.taken("stock", arrives)
        if table is not None:
            outbox.send("stock", table, arrives=arrives + LATE_BY)
            end = arrives + LATE_BY
            self._note("late_file", "stock", arrives=arrives, rows=table.num_rows, end=end)

    def _count_cartons(self, outbox: Outbox, arrives: int) -> None:
        """Units of some SKUs are cartons for a week."""
        best = np.argsort(-self.assortment.attraction, kind="stable")[:CARTON_SKUS]
        chosen = self.assortment.ids[best]
        packs = dict(zip(chosen, self.assortment.pack[best], strict=True))
        for feed in ("web_lines", "agent_lines"):
            table = outbox.taken(feed, arrives)
            if table is None:
                continue
            units, hit = table["units"], 0
            for sku, pack in packs.items():
                mine = pc.equal(table["sku"], str(sku))
                cartons = pc.cast(pc.ceil(pc.divide(pc.cast(units, pa.float64()), float(pack))),
                                  pa.int32())  # fmt: skip
                units = pc.if_else(mine, cartons, units)
                hit += pc.sum(mine).as_py() or 0
            place = table.schema.get_field_index("units")
            outbox.send(feed, table.set_column(place, "units", units), arrives=arrives)
            start = self.plan.date(arrives).isoformat()
            names = tuple(str(sku) for sku in chosen)
            self._planted.append(Fault("cartons_for_units", feed, start, start, hit, names))

    def _add_tests(self, table: pa.Table) -> tuple[pa.Table, int]:
        """Orders of the company's own testers, numbered apart."""
        tests = table.slice(0, TEST_ORDERS)
        number = pc.add(tests["order_id"], pa.scalar(TEST_NUMBERS, pa.int64()))
        tests = tests.set_column(0, "order_id", number)
        status = pa.array(["test"] * tests.num_rows)
        tests = tests.set_column(tests.schema.get_field_index("status"), "status", status)
        return pa.concat_tables([table, tests]), tests.num_rows


def _turn_negative(table: pa.Table) -> tuple[pa.Table, int]:
    """Three rows tell of less than nothing on the shelf."""
    closing = table["closing"].to_numpy().copy()
    closing[:3] = -closing[:3] - 1
    place = table.schema.get_field_index("closing")
    return table.set_column(place, "closing", pa.array(closing)), min(3, table.num_rows)


def _blank(table: pa.Table) -> tuple[pa.Table, int]:
    """Two orders lack their customer."""
    blank = np.arange(table.num_rows) < 2
    column = pc.if_else(pa.array(~blank), table["customer_id"], None)
    place = table.schema.get_field_index("customer_id")
    return table.set_column(place, "customer_id", column), int(blank.sum())

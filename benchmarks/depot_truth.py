"""What was wanted in the depots of a simulated company, and what was to be expected of it.

Reads the simulator's own state, which no model may; only benchmarks do.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.company.assortment import NO_PURCHASE
from ghala_retail.company.business import ORDERS_A_DAY, Business
from ghala_retail.company.business import Company as Simulated
from ghala_retail.company.demand import CHOICES, STOCKS_UP
from ghala_retail.company.sales import CANCELLED, is_cancelled
from ghala_retail.company.visits import MOST
from ghala_retail.company.world import make_plan
from worlds import START, Company

Floats = NDArray[np.float64]


class Oracle:
    """What is wanted of each SKU in each depot, and what was to be expected of it."""

    BINS = 6

    def __init__(self, made: Simulated) -> None:
        self.made = made
        needs, bulk = made.demand._needs, made.demand._bulk
        self.units = (1 + (1 - needs).sum(axis=1)) * (1 + (1 - bulk).sum(axis=1))
        weight = made.customers.price_weight
        self.edges = np.quantile(weight, np.linspace(0, 1, self.BINS + 1)[1:-1])
        self.bin = np.searchsorted(self.edges, weight)
        self.segments = len(needs)

    def expect(self, business: Business) -> Floats:
        """Units by depot and SKU that a day was to bring, whoever came."""
        made, shelf, day = self.made, business.shelf, business.day
        visits, weight = self._visits(business)
        felt = 1 + made.plan.shock("price_sensitivity", day.day)
        edges = made.demand._subcategories(day)
        share = np.diff(edges - np.arange(len(edges))[:, None], axis=1, prepend=0.0)
        outside = NO_PURCHASE * made.assortment.sub_total + made.competitors.pull()
        liking, burden = shelf.liking.astype(float), shelf.burden.astype(float)
        units = np.zeros_like(liking)
        for segment in range(visits.shape[1]):
            for place in range(self.BINS):
                here = np.exp(liking - weight[segment, place] * felt * burden)
                total = here.reshape(len(here), -1, CHOICES).sum(axis=2) + outside[segment]
                rate = visits[:, segment, place, None] * share[segment] * self.units[segment]
                units += here * np.repeat(rate / total, CHOICES, axis=1)
        return units * np.where(shelf.promotion >= 0, 1 + STOCKS_UP, 1.0)

    def _visits(self, business: Business) -> tuple[Floats, Floats]:
        """Expected visits by depot, segment and price weight, and the mean weight of each."""
        made, day = self.made, business.day
        crowd, customers = made.crowd, made.customers
        who = np.arange(customers.known(day.day))
        who = who[customers.until[who] > day.day]
        agent, depot = customers.agent_on(who, day.day), customers.depot[who]
        if day.is_travel:
            depot = np.where(crowd._travels[who], customers.home[who], depot)
        factor = (
            crowd._season(day, who) * made.marketing.effect[who] * business.shelf.traffic[depot]
        )
        factor = factor * crowd._channel(day, agent, depot=depot)
        chance = np.minimum(customers.rate[who] * np.minimum(factor, MOST), 1.0)
        shape = (made.depots.count, self.segments, self.BINS)
        segment, place = customers.segment[who], self.bin[who]
        cell = np.ravel_multi_index((depot, segment, place), shape)
        visits = np.bincount(cell, chance, np.prod(shape)).reshape(shape)
        kind = np.ravel_multi_index((segment, place), shape[1:])
        heads = np.bincount(kind, chance, np.prod(shape[1:]))
        weight = np.bincount(kind, chance * customers.price_weight[who], np.prod(shape[1:]))
        return visits, (weight / np.maximum(heads, 1e-12)).reshape(shape[1:])


def true_demand(
    company: Company, weeks: Sequence[date], *, size: str, world: str, seed: int
) -> pl.DataFrame:
    """Units wanted and expected by SKU, depot and judged week; simulated once, then kept.

    ``wanted`` is what was asked for, there or not, less the orders that were cancelled: those goods
    went back to their shelf, and no forecast of what has to be there counts them.
    """
    file = company.folder / "wanted.parquet"
    if file.exists():
        return pl.read_parquet(file)
    made = Simulated(make_plan(size, world, seed=seed, days=None))
    oracle = Oracle(made)
    shape = (len(weeks), made.depots.count, made.assortment.count)
    wanted, expected = np.zeros(shape), np.zeros(shape)
    for business in made.days():
        monday = START + timedelta(days=7 * (business.day.day // 7))
        if monday not in weeks:
            continue
        week, wishes = weeks.index(monday), business.wishes
        order = business.day.day * ORDERS_A_DAY + wishes.needs.customer + 1
        units = np.where(is_cancelled(made.draws, order), 0, wishes.units)
        np.add.at(wanted[week], (wishes.needs.depot, wishes.sku), units)
        expected[week] += oracle.expect(business) * (1 - CANCELLED)
    week, depot, sku = (axis.ravel() for axis in np.indices(shape))
    frame = pl.DataFrame({
        "target_week": pl.Series(weeks).gather(week), "location_id": made.depots.ids[depot],
        "sku": made.assortment.ids[sku], "wanted": wanted.ravel(), "oracle": expected.ravel(),
    })  # fmt: skip
    frame = frame.filter(pl.col("wanted") + pl.col("oracle") > 0)
    frame.write_parquet(file)
    return frame

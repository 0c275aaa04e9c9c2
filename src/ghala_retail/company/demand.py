"""What visitors want: needs, and for each need a choice among SKUs, competitors and nothing.

A need falls on a subcategory. Each of its SKUs has a utility: how much it is liked, less what its
price weighs for this customer, plus a taste drawn for this need and SKU (Gumbel). The best one is
wanted, unless going without or to a competitor is better. Utility falls in proportion to price, so
that no constant elasticity describes the demand that follows.
"""

from dataclasses import dataclass

import numpy as np

from ghala_retail.company.assortment import CATEGORIES, CHOICES, NO_PURCHASE, Assortment
from ghala_retail.company.calendar import Day
from ghala_retail.company.draws import Array, Draws, mix, spread, to_uniform
from ghala_retail.company.marketing import Promotion
from ghala_retail.company.people import SEGMENTS, Customers, Depots, of_segments
from ghala_retail.company.pricing import Competitors, Prices
from ghala_retail.company.visits import Visits
from ghala_retail.company.world import Plan

MOST_EXTRA = 8
FEATURED_TRAFFIC = 0.002
"""Share of visits that one promotion on the front page adds in its depots."""
STOCKS_UP = 0.25
"""Of the buyers on promotion, those who buy for later too."""
SUBSTITUTES = 0.30
"""Of those who find their SKU sold out, the share who take the next best."""
STOCKED_DAYS, SKIPS = 150, 0.85
"""How long a store at home may last, and how often it meets the next need: once."""


@dataclass(frozen=True)
class Shelf:
    """What every depot offers on a day; arrays by depot and SKU."""

    liking: Array
    burden: Array
    """What the price weighs for a customer of weight 1."""
    price: Array
    discount: Array
    promotion: Array
    """A place in ``promotions``; -1 without one."""
    appeal: Array
    """What promotions add to a utility beside the price."""
    promotions: list[Promotion]
    traffic: Array


@dataclass(frozen=True)
class Needs:
    """One row for each need of each visit."""

    visit: Array
    customer: Array
    depot: Array
    segment: Array
    sub: Array
    weight: Array
    """How much a price weighs for the customer."""
    bits: Array
    units: Array

    def __len__(self) -> int:
        return len(self.visit)

    def keep(self, mask: Array) -> "Needs":
        """The needs under a mask."""
        return Needs(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Choices:
    """What was wanted: the needs that fell on a SKU, in the order of the visits."""

    needs: Needs
    utility: Array
    """Of each SKU of the subcategory, before taste."""
    outside: Array
    """Of going without or to a competitor, before taste."""
    sku: Array
    """The SKU wanted for each need; -1 where nothing was."""


def _counts(means: Array) -> Array:
    """Edges of a Poisson distribution by row, to count 1 and more with a uniform number."""
    extra = (means - 1)[:, None]
    steps = np.arange(MOST_EXTRA)
    factorial = np.cumprod(np.maximum(steps, 1))
    edges: Array = np.cumsum(np.exp(-extra) * extra**steps / factorial, axis=1)
    return edges


def _tastes(bits: Array) -> Array:
    """The Gumbel taste of each need for each SKU, and for going without in the last column.

    Drawn from other numbers than the need's subcategory and units: with the same ones, the taste
    for a subcategory's first SKU would be the same for everyone who needs something of it.
    """
    own = mix(bits ^ np.uint64(0xA0761D6478BD642F))
    tastes: Array = -np.log(-np.log(spread(own, CHOICES + 1)))
    return tastes


def _pantry(needs: Needs, category: Array, *, rows: Array) -> Array:
    """One number for each customer and category."""
    number: Array = needs.customer[rows] * len(CATEGORIES) + category[rows]
    return number


class Demand:
    """Turns visits into wishes."""

    def __init__(
        self, plan: Plan, draws: Draws, *, assortment: Assortment, customers: Customers,
        depots: Depots,
    ) -> None:  # fmt: skip
        self.plan, self.draws = plan, draws
        self.assortment, self.customers, self.depots = assortment, customers, depots
        self._needs = _counts(of_segments("needs", alike=plan.world.is_uniform))
        self._bulk = _counts(of_segments("bulk", alike=plan.world.is_uniform))
        shape = (len(SEGMENTS), len(CATEGORIES))
        cells = np.arange(np.prod(shape)).reshape(shape)
        self._taste = np.exp(0.45 * draws.normal("segment/taste", cells))
        if plan.world.is_uniform:
            self._taste[:] = 1.0
        stored = (customers.count, len(CATEGORIES))
        self.stocked_until = np.zeros(stored, np.int16)
        self.stocked_by = np.zeros(stored, np.int16)

    def shelf(
        self, prices: Prices, promotions: list[Promotion], *, day: int, factor: Array
    ) -> Shelf:
        """What every depot offers on a day, at which discount; prices times a factor."""
        made, zone = self.assortment, self.depots.zone
        shape = (self.depots.count, made.count)
        discount, appeal = np.zeros(shape), np.zeros(shape)
        promotion = np.full(shape, -1, np.int16)
        traffic = np.ones(self.depots.count)
        for place, found in enumerate(promotions):
            cells = np.ix_(found.depots, found.skus)
            discount[cells], appeal[cells] = found.discount, found.appeal
            promotion[cells] = place
            traffic[found.depots] += FEATURED_TRAFFIC * found.is_featured
        price = prices.price[zone] * factor
        felt = np.zeros(shape) if self.plan.world.is_uniform else discount
        burden = made.slope * (price / made.reference * (1 - felt) - 1)
        liking = np.where(made.on_sale(day), np.log(made.attraction) + prices.liking[zone], -np.inf)
        if self.plan.world.is_uniform:
            traffic[:] = 1.0
        else:
            liking = liking + appeal
        return Shelf(
            liking.astype(np.float32), burden.astype(np.float32), price, discount,
            promotion, appeal, promotions, np.minimum(traffic, 1.12),
        )  # fmt: skip

    def needs(self, visits: Visits, day: Day) -> Needs:
        """What each visitor needs today."""
        lots = self.draws.bits("need", visits.customer, day.day)
        at = to_uniform(lots)
        count = 1 + (at[:, None] > self._needs[visits.segment]).sum(axis=1)
        visit = np.repeat(np.arange(len(visits)), count)
        place = np.arange(len(visit)) - np.repeat(np.cumsum(count) - count, count)
        bits = mix(lots[visit] + place.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03))
        which, much = spread(bits, 2).T
        segment = visits.segment[visit]
        edges = self._subcategories(day)
        found = np.searchsorted(edges.ravel(), which.astype(float) + segment)
        sub = np.minimum(found - segment.astype(np.int64) * edges.shape[1], edges.shape[1] - 1)
        felt = 1 + self.plan.shock("price_sensitivity", day.day)
        return Needs(
            visit=visit,
            customer=visits.customer[visit],
            depot=visits.depot[visit],
            segment=segment,
            sub=sub,
            weight=self.customers.price_weight[visits.customer[visit]] * np.float32(felt),
            bits=bits,
            units=1 + (much[:, None] > self._bulk[segment]).sum(axis=1),
        )

    def _subcategories(self, day: Day) -> Array:
        """Edges by segment for drawing a subcategory, the season in them; row n ends at n + 1."""
        season = np.ones(len(CATEGORIES))
        season[9] += 2.5 * day.school
        season[[7, 10, 11]] += 0.8 * day.gifts
        season[[0, 1, 2]] += 0.3 * (day.ramadan > 1)
        made = self.assortment
        weight = (self._taste * season)[:, made.sub_category] * made.sub_weight
        edges = np.cumsum(weight, axis=1)
        whole: Array = edges / edges[:, -1:] + np.arange(len(edges))[:, None]
        return whole

    def unmet(self, needs: Needs, day: int) -> tuple[Needs, Needs]:
        """The needs that are felt today, and those met from what was stored at home."""
        category = self.assortment.sub_category[needs.sub]
        stocked = self.stocked_until[needs.customer, category] > day
        at = to_uniform(mix(needs.bits ^ np.uint64(0x5851F42D4C957F2D)))
        skips = np.flatnonzero(stocked & (at < SKIPS))
        _, first = np.unique(_pantry(needs, category, rows=skips), return_index=True)
        used = np.zeros(len(needs), bool)
        used[skips[first]] = True
        self.stocked_until[needs.customer[used], category[used]] = 0
        return needs.keep(~used), needs.keep(used)

    def choose(self, needs: Needs, shelf: Shelf, *, competitors: Competitors) -> Choices:
        """The SKU wanted for each need."""
        made = self.assortment
        row = needs.depot * made.subcategories + needs.sub
        liking = shelf.liking.reshape(-1, CHOICES)[row]
        burden = shelf.burden.reshape(-1, CHOICES)[row]
        tastes = _tastes(needs.bits)
        systematic = liking - needs.weight[:, None] * burden
        utility = systematic + tastes[:, :CHOICES]
        alone = NO_PURCHASE * made.sub_total
        beside = np.log(alone + competitors.pull())[needs.segment, needs.sub]
        outside = beside.astype(np.float32)
        best = utility.argmax(axis=1)
        wanted = utility[np.arange(len(needs)), best] > outside + tastes[:, CHOICES]
        sku = np.where(wanted, needs.sub * CHOICES + best, -1)
        return Choices(needs, systematic, outside, sku)

    def second_choice(self, choices: Choices, rows: Array) -> Array:
        """The next best SKU for some needs; -1 for those who would rather go without."""
        needs = choices.needs
        utility = choices.utility[rows] + _tastes(needs.bits[rows])[:, :CHOICES]
        utility[np.arange(len(rows)), choices.sku[rows] % CHOICES] = -np.inf
        best = utility.argmax(axis=1)
        at = to_uniform(mix(needs.bits[rows] ^ np.uint64(0x2545F4914F6CDD1D)))
        return np.where(at < SUBSTITUTES, needs.sub[rows] * CHOICES + best, -1)

    def stock_up(self, needs: Needs, promotion: Array, *, day: int) -> Array:
        """Who buys for later on promotion, remembered for the weeks to come; a mask."""
        at = to_uniform(mix(needs.bits ^ np.uint64(0x9FB21C651E98DF25)))
        stores = (promotion >= 0) & (at < STOCKS_UP)
        if self.plan.world.is_uniform:
            stores[:] = False
        rows = np.flatnonzero(stores)
        cells = needs.customer[rows], self.assortment.sub_category[needs.sub[rows]]
        self.stocked_until[cells] = day + STOCKED_DAYS
        self.stocked_by[cells] = promotion[rows]
        return stores

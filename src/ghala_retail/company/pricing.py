"""Prices and costs: suppliers, a manager, randomised tests, and two competitors."""

from dataclasses import dataclass, field

import numpy as np

from ghala_retail.company.assortment import COMPETITION, Assortment, Suppliers
from ghala_retail.company.calendar import ZONES
from ghala_retail.company.draws import Array, Draws
from ghala_retail.company.people import of_segments
from ghala_retail.company.world import Plan

USD_KES, FUEL_KES = 129.0, 178.0
LEAD = 4
"""Days before Monday on which the prices of the week are decided: on Thursday."""
TEST_WEEKS, TEST_SHARE = 4, 0.05
ARMS = np.array([0.9, 0.95, 1.0, 1.05, 1.1])
ARM_NAMES = np.array(["minus_10", "minus_5", "control", "plus_5", "plus_10"])
REASONS = np.array(["list", "supplier", "manager", "test"])
SHOCK_SPREAD, SHOCK_MEMORY = 0.22, 0.7
COMPETITORS = ("Soko Mart", "Duka Direct")
MATCHED, GAPS, STALE = 0.6, 0.12, 0.1


@dataclass(frozen=True)
class Revision:
    """Prices that were decided: cells of (zone, SKU) with what holds from ``valid_from`` on."""

    valid_from: int
    zone: Array
    sku: Array
    price: Array
    cost: Array
    reason: Array
    arm: Array
    """A number into ``ARM_NAMES``; -1 outside of tests."""


@dataclass
class Prices:
    """What each SKU costs and sells at in each zone, as it changes."""

    plan: Plan
    draws: Draws
    assortment: Assortment
    suppliers: Suppliers
    price: Array = field(init=False)
    cost: Array = field(init=False)
    liking: Array = field(init=False)
    """Demand shock by zone and SKU that the manager sees and the data does not show."""
    usd_kes: float = USD_KES

    def __post_init__(self) -> None:
        self._shape = (len(ZONES), self.assortment.count)
        self._cells = np.arange(np.prod(self._shape)).reshape(self._shape)
        self.cost = self.assortment.cost.copy()
        self._mood = np.ones(self._shape)
        self._arm = np.full(self._shape, -1)
        self._walk = 0.0
        self._next_liking = self._innovation(0)
        self.liking = self._next_liking
        self.price = self._asked()
        self._planned: Revision | None = None

    def _innovation(self, week: int) -> Array:
        if self.plan.world.is_uniform:
            return np.zeros(self._shape)
        return SHOCK_SPREAD * self.draws.normal("price/shock", self._cells, week)

    def _asked(self) -> Array:
        """The price of each cell: list price, the manager's mood, the test's arm."""
        made = self.assortment
        passed = 1 + 0.6 * (self.cost / made.cost - 1)
        arm = np.where(self._arm >= 0, ARMS[self._arm], 1.0)
        asked: Array = made.list_price * passed * self._mood * arm
        return asked.round(2) if self.plan.world.is_uniform else asked.round(0).clip(5)

    def opening(self, skus: Array, valid_from: int) -> Revision:
        """The first prices of some SKUs, in every zone."""
        zone, sku = (
            part.ravel() for part in np.meshgrid(np.arange(len(ZONES)), skus, indexing="ij")
        )
        return self._revision(zone, sku, valid_from=valid_from, reason=np.zeros(len(sku), int))

    def _revision(self, zone: Array, sku: Array, *, valid_from: int, reason: Array) -> Revision:
        asked = self._asked()
        return Revision(
            valid_from, zone, sku, asked[zone, sku], self.cost[sku], reason, self._arm[zone, sku]
        )

    def start_day(self, day: int) -> None:
        """Let the week's prices hold, and the exchange rate walk."""
        if not self.plan.world.is_uniform:
            self._walk += 0.003 * float(self.draws.normal("fx", 1, day)[0])
        self.usd_kes = USD_KES * np.exp(self._walk) * (1 + self.plan.shock("fx_step", day))
        if self._planned is not None and self._planned.valid_from == day:
            self.price[self._planned.zone, self._planned.sku] = self._planned.price
            self.liking = self._next_liking
            self._planned = None

    def decide(self, day: int) -> Revision | None:
        """On Thursdays, what changes in the coming week: prices, and which cells are under test."""
        if day % 7 != 7 - LEAD:
            return None
        week = day // 7 + 1
        self._next_liking = SHOCK_MEMORY * self.liking + (
            np.sqrt(1 - SHOCK_MEMORY**2) * self._innovation(week)
        )
        reason = np.zeros(self._shape, int)
        if not self.plan.world.is_uniform:
            reason[:, self._take_supplier_prices(day)] = 1
            reason[self._follow_mood(week)] = 2
        begun, ended = self._run_tests(week)
        reason[begun] = 3
        zone, sku = np.nonzero((self._asked() != self.price) | begun | ended)
        self._planned = self._revision(zone, sku, valid_from=7 * week, reason=reason[zone, sku])
        return self._planned

    def _take_supplier_prices(self, day: int) -> Array:
        """Suppliers reprice once a quarter, at the rate of that day."""
        due = np.abs(self.suppliers.reprices_on - day % 91) < 4
        usd = self.suppliers.usd_share * (self.usd_kes / USD_KES - 1)
        lumps = 0.02 * self.draws.normal("price/supplier", self.suppliers.count, day // 91)
        mine = self.assortment.supplier
        changed: Array = due[mine]
        fresh = self.assortment.cost * (1 + usd[mine] + lumps[mine])
        self.cost = np.where(changed, fresh.round(2), self.cost)
        return changed

    def _follow_mood(self, week: int) -> Array:
        seen = self.draws.uniform("price/review", self._cells, week) < 0.25
        seen &= self._arm < 0
        noise = 0.03 * self.draws.normal("price/mood", self._cells, week)
        mood = np.exp(self.plan.world.kappa * self._next_liking + noise)
        self._mood = np.where(seen, mood, self._mood)
        return seen

    def _run_tests(self, week: int) -> tuple[Array, Array]:
        """Draw new cells every four weeks; the old ones end. Controls are told too."""
        if week % TEST_WEEKS:
            return np.zeros(self._shape, bool), np.zeros(self._shape, bool)
        block = week // TEST_WEEKS
        before = self._arm >= 0
        drawn: Array = self.draws.uniform("price/test", self._cells, block) < TEST_SHARE
        arm = self.draws.integers("price/arm", self._cells, below=len(ARMS), day=block)
        self._arm = np.where(drawn, arm, -1)
        return drawn, before & ~drawn


@dataclass
class Competitors:
    """What two competitors ask for the SKUs that they carry too."""

    plan: Plan
    draws: Draws
    assortment: Assortment
    price: Array = field(init=False)

    def __post_init__(self) -> None:
        shape = (len(COMPETITORS), self.assortment.count)
        self._cells = np.arange(np.prod(shape)).reshape(shape)
        self.matched = self.draws.uniform("competitor/matched", self._cells) < MATCHED
        self._level = np.where(
            self.plan.world.is_uniform,
            1.0,
            np.exp(0.08 * self.draws.normal("competitor/level", self._cells)),
        )
        self._before = self._level
        self.price = self._ask(0)

    def _ask(self, day: int) -> Array:
        war = np.array([1.0, 0.5])[:, None] * self.plan.shock("price_war", day)
        asked = self.assortment.reference * self._level * (1 - war)
        return asked.round(0).clip(5)

    def start_day(self, day: int) -> None:
        """A fifth of the prices move each week."""
        if day % 7 == 0 and not self.plan.world.is_uniform:
            moves = self.draws.uniform("competitor/moves", self._cells, day) < 0.2
            fresh = np.exp(0.08 * self.draws.normal("competitor/new", self._cells, day))
            self._before, self._level = self._level, np.where(moves, fresh, self._level)
        self.price = self._ask(day)

    def scrape(self, day: int) -> tuple[Array, Array, Array]:
        """Competitor, SKU and price of what was scraped; some is missing, some is old."""
        seen = self.draws.uniform("competitor/gap", self._cells, day) >= GAPS
        stale = self.draws.uniform("competitor/stale", self._cells, day) < STALE
        shown = np.where(stale, self.price * self._before / self._level, self.price).round(0)
        competitor, sku = np.nonzero(self.matched & seen & self.assortment.on_sale(day))
        return competitor, sku, shown[competitor, sku]

    def pull(self) -> Array:
        """How strongly they attract a need, by segment and subcategory."""
        made = self.assortment
        weight = np.where(self.plan.world.is_uniform, 1.0, of_segments("price_weight"))
        gap = made.slope * (self.price / made.reference - 1)
        pull = np.where(
            self.matched, made.attraction * np.exp(-weight[:, None, None] * gap), 0.0
        ).sum(axis=1)
        by_sub = pull.reshape(len(weight), made.subcategories, -1).sum(axis=2)
        share: Array = COMPETITION / (MATCHED * len(COMPETITORS)) * by_sub
        return share

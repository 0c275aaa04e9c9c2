"""Suppliers and SKUs: what they cost, how customers like them, and how price moves them."""

from dataclasses import dataclass

import numpy as np

from ghala_retail.company.draws import Array, Draws
from ghala_retail.company.people import NEVER
from ghala_retail.company.world import Plan

CHOICES = 10
"""SKUs of a subcategory: what a customer with a need chooses from."""
VAT = 0.16


@dataclass(frozen=True)
class Category:
    """A category, its place in the basket and how its buyers feel a price."""

    name: str
    weight: float
    elasticity: float
    cost_kes: float
    weight_kg: float
    litres: float
    shelf_life: int | None
    vat: float


CATEGORIES = (
    Category("flour_and_rice", 1.5, -3.2, 190, 2.0, 2.4, 240, 0.0),
    Category("cooking_oil", 1.2, -3.6, 330, 1.9, 2.1, 365, VAT),
    Category("sugar_and_tea", 1.3, -3.0, 150, 0.8, 1.1, 540, VAT),
    Category("dairy", 0.9, -2.6, 70, 0.6, 0.7, 60, 0.0),
    Category("soap_and_detergent", 1.2, -2.8, 120, 0.7, 0.9, 720, VAT),
    Category("personal_care", 1.1, -2.3, 180, 0.3, 0.4, 900, VAT),
    Category("baby", 0.7, -2.0, 620, 1.6, 6.0, 900, VAT),
    Category("snacks_and_drinks", 1.0, -2.5, 60, 0.5, 0.6, 180, VAT),
    Category("household", 0.7, -2.4, 350, 0.9, 4.5, None, VAT),
    Category("school_and_paper", 0.5, -1.9, 90, 0.4, 0.8, None, VAT),
    Category("phones_and_power", 0.5, -4.2, 1400, 0.4, 1.2, None, VAT),
    Category("clothing_and_gifts", 0.6, -1.8, 520, 0.5, 2.5, None, VAT),
)
NAMES = tuple(category.name for category in CATEGORIES)
TIERS = ("value", "standard", "premium")


def of_categories(field: str) -> Array:
    """One trait of every category."""
    return np.array([getattr(category, field) for category in CATEGORIES])


class Suppliers:
    """Who delivers, in which currency, how fast and how reliably."""

    def __init__(self, plan: Plan, draws: Draws) -> None:
        self.count = plan.size.suppliers
        self.ids = np.array([f"S{n + 1:03}" for n in range(self.count)])
        self.is_import = draws.uniform("supplier/import", self.count) < 0.5
        self.usd_share = np.where(self.is_import, 0.8, 0.0)
        far = np.where(self.is_import, 12, 4)
        self.lead_days = far + draws.integers("supplier/lead", self.count, below=7)
        self.lead_spread = 0.12 + 0.25 * draws.uniform("supplier/spread", self.count)
        steps = np.array([24, 48, 60, 120])
        self.moq = steps[draws.integers("supplier/moq", self.count, below=4)]
        self.break_units = self.moq * 5
        self.break_discount = (draws.uniform("supplier/break", self.count) * 0.05 + 0.01).round(4)
        self.reprices_on = draws.integers("supplier/reprices", self.count, below=91)


class Assortment:
    """The SKUs, ``CHOICES`` of them to a subcategory, by their number."""

    def __init__(self, plan: Plan, draws: Draws, suppliers: Suppliers) -> None:
        self.count = plan.size.skus
        self.subcategories = self.count // CHOICES
        self.ids = np.array([f"K{n + 1:05}" for n in range(self.count)])
        self.sub = np.arange(self.count) // CHOICES
        self.sub_category = np.arange(self.subcategories) % len(CATEGORIES)
        self.category = self.sub_category[self.sub]
        self.supplier = self._supply(draws, suppliers)
        self._like(plan, draws)
        self._cost(plan, draws)
        self._measure(draws)
        self._live(plan, draws)

    def _supply(self, draws: Draws, suppliers: Suppliers) -> Array:
        group = self.category % suppliers.count
        places = (suppliers.count - 1 - group) // len(CATEGORIES) + 1
        pick = draws.integers("sku/supplier", self.count, below=places)
        found: Array = group + pick * len(CATEGORIES)
        return found

    def _like(self, plan: Plan, draws: Draws) -> None:
        """Attraction at the reference price, elasticity there, and the slope that follows."""
        self.attraction = np.exp(1.15 * draws.normal("sku/attraction", self.count))
        total = np.bincount(self.sub, self.attraction)
        self.sub_total = total
        own = self.attraction / (total * (1 + NO_PURCHASE + COMPETITION))[self.sub]
        mean = of_categories("elasticity")[self.category]
        spread = 0.0 if plan.world.is_uniform else 0.6 * draws.normal("sku/elasticity", self.count)
        self.elasticity = (mean + spread).clip(-6.0, -1.6)
        self.slope = -self.elasticity / (1 - own)
        pull = draws.uniform("sub/weight", self.subcategories) + 0.5
        self.sub_weight = of_categories("weight")[self.sub_category] * pull

    def _cost(self, plan: Plan, draws: Draws) -> None:
        self.tier = draws.chosen("sku/tier", self.count, np.array([0.35, 0.45, 0.2]))
        level = np.array([0.7, 1.0, 1.6])[self.tier]
        spread = np.exp(0.35 * draws.normal("sku/cost", self.count))
        base = of_categories("cost_kes")[self.category]
        self.cost = (base * level * spread).round(2)
        self.vat = of_categories("vat")[self.category]
        self.reference = best_price(self.cost, self.elasticity, self.vat)
        mean = of_categories("elasticity")[self.category]
        noise = np.exp(0.35 * draws.normal("sku/mark_up", self.count))
        marked = (1 + self.vat) * self.cost * (1 + noise / (-mean - 1))
        self.list_price = self.reference if plan.world.is_uniform else marked
        self.is_kvi = self.attraction > np.quantile(self.attraction, 0.93)

    def _measure(self, draws: Draws) -> None:
        spread = np.exp(0.5 * draws.normal("sku/size", self.count))
        self.weight_kg = (of_categories("weight_kg")[self.category] * spread).round(3)
        self.litres = (of_categories("litres")[self.category] * spread).round(3)
        pack = np.where(self.cost < 120, 12, np.where(self.cost < 400, 6, 2))
        self.pack = pack.astype(np.int64)
        at = draws.uniform("sku/faulty_master", self.count)
        self.lacks_size = at < 0.08
        self.has_wrong_size = (at >= 0.08) & (at < 0.10)

    def _live(self, plan: Plan, draws: Draws) -> None:
        new = draws.uniform("sku/launch", self.count)
        launch = (draws.uniform("sku/launch_day", self.count) * 700 + 7).astype(int)
        self.launched = np.where(new < 0.08, launch, -400)
        gone = draws.uniform("sku/delisting", self.count)
        self.delisted = np.where(gone < 0.05, self.launched.clip(min=0) + 150 + launch, NEVER)
        if plan.world.is_uniform:
            self.launched[:], self.delisted[:] = -400, NEVER

    def on_sale(self, day: int) -> Array:
        """Whether each SKU can be ordered on a day."""
        return (self.launched <= day) & (day < self.delisted)


NO_PURCHASE, COMPETITION = 0.45, 0.30
"""What leaving a need unmet, and the competitors, weigh beside the whole subcategory."""


def best_price(cost: Array, elasticity: Array, vat: Array) -> Array:
    """The price with VAT that earns most where demand has this elasticity."""
    best: Array = (1 + vat) * cost * elasticity / (elasticity + 1)
    return best

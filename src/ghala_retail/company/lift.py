"""What each promotion sold, where the units came from, and what it earned.

For the needs of a day the chances of each SKU are worked out with and without the promotions: the
lift, and what it took from the rest of the shelf. What a promotion put into pantries, what was not
needed later because of that, and who came for the catalogue's front page is counted as it happens.
"""

import numpy as np

from ghala_retail.company.assortment import CHOICES
from ghala_retail.company.business import Business, Company
from ghala_retail.company.demand import Choices, Needs, Shelf
from ghala_retail.company.draws import Array
from ghala_retail.company.oracle import rows_of, weights_of

COLUMNS = (
    "gross_lift_units",
    "switched_units",
    "stored_units",
    "pulled_forward_units",
    "extra_visits",
    "incremental_margin_kes",
)


class PromotionOracle:
    """Adds up what each promotion did, by its number."""

    def __init__(self, company: Company) -> None:
        self.company, self.assortment = company, company.assortment
        self.sums = np.zeros((len(COLUMNS), 0))

    def see(self, business: Business) -> None:
        """Add a day."""
        if business.shelf.promotions:
            self._see_lift(business.choices, business.shelf)
            self._see_stored(business)
            self._see_traffic(business)
        self._see_skipped(business)

    def _add(self, column: str, number: Array, values: Array) -> None:
        if len(number) == 0:
            return
        lacking = int(number.max()) + 1 - self.sums.shape[1]
        if lacking > 0:
            self.sums = np.pad(self.sums, ((0, 0), (0, lacking)))
        row = self.sums[COLUMNS.index(column)]
        row += np.bincount(number.astype(np.int64), values, minlength=len(row))

    def _see_lift(self, choices: Choices, shelf: Shelf) -> None:
        """The same needs with and without the promotions."""
        rows = np.flatnonzero((rows_of(shelf.promotion, choices.needs) >= 0).any(axis=1))
        needs, made = choices.needs.keep(rows), self.assortment
        some = Choices(needs, choices.utility[rows], choices.outside[rows], choices.sku[rows])
        here, total = weights_of(some)
        cell = _cells(needs.sub)
        off, price = rows_of(shelf.discount, needs), rows_of(shelf.price, needs)
        gain = needs.weight[:, None] * (made.slope / made.reference)[cell] * price * off
        gain = gain + rows_of(shelf.appeal, needs)
        plain = here if self.company.plan.world.is_uniform else here * np.exp(-gain)
        rest = total - here.sum(axis=1, keepdims=True)
        units = needs.units[:, None]
        with_it, without = units * here / total, units * plain / (rest + plain.sum(1)[:, None])
        net, cost = price / (1 + made.vat[cell]), self.company.prices.cost[cell]
        margin = with_it * (net * (1 - off) - cost) - without * (net - cost)
        self._attribute(shelf, needs, lift=with_it - without, margin=margin)

    def _attribute(self, shelf: Shelf, needs: Needs, *, lift: Array, margin: Array) -> None:
        """Give each promotion its lift, and its share of what the rest of the shelf lost."""
        place = rows_of(shelf.promotion, needs)
        mine = place >= 0
        number = np.array([p.number for p in shelf.promotions])[place]
        gross = np.where(mine, lift, 0.0).clip(min=0)
        share = gross / np.maximum(gross.sum(axis=1, keepdims=True), 1e-12)
        lost = gross.sum(axis=1, keepdims=True) - lift.sum(axis=1, keepdims=True)
        beside = np.where(mine, 0.0, margin).sum(axis=1, keepdims=True)
        for column, values in (
            ("gross_lift_units", gross),
            ("switched_units", share * lost),
            ("incremental_margin_kes", margin + share * beside),
        ):
            self._add(column, number[mine], values[mine])

    def _see_stored(self, business: Business) -> None:
        """Units bought for later, at the promotion's price."""
        wishes, shelf, made = business.wishes, business.shelf, self.assortment
        rows = np.flatnonzero(wishes.stored_up & wishes.was_served)
        depot, sku = wishes.needs.depot[rows], wishes.sku[rows]
        number = np.array([p.number for p in shelf.promotions])[shelf.promotion[depot, sku]]
        paid = shelf.price[depot, sku] * (1 - shelf.discount[depot, sku])
        margin = paid / (1 + made.vat[sku]) - self.company.prices.cost[sku]
        units = wishes.units[rows] / 2
        self._add("stored_units", number, units)
        self._add("incremental_margin_kes", number, units * margin)

    def _see_skipped(self, business: Business) -> None:
        """Needs met at home: what they would have bought is taken from the promotion."""
        stored, shelf, made = business.stored, business.shelf, self.assortment
        number = self.company.demand.stocked_by[stored.customer, made.sub_category[stored.sub]]
        met = len(business.wishes.sku) / max(len(business.choices.needs), 1)
        units, cell = stored.units * met, _cells(stored.sub)
        margin = (
            rows_of(shelf.price, stored) / (1 + made.vat[cell]) - self.company.prices.cost[cell]
        )
        weight = made.attraction[cell] / made.sub_total[stored.sub][:, None]
        self._add("pulled_forward_units", number, units)
        self._add("incremental_margin_kes", number, -units * (margin * weight).sum(axis=1))

    def _see_traffic(self, business: Business) -> None:
        """Visits that the front page of the catalogue caused, shared among its promotions."""
        shelf = business.shelf
        visits = np.bincount(business.visits.depot, minlength=len(shelf.traffic))
        drawing = [found for found in shelf.promotions if found.is_featured]
        among = np.zeros(len(shelf.traffic))
        for found in drawing:
            among[found.depots] += 1
        extra = visits * (1 - 1 / shelf.traffic) / np.maximum(among, 1)
        worth = business.sales.margin.sum() / max(len(business.visits), 1)
        number = np.array([found.number for found in drawing], dtype=np.int64)
        caused = np.array([extra[found.depots].sum() for found in drawing])
        self._add("extra_visits", number, caused)
        self._add("incremental_margin_kes", number, caused * worth)


def _cells(sub: Array) -> Array:
    """The SKUs of each subcategory, one row each."""
    cells: Array = sub[:, None] * CHOICES + np.arange(CHOICES)
    return cells

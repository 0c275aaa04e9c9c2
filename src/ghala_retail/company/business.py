"""The company at work: one business day after another, the same whoever is watching."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ghala_retail.company.assortment import Assortment, Suppliers
from ghala_retail.company.calendar import Day, describe_day
from ghala_retail.company.demand import Choices, Demand, Needs, Shelf
from ghala_retail.company.draws import Array, Draws
from ghala_retail.company.marketing import Marketing
from ghala_retail.company.operations import Load, Operations, Shifts, Trips, Waves
from ghala_retail.company.people import Agents, Customers, Depots, of_segments
from ghala_retail.company.pricing import FUEL_KES, Competitors, Prices, Revision
from ghala_retail.company.sales import (
    AGENT_FEE_KES,
    FREE_DELIVERY_KES,
    WEB_FEE_KES,
    Aftermath,
    Clerks,
    Sales,
)
from ghala_retail.company.supply import Movements, Purchases, Stock
from ghala_retail.company.visits import Crowd, Visits
from ghala_retail.company.world import Plan

ORDERS_A_DAY = 10_000_000
"""Numbers kept free for the orders of a day. An order is numbered by its customer, so that its fate
does not hang on what others order."""
BOUGHT = 0.6
"""Share of the needs that the company's buyers expect to meet."""


@dataclass(frozen=True)
class Intervention:
    """What is done differently in a counterfactual; the default does nothing."""

    price_factors: Mapping[str, float] = field(default_factory=dict)
    """By SKU, what its price is multiplied with, from the first day on."""
    in_depots: frozenset[str] | None = None
    """Where the price factors hold; everywhere when absent."""
    contact: Mapping[str, bool] = field(default_factory=dict)
    """By campaign, whether everyone who took part is contacted, or no one."""
    without_promotions: frozenset[str] = frozenset()
    """Promotions that do not take place."""
    has_endless_stock: bool = False


NOTHING = Intervention()


@dataclass(frozen=True)
class Wishes:
    """What was wanted on a day and what became of it; one row for each need that fell on a SKU."""

    needs: Needs
    sku: Array
    units: Array
    was_served: Array
    substitute: Array
    """The SKU taken instead; -1 without one."""
    stored_up: Array


@dataclass(frozen=True)
class Business:
    """Everything that happened on a day."""

    day: Day
    visits: Visits
    shelf: Shelf
    choices: Choices
    stored: Needs
    """Needs met from what a promotion had put into the pantry."""
    wishes: Wishes
    sales: Sales
    after: Aftermath
    moved: Movements
    placed: Purchases | None
    arrived: list[Purchases]
    shifts: Shifts
    waves: Waves
    trips: Trips
    fuel: float


class Company:
    """A company of a plan, and optionally of an intervention into it."""

    def __init__(self, plan: Plan, intervention: Intervention = NOTHING) -> None:
        draws = Draws(plan.seed)
        self.plan, self.draws, self.intervention = plan, draws, intervention
        self.depots = Depots(plan, draws)
        self.agents = Agents(plan, draws, self.depots)
        self.customers = Customers(plan, draws, self.depots, agents=self.agents)
        self.suppliers = Suppliers(plan, draws)
        self.assortment = Assortment(plan, draws, self.suppliers)
        self.prices = Prices(plan, draws, self.assortment, suppliers=self.suppliers)
        self.competitors = Competitors(plan, draws, self.assortment)
        self.marketing = Marketing(
            plan, draws, assortment=self.assortment, depots=self.depots,
            customers=self.customers, agents=self.agents,
        )  # fmt: skip
        self.marketing.contact = dict(intervention.contact)
        self.marketing.left_out = intervention.without_promotions
        self.crowd = Crowd(
            plan, draws, customers=self.customers, agents=self.agents, depots=self.depots
        )
        self.demand = Demand(
            plan, draws, assortment=self.assortment, customers=self.customers, depots=self.depots
        )
        self.operations = Operations(plan, draws, self.depots)
        self.clerks = Clerks(draws, assortment=self.assortment, depots=self.depots)
        self.stock = Stock(
            plan, draws, assortment=self.assortment, suppliers=self.suppliers, depots=self.depots
        )
        self.stock.is_endless = intervention.has_endless_stock
        self.stock.open(self._expected_sales())
        self._factor = self._price_factor()
        self.revision: Revision | None = None

    def _price_factor(self) -> Array:
        """By depot and SKU."""
        factor = np.ones((self.depots.count, self.assortment.count))
        asked = self.intervention.in_depots
        where = np.isin(self.depots.ids, list(self.depots.ids if asked is None else asked))
        for sku, change in self.intervention.price_factors.items():
            factor[np.ix_(where, self.assortment.ids == sku)] = change
        return factor

    def _expected_sales(self) -> Array:
        """Units a day by depot and SKU, as the company's buyers guess them at the start."""
        made, who = self.assortment, self.customers
        alive = np.flatnonzero((who.registered < 0) & (who.until > 0))
        basket = of_segments("needs") * of_segments("bulk") * BOUGHT
        units = who.rate[alive] * basket[who.segment[alive]]
        by_depot = np.bincount(who.depot[alive], units, minlength=self.depots.count)
        pull = made.attraction * np.exp(-made.slope * (made.list_price / made.reference - 1))
        share = pull / np.maximum(np.bincount(made.sub, pull), 1e-9)[made.sub]
        share = share * (made.sub_weight / made.sub_weight.sum())[made.sub]
        guess: Array = np.outer(by_depot, share).ravel()
        return guess

    def days(self, since: int = 0) -> Iterator[Business]:
        """Live through the plan's days; through those that are left, where some were before."""
        for day in range(since, self.plan.days):
            yield self._live(describe_day(self.draws, day, self.plan.date(day)))

    def skip_to(self, day: int) -> None:
        """Let days pass in which nobody comes and no stock moves: prices and plans go on alike."""
        for passed in range(day):
            self.prices.start_day(passed)
            self.competitors.start_day(passed)
            self.marketing.start_day(passed)
            self.revision = self.prices.decide(passed)

    def _live(self, day: Day) -> Business:
        self.prices.start_day(day.day)
        self.competitors.start_day(day.day)
        self.marketing.start_day(day.day)
        arrived = self.stock.receive(day.day)
        promotions = self.marketing.active(day.day)
        shelf = self.demand.shelf(
            self.prices, promotions, day=day.day, factor=self._factor
        )  # fmt: skip
        visits = self.crowd.visits(day, effect=self.marketing.effect, traffic=shelf.traffic)
        self.marketing.see(visits.customer, day.day)
        felt, stored = self.demand.unmet(self.demand.needs(visits, day), day.day)
        choices = self.demand.choose(felt, shelf, competitors=self.competitors)
        wishes = self._serve(choices, shelf, day.day)
        sales = self._sell(visits, shelf, wishes=wishes, day=day)
        after = self.clerks.aftermath(sales, day.day)
        self._restock(sales, after)
        load = self._load(sales)
        shifts = self.operations.roster(day, load)
        fuel = FUEL_KES * (self.prices.usd_kes / 129.0) ** 0.6
        self.revision = self.prices.decide(day.day)
        return Business(
            day, visits, shelf, choices, stored, wishes, sales, after,
            self.stock.close(day.day), self.stock.order(day.day), arrived, shifts,
            self.operations.work(day, load, shifts=shifts),
            self.operations.drive(day, load, fuel=fuel), fuel,
        )  # fmt: skip

    def _serve(self, choices: Choices, shelf: Shelf, day: int) -> Wishes:
        """Ship what is there; some of those who find nothing take the next best."""
        rows = np.flatnonzero(choices.sku >= 0)
        needs, sku = choices.needs.keep(rows), choices.sku[rows]
        promotion = shelf.promotion[needs.depot, sku]
        number = np.array([p.number for p in shelf.promotions] or [-1])[promotion]
        stores = self.demand.stock_up(needs, np.where(promotion < 0, -1, number), day=day)
        units = needs.units * np.where(stores, 2, 1)
        cell = needs.depot * self.assortment.count + sku
        served = self.stock.serve(cell, units)
        short = np.flatnonzero(~served)
        substitute = np.full(len(rows), -1)
        if len(short):
            other = self.demand.second_choice(choices, rows[short])
            tried = np.flatnonzero(other >= 0)
            cells = needs.depot[short[tried]] * self.assortment.count + other[tried]
            taken = tried[self.stock.serve(cells, units[short[tried]])]
            substitute[short[taken]] = other[taken]
        return Wishes(needs, sku, units, served, substitute, stores)

    def _sell(self, visits: Visits, shelf: Shelf, *, wishes: Wishes, day: Day) -> Sales:
        """Group what was bought into orders, one for each customer and day."""
        bought = np.flatnonzero(wishes.was_served | (wishes.substitute >= 0))
        sku = np.where(wishes.was_served, wishes.sku, wishes.substitute)[bought]
        needs, units = wishes.needs.keep(bought), wishes.units[bought]
        price = shelf.price[needs.depot, sku]
        off = (price * shelf.discount[needs.depot, sku] * units).round(2)
        visit, order = np.unique(needs.visit, return_inverse=True)
        line = np.arange(len(order)) - np.searchsorted(order, order) + 1
        who, agent = visits.customer[visit], visits.agent[visit]
        value = np.bincount(order, price * units - off, minlength=len(visit))
        voucher = np.minimum(self.marketing.money_off(who, day.day), 0.5 * value)
        off = (off + (voucher / np.maximum(value, 1))[order] * (price * units - off)).round(2)
        cost = self.prices.cost[sku] * units
        margin = (price * units - off) / (1 + self.assortment.vat[sku]) - cost
        fee = np.where(agent >= 0, AGENT_FEE_KES, WEB_FEE_KES)
        at = self.draws.uniform("order/time", who, day.day)
        return Sales(
            order=day.day * ORDERS_A_DAY + who + 1,
            customer=who,
            agent=agent,
            depot=visits.depot[visit],
            seconds=((4 + 14 * at) * 3600).astype(np.int64),
            fee=np.where(value >= FREE_DELIVERY_KES, 0.0, fee),
            line_order=order, line=line, sku=sku, units=units, price=price,
            discount=off, margin=margin,
        )  # fmt: skip

    def _restock(self, sales: Sales, after: Aftermath) -> None:
        """Goods of cancelled orders come back to their shelves."""
        for day in np.unique(after.cancelled_on[after.cancelled_on >= 0]):
            lines = np.flatnonzero((after.cancelled_on == day)[sales.line_order])
            cell = sales.line_orders("depot") * self.assortment.count + sales.sku
            self.stock.bring_back(cell[lines], sales.units[lines], day=int(day))

    def _load(self, sales: Sales) -> Load:
        """What the day brings to each depot; an agent's orders are one stop."""
        count, depot = self.depots.count, sales.line_orders("depot")
        litres = self.assortment.litres[sales.sku] * sales.units
        at_agents = sales.agent >= 0
        agents = np.unique(sales.depot[at_agents] * 10**6 + sales.agent[at_agents])
        stops = np.bincount(sales.depot[~at_agents], minlength=count)
        return Load(
            stops=stops + np.bincount(agents // 10**6, minlength=count),
            lines=np.bincount(depot, minlength=count),
            units=np.bincount(depot, sales.units, minlength=count),
            litres=np.bincount(depot, litres, minlength=count),
        )

"""Promotions and campaigns: what was planned, for whom, and who was held out by lot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ghala_retail.company.assortment import CATEGORIES, NAMES, Assortment
from ghala_retail.company.calendar import describe_day
from ghala_retail.company.draws import Array, Draws, to_uniform
from ghala_retail.company.people import Agents, Customers, Depots
from ghala_retail.company.world import Plan

PLANNED_AHEAD, ASSIGNED_AHEAD = 21, 2
"""Days before their start on which promotions are planned, and customers drawn for campaigns."""
CAMPAIGN_EVERY, CAMPAIGN_DAYS = 28, 14
OFFERS = (("free_delivery", 3.0, 120.0), ("voucher", 4.0, 100.0), ("reminder", 2.0, 0.0))
"""Name, KES per contact, KES off one order."""
UPLIFT_TYPES = ("lost_cause", "persuadable", "sure_thing", "sleeping_dog")
EFFECTS = np.array([0.0, 0.9, 0.05, -0.45])
"""By uplift type: how much more often a contacted customer visits while a campaign lasts."""
LAPSING = (1.0, 4.0)
"""Visits that a customer who is slipping away has missed, by the customer's own rate."""
SENSITIVE = 1.0
"""What prices weigh for those who heed offers, at least."""


@dataclass(frozen=True)
class Promotion:
    """A discount on some SKUs in some depots."""

    number: int
    event: str
    category: int
    skus: Array
    depots: Array
    start: int
    end: int
    discount: float
    is_featured: bool
    appeal: float
    """What it adds to a utility beside the price."""
    cancelled_on: int | None

    @property
    def id(self) -> str:
        """Its name in the exports."""
        return f"P{self.number + 1:05}"

    def on(self, day: int) -> bool:
        """Whether customers see it on a day."""
        return self.cancelled_on is None and self.start <= day <= self.end


@dataclass(frozen=True)
class Event:
    """A promotion that somebody plans instead of the company's own: for a whole week, by names."""

    event: str
    category: str
    skus: frozenset[str]
    depots: frozenset[str]
    discount: float
    is_featured: bool


@dataclass(frozen=True)
class Campaign:
    """An offer to customers drawn by lot, some of whom are held out."""

    number: int
    offer: int
    start: int
    end: int
    reach: float
    holdout: float

    @property
    def id(self) -> str:
        """Its name in the exports."""
        return f"C{self.number + 1:04}"


@dataclass(frozen=True)
class Response:
    """How customers would respond to a campaign's contact."""

    customer: Array
    missed: Array
    """Visits missed since the last one, by the customer's own rate."""
    kind: Array
    """The place of the uplift type in ``UPLIFT_TYPES``."""


def uplift_types(missed: Array, price_weight: Array, *, put_off: Array) -> Array:
    """The place of each customer's uplift type in ``UPLIFT_TYPES``.

    Who came as lately as usual comes anyway. Of those who are slipping away, a contact wins back
    who feels prices; the others, and those long gone, it does not move. A few are put off, whoever
    they are.
    """
    lapsing = (missed >= LAPSING[0]) & (missed < LAPSING[1])
    kinds = np.where(lapsing & (price_weight > SENSITIVE), 1, 0)
    kinds = np.where(missed < LAPSING[0], 2, kinds)
    return np.where(put_off, 3, kinds).astype(np.int8)


class Marketing:
    """The marketing plan of a company, and what it does to its customers."""

    def __init__(
        self, plan: Plan, draws: Draws, *, assortment: Assortment, depots: Depots,
        customers: Customers, agents: Agents,
    ) -> None:  # fmt: skip
        self.plan, self.draws = plan, draws
        self.assortment, self.depots = assortment, depots
        self.customers, self.agents = customers, agents
        self.left_out: frozenset[str] = frozenset()
        """Promotions that do not take place in a counterfactual."""
        self.contact: dict[str, bool] = {}
        """By campaign, in a counterfactual: everyone who takes part is contacted, or no one."""
        self.effect = np.ones(customers.count, np.float32)
        """How often each customer visits because of the running campaign; 1 is as usual."""
        self.response = Response(*np.zeros((3, 0), np.int64))
        """Who takes part in the running campaign, and how each would respond."""
        self._visited = _visited_before(draws, customers)
        self._weeks: dict[int, list[Promotion]] = {}
        self._campaign: Campaign | None = None
        self._contacted = np.zeros(0, bool)

    def planned(self, week: int) -> list[Promotion]:
        """The promotions that were planned to start in a week."""
        if week not in self._weeks:
            count = self.plan.world.promotions_a_week
            numbers = range(week * count, (week + 1) * count)
            self._weeks[week] = [_plan_promotion(self, n, week) for n in numbers]
        return self._weeks[week]

    def replan(self, week: int, events: Sequence[Event]) -> list[Promotion]:
        """Let these events, and no others, start in a week; as promotions with their own numbers.

        Raises:
            ValueError: an event names a kind, a category, SKUs or depots that do not exist.
        """
        first = REPLANNED + 10 * week
        self._weeks[week] = [
            _hold(self, event, number=first + place, start=week * 7)
            for place, event in enumerate(events)
        ]
        return self._weeks[week]

    def active(self, day: int) -> list[Promotion]:
        """The promotions that customers see on a day, the latest last."""
        weeks = range(max(day // 7 - 1, 0), day // 7 + 1)
        return [
            promotion
            for week in weeks
            for promotion in self.planned(week)
            if promotion.on(day) and promotion.id not in self.left_out
        ]

    def campaign(self, day: int) -> Campaign | None:
        """The campaign that runs on a day."""
        number, since = divmod(day - 7, CAMPAIGN_EVERY)
        if day < 7 or since >= CAMPAIGN_DAYS:
            return None
        begin = 7 + number * CAMPAIGN_EVERY
        return Campaign(
            number, number % len(OFFERS), begin, begin + CAMPAIGN_DAYS - 1,
            reach=0.2, holdout=(0.2, 0.5)[number % 2],
        )  # fmt: skip

    def start_day(self, day: int) -> None:
        """Contact whom the lot chose on the first day of a campaign; end its effect after it."""
        found = self.campaign(day)
        if found == self._campaign:
            return
        self._campaign = found
        self.effect[:] = 1.0
        if found is None:
            return
        who, contacted = self.assign(found)
        if found.id in self.contact:
            contacted = np.full(len(who), self.contact[found.id])
        self.response = self._respond(who, day)
        reached = contacted & self._is_relayed(found, who)
        self.effect[who[reached]] = 1 + EFFECTS[self.response.kind[reached]]
        self._contacted = contacted

    def see(self, who: Array, day: int) -> None:
        """Remember who visited on a day."""
        self._visited[who] = day

    def _respond(self, who: Array, day: int) -> "Response":
        missed = (day - self._visited[who]) * self.customers.rate[who]
        if self.plan.world.is_uniform:
            return Response(who, missed, np.zeros(len(who), np.int8))
        put_off, weight = self.customers.is_put_off[who], self.customers.price_weight[who]
        return Response(who, missed, uplift_types(missed, weight, put_off=put_off))

    def assign(self, campaign: Campaign) -> tuple[Array, Array]:
        """Who takes part in a campaign, and which of them were drawn to be contacted."""
        known = self.customers.known(campaign.start - ASSIGNED_AHEAD - 1)
        part = self.draws.uniform("campaign/reach", known, campaign.number) < campaign.reach
        who = np.flatnonzero(part)
        lot = self.draws.uniform("campaign/lot", who, campaign.number)
        return who, lot >= campaign.holdout

    def _is_relayed(self, campaign: Campaign, who: Array) -> Array:
        """Agents pass an offer on with their own probability; the website always does."""
        agent = self.customers.agent_on(who, campaign.start)
        chance = np.where(agent >= 0, self.agents.relays[agent.clip(min=0)], 1.0)
        relayed: Array = self.draws.uniform("campaign/relay", who, campaign.number) < chance
        return relayed

    def money_off(self, who: Array, day: int) -> Array:
        """KES off an order of each customer today."""
        assigned = self.response.customer
        if self._campaign is None or len(assigned) == 0:
            return np.zeros(len(who))
        place = np.searchsorted(assigned, who).clip(max=len(assigned) - 1)
        has = (assigned[place] == who) & self._contacted[place]
        return np.where(has, OFFERS[self._campaign.offer][2], 0.0)


def _visited_before(draws: Draws, customers: Customers) -> Array:
    """The day of each customer's newest visit before the first day, or of the registration."""
    since = -np.log(draws.uniform("customer/visited", customers.count)) / customers.rate
    return np.maximum(customers.registered, -since).astype(np.int16)


FEATURED = 0.4
"""What the catalogue's front page adds to a utility."""
APPEAL = {"habit": 0.05, "weekend": 0.15, "supplier": 0.15, "payday": 0.3, "christmas": 0.35,
          "ramadan": 0.45, "back_to_school": 0.5}  # fmt: skip
"""What the shelf and the flyer of an event add to a utility, in a category like another."""
HABITS = ("weekend", "habit", "supplier")
KNOWN_EARLIER = 7
"""Days that a SKU has been on sale before it is promoted, so that the plan knows it."""
MOST_SKUS = 60
"""Of larger categories a smaller share is promoted."""
DEPTHS = np.array([0.05, 0.10, 0.15, 0.20, 0.30])
REPLANNED = 20_000
"""The first number of promotions that replace the company's own."""


def _plan_promotion(marketing: Marketing, number: int, week: int) -> Promotion:
    """One promotion: the season's event if there is one, else a habit of the company."""
    lots = to_uniform(marketing.draws.bits("promotion", 12, number))
    start = week * 7 + int(lots[0] * 7)
    event, category = _occasion(marketing, start, lots)
    made, depots = marketing.assortment, marketing.depots
    of_category = np.flatnonzero((made.category == category) & made.on_sale(start - KNOWN_EARLIER))
    share = marketing.draws.uniform("promotion/sku", of_category, number)
    share *= max(1.0, len(of_category) / MOST_SKUS)
    chosen = of_category[share < 0.15 + 0.25 * lots[3]]
    there = np.flatnonzero(marketing.draws.uniform("promotion/depot", depots.count, number) < 0.6)
    featured = bool(lots[7] < 0.35)
    cancelled = int(start - 5) if lots[4] < 0.04 else None
    return Promotion(
        number,
        event,
        category,
        skus=chosen if len(chosen) else of_category[:1],
        depots=there if len(there) else np.array([0]),
        start=start,
        end=start + 3 + int(lots[5] * 5),
        discount=float(DEPTHS[int(lots[6] * len(DEPTHS))]),
        is_featured=featured,
        appeal=_appeal(marketing, event, category) + FEATURED * featured,
        cancelled_on=cancelled,
    )  # fmt: skip


def _hold(marketing: Marketing, event: Event, *, number: int, start: int) -> Promotion:
    """An event by names as a promotion of seven days."""
    made, depots = marketing.assortment, marketing.depots
    skus, there = (
        np.flatnonzero(np.isin(ids, list(names)))
        for ids, names in ((made.ids, event.skus), (depots.ids, event.depots))
    )
    is_known = event.event in APPEAL and event.category in NAMES
    if not is_known or not len(skus) or not len(there):
        raise ValueError(f"{event} names what does not exist")
    category = NAMES.index(event.category)
    return Promotion(
        number, event.event, category, skus, there, start, start + 6, event.discount,
        event.is_featured,
        _appeal(marketing, event.event, category) + FEATURED * event.is_featured, None,
    )  # fmt: skip


def _occasion(marketing: Marketing, start: int, lots: Array) -> tuple[str, int]:
    day = describe_day(marketing.draws, start, marketing.plan.date(start))
    if day.ramadan > 1:
        return "ramadan", (0, 1, 2)[int(lots[1] * 3)]
    if day.gifts:
        return "christmas", (7, 11, 10)[int(lots[1] * 3)]
    if day.school:
        return "back_to_school", 9
    if day.is_payday and lots[2] < 0.5:
        return "payday", int(lots[1] * len(CATEGORIES))
    return HABITS[int(lots[2] * len(HABITS))], int(lots[1] * len(CATEGORIES))


def _appeal(marketing: Marketing, event: str, category: int) -> float:
    """An event suits some categories better than others."""
    place = np.array([list(APPEAL).index(event) * len(CATEGORIES) + category])
    return APPEAL[event] + 0.15 * float(marketing.draws.normal("promotion/appeal", place)[0])

"""Customers, agents and depots: who they are, how often they buy, when they come and go."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ghala_retail.company.calendar import ZONES
from ghala_retail.company.draws import Array, Draws, weibull
from ghala_retail.company.places import TOWNS
from ghala_retail.company.world import HORIZON, Plan

NEVER = 2**15 - 1
"""A day after every other."""
ATTEMPTS = 6
"""Agents a customer may meet before giving up and buying on the website."""
OLD_SHARE = 0.5
"""Of the customers, those who registered before the first day."""


@dataclass(frozen=True)
class Segment:
    """A planted kind of customer."""

    name: str
    share: float
    visits_a_day: float
    price_weight: float
    through_agents: float
    needs: float
    bulk: float


SEGMENTS = (
    Segment("families", 0.26, 0.0230, 0.95, 0.65, 3.6, 1.5),
    Segment("professionals", 0.14, 0.0198, 0.75, 0.25, 2.8, 1.2),
    Segment("shopkeepers", 0.08, 0.0475, 1.10, 0.85, 4.4, 2.6),
    Segment("rural_households", 0.27, 0.0146, 1.15, 0.95, 3.1, 1.5),
    Segment("students", 0.11, 0.0160, 1.20, 0.45, 1.9, 1.0),
    Segment("bargain_hunters", 0.14, 0.0168, 1.35, 0.60, 2.7, 1.6),
)
PUT_OFF = 0.07
"""Of the customers, those whom an offer keeps away."""
SALARIED, CASUAL, OWN_ACCOUNT = range(3)


def of_segments(field: str, *, alike: bool = False) -> Array:
    """One trait of every segment; the mean for each where everyone is alike."""
    values = np.array([getattr(segment, field) for segment in SEGMENTS])
    shares = np.array([segment.share for segment in SEGMENTS])
    return np.full(len(values), values @ shares) if alike else values


class Depots:
    """The depots, by their number."""

    def __init__(self, plan: Plan, draws: Draws) -> None:
        self.count = plan.size.depots
        self.towns = TOWNS[: self.count]
        self.ids = np.array([f"D{n + 1:02}" for n in range(self.count)])
        self.zone = np.array([ZONES.index(town[2]) for town in self.towns])
        self.weight = (0.6 + 0.8 * draws.uniform("depot/weight", self.count)) * np.array(
            [2.0, 1.3, 0.7]
        )[self.zone]
        self.pay_amplitude = 0.6 + 0.8 * draws.uniform("depot/pay", self.count)
        share = self.weight / self.weight.sum()
        self.trucks = np.ceil(plan.size.customers * share / 11_000).astype(int)
        self.docks = self.trucks // 2 + 1

    @cached_property
    def upcountry(self) -> Array:
        """The depots where people of the capital are at home."""
        return np.flatnonzero(self.zone == ZONES.index("upcountry"))


class Agents:
    """The agents, in the order in which they joined."""

    def __init__(self, plan: Plan, draws: Draws, depots: Depots) -> None:
        count = plan.size.agents
        joined = np.sort(draws.uniform("agent/joined", count) * 1600 - 1100)
        self.count, self.joined = count, joined.astype(np.int16)
        self.depot = draws.chosen("agent/depot", count, depots.weight).astype(np.int16)
        stays = weibull(draws.uniform("agent/stays", count), 0.9) * 1500 + 30
        left = self.joined + stays
        left = np.where(left < 0, 400 + left % 700, left)  # who is known has not left yet
        self.left = np.minimum(left, NEVER).astype(np.int16)
        self.skill = weibull(draws.uniform("agent/skill", count), 3.0)
        if plan.world.is_uniform:
            self.skill[:] = 1.0
        self.relays = 0.5 + 0.45 * draws.uniform("agent/relays", count)
        self.tier = np.searchsorted([0.85, 1.15], self.skill)


class Customers:
    """The customers, in the order in which they registered."""

    def __init__(self, plan: Plan, draws: Draws, depots: Depots, *, agents: Agents) -> None:
        count = plan.size.customers
        self.count = count
        self.registered = self._register(draws, count)
        self.depot = draws.chosen("customer/depot", count, depots.weight).astype(np.int16)
        self.segment = self._segment(draws, depots)
        self.home = depots.upcountry[
            draws.integers("customer/home", count, below=len(depots.upcountry))
        ].astype(np.int16)
        self._work(draws, depots)
        self._buy(plan, draws)
        self._join_agents(draws, agents)
        self.is_put_off = draws.uniform("customer/uplift", count) < PUT_OFF

    @staticmethod
    def _register(draws: Draws, count: int) -> Array:
        at = np.sort(draws.uniform("customer/registered", count))
        past = (at / OLD_SHARE - 1) * 1000 - 1
        coming = (at - OLD_SHARE) / (1 - OLD_SHARE) * HORIZON
        return np.where(at < OLD_SHARE, np.floor(past), np.floor(coming)).astype(np.int16)

    def _segment(self, draws: Draws, depots: Depots) -> Array:
        lean = np.ones((3, len(SEGMENTS)))
        lean[:, 3] = (0.15, 0.6, 1.8)  # rural households live up-country
        lean[:, 1] = (1.8, 1.2, 0.5)
        edges = np.cumsum(lean * of_segments("share"), axis=1)
        edges /= edges[:, -1:]
        at = draws.uniform("customer/segment", self.count)
        passed: Array = (at[:, None] > edges[depots.zone[self.depot]]).sum(axis=1)
        return passed.astype(np.int8)

    def _work(self, draws: Draws, depots: Depots) -> None:
        at = draws.uniform("customer/pay", self.count)
        salaried = np.array([0.45, 0.9, 0.05, 0.15, 0.2, 0.4])[self.segment]
        self.pay = np.where(
            at < salaried, SALARIED, np.where(at < salaried + 0.3, CASUAL, OWN_ACCOUNT)
        ).astype(np.int8)
        coast = np.array([town[4] > 39 for town in depots.towns])[self.depot]
        self.observes = draws.uniform("customer/faith", self.count) < np.where(coast, 0.45, 0.09)
        self.birth_year = 2005 - (draws.uniform("customer/age", self.count) ** 1.4 * 50).astype(int)
        self.is_woman = draws.uniform("customer/gender", self.count) < 0.56

    def _buy(self, plan: Plan, draws: Draws) -> None:
        spread = 1.0 if plan.world.is_uniform else weibull(
            draws.uniform("customer/rate", self.count), 0.85
        )  # fmt: skip
        often = of_segments("visits_a_day", alike=plan.world.is_uniform)[self.segment]
        self.rate = (often * spread * plan.world.visits).astype(np.float32)
        personal = np.exp(0.2 * draws.normal("customer/price", self.count))
        weight = of_segments("price_weight")[self.segment] * personal
        self.price_weight = np.where(plan.world.is_uniform, 1.0, weight).astype(np.float32)
        life = weibull(draws.uniform("customer/life", self.count), 0.7) * 2200 + 10
        late = (self.registered < 0) & (self.registered + life < 0)
        ends = np.where(late, life, self.registered + life)
        self.until = np.minimum(ends, NEVER).astype(np.int16)

    def _join_agents(self, draws: Draws, agents: Agents) -> None:
        """Each customer of an agent, and who takes the customer over when the agent leaves."""
        wants = draws.uniform("customer/channel", self.count)
        through = wants < of_segments("through_agents")[self.segment]
        first = np.full(self.count, -1)
        for attempt in range(ATTEMPTS):
            lot = draws.uniform("customer/agent", self.count, attempt)
            found = _agents_near(self.depot, lot, agents)
            there = agents.joined[found] <= np.maximum(self.registered, 0)
            there &= agents.left[found] > np.maximum(self.registered, 0)
            first = np.where((first < 0) & there, found, first)
        second = _agents_near(self.depot, draws.uniform("customer/second", self.count), agents)
        self.agent = np.where(through & (first >= 0), first, -1).astype(np.int32)
        self.handed_over = np.where(self.agent >= 0, agents.left[first], NEVER).astype(np.int16)
        taken = draws.uniform("customer/taken_over", self.count) < 0.6
        able = (agents.left[second] > self.handed_over) & (agents.joined[second] <= 0) & taken
        self.next_agent = np.where(able, second, -1).astype(np.int32)
        lost = (self.agent >= 0) & (self.next_agent < 0)
        self.until = np.where(lost, np.minimum(self.until, self.handed_over), self.until)

    def agent_on(self, who: Array, day: int) -> Array:
        """The agent of each customer on a day; -1 for customers of the website."""
        handed = self.handed_over[who] <= day
        return np.where(handed, self.next_agent[who], self.agent[who])

    def known(self, day: int) -> int:
        """How many customers have registered by a day: they are the first ones."""
        return int(np.searchsorted(self.registered, day, side="right"))


def _agents_near(depot: Array, at: Array, agents: Agents) -> Array:
    """An agent of the same depot; a few have many customers."""
    order = np.argsort(agents.depot, kind="stable")
    first = np.searchsorted(agents.depot[order], np.arange(agents.depot.max() + 2))
    size = np.maximum(np.diff(first), 1)
    place = first[depot] + (at**1.6 * size[depot]).astype(np.int64)
    found: Array = order[place.clip(max=agents.count - 1)]
    return found

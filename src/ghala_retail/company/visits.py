"""Who comes on a day: each customer's own lot against the customer's own rate."""

from dataclasses import dataclass

import numpy as np

from ghala_retail.company.calendar import Day
from ghala_retail.company.draws import _STEP, Array, Draws, mix
from ghala_retail.company.people import CASUAL, SALARIED, Agents, Customers, Depots
from ghala_retail.company.world import Plan

MOST = 5.0
"""The largest factor by which a day can raise a customer's rate."""
BLOCK = 1 << 17
TRAVELLERS = 0.45
"""Of the customers in the capital, those who spend Christmas at home up-country."""
STRUCK = 2
"""Depots whose agents strike."""


@dataclass(frozen=True)
class Visits:
    """One row for each customer who came."""

    customer: Array
    depot: Array
    """Where the order is sent to; not always the depot of the customer's home."""
    segment: Array
    agent: Array
    """-1 on the website."""

    def __len__(self) -> int:
        return len(self.customer)


class Crowd:
    """Draws the visits of each day."""

    def __init__(
        self, plan: Plan, draws: Draws, *, customers: Customers, agents: Agents, depots: Depots
    ) -> None:
        self.plan, self.draws = plan, draws
        self.customers, self.agents, self.depots = customers, agents, depots
        self._lots = np.arange(customers.count, dtype=np.uint64) * _STEP
        limit = np.minimum(customers.rate.astype(float) * MOST, 1.0) * (2.0**32 - 1)
        self._limit = limit.astype(np.uint32)
        travels = draws.uniform("customer/travels", customers.count) < TRAVELLERS
        self._travels = travels & (depots.zone[customers.depot] == 0)

    def visits(self, day: Day, *, effect: Array, traffic: Array) -> Visits:
        """Who visits on a day.

        Args:
            day: what the day is like.
            effect: by customer, the factor of the running campaign.
            traffic: by depot, the factor of its promotions.
        """
        known = self.customers.known(day.day)
        who, lot = self._candidates(day.day, known)
        alive = self.customers.until[who] > day.day
        who, lot = who[alive], lot[alive]
        agent = self.customers.agent_on(who, day.day)
        depot = self.customers.depot[who]
        if day.is_travel:
            depot = np.where(self._travels[who], self.customers.home[who], depot)
        factor = self._season(day, who) * effect[who] * traffic[depot]
        factor *= self._channel(day, agent, depot=depot)
        comes = lot < self.customers.rate[who] * np.minimum(factor, MOST)
        who, agent, depot = who[comes], agent[comes], depot[comes]
        return Visits(who, depot.astype(np.int64), self.customers.segment[who], agent)

    def _candidates(self, day: int, known: int) -> tuple[Array, Array]:
        """Everyone who would come on the best of days, with the lot drawn."""
        stream = self.draws.stream("visit", day)
        found, lots = [], []
        for begin in range(0, known, BLOCK):
            end = min(begin + BLOCK, known)
            lot = (mix(self._lots[begin:end] + stream) >> np.uint64(32)).astype(np.uint32)
            at = np.flatnonzero(lot < self._limit[begin:end])
            found.append(at + begin)
            lots.append(lot[at])
        return np.concatenate(found), np.concatenate(lots) * 2.0**-32

    def _season(self, day: Day, who: Array) -> Array:
        """Paydays, Ramadan, Christmas and rain, as each customer feels them."""
        depot = self.customers.depot[who]
        pay = self.customers.pay[who]
        swing = self.depots.pay_amplitude[depot]
        salaried = 0.45 * swing if day.is_payday else -0.2 * swing
        casual = 0.5 * swing if day.is_casual_payday else -0.12 * swing
        factor = 1 + np.where(pay == SALARIED, salaried, np.where(pay == CASUAL, casual, 0.0))
        factor *= np.where(self.customers.observes[who], day.ramadan, 1.0)
        rain = day.rain_mm[self.depots.zone[depot]]
        factor *= (1 + 0.35 * day.gifts) * (1 - 0.004 * np.minimum(rain, 40.0))
        whole: Array = factor * day.weekday
        return whole

    def _channel(self, day: Day, agent: Array, *, depot: Array) -> Array:
        """Skill of the agent, and what befell the agents or the website."""
        plan, through = self.plan, agent >= 0
        skill = np.minimum(self.agents.skill[agent.clip(min=0)], 1.6)
        struck = 1 - plan.shock("agent_strike", day.day) * (depot < STRUCK)
        online = 1 + plan.shock("online_shift", day.day)
        online *= 1 - plan.shock("website_outage", day.day)
        election = 1 - plan.shock("election_week", day.day)
        return np.where(through, skill * struck, online) * election

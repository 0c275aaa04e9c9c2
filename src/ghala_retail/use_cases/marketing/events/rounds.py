"""Events and trucks agree on a price: plan, load, what trucks charge for the load, plan again.

The first round plans at what trucks charge for the first litre; each further one at the price of
the next litre on top of the plan before. A price per litre is too low for events that fill a truck
together, so after each round events leave the locations where their trucks cost more than they
add. Prices may still swing between a full and an empty plan, so there is an end to the rounds, and
of all plans the one that is worth most after the whole charge is taken.
"""

from dataclasses import dataclass

import numpy as np

from ghala_retail.use_cases.marketing.events.calendar import Calendar, Rules, count_missing, plan
from ghala_retail.use_cases.marketing.events.charges import Array
from ghala_retail.use_cases.marketing.events.offers import Offers

ROUNDS = 3


@dataclass(frozen=True)
class Agreement:
    """The plan that was agreed on.

    Attributes:
        calendar: what runs where.
        price: KES a litre at which it was planned, by location and week.
        rounds: how many plans were made.
    """

    calendar: Calendar
    price: Array
    rounds: int


def agree(offers: Offers, rules: Rules) -> Agreement:
    """The best plan of at most ``ROUNDS``; they end when prices stay, or a plan comes again."""
    made: list[tuple[Calendar, Array]] = []
    price = offers.charges.price(np.zeros(offers.room.shape))
    while len(made) < ROUNDS:
        calendar = _trim(offers, rules, plan(offers.charged(price), rules))
        is_known = any(np.array_equal(calendar.runs, before.runs) for before, _ in made)
        made.append((calendar, price))
        asked = offers.charges.price(carried(offers, calendar))
        if is_known or np.array_equal(asked, price):
            break
        price = asked
    calendar, price = max(
        made, key=lambda one: (-sum(one[0].missing), net_worth(offers, rules, one[0]))
    )
    return Agreement(calendar, price, len(made))


def _trim(offers: Offers, rules: Rules, calendar: Calendar) -> Calendar:
    """Stop events where the trucks that they need on top of the others cost more than they add."""
    runs, charges = calendar.runs.copy(), offers.charges.of_events(offers.week)
    while True:
        load = carried(offers, Calendar(runs, ()))[:, offers.week].T
        saved = charges.of(load) - charges.of(load - offers.litres)
        loss = np.where(runs, saved - offers.gain, 0.0)
        if not loss.size or loss.max() <= 0:
            return Calendar(runs, count_missing(offers.week[runs.any(axis=1)], offers, rules))
        runs[np.unravel_index(loss.argmax(), loss.shape)] = False


def net_worth(offers: Offers, rules: Rules, calendar: Calendar) -> float:
    """The margin that a calendar is expected to add after what trucks charge for it, KES."""
    charge = offers.charges.of(carried(offers, calendar)).sum()
    return calendar.worth(offers, rules) - float(charge)


def carried(offers: Offers, calendar: Calendar) -> Array:
    """Litres more than usual, by location and week."""
    litres = np.zeros(offers.room.shape)
    np.add.at(litres.T, offers.week, offers.litres * calendar.runs)
    return litres

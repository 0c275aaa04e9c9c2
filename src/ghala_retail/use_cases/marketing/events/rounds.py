"""Events and trucks agree on a price: plan, load, what trucks charge for the load, plan again.

The first round plans at what trucks charge for the first litre; each further one at the price of
the next litre on top of the plan before. Prices may swing between a full and an empty plan, so
there is an end to the rounds, and of all plans the one that is worth most after the whole charge is
taken.
"""

from dataclasses import dataclass

import numpy as np

from ghala_retail.use_cases.marketing.events.calendar import Calendar, Rules, plan
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
        calendar = plan(offers.charged(price), rules)
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


def net_worth(offers: Offers, rules: Rules, calendar: Calendar) -> float:
    """The margin that a calendar is expected to add after what trucks charge for it, KES."""
    charge = offers.charges.of(carried(offers, calendar)).sum()
    return calendar.worth(offers, rules) - float(charge)


def carried(offers: Offers, calendar: Calendar) -> Array:
    """Litres more than usual, by location and week."""
    litres = np.zeros(offers.room.shape)
    np.add.at(litres.T, offers.week, offers.litres * calendar.runs)
    return litres

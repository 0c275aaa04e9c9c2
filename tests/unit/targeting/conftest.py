"""Campaigns of a made-up company of which the effect on each customer is known."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ghala_retail.use_cases.marketing.targeting.use_case as home
from ghala.contracts.policy import read_policy
from ghala_retail.features.customer import campaign_response, customer
from ghala_retail.use_cases.marketing.targeting.use_case import Targeting, TargetingPolicy

OFFERS = {"reminder": (2.0, 0.0), "voucher": (4.0, 100.0)}
MARGIN = 500.0


@dataclass(frozen=True)
class World:
    """How campaigns move customers.

    Attributes:
        effect: what a contact adds to the chance of an order of those who buy on discount.
        held_out: share held out by lot.
        orders: the chance of an order without a contact, of those who can be moved; that of the
            others is three times as high, so that who is likeliest to order is the wrong one.
    """

    effect: float = 0.3
    held_out: float = 0.5
    orders: float = 0.2
    margin: float = MARGIN


def make_lots(world: World, *, rows: int = 6000, seed: int = 1) -> pl.DataFrame:
    """Customers whom the lots of two campaigns drew, with what they did.

    Every other customer buys on discount, and only they can be moved.
    """
    random = np.random.default_rng(seed)
    number = np.arange(rows)
    offer = np.where(number < rows // 2, "reminder", "voucher")
    discount = np.where(offer == "voucher", 100.0, 0.0)
    buys_on_discount = number % 2 == 0
    contacted = random.random(rows) >= world.held_out
    chance = np.where(buys_on_discount, world.orders + world.effect * contacted, 3 * world.orders)
    ordered = random.random(rows) < chance
    earned = ordered * (world.margin - contacted * discount + random.normal(0, 20, rows))
    as_of = date(2025, 1, 6)
    days = [as_of + timedelta(days=28 * int(late)) for late in number >= rows // 2]
    known = {name: np.full(rows, 1.0) for view in (customer, campaign_response)
             for name in view.columns}  # fmt: skip
    known["discount_365d"] = np.where(buys_on_discount, 300.0, 0.0)
    known["spend_365d"] = np.full(rows, 3000.0)
    known["orders_365d"] = random.integers(1, 9, rows).astype(np.float64)
    known["days_since_order"] = random.integers(1, 200, rows).astype(np.float64)
    return pl.DataFrame(
        {
            "customer_id": [f"c{n:05}" for n in number], "as_of": days,
            "agent_id": [None if n % 3 else f"a{n % 40}" for n in number],
            "has_agent": (number % 3 == 0).astype(int), "days_registered": 400,
            "is_held_out": (number % 10 == 9).astype(int), "recent_contacts": number % 4 // 3 * 3,
            "lot_offer": offer, "lot_contact_cost": np.where(offer == "voucher", 4.0, 2.0),
            "lot_discount": discount, "lot_contacted": contacted.astype(int),
            "lot_propensity": 1 - world.held_out,
            **known, "orders": ordered.astype(int), "actual": earned,
            "known_on": [day + timedelta(days=28) for day in days],
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def targeting() -> Targeting:
    """The use case as it ships."""
    made = Targeting()
    made.name, made.folder = "marketing/targeting", Path(home.__file__).parent
    made.policy = read_policy(made.folder / "policy.yml", TargetingPolicy)
    return made

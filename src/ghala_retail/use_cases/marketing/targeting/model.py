"""The model of whom to contact: which learner, or which simple policy, earned most on lots."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl

from ghala_retail.use_cases.marketing.targeting.inputs import Floats, as_table, as_traits
from ghala_retail.use_cases.marketing.targeting.learners import (
    LEARNERS,
    Asked,
    Parts,
    chance_of,
)

SIMPLE = ("rule", "response", "nobody")
"""Policies within the budget that need no learner of effects."""
EVERYONE = "everyone"
"""What it would be worth to contact all, whatever the budget: to compare with, never used."""
_LAPSING = (30, 120)
"""Days since the last order after which marketing sees a frequent customer as slipping away."""


@dataclass(frozen=True)
class Offer:
    """What a contact may offer; money as the newest campaign had it."""

    name: str
    contact_cost: float
    discount: float


@dataclass(frozen=True)
class TargetingModel:
    """A fitted model.

    Attributes:
        offers: numbered from 1 in decisions.
        outcome: LightGBM's text of the probability of an order.
        margin: LightGBM's text of what a customer who orders earns the company.
        learner: the learner of effects that did best.
        parts: what that learner has learned.
        chosen: the learner, or the simple policy that is used in its place.
        simple: the simple policy that did best.
        best_offer: the number of the offer that simple policies make.
        found: profit per customer over contacting no one, on customers held back, by policy.
    """

    offers: tuple[Offer, ...]
    outcome: str
    margin: str
    learner: str
    parts: Parts
    chosen: str
    simple: str
    best_offer: int
    found: dict[str, dict[str, float]]

    @cached_property
    def _outcome(self) -> lgb.Booster:
        return lgb.Booster(model_str=self.outcome)

    def expect(self, subjects: pl.DataFrame) -> "Expected":
        """What is expected of each customer, under each offer."""
        table = as_table(subjects)
        askings = [_ask_about(subjects, table, offer.discount) for offer in self.offers]
        learner = LEARNERS[self.learner]
        effects = [learner.effect(self.parts, asked, self._outcome) for asked in askings]
        margin = lgb.Booster(model_str=self.margin).predict(table, num_threads=1)
        without = chance_of(self._outcome, askings[0], 0.0)
        return Expected(self.offers, without, np.column_stack(effects), np.asarray(margin))


@dataclass(frozen=True)
class Expected:
    """What is expected of customers; money per customer.

    Attributes:
        without: probability of an order without a contact.
        effect: by how much each offer raises it, one column per offer.
        margin: what an order earns, before the offer's discount.
    """

    offers: tuple[Offer, ...]
    without: Floats
    effect: Floats
    margin: Floats

    @property
    def with_it(self) -> Floats:
        """Probability of an order after each offer."""
        return np.clip(self.without[:, None] + self.effect, 0.0, 1.0)

    @property
    def earned_without(self) -> Floats:
        """What is earned without a contact."""
        return self.without * self.margin

    @property
    def earned(self) -> Floats:
        """What is earned after each offer, before the contact."""
        return np.asarray(self.with_it * (self.margin[:, None] - self._of("discount")))

    @property
    def value(self) -> Floats:
        """What each offer adds: uplift x margin, less discounts given away and the contact."""
        return self.earned - self.earned_without[:, None] - self._of("contact_cost")

    @property
    def cost(self) -> Floats:
        """What each offer spends: the contact, and the discounts of those who order."""
        return self.with_it * self._of("discount") + self._of("contact_cost")

    def _of(self, field: str) -> Floats:
        return np.array([getattr(offer, field) for offer in self.offers])


def decide_simply(
    policy: str, subjects: pl.DataFrame, expected: Expected, *, contacts: int
) -> Floats:
    """Whom a simple policy contacts: 1 or 0 per customer.

    ``rule`` is marketing's own: frequent customers who have not ordered for one to four months.
    ``response`` takes those who are likeliest to order after a contact.
    """
    if policy in (EVERYONE, "nobody"):
        return np.full(subjects.height, float(policy == EVERYONE))
    if policy == "response":
        score = expected.with_it.max(axis=1)
    else:
        known = subjects.select(pl.col("orders_365d", "days_since_order").fill_null(0)).to_numpy()
        is_lapsing = (known[:, 1] >= _LAPSING[0]) & (known[:, 1] <= _LAPSING[1])
        score = known[:, 0] * is_lapsing
    first = np.argsort(-score, kind="stable")[:contacts]
    taken = np.zeros(len(score))
    taken[first] = score[first] > 0
    return taken


def _ask_about(subjects: pl.DataFrame, table: np.ndarray, discount: float) -> Asked:
    off = np.full(subjects.height, discount)
    return Asked(table, as_traits(subjects, off), off)


def save(model: TargetingModel, folder: Path) -> None:
    """Write LightGBM's text and JSON; neither runs code when loaded."""
    content = asdict(model)
    for name in ("outcome", "margin"):
        (folder / f"{name}.txt").write_text(content.pop(name), encoding="utf-8")
    (folder / "model.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def load(folder: Path) -> TargetingModel:
    """Read what ``save`` wrote."""
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    content["offers"] = tuple(Offer(**offer) for offer in content["offers"])
    for name in ("outcome", "margin"):
        content[name] = (folder / f"{name}.txt").read_text(encoding="utf-8")
    return TargetingModel(**content)

"""The model of whom to contact: a blend of learners, and what lots say of its choices."""

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
    Usual,
    expect_orders,
)

BLEND = "blend"
"""The learners together, each by its weight."""
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
        outcome: LightGBM's text of the expected orders.
        margin: LightGBM's text of what an order earns the company.
        weights: how much the effects of each learner count; none that counts for nothing.
        parts: what each of these learners has learned.
        chosen: the blend, or the simple policy that is used in its place.
        simple: the simple policy that did best.
        best_offer: the number of the offer that simple policies make.
        found: profit per customer over contacting no one, on customers held back, by policy.
    """

    offers: tuple[Offer, ...]
    outcome: str
    margin: str
    weights: dict[str, float]
    parts: dict[str, Parts]
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
        asked = _ask_about(subjects, table, 0.0)
        without = expect_orders(self._outcome, asked, 0.0)
        effect = np.zeros((subjects.height, len(self.offers)))
        for place, offer in enumerate(self.offers):
            asked = _ask_about(subjects, table, offer.discount)
            usual = Usual(without, expect_orders(self._outcome, asked, 1.0))
            for name, weight in self.weights.items():
                effect[:, place] += weight * LEARNERS[name].effect(self.parts[name], asked, usual)
        margin = lgb.Booster(model_str=self.margin).predict(table, num_threads=1)
        return Expected(self.offers, without, effect, np.asarray(margin))


@dataclass(frozen=True)
class Expected:
    """What is expected of customers; money per customer.

    Attributes:
        without: orders without a contact.
        effect: how many orders each offer adds, one column per offer.
        margin: what an order earns, before the offer's discount.
    """

    offers: tuple[Offer, ...]
    without: Floats
    effect: Floats
    margin: Floats

    @property
    def with_it(self) -> Floats:
        """Orders after each offer."""
        return np.maximum(self.without[:, None] + self.effect, 0.0)

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
        """What each offer spends: the contact, and the discounts of all orders."""
        return self.with_it * self._of("discount") + self._of("contact_cost")

    def _of(self, field: str) -> Floats:
        return np.array([getattr(offer, field) for offer in self.offers])


def decide_simply(
    policy: str, subjects: pl.DataFrame, expected: Expected, *, contacts: int
) -> Floats:
    """Whom a simple policy contacts: 1 or 0 per customer.

    ``rule`` is marketing's own: frequent customers who have not ordered for one to four months.
    ``response`` takes those who are expected to order most after a contact.
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

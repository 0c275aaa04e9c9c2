"""How much oftener a contacted customer orders: four ways to learn it from customers' lots.

Effects are differences in the expected number of orders while a campaign runs. All learners are
given the same past; how much each counts is decided on customers held back (``fitting``).
"""

from dataclasses import dataclass
from typing import Protocol

import lightgbm as lgb
import numpy as np

from ghala_retail.use_cases.marketing.targeting.inputs import Floats, Table, standardise

_THREADS = 1
_TREES: dict[str, object] = {
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 400,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": _THREADS,
    "verbose": -1,
}
_FLAT: dict[str, object] = {"num_leaves": 7, "min_data_in_leaf": 3000}
"""Effects are much smaller than the noise: their trees are small, and their leaves large."""
_ROUNDS, _EFFECT_ROUNDS = 120, 40
_RIDGE = 300.0
_LEAST_ORDERS = 1e-3

Parts = dict[str, str]
"""A fitted learner, as text by name."""


@dataclass(frozen=True)
class Asked:
    """Customers, and the offer that each is asked about.

    Attributes:
        table: for the trees, one row per customer.
        traits: for the linear learner, one row per customer and offer.
        discount: money off an order under the offer.
    """

    table: Table
    traits: Floats
    discount: Floats

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, rows: np.ndarray) -> "Asked":
        return Asked(self.table[rows], self.traits[rows], self.discount[rows])


@dataclass(frozen=True)
class Lots:
    """What became of customers whom lots drew.

    Attributes:
        contacted: 1 or 0.
        chance: the probability with which the lot contacted the customer.
        orders: of the customer while the campaign ran.
    """

    asked: Asked
    contacted: Floats
    chance: Floats
    orders: Floats

    def __len__(self) -> int:
        return len(self.asked)

    def __getitem__(self, rows: np.ndarray) -> "Lots":
        return Lots(self.asked[rows], self.contacted[rows], self.chance[rows], self.orders[rows])


@dataclass(frozen=True)
class Usual:
    """Expected orders of customers, with the contact they are asked about and without."""

    without: Floats
    with_it: Floats


class Learner(Protocol):
    """Learns effects; ``usual`` is what the model of orders that all start from expects."""

    def fit(self, lots: Lots, usual: Usual, *, seed: int) -> Parts:
        """What was learned."""

    def effect(self, parts: Parts, asked: Asked, usual: Usual) -> Floats:
        """By how much a contact raises the expected number of orders, row by row."""


def fit_outcome(lots: Lots, *, seed: int) -> lgb.Booster:
    """The expected orders by customer, contact and discount."""
    table = _with_offer(lots.asked, lots.contacted)
    return grow(table, lots.orders, rounds=_ROUNDS, seed=seed, objective="poisson")


def expect_orders(outcome: lgb.Booster, asked: Asked, contacted: float) -> Floats:
    """The expected orders if everyone is contacted (1), or no one (0)."""
    return _ask(outcome, _with_offer(asked, np.full(len(asked), contacted)))


def usual_orders(lots: Lots, usual: Usual) -> Floats:
    """The orders expected before the lot is drawn; never quite none."""
    mean = lots.chance * usual.with_it + (1 - lots.chance) * usual.without
    return np.maximum(mean, _LEAST_ORDERS)


class SLearner:
    """One model of orders, asked with and without the contact."""

    def fit(self, lots: Lots, usual: Usual, *, seed: int) -> Parts:
        """Nothing beyond the model of orders."""
        return {}

    def effect(self, parts: Parts, asked: Asked, usual: Usual) -> Floats:
        """The difference of the two answers."""
        return usual.with_it - usual.without


class XLearner:
    """Künzel et al. 2019: each side's effects imputed by the other side's model, then blended."""

    def fit(self, lots: Lots, usual: Usual, *, seed: int) -> Parts:
        """A model of orders per side, and one of the imputed effects per side."""
        by_lot = lots.contacted == 1
        sides = {"spared": lots[~by_lot], "contacted": lots[by_lot]}
        orders = {
            name: grow(_table(side.asked), side.orders, rounds=_ROUNDS, seed=seed,
                       objective="poisson")
            for name, side in sides.items()
        }  # fmt: skip
        parts = {"share": repr(float(lots.chance.mean()))}
        for name, other, sign in (("contacted", "spared", 1.0), ("spared", "contacted", -1.0)):
            side = sides[name]
            imputed = sign * (side.orders - _ask(orders[other], _table(side.asked)))
            grown = grow(_table(side.asked), imputed, rounds=_EFFECT_ROUNDS, seed=seed, **_FLAT)
            parts[name] = grown.model_to_string()
        return parts

    def effect(self, parts: Parts, asked: Asked, usual: Usual) -> Floats:
        """Both sides' effects, weighted by the share that was contacted."""
        share, table = float(parts["share"]), _table(asked)
        spared, contacted = (
            _ask(lgb.Booster(model_str=parts[name]), table) for name in ("spared", "contacted")
        )
        return share * spared + (1 - share) * contacted


class DRLearner:
    """Kennedy 2023: doubly robust effects of each customer, smoothed by small trees."""

    def fit(self, lots: Lots, usual: Usual, *, seed: int) -> Parts:
        """A model of the doubly robust effects."""
        expected = np.where(lots.contacted == 1, usual.with_it, usual.without)
        weight = (lots.contacted - lots.chance) / (lots.chance * (1 - lots.chance))
        effects = usual.with_it - usual.without + weight * (lots.orders - expected)
        grown = grow(_table(lots.asked), effects, rounds=_EFFECT_ROUNDS, seed=seed, **_FLAT)
        return {"effect": grown.model_to_string()}

    def effect(self, parts: Parts, asked: Asked, usual: Usual) -> Floats:
        """What the trees say."""
        return _ask(lgb.Booster(model_str=parts["effect"]), _table(asked))


class RelativeLearner:
    """An R-learner (Nie & Wager 2021) of relative effects: linear in a few traits, with a ridge.

    Who orders often has more orders to win or lose, so that effects are more alike as shares of the
    usual orders than as differences. The trees know the usual orders; a few numbers are left to
    learn, which the little that a campaign moves can tell from noise.
    """

    def fit(self, lots: Lots, usual: Usual, *, seed: int) -> Parts:
        """Weighted least squares of the relative residual of orders on that of the contact."""
        mean = usual_orders(lots, usual)
        moved = lots.contacted - lots.chance
        weight = moved**2 * mean
        target = (lots.orders - mean) / (moved * mean)
        centre, scale = lots.asked.traits.mean(axis=0), lots.asked.traits.std(axis=0)
        scale[scale == 0] = 1.0
        design = standardise(lots.asked.traits, centre, scale)
        ridge = np.diag([0.0] + [_RIDGE] * (design.shape[1] - 1))
        slope = np.linalg.solve((design.T * weight) @ design + ridge, design.T @ (weight * target))
        found = {"centre": centre, "scale": scale, "slope": slope}
        return {name: " ".join(map(repr, map(float, values))) for name, values in found.items()}

    def effect(self, parts: Parts, asked: Asked, usual: Usual) -> Floats:
        """The relative effect times the orders without a contact."""
        centre, scale, slope = (
            np.array(parts[name].split(), dtype=np.float64)
            for name in ("centre", "scale", "slope")
        )  # fmt: skip
        relative = standardise(asked.traits, centre, scale) @ slope
        return np.asarray(relative * usual.without, dtype=np.float64)


LEARNERS: dict[str, Learner] = {
    "relative": RelativeLearner(), "x": XLearner(), "s": SLearner(), "dr": DRLearner(),
}  # fmt: skip


def grow(
    table: Table, target: Floats, *, rounds: int, seed: int, **parameters: object
) -> lgb.Booster:
    """Boosted trees, deterministic by rows and seed."""
    chosen: dict[str, object] = {"objective": "regression", **_TREES, **parameters, "seed": seed}
    return lgb.train(chosen, lgb.Dataset(table, target, params=chosen), rounds)


def _ask(booster: lgb.Booster, table: Table) -> Floats:
    return np.asarray(booster.predict(table, num_threads=_THREADS), dtype=np.float64)


def _table(asked: Asked) -> Table:
    return np.column_stack([asked.table, asked.discount.astype(np.float32)])


def _with_offer(asked: Asked, contacted: Floats) -> Table:
    offered = (contacted, contacted * asked.discount)
    return np.column_stack([asked.table, *(column.astype(np.float32) for column in offered)])

"""Learn from lots: fit the learners, weigh them, and ask the lots for a proof of the choice."""

from dataclasses import asdict, dataclass

import lightgbm as lgb
import numpy as np
import polars as pl
from scipy.optimize import nnls

from ghala_retail.use_cases.marketing.targeting.budget import Limits, choose
from ghala_retail.use_cases.marketing.targeting.inputs import Floats, as_table, as_traits
from ghala_retail.use_cases.marketing.targeting.learners import (
    LEARNERS,
    Asked,
    Lots,
    Usual,
    expect_orders,
    fit_outcome,
    grow,
    usual_orders,
)
from ghala_retail.use_cases.marketing.targeting.model import (
    BLEND,
    EVERYONE,
    SIMPLE,
    Expected,
    Offer,
    TargetingModel,
    decide_simply,
)
from ghala_retail.use_cases.marketing.targeting.value import Log, Value, estimate, profits

ROWS = 400_000
"""At most so many of the newest lots are learned from."""
_FOLDS = 2
_LEAST = 50
"""Orders that each side of the lots must have before a learner can tell them apart."""
_MARGIN_ROUNDS = 80
_CONFIDENCE = 0.90


@dataclass(frozen=True)
class Past:
    """Randomised customers as arrays, beside the frame they come from."""

    rows: pl.DataFrame
    lots: Lots
    offer: Floats
    contact_cost: Floats
    earned: Floats
    cluster: np.ndarray
    """A number for each row's agent, or customer where there is none."""

    def __getitem__(self, rows: np.ndarray) -> "Past":
        return Past(
            self.rows.filter(rows), self.lots[rows], self.offer[rows], self.contact_cost[rows],
            self.earned[rows], self.cluster[rows],
        )  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """What the policy asks of a fit.

    Attributes:
        share: of the customers that may be contacted.
        spend: money per customer that may be spent; None is no limit.
        sure: probability that a policy must earn more than no contact at all, to be used.
    """

    share: float
    spend: float | None
    sure: float

    def limits(self, customers: int) -> Limits:
        """The limits for so many customers."""
        spend = None if self.spend is None else self.spend * customers
        return Limits(int(self.share * customers), spend)


def fit(examples: pl.DataFrame, rules: Rules, *, seed: int) -> TargetingModel:
    """Weigh the learners and prove the choice on customers held back, then fit on all.

    Raises:
        ValueError: the lots have one side only, or no one ordered.
    """
    offers, past = read_past(examples)
    expected = _cross_fit(past, offers, seed=seed)
    weights = weigh(past, expected)
    expected[BLEND] = _blend(expected, weights)
    best_offer = _best_offer(past, expected[BLEND])
    found = _judge(past, expected, rules=rules, best_offer=best_offer)
    simple = max(SIMPLE, key=lambda name: (found[name].mean, name == "nobody"))
    chosen = next(
        (name for name in (BLEND, simple) if found[name].sure >= rules.sure), "nobody"
    )  # fmt: skip
    outcome = fit_outcome(past.lots, seed=seed)
    usual = _usual(outcome, past.lots.asked)
    return TargetingModel(
        offers=offers,
        outcome=outcome.model_to_string(),
        margin=_fit_margin(past, seed=seed).model_to_string(),
        weights=weights,
        parts={name: LEARNERS[name].fit(past.lots, usual, seed=seed) for name in weights},
        chosen=chosen,
        simple=simple,
        best_offer=best_offer,
        found={name: asdict(value) for name, value in found.items()},
    )


def weigh(past: Past, expected: dict[str, Expected]) -> dict[str, float]:
    """How much each learner's effects count: the weights that explain the held-back orders best.

    Least squares, none below zero, of the residual of orders on the effects times the residual of
    the contact (the R-loss as a stack; Nie & Wager 2021). Effects that are noise come out near
    zero, and what is left has the size that the lots show. A customer counts by the variance of
    the usual orders.
    """
    lots = past.lots
    said = {name: _of_offer(past, told.effect) for name, told in expected.items()}
    without = expected["s"].without
    usual = usual_orders(lots, Usual(without, without + said["s"]))
    design = np.column_stack(list(said.values())) * (lots.contacted - lots.chance)[:, None]
    noise = np.sqrt(usual)
    found, _ = nnls(design / noise[:, None], (lots.orders - usual) / noise)
    return {name: float(w) for name, w in zip(said, found, strict=True) if w > 0}


def _blend(expected: dict[str, Expected], weights: dict[str, float]) -> Expected:
    first = next(iter(expected.values()))
    effect = sum(
        (weight * expected[name].effect for name, weight in weights.items()),
        np.zeros_like(first.effect),
    )
    return Expected(first.offers, first.without, effect, first.margin)


def _of_offer(past: Past, column_per_offer: Floats) -> Floats:
    """What each row says of the offer that its campaign tried."""
    return np.asarray(column_per_offer[np.arange(len(past.offer)), past.offer.astype(int) - 1])


def read_past(examples: pl.DataFrame) -> tuple[tuple[Offer, ...], Past]:
    """The newest lots as arrays, and the offers that they tried.

    Raises:
        ValueError: the lots have one side only, or too few ordered.
    """
    chance = pl.col("lot_propensity")
    rows = examples.filter((chance > 0) & (chance < 1)).sort("as_of", "customer_id").tail(ROWS)
    offers = read_offers(rows)
    names = {offer.name: float(number) for number, offer in enumerate(offers, start=1)}
    known = rows.select(
        pl.col("lot_contact_cost", "lot_discount", "lot_contacted", "lot_propensity", "orders",
               "actual").cast(pl.Float64).fill_null(0.0)
    )  # fmt: skip
    contact_cost, discount, contacted, chances, orders, earned = (c.to_numpy() for c in known)
    _require_both(contacted, orders)
    relay = rows.select(pl.coalesce("agent_id", pl.concat_str(pl.lit("c"), "customer_id")))
    past = Past(
        rows=rows,
        lots=Lots(
            Asked(as_table(rows), as_traits(rows, discount), discount), contacted, chances, orders
        ),
        offer=rows["lot_offer"].replace_strict(names, return_dtype=pl.Float64).to_numpy(),
        contact_cost=contact_cost,
        earned=earned,
        cluster=relay.to_series().rank("dense").to_numpy().astype(np.int64) - 1,
    )
    return offers, past


def read_offers(rows: pl.DataFrame) -> tuple[Offer, ...]:
    """Each offer as its newest campaign had it, by name."""
    newest = rows.group_by("lot_offer").agg(
        pl.col("lot_contact_cost", "lot_discount").sort_by("as_of").last().fill_null(0.0)
    )
    return tuple(
        Offer(str(name), float(contact), float(discount))
        for name, contact, discount in newest.sort("lot_offer").iter_rows()
    )


def _require_both(contacted: Floats, orders: Floats) -> None:
    sides = {"contacted": contacted == 1, "held out": contacted == 0}
    for side, who in sides.items():
        if not who.any():
            raise ValueError(
                f"no customer was {side} by lot in a campaign that has matured; targeting learns"
                " from campaigns that contact some customers and hold out others by lot"
            )
        ordered = int((orders[who] > 0).sum())
        if ordered < _LEAST:
            raise ValueError(
                f"of {int(who.sum())} customers who were {side} by lot only"
                f" {ordered} ordered while their campaign ran; {_LEAST} are needed"
            )


def _cross_fit(past: Past, offers: tuple[Offer, ...], *, seed: int) -> dict[str, Expected]:
    """What each learner expects of customers whose agents it has not seen."""
    fold = past.cluster % _FOLDS
    parts = [
        _expect(past[fold != number], past[fold == number], offers, seed=seed)
        for number in range(_FOLDS)
    ]
    place = np.argsort(np.concatenate([np.flatnonzero(fold == n) for n in range(_FOLDS)]))
    return {
        name: Expected(
            offers,
            *(
                np.concatenate([getattr(part[name], field) for part in parts])[place]
                for field in ("without", "effect", "margin")
            ),
        )
        for name in LEARNERS
    }


def _expect(
    known: Past, asked: Past, offers: tuple[Offer, ...], *, seed: int
) -> dict[str, Expected]:
    outcome = fit_outcome(known.lots, seed=seed)
    margin = np.asarray(
        _fit_margin(known, seed=seed).predict(asked.lots.asked.table, num_threads=1)
    )
    askings = [_with_discount(asked, offer.discount) for offer in offers]
    without = expect_orders(outcome, askings[0], 0.0)
    usuals = [Usual(without, expect_orders(outcome, asking, 1.0)) for asking in askings]
    learned = _usual(outcome, known.lots.asked)
    said = {}
    for name, learner in LEARNERS.items():
        parts = learner.fit(known.lots, learned, seed=seed)
        effects = [
            learner.effect(parts, asking, usual)
            for asking, usual in zip(askings, usuals, strict=True)
        ]
        said[name] = Expected(offers, without, np.column_stack(effects), margin)
    return said


def _usual(outcome: lgb.Booster, asked: Asked) -> Usual:
    return Usual(*(expect_orders(outcome, asked, side) for side in (0.0, 1.0)))


def _with_discount(past: Past, discount: float) -> Asked:
    asked = past.lots.asked
    off = np.full(len(asked), discount)
    traits = asked.traits.copy()
    traits[:, -1] = off
    return Asked(asked.table, traits, off)


def _fit_margin(past: Past, *, seed: int) -> lgb.Booster:
    """What an order earns before the offer's discount, learned from those who ordered."""
    rows = np.flatnonzero(past.lots.orders)
    lots = past.lots[rows]
    earned = past.earned[rows] / lots.orders + lots.contacted * lots.asked.discount
    return grow(lots.asked.table, earned, rounds=_MARGIN_ROUNDS, seed=seed)


def _judge(
    past: Past, expected: dict[str, Expected], *, rules: Rules, best_offer: int
) -> dict[str, Value]:
    """The profit of each policy over contacting no one, on customers its learner has not seen."""
    limits = rules.limits(past.rows.height)
    blend = expected[BLEND]
    decisions = {name: choose(said.value, said.cost, limits) for name, said in expected.items()}
    for name in (*SIMPLE, EVERYONE):
        taken = decide_simply(name, past.rows, blend, contacts=limits.contacts)
        decisions[name] = taken * best_offer
    log = _log(past, blend)
    nothing = profits(log, np.zeros(past.rows.height))
    return {
        name: estimate(profits(log, decision) - nothing, past.cluster, confidence=_CONFIDENCE)
        for name, decision in decisions.items()
    }


def _log(past: Past, expected: Expected) -> Log:
    """The lots with each order at what the customer's orders are expected to earn.

    What a basket holds is noise that no campaign moves; counting orders at their expected worth
    tells policies apart with a third of the customers.
    """
    lots = past.lots
    worth = expected.margin - lots.contacted * lots.asked.discount
    return Log(
        past.offer, lots.contacted, lots.chance, past.contact_cost,
        earned=lots.orders * worth,
        without=expected.earned_without,
        with_it=_of_offer(past, expected.earned),
    )  # fmt: skip


def _best_offer(past: Past, expected: Expected) -> int:
    """The number of the offer that earns most per customer when everyone gets it."""
    log = _log(past, expected)
    numbers = range(1, len(expected.offers) + 1)
    means = {n: float(profits(log, np.full(len(log.offer), float(n))).mean()) for n in numbers}
    return max(means, key=lambda n: means[n])

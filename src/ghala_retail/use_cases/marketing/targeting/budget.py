"""Who is contacted with which offer: a multiple-choice knapsack, solved by its Lagrangian."""

from dataclasses import dataclass

import numpy as np

from ghala_retail.use_cases.marketing.targeting.inputs import Floats

_STEPS = 60


@dataclass(frozen=True)
class Limits:
    """How much may be done.

    Attributes:
        contacts: at most so many customers are contacted.
        spend: at most so much money is spent on contacts and expected discounts; None is no limit.
    """

    contacts: int
    spend: float | None = None


def choose(value: Floats, cost: Floats, limits: Limits) -> np.ndarray:
    """The offer for each customer that is worth most within the limits: 1 to K, or 0 for none.

    For a price of money each customer takes the offer of the highest value less price times cost,
    and the best customers of those above zero are contacted; spending falls as the price rises, so
    that the least price that keeps the budget is found by bisection (Sinha & Zoltners 1979).

    Args:
        value: expected profit, one row per customer, one column per offer; minus infinity where a
            customer may not be contacted.
        cost: expected spending, alike.
        limits: on contacts and spending.
    """
    free = _take(value, cost, price=0.0, contacts=limits.contacts)
    if limits.spend is None or _spent(cost, free) <= limits.spend:
        return free
    low, high = 0.0, float(np.max(value / np.maximum(cost, 1e-9), initial=0.0)) + 1.0
    for _ in range(_STEPS):
        price = (low + high) / 2
        tried = _take(value, cost, price=price, contacts=limits.contacts)
        kept = _spent(cost, tried) <= limits.spend
        low, high = (low, price) if kept else (price, high)
    return _take(value, cost, price=high, contacts=limits.contacts)


def _take(value: Floats, cost: Floats, *, price: float, contacts: int) -> np.ndarray:
    """The best offer for each of the best customers when money has a price."""
    worth = value - price * cost
    best = worth.argmax(axis=1)
    most = worth[np.arange(len(worth)), best]
    rank = np.empty(len(most), dtype=np.int64)
    rank[np.argsort(-most, kind="stable")] = np.arange(len(most))
    return np.where((most > 0) & (rank < contacts), best + 1, 0)


def _spent(cost: Floats, chosen: np.ndarray) -> float:
    rows = np.flatnonzero(chosen)
    return float(cost[rows, chosen[rows] - 1].sum())

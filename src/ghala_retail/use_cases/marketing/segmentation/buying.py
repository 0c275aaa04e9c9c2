"""How often customers will buy, and for how much: BG/NBD and Gamma-Gamma, fitted by hand.

Fader, Hardie & Lee (2005), "Counting your customers" the easy way; Fader & Hardie (2013), the
Gamma-Gamma model of monetary value. Both by maximum likelihood: of how often on counts of customers
per week of first and newest order, so that two million customers are some ten thousand rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

Floats = NDArray[np.float64]

_LEAST = 30
"""Customers who came again; with fewer no rate can be told."""
_SPENDERS = 50_000
_LARGEST = 12.0
"""Bound on the logarithm of a parameter: what is beyond it says that customers do not differ."""


@dataclass(frozen=True)
class Buying:
    """The parameters of a BG/NBD model; time is in weeks."""

    r: float
    alpha: float
    a: float
    b: float

    def chance_alive(self, again: Floats, last: Floats, age: Floats) -> Floats:
        """The probability that a customer has not stopped buying; 1 before the second order."""
        return 1.0 / (1.0 + self._odds_of_loss(again, last, age))

    def orders(self, again: Floats, last: Floats, *, age: Floats, weeks: float) -> Floats:
        """Orders to expect in the coming ``weeks``.

        Args:
            again: orders after the first.
            last: weeks from the first order to the newest.
            age: weeks from the first order to now.
            weeks: how far to look ahead.
        """
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6
        shape = self.r + again
        ahead = self.alpha + age + weeks
        series = hyp2f1(shape, self.b + again, a + self.b + again - 1, weeks / ahead)
        left = 1 - ((self.alpha + age) / ahead) ** shape * series
        alive = 1 + self._odds_of_loss(again, last, age)
        return np.asarray(np.maximum((a + self.b + again - 1) / (a - 1) * left / alive, 0.0))

    def _odds_of_loss(self, again: Floats, last: Floats, age: Floats) -> Floats:
        shrink = ((self.alpha + age) / (self.alpha + last)) ** (self.r + again)
        odds = self.a / (self.b + np.maximum(again, 1) - 1) * shrink
        return np.asarray(np.where(again > 0, odds, 0.0))


@dataclass(frozen=True)
class Spending:
    """The parameters of a Gamma-Gamma model of money per order."""

    p: float
    q: float
    scale: float

    def per_order(self, orders: Floats, mean: Floats) -> Floats:
        """Money to expect of one order, given the mean of those so far."""
        whole = self.p * orders + self.q - 1
        return np.asarray(self.p * (self.scale + orders * mean) / whole)


def fit_buying(again: Floats, last: Floats, age: Floats) -> Buying:
    """Fit how often customers buy, from whole weeks; alike customers are counted once.

    Raises:
        ValueError: too few customers came again.
    """
    if int((again > 0).sum()) < _LEAST:
        raise ValueError(f"fewer than {_LEAST} customers bought more than once")
    rows, times = np.unique(np.column_stack([again, last, age]), axis=0, return_counts=True)
    found = _minimise(lambda logs: _misfit_buying(np.exp(logs), rows, times), np.zeros(4))
    r, alpha, a, b = np.exp(found)
    return Buying(float(r), float(alpha), float(a), float(b))


def fit_spending(orders: Floats, mean: Floats, *, seed: int) -> Spending:
    """Fit what an order is worth, on at most 50,000 customers who paid something.

    Raises:
        ValueError: too few customers paid anything.
    """
    paid = np.flatnonzero((orders > 0) & (mean > 0))
    if len(paid) < _LEAST:
        raise ValueError(f"fewer than {_LEAST} customers paid anything")
    some = np.random.default_rng(seed).permutation(paid)[:_SPENDERS]
    unit = float(np.median(mean[some]))
    count, money = orders[some], mean[some] / unit
    found = _minimise(lambda logs: _misfit_spending(np.exp(logs), count, money), np.zeros(3))
    p, beyond, scale = np.exp(found)
    return Spending(float(p), float(1 + beyond), float(scale * unit))


def _minimise(misfit: Callable[[Floats], float], start: Floats) -> Floats:
    bounds = [(-_LARGEST, _LARGEST)] * len(start)
    return np.asarray(minimize(misfit, start, method="L-BFGS-B", bounds=bounds).x)


def _misfit_buying(parameters: Floats, rows: Floats, times: NDArray[np.int64]) -> float:
    """Minus the mean log-likelihood (Fader, Hardie & Lee 2005, equation 6)."""
    r, alpha, a, b = parameters
    again, last, age = rows.T
    shape = r + again
    start = gammaln(shape) - gammaln(r) + r * np.log(alpha)
    stays = betaln(a, b + again) - betaln(a, b) - shape * np.log(alpha + age)
    came = np.maximum(again, 1)
    leaves = betaln(a + 1, b + came - 1) - betaln(a, b) - shape * np.log(alpha + last)
    whole = start + np.where(again > 0, np.logaddexp(stays, leaves), stays)
    return float(-(whole @ times) / times.sum())


def _misfit_spending(parameters: Floats, orders: Floats, mean: Floats) -> float:
    """Minus the mean log-likelihood (Fader & Hardie 2013, equation 1a)."""
    p, beyond, scale = parameters
    q, shape = 1 + beyond, p * orders
    whole = gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(scale)
    whole += (shape - 1) * np.log(mean) + shape * np.log(orders)
    whole -= (shape + q) * np.log(scale + orders * mean)
    return float(-whole.mean())

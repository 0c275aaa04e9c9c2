"""What all SKUs together say of each: empirical Bayes over three kinds of price changes.

The slope that randomised tests measure is the one that counts; it is causal but rough. The slope on
list prices is sharp but biased: who sets prices sees demand coming. Both are taken for one draw per
SKU from a normal distribution around what its category and mark-up let expect; its covariance says
how far the sharp one may be trusted, and the difference of the means is its bias.
"""

from dataclasses import dataclass

import numpy as np

from ghala_retail.use_cases.finance.pricing.panel import SLOPES, Floats

_ROUNDS, _CLOSE = 80, 1e-4
_MEAN, _MEAN_SPREAD = -2.6, 1.5
"""Own-price elasticity over 1,851 estimates, and how far categories lie apart (Bijmolt 2005)."""
_TRAIT_SPREAD = 1.5
_WEIGHT = 6.0
"""SKUs that the first guess of the covariance counts for."""
_SPREAD, _AGREEMENT = 0.7, 0.9
"""First guess: spread of SKUs within a category, and how alike the slopes of one SKU are."""


@dataclass(frozen=True)
class Pool:
    """The distribution of slopes over SKUs: ``means`` (traits x slopes) and ``covariance``."""

    means: Floats
    covariance: Floats


@dataclass(frozen=True)
class Slopes:
    """Price slopes per SKU: ``mean`` (SKUs x 3) and ``covariance`` (SKUs x 3 x 3)."""

    mean: Floats
    covariance: Floats
    pool: Pool


def pool_slopes(information: Floats, weighted: Floats, traits: Floats) -> Slopes:
    """The slopes of each SKU from its own sales and from all the others'.

    Args:
        information: SKUs x 3 x 3, from ``measure_responses``.
        weighted: SKUs x 3.
        traits: SKUs x traits: a column of ones, then what tells SKUs apart, centred.
    """
    first = _SPREAD**2 * (
        _AGREEMENT * np.ones((len(SLOPES), len(SLOPES))) + (1 - _AGREEMENT) * np.eye(len(SLOPES))
    )
    covariance = first
    for _ in range(_ROUNDS):
        means, unsure = _fit_means(information, weighted, traits=traits, covariance=covariance)
        prior = traits @ means
        mean, rest = _update(information, weighted, prior=prior, covariance=covariance)
        apart = mean - prior
        spread = np.einsum("si,sj->ij", apart, apart) + rest.sum(axis=0)
        before, covariance = covariance, (spread + _WEIGHT * first) / (len(traits) + _WEIGHT)
        if np.abs(covariance - before).max() <= _CLOSE * np.abs(covariance).max():
            break
    means, unsure = _fit_means(information, weighted, traits=traits, covariance=covariance)
    mean, rest = _update(information, weighted, prior=traits @ means, covariance=covariance)
    shrunk = rest @ np.linalg.inv(covariance)
    doubt = _doubt(traits, unsure)
    whole = rest + shrunk @ doubt @ np.swapaxes(shrunk, 1, 2)
    return Slopes(mean, whole, Pool(means, covariance))


def _update(
    information: Floats, weighted: Floats, *, prior: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Mean and covariance of each SKU's slopes, given their prior."""
    precision = np.linalg.inv(covariance)
    rest = np.linalg.inv(information + precision)
    mean = np.einsum("sij,sj->si", rest, weighted + prior @ precision)
    return mean, rest


def _fit_means(
    information: Floats, weighted: Floats, *, traits: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """Generalised least squares of slopes on traits; also the covariance of what it found."""
    count, own = traits.shape[1], len(SLOPES)
    precision = np.linalg.inv(covariance)
    rest = np.linalg.inv(information + precision)
    weight = precision - precision @ rest @ precision
    right = np.einsum("st,sij,sj->ti", traits, precision @ rest, weighted, optimize=True).ravel()
    matrix = np.einsum("st,su,sij->tiuj", traits, traits, weight, optimize=True).reshape(
        count * own, count * own
    )
    centre = np.zeros((count, own))
    centre[0] = _MEAN
    spread = np.full((count, own), _TRAIT_SPREAD)
    spread[0] = _MEAN_SPREAD
    ridge = 1 / spread.ravel() ** 2
    unsure = np.linalg.inv(matrix + np.diag(ridge))
    means = unsure @ (right + ridge * centre.ravel())
    return means.reshape(count, own), unsure.reshape(count, own, count, own)


def _doubt(traits: Floats, unsure: Floats) -> Floats:
    """How unsure the mean is that each SKU is pulled toward."""
    doubt: Floats = np.einsum("st,tiuj,su->sij", traits, unsure, traits, optimize=True)
    return doubt

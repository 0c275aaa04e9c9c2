"""What a policy would have earned, from customers whom lots contacted or held out."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ghala_retail.use_cases.marketing.targeting.inputs import Floats


@dataclass(frozen=True)
class Log:
    """What lots did and what came of it, one row per customer drawn.

    Attributes:
        offer: the number of the campaign's offer.
        contacted: 1 or 0, by lot.
        chance: the probability of 1.
        contact_cost: money per contact.
        earned: what the customer's orders earned, before the contact.
        without: what a model expected them to earn without the contact.
        with_it: the same with it.
    """

    offer: Floats
    contacted: Floats
    chance: Floats
    contact_cost: Floats
    earned: Floats
    without: Floats
    with_it: Floats


@dataclass(frozen=True)
class Value:
    """Money per customer that a policy earns, with its interval."""

    mean: float
    low: float
    high: float
    sure: float
    """The probability that it is above zero."""


def profits(log: Log, decision: Floats) -> Floats:
    """Doubly robust profits whose mean is the policy's profit per customer (AIPW, Robins 1994).

    Each campaign tries one offer, so that a customer's row speaks of that offer only: it counts
    where the policy would have chosen it, and each offer's rows stand for all customers. With the
    chances known the mean is right whatever the model expected; a good model only narrows it.
    """
    weight = log.contacted / log.chance
    other = (1 - log.contacted) / (1 - log.chance)
    spared = log.without + other * (log.earned - log.without)
    contacted = log.with_it + weight * (log.earned - log.with_it) - log.contact_cost
    follows = decision == log.offer
    return np.asarray(spared + follows * _stands_for(log.offer) * (contacted - spared))


def weighted_profits(log: Log, decision: Floats) -> Floats:
    """The same without a model: inverse propensity weighting (Horvitz & Thompson 1952)."""
    nothing = np.zeros(len(log.earned))
    plain = Log(
        log.offer, log.contacted, log.chance, log.contact_cost, log.earned, nothing, nothing
    )
    return profits(plain, decision)


def estimate(gains: Floats, cluster: np.ndarray, *, confidence: float) -> Value:
    """The mean with an interval over clusters: customers of one agent are not independent.

    Args:
        gains: one per customer.
        cluster: a number for each row's agent, or customer.
        confidence: of the two-sided interval.
    """
    mean = float(gains.mean())
    sums = np.bincount(cluster, gains - mean)
    error = float(np.sqrt((sums**2).sum())) / len(gains)
    width = float(stats.norm.ppf((1 + confidence) / 2)) * error
    sure = float(stats.norm.cdf(mean / error)) if error > 0 else float(mean > 0)
    return Value(mean, mean - width, mean + width, sure)


def _stands_for(offer: Floats) -> Floats:
    """How many rows each row stands for, so that every offer is tried on as many customers."""
    _, place, count = np.unique(offer, return_inverse=True, return_counts=True)
    return np.asarray(len(offer) / count[place], dtype=np.float64)

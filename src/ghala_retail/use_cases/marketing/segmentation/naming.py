"""Segments and customers in words: what is typical of a segment, and where a customer stands."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from ghala_retail.use_cases.marketing.segmentation.habits import Mixture, find_kinds

EVERYONE = "everyone"
_TYPICAL = 1.15
"""How much more often than everybody a segment does what it is named after."""
_MARKED = 0.12
"""Relative difference from everybody's mean that is worth a word."""
_WORDS = {"lines": ("small baskets", "large baskets"), "pieces": ("single pieces", "in bulk")}

STAGES = ("new", "active", "cooling", "lapsing", "lost")
_NEW_DAYS = 56
_ALIVE = ((0.8, "active"), (0.5, "cooling"), (0.2, "lapsing"))


def name_segments(mixture: Mixture) -> list[str]:
    """One name per segment, of what its customers do more often than everybody."""
    if len(mixture.shares) == 1:
        return [EVERYONE]
    chances = np.exp(mixture.chances)
    lifts = chances / (chances @ mixture.shares)[:, None]
    names = [_name(mixture, chances, lifts, segment=n) for n in range(len(mixture.shares))]
    return [
        name if names.index(name) == n else f"{name} ({names[: n + 1].count(name)})"
        for n, name in enumerate(names)
    ]


def _name(mixture: Mixture, chances: np.ndarray, lifts: np.ndarray, *, segment: int) -> str:
    kinds, words = find_kinds(mixture.items), []
    for kind, (less, more) in _WORDS.items():
        if kind not in kinds:
            continue
        begin, end = kinds[kind]
        sizes = np.array([int(item.strip("+").split(":")[1]) for item in mixture.items[begin:end]])
        means = sizes @ chances[begin:end]
        difference = means[segment] / (means @ mixture.shares) - 1
        words += [less] if difference < -_MARKED else [more] if difference > _MARKED else []
    begin, end = kinds.get("category", (0, 0))
    worth = chances[begin:end, segment] * np.log(lifts[begin:end, segment])
    top = [i for i in np.argsort(-worth)[:2] if lifts[begin + i, segment] > _TYPICAL]
    bought = [mixture.items[begin + i].partition(":")[2].replace("_", " ").lower() for i in top]
    return ", ".join([*words, *bought]) or "usual habits"


def name_stages(orders: pl.Expr, age_days: pl.Expr, alive: pl.Expr) -> pl.Expr:
    """Where a customer stands: new, or by the probability of still being a customer."""
    first = (orders <= 1) & (age_days <= _NEW_DAYS)
    return _first_true(
        [(first, STAGES[0]), *((alive >= least, name) for least, name in _ALIVE)], STAGES[-1]
    )


def name_rfm(recency: pl.Expr, frequency: pl.Expr, money: pl.Expr) -> pl.Expr:
    """The usual names of RFM scores from 1 (worst) to 5; the first rule that holds."""
    rules = (
        ((recency >= 4) & (frequency >= 4) & (money >= 4), "champions"),
        ((recency >= 3) & (frequency >= 4), "loyal"),
        ((recency <= 2) & (frequency >= 4) & (money >= 4), "cannot lose"),
        ((recency <= 2) & (frequency >= 3), "at risk"),
        ((recency >= 4) & (frequency == 1), "new"),
        ((recency >= 4) & (frequency <= 3), "promising"),
        ((recency == 3) & (money >= 3), "need attention"),
        ((recency == 3), "about to sleep"),
    )
    return _first_true(rules, "hibernating")


def _first_true(rules: Sequence[tuple[pl.Expr, str]], otherwise: str) -> pl.Expr:
    """The name of the first rule that holds."""
    named: pl.Expr = pl.lit(otherwise)
    for holds, name in reversed(rules):
        named = pl.when(holds).then(pl.lit(name)).otherwise(named)
    return named

"""What is tried on a version while it is trained, and the gates on what came of it.

A leak makes a backtest look good, so that the backtest cannot show it. Two probes do: fitted on
shuffled outcomes nothing can be learned, so that a model which still beats the baseline knows the
outcomes in another way; and no honest feature follows the outcome, within one entity, almost
perfectly. The second is itself probed with a feature of the future that is planted on purpose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from ghala.contracts.policy import Probes
from ghala.contracts.records import Verdict
from ghala.evaluation.bootstrap import relative_gain
from ghala.evaluation.verdicts import make_verdict

PLANTED = "planted_future"
_NOISE = 0.05
"""On the planted feature, as a share of the outcome's spread within an entity."""
_LEAST_ROWS = 3
"""An entity with fewer rows says nothing about what happens within an entity."""
SAME = 1e-9
"""Relative difference up to which two predictions are the same."""


@dataclass(frozen=True)
class Probed:
    """What the probes of one training found; kept in its fact.

    Attributes:
        shuffled: gain over the baseline when fitted on shuffled outcomes: low, estimate, high;
            None when that changes nothing, since it does not learn from outcomes.
        correlations: of the features that follow the outcome closest, by name.
        refit_difference: largest relative difference of two fits with the same seed.
        seed_spread: relative change of the loss under another seed.
        ms_per_thousand: time to predict 1,000 rows.
        model_mb: size of what was saved.
    """

    shuffled: tuple[float, float, float] | None
    correlations: dict[str, float]
    refit_difference: float
    seed_spread: float
    ms_per_thousand: float
    model_mb: float


def judge_probes(found: Probed, rule: Probes) -> list[Verdict]:
    """Every gate on what the probes found."""
    return [
        _shuffled(found.shuffled),
        _future_features(found.correlations, rule),
        _at_most(
            "reproducibility",
            found.refit_difference,
            limit=SAME,
            words="two fits on the same rows and seed differ by {:.2g}, up to {:.0e} is allowed.",
        ),
        _at_most(
            "seeds",
            found.seed_spread,
            limit=rule.max_seed_spread,
            words="another seed changes the loss by {:.1%}, up to {:.1%} is allowed.",
        ),
        _at_most(
            "latency",
            found.ms_per_thousand,
            limit=rule.max_ms_per_thousand,
            words="1,000 rows take {:,.1f} ms, up to {:,.0f} ms are allowed.",
        ),
        _at_most(
            "size",
            found.model_mb,
            limit=rule.max_model_mb,
            words="the model has {:,.2f} MB, up to {:,.0f} MB are allowed.",
        ),
    ]


def shuffle_outcomes(examples: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """The examples with their outcomes dealt out anew, so that nothing can be learned from them."""
    dealt = np.random.default_rng(seed).permutation(examples.height)
    return examples.with_columns(actual=examples["actual"][dealt])


def gain_of(rows: pl.DataFrame, *, confidence: float, seed: int) -> tuple[float, float, float]:
    """The relative gain of ``loss`` over ``rival``: low end, estimate, high end."""
    gain = relative_gain(rows, confidence=confidence, seed=seed)
    return gain.low, gain.estimate, gain.high


def plant_future(examples: pl.DataFrame, *, entity: Sequence[str], seed: int) -> pl.DataFrame:
    """The examples with one feature more, which is the outcome with a little noise on it."""
    actual = pl.col("actual").cast(pl.Float64)
    spread = actual.std().over(entity).fill_null(actual.std())
    noise = pl.Series(np.random.default_rng(seed).normal(0.0, _NOISE, examples.height))
    return examples.with_columns((actual + noise * spread).alias(PLANTED))


def correlate_features(
    examples: pl.DataFrame, *, entity: Sequence[str], keep: int = 5
) -> dict[str, float]:
    """The features that follow the outcome closest, the closest first, by absolute correlation.

    Within an entity where entities have enough rows: that large goods sell more is no leak. What is
    constant, or unknown everywhere, is left out.
    """
    features = examples.select(cs.numeric() - cs.by_name("actual")).columns
    often = examples.height >= _LEAST_ROWS * examples.select(entity).n_unique()
    columns = [pl.col(name).cast(pl.Float64) for name in ("actual", *features)]
    if often:
        columns = [_within(column, entity) for column in columns]
    frame = examples.select(columns)
    found = frame.select(pl.corr("actual", name).alias(name) for name in features).row(
        0, named=True
    )
    known = {name: abs(value) for name, value in found.items() if value is not None}
    finite = {name: value for name, value in known.items() if np.isfinite(value)}
    return dict(sorted(finite.items(), key=lambda one: (-one[1], one[0]))[:keep])


def as_probed(body: dict[str, Any]) -> Probed:
    """What a fact of the ledger says of the probes of a training."""
    shuffled = body["shuffled"]
    return Probed(**{**body, "shuffled": tuple(shuffled) if shuffled else None})


def _within(column: pl.Expr, entity: Sequence[str]) -> pl.Expr:
    """How far above the entity's own mean, in its own spread; unknown where that is none."""
    spread = column.std().over(entity)
    return (column - column.mean().over(entity)) / pl.when(spread > 0).then(spread)


def _shuffled(gain: tuple[float, float, float] | None) -> Verdict:
    if gain is None:
        words = "Not asked: outcomes change nothing or little of what it says of its subjects."
        return make_verdict("shuffled_outcomes", words, passed=True, figures={})
    low, mean, high = gain
    words = (
        f"Fitted on shuffled outcomes it is {mean:+.1%} better than the baseline ({low:+.1%} to"
        f" {high:+.1%}); above 0 it would know them in another way."
    )
    figures = {"low": low, "gain": mean, "high": high}
    return make_verdict("shuffled_outcomes", words, passed=low <= 0, figures=figures)


def _future_features(correlations: dict[str, float], rule: Probes) -> Verdict:
    limit, gate = rule.max_feature_correlation, "future_features"
    caught = correlations.get(PLANTED, 0.0)
    honest = {name: value for name, value in correlations.items() if name != PLANTED}
    suspects = [f"{name} ({value:.3f})" for name, value in honest.items() if value > limit]
    if caught <= limit:
        words = (
            f"The feature of the future that was planted was not found ({caught:.3f}, {limit:.3f}"
            " is the limit), so that a real one would not be either."
        )
    elif suspects:
        words = f"Known only when the outcome is: {', '.join(suspects)}; {limit:.3f} is the limit."
    else:
        closest = next(iter(honest), "none")
        words = (
            f"No feature follows the outcome too closely: {closest} does most, with"
            f" {honest.get(closest, 0.0):.3f}; a planted one was found with {caught:.3f}."
        )
    passed = caught > limit and not suspects
    return make_verdict(gate, words, passed=passed, figures=correlations)


def _at_most(gate: str, value: float, *, limit: float, words: str) -> Verdict:
    said = f"{gate.capitalize()}: {words.format(value, limit)}"
    return make_verdict(gate, said, passed=value <= limit, figures={gate: value})

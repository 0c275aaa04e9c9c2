"""Replay the past: fit on what was known, predict what came, week by week."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import polars as pl

from ghala.contracts import clock
from ghala.contracts.errors import ConfigurationError, DataRejected, suggest
from ghala.contracts.use_case import UseCase

JUDGED = (
    "grain", "series", "as_of", "target_week", "horizon", "actual", "dispersion",
    "mean", "p10", "p50", "p90", "naive", "recent_mean",
    "smart_mean", "smart_mean_p10", "smart_mean_p50", "smart_mean_p90",
)  # fmt: skip


def origins_before(as_of: date, *, first: date, count: int) -> list[date]:
    """The weekly days on which a forecast could be made and is judged by now, oldest first."""
    last = as_of - clock.WEEK
    start = max(first, last - (count - 1) * clock.WEEK)
    return clock.every(start + (last - start) % clock.WEEK, last, 7)


def backtest(use_case: UseCase, examples: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Predictions for the origins of the judged window, each by a model fitted before it.

    Returns one row per prediction with its ``actual``; see ``JUDGED`` for the columns.
    """
    parts = []
    for start, end in folds(use_case, as_of):
        past = examples.filter((pl.col("as_of") < start) & (pl.col("known_on") <= start))
        ahead = examples.filter(pl.col("as_of").is_between(start, end, closed="left"))
        if past.is_empty() or ahead.is_empty():
            continue
        model = fit(use_case, past)
        parts.append(judge(use_case, model, ahead))
    return pl.concat(parts) if parts else pl.DataFrame()


def fit(use_case: UseCase, examples: pl.DataFrame) -> object:
    """Fit a use case.

    Raises:
        DataRejected: the use case says that too little is known to learn from.
    """
    try:
        return use_case.fit(examples, seed=use_case.policy.seed)
    except ValueError as error:
        raise DataRejected(
            f"{use_case.name} cannot learn from {examples.height} examples: {error}.",
            "Train on a later --as-of, or land more history.",
        ) from error


def judge(use_case: UseCase, model: object, examples: pl.DataFrame) -> pl.DataFrame:
    """The predictions of one model for past subjects, beside what happened."""
    said = use_case.predict(model, examples.drop("actual", "known_on"))
    parts = find_parts(use_case, examples)
    return said.with_columns(examples["actual"], *(examples[name] for name in parts)).select(
        *dict.fromkeys((*JUDGED, *parts))
    )


def find_parts(use_case: UseCase, examples: pl.DataFrame) -> list[str]:
    """The columns by which the policy asks to judge parts of the business.

    Raises:
        ConfigurationError: the subjects have no such column.
    """
    rule = use_case.policy.slices
    wanted = list(dict.fromkeys((*rule.columns, *rule.alike)))
    for name in wanted:
        if name not in examples.columns:
            raise ConfigurationError(
                f"The policy of {use_case.name} names the slice {name!r}, which is no column of its"
                f" subjects. {suggest(name, examples.columns)}",
                "Mend slices in the policy, or add the column to subjects.sql.",
            )
    return wanted


def folds(use_case: UseCase, as_of: date) -> Iterator[tuple[date, date]]:
    """The spans of origins that one fit has to forecast, over the judged window."""
    rule = use_case.policy.backtest
    start = as_of - rule.weeks * clock.WEEK
    edges = [*clock.every(start, as_of - clock.WEEK, 7 * rule.refit_every_weeks), as_of]
    yield from pairwise(edges)

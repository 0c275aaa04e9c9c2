"""Replay the past: fit on what was known, predict what came, week by week."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from ghala.contracts import clock
from ghala.contracts.errors import ConfigurationError, DataRejected, suggest
from ghala.contracts.use_case import UseCase, last_target


def origins_before(use_case: UseCase, as_of: date, *, first: date, weeks: int) -> list[date]:
    """The days on which a prediction could be made and is judged by now, oldest first."""
    every, last = use_case.policy.every_days, last_target(use_case, as_of)
    start = max(first, last - (weeks - 1) * clock.WEEK)
    return clock.every(start + (last - start) % timedelta(days=every), last, every)


def backtest(use_case: UseCase, examples: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Predictions for the origins of the judged window, each by a model fitted before it.

    Returns one row per prediction with its ``actual``.
    """
    parts: list[pl.DataFrame] = []
    before = None
    for start, end in folds(use_case, as_of):
        past = examples.filter((pl.col("as_of") < start) & (pl.col("known_on") <= start))
        ahead = examples.filter(pl.col("as_of").is_between(start, end, closed="left"))
        if past.is_empty() or ahead.is_empty():
            continue
        model = fit(use_case, past)
        parts.append(judge(use_case, model, ahead, before=before))
        before = model
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


def judge(
    use_case: UseCase, model: object, examples: pl.DataFrame, *, before: object | None = None
) -> pl.DataFrame:
    """The predictions for past subjects beside what happened, with the parts of the business."""
    said = use_case.judge(model, examples, before=before)
    parts = [name for name in find_parts(use_case, examples) if name not in said.columns]
    return said.with_columns(examples[name] for name in parts)


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
    end = last_target(use_case, as_of) + timedelta(days=use_case.policy.every_days)
    start = end - rule.weeks * clock.WEEK
    edges = [*clock.every(start, end - clock.WEEK, 7 * rule.refit_every_weeks), end]
    yield from pairwise(edges)

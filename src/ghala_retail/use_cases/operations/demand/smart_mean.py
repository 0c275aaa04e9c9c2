"""The smart mean: recent sales without promotions, times trend, lift, season and calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

FLOOR = 0.02
"""The least mean, in units per week."""

INPUTS = (
    "clean_8", "clean_13", "clean_26", "category_clean_4_8", "lift", "month_start_excess",
    "run_up_excess", "price_effect", "season", "season_here", "usual_8", "usual_13", "usual_26",
    "paid_more", "ramadan_more", "fortnight",
)  # fmt: skip
"""What the smart mean and its calendar look at."""

_MEMORY = (("clean_8", 0.5), ("clean_13", 0.25), ("clean_26", 0.25))
_TREND_POWER = 0.3
_RIDGE = 2.0
_CALENDAR = ("month_start_excess", "run_up_excess")
_IN_DEPOTS = ("paid_more", "ramadan_more", "first_fortnight", "is_first_year")
"""The same week of last year, once known, holds what the calendar does but for what moved."""
_SEASON = (0.5, 2.0)

_FIRST = pl.col("season_here").is_null().cast(pl.Float64)
_FIRST_YEAR = (
    _FIRST.alias("is_first_year"),
    (_FIRST * pl.col("fortnight")).alias("first_fortnight"),
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CalendarIndex:
    """The logarithm of the chain's level, and of the effect of a day of each calendar column."""

    coefficients: tuple[float, ...]
    columns: tuple[str, ...] = _CALENDAR
    spread: float = 0.0
    """In depots, the variance of the logarithm by which whole weeks missed it."""


def recent(subjects: pl.DataFrame) -> Floats:
    """Before the calendar, in units a week: memory x trend x lift x price x season."""
    known = [name for name, _ in _MEMORY]
    memory = pl.sum_horizontal(  # a shelf that was empty throughout a window says nothing of it
        [
            pl.coalesce(name, *known[::-1], 0.0)
            * weight
            * pl.col(f"usual_{name[6:]}").fill_null(1.0)
            for name, weight in _MEMORY
        ]
    )
    trend = pl.col("category_clean_4_8").fill_null(1.0).fill_nan(1.0).clip(0.5, 2.0)
    mean = memory * trend.pow(_TREND_POWER) * pl.col("lift") * pl.col("price_effect")
    for season in ("season", "season_here"):  # null without a year of history
        mean = mean * pl.col(season).clip(*_SEASON).fill_null(1.0)
    return subjects.select(mean.clip(lower_bound=FLOOR))[:, 0].to_numpy().astype(np.float64)


def fit_index(examples: pl.DataFrame) -> CalendarIndex:
    """Fit the calendar on totals of each origin and target week, by ridge on logarithms.

    Totals first: no single series may steer what is common to all.
    """
    columns = _CALENDAR if examples["paid_more"].null_count() else _IN_DEPOTS
    totals = sum_cells(
        examples.with_columns(*_FIRST_YEAR, recent=pl.Series(recent(examples))),
        ("actual", "recent"), columns,
    ).filter((pl.col("actual") > 0) & (pl.col("recent") > 0))  # fmt: skip
    if totals.height <= len(columns):
        return CalendarIndex((0.0,) * (1 + len(columns)), columns)
    design = _design(totals, columns)
    response = np.log(totals["actual"].to_numpy() / totals["recent"].to_numpy())
    penalty = _RIDGE * np.diag([0.0, *(1.0 for _ in columns)])
    solved = np.linalg.solve(design.T @ design + penalty, design.T @ response)
    spread = 0.0 if columns is _CALENDAR else _spread(totals, response - design @ solved)
    return CalendarIndex(tuple(float(value) for value in solved), columns, spread)


def _spread(totals: pl.DataFrame, errors: Floats) -> float:
    """How much target weeks differ in their mean error over origins."""
    week = (totals["target_week"].rank("dense") - 1).to_numpy()
    means = np.bincount(week, errors) / np.bincount(week)
    return float(means.var(ddof=1)) if len(means) > 1 else 0.0


def read_index(content: dict[str, Any]) -> CalendarIndex:
    """The index as it was written to JSON, by this version or an earlier one."""
    columns = tuple(content.get("columns", _CALENDAR))
    return CalendarIndex(tuple(content["coefficients"]), columns, content.get("spread", 0.0))


def sum_cells(rows: pl.DataFrame, values: Sequence[str], apart: Sequence[str] = ()) -> pl.DataFrame:
    """Totals per origin, target week and what else sets rows ``apart``, in that order.

    Added by numpy, in the order of the rows: polars adds in an order that changes between calls,
    which would show in the last digits.
    """
    keys = ("as_of", "target_week", *apart)
    cells = rows.select(keys).unique().sort(keys)
    numbered = rows.select(keys).join(
        cells.with_row_index("cell"), on=keys, maintain_order="left", nulls_equal=True
    )
    cell = numbered["cell"].to_numpy()
    totals = {name: np.bincount(cell, rows[name].to_numpy(), cells.height) for name in values}
    return cells.with_columns(**{name: pl.Series(total) for name, total in totals.items()})


def smart_mean(subjects: pl.DataFrame, index: CalendarIndex) -> Floats:
    """The smart mean, in units per week."""
    design = _design(subjects.with_columns(*_FIRST_YEAR), index.columns)
    scale = np.exp(design @ np.asarray(index.coefficients))
    return np.asarray(np.maximum(recent(subjects) * scale, FLOOR))


def _design(frame: pl.DataFrame, columns: Sequence[str]) -> Floats:
    return np.column_stack(
        [np.ones(frame.height), frame.select(columns).to_numpy().astype(np.float64)]
    )

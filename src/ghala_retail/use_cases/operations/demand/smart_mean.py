"""The smart mean: recent sales without promotions, times trend, promotion lift and calendar."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

FLOOR = 0.02
"""The least mean, in units per week."""

INPUTS = (
    "clean_8", "clean_13", "clean_26", "category_clean_4_8", "lift", "month_start_excess",
    "run_up_excess", "price_effect",
)  # fmt: skip
"""What the smart mean and its calendar look at."""

_MEMORY = (("clean_8", 0.5), ("clean_13", 0.25), ("clean_26", 0.25))
_TREND_POWER = 0.3
_RIDGE = 2.0
_CALENDAR = ("month_start_excess", "run_up_excess")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CalendarIndex:
    """The logarithm of the chain's level, and of the effect of a day of each calendar column."""

    coefficients: tuple[float, ...]


def recent(subjects: pl.DataFrame) -> Floats:
    """The smart mean before the calendar, in units per week: memory x trend x lift x price."""
    known = [name for name, _ in _MEMORY]
    memory = pl.sum_horizontal(  # a shelf that was empty throughout a window says nothing of it
        [pl.coalesce(name, *known[::-1], 0.0) * weight for name, weight in _MEMORY]
    )
    trend = pl.col("category_clean_4_8").fill_null(1.0).fill_nan(1.0).clip(0.5, 2.0)
    mean = memory * trend.pow(_TREND_POWER) * pl.col("lift") * pl.col("price_effect")
    return subjects.select(mean.clip(lower_bound=FLOOR))[:, 0].to_numpy().astype(np.float64)


def fit_index(examples: pl.DataFrame) -> CalendarIndex:
    """Fit the calendar on totals of each origin and target week, by ridge on logarithms.

    Totals first: no single series may steer what is common to all.
    """
    totals = sum_cells(
        examples.with_columns(recent=pl.Series(recent(examples))), ("actual", "recent"), _CALENDAR
    ).filter((pl.col("actual") > 0) & (pl.col("recent") > 0))
    if totals.height <= len(_CALENDAR):
        return CalendarIndex((0.0,) * (1 + len(_CALENDAR)))
    design = _design(totals)
    response = np.log(totals["actual"].to_numpy() / totals["recent"].to_numpy())
    penalty = _RIDGE * np.diag([0.0, *(1.0 for _ in _CALENDAR)])
    solved = np.linalg.solve(design.T @ design + penalty, design.T @ response)
    return CalendarIndex(tuple(float(value) for value in solved))


def sum_cells(rows: pl.DataFrame, values: Sequence[str], first: Sequence[str] = ()) -> pl.DataFrame:
    """Totals per origin and target week, in that order; added by numpy, in the order of the rows.

    Polars adds in an order that changes between calls, which would show in the last digits.
    """
    keys = ("as_of", "target_week")
    cells = rows.select(*keys, *first).unique(subset=keys).sort(keys)
    numbered = rows.select(keys).join(
        cells.select(keys).with_row_index("cell"), on=keys, maintain_order="left"
    )
    cell = numbered["cell"].to_numpy()
    totals = {name: np.bincount(cell, rows[name].to_numpy(), cells.height) for name in values}
    return cells.with_columns(**{name: pl.Series(total) for name, total in totals.items()})


def smart_mean(subjects: pl.DataFrame, index: CalendarIndex) -> Floats:
    """The smart mean, in units per week."""
    scale = np.exp(_design(subjects) @ np.asarray(index.coefficients))
    return np.asarray(np.maximum(recent(subjects) * scale, FLOOR))


def _design(frame: pl.DataFrame) -> Floats:
    columns = frame.select(_CALENDAR).to_numpy().astype(np.float64)
    return np.column_stack([np.ones(frame.height), columns])

"""What planned prices do to demand: pricing's elasticity, and what of it a depot feels."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

_MEMORY = (("list_price_8", 0.625), ("list_price_26", 0.375))
"""At which prices the sales were made that the smart mean remembers, with its weights."""
_BOUNDS = (0.25, 4.0)
_DAY = ("as_of", "location_id", "target_week")

Floats = NDArray[np.float64]


def typical_elasticity(examples: pl.DataFrame) -> float | None:
    """The median of what pricing said; None where it has not spoken."""
    known = examples["elasticity"].cast(pl.Float64).drop_nulls()
    return float(np.median(known.to_numpy())) if known.len() else None


def with_price_effect(rows: pl.DataFrame, typical: float | None) -> pl.DataFrame:
    """The rows with ``price_effect``: demand at the planned price over that at remembered prices.

    Where pricing has spoken, the ratio of prices to the power of its elasticity, the ``typical``
    one for what it did not know; prices are then taken from the rows, so that nothing else answers
    to them. Where it has not, 1: the model learns from the prices themselves.
    """
    if typical is None:
        return rows.with_columns(price_effect=pl.lit(1.0))
    at = pl.sum_horizontal(
        [pl.coalesce(name, "list_price_8") * weight for name, weight in _MEMORY], ignore_nulls=False
    )
    ratio = pl.col("list_price") / pl.when(at > 0).then(at)
    effect = ratio.pow(pl.col("elasticity").cast(pl.Float64).fill_null(typical)).clip(*_BOUNDS)
    return rows.with_columns(
        price_effect=effect.fill_nan(None).fill_null(1.0), list_price=pl.lit(None, pl.Float64)
    )


def depot_effects(rows: pl.DataFrame, means: Callable[[pl.DataFrame], Floats]) -> pl.DataFrame:
    """What prices planned ahead do to the units of a depot and week, from those of its SKUs.

    The sum of the SKUs' ``means`` at planned prices over that at last week's, for the depots and
    weeks in which a price changes.
    """
    now = pl.coalesce("list_price_1", "list_price_4")  # within the week, last week's has lapsed
    moves = (pl.col("list_price") != now).fill_null(value=False)
    changed = rows.filter(moves)
    if changed.is_empty():
        days = rows.select(_DAY).clear()
        return days.with_columns(price_effect=pl.Series([], dtype=pl.Float64))
    planned = pl.Series(means(rows))
    held = pl.Series(means(changed.with_columns(list_price=now)))
    gained = planned.filter(rows.select(moves).to_series()) - held
    total = rows.select(*_DAY, planned=planned).group_by(_DAY).agg(pl.col("planned").sum())
    more = changed.select(*_DAY, gained=gained).group_by(_DAY).agg(pl.col("gained").sum())
    share = pl.col("planned") / (pl.col("planned") - pl.col("gained"))
    return more.join(total, on=_DAY).select(*_DAY, price_effect=share.clip(*_BOUNDS))

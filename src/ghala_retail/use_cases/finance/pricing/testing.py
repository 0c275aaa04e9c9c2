"""Which prices to test next: cells drawn by lot within each category and zone, and what that shows.

Within a category and zone cells are put in an order by lot; the first are tested, and the arms are
dealt out in turn, so that arms, categories and zones are balanced (randomised blocks).
"""

import hashlib
from datetime import date

import numpy as np
import polars as pl

from ghala_retail.use_cases.finance.pricing.response import Shocks
from ghala_retail.use_cases.finance.pricing.rules import PriceTests

_MONDAY = date(1970, 1, 5)
_POWER = 2.8
"""Standard errors between no effect and one that is found in 80 % of tests at the level 5 %."""


def plan_tests(cells: pl.DataFrame, rule: PriceTests, shocks: Shocks, *, seed: int) -> pl.DataFrame:
    """The arm of each cell in the next block, and what the block can show of its category.

    Args:
        cells: ``as_of, sku, zone, category, units`` (in an ordinary week) and ``can_test``.

    Returns:
        ``next_arm`` (null where none), ``next_factor``, ``next_block`` (its first day) and
        ``detectable``: the least difference in the category's mean elasticity that would show.
    """
    arms = list(rule.arms)
    stratum = ["as_of", "category", "zone"]
    drawn = cells.with_row_index("_row").with_columns(block=next_block(pl.col("as_of"), rule.weeks))
    drawn = drawn.with_columns(
        _draw(drawn, ("block", "sku", "zone"), seed).alias("lot"),
        _draw(drawn, ("block", "category", "zone"), seed).alias("toss"),
    )
    drawn = drawn.with_columns(
        place=pl.when("can_test").then("lot").rank("ordinal").over(stratum) - 1,
        among=pl.col("can_test").sum().over(stratum),
        start=(pl.col("toss") * 1009 % 1 * len(arms)).floor(),
    )
    tested = pl.col("place") < (pl.col("among") * rule.share + pl.col("toss")).floor()
    number = ((pl.col("place") + pl.col("start")) % len(arms)).cast(pl.UInt32)
    drawn = drawn.with_columns(
        next_arm=pl.when(tested & pl.col("can_test")).then(
            number.replace_strict(range(len(arms)), arms, return_dtype=pl.String)
        ),
        next_block=pl.col("block").cast(pl.String),
    )
    factor = pl.col("next_arm").replace_strict(rule.arms, default=1.0, return_dtype=pl.Float64)
    drawn = drawn.with_columns(next_factor=factor).with_columns(_detectable(rule, shocks))
    return drawn.sort("_row").select("next_arm", "next_factor", "next_block", "detectable")


def next_block(day: pl.Expr, weeks: int) -> pl.Expr:
    """The Monday on which the next block of tests begins: blocks are counted from 1970."""
    length = 7 * weeks
    days = (day.cast(pl.Date) - pl.lit(_MONDAY)).dt.total_days()
    return pl.lit(_MONDAY) + pl.duration(days=(days // length + 1) * length)


def _draw(frame: pl.DataFrame, key: tuple[str, ...], seed: int) -> pl.Series:
    """A number from 0 to 1 for each key, the same on every machine."""
    names = frame.select(pl.concat_str(*key, pl.lit(seed), separator="|")).to_series()
    whole = [hashlib.blake2b(name.encode(), digest_size=6).digest() for name in names]
    return pl.Series([int.from_bytes(part, "big") / 2**48 for part in whole])


def _detectable(rule: PriceTests, shocks: Shocks) -> pl.Expr:
    """From what one cell's block tells: the noise of its sales and the shock that lasts over it."""
    lags = np.abs(np.subtract.outer(np.arange(rule.weeks), np.arange(rule.weeks)))
    shock = shocks.size * float((shocks.memory**lags).mean())
    noise = shocks.noise / (pl.col("units") * rule.weeks).clip(1e-6)
    told = ((pl.col("next_factor") - 1) ** 2 / (noise + shock)).sum().over("as_of", "category")
    return pl.when(told > 0).then(_POWER / told.sqrt()).alias("detectable")

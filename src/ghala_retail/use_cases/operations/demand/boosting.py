"""Gradient boosting on top of the smart mean: LightGBM with a Tweedie loss."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.use_cases.operations.demand.smart_mean import CalendarIndex, smart_mean


@dataclass(frozen=True)
class Recipe:
    """How much is learned from how many examples of a grain; more do not help at this size."""

    rounds: int = 130
    leaves: int = 15
    rows: int = 120_000
    least: int = 400
    also: tuple[str, ...] = ()
    """What it looks at beside what all do."""
    keeps_totals: bool = False
    """Whether the smart mean says how much a week brings, and boosting only how it is spread."""


DEFAULT = Recipe()
RECIPES = {
    "sku_location": Recipe(rounds=160, leaves=31, rows=250_000, keeps_totals=True),
    "location_day": Recipe(rounds=160, leaves=7, least=40, also=("paid_more", "weekday")),
}
"""A SKU in a depot is one of many thin series that share what prices do; a depot's days are few.

Half a year holds a handful of paydays and feasts, which thousands of series repeat: what trees make
of them is chance. Over SKUs the total of a week is therefore left to the smart mean's calendar.
"""

HALF_LIFE = 13
"""After so many weeks an example counts half: habits, prices and the range move on."""

_THREADS = 1
_PARAMETERS: dict[str, object] = {
    "objective": "tweedie",
    "tweedie_variance_power": 1.2,
    "learning_rate": 0.06,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": _THREADS,
    "verbose": -1,
}

_SCALED = (
    *(f"{kind}_{n}" for kind in ("units", "clean") for n in (1, 2, 4, 8, 13, 26, 52)),
    *(f"plain_{n}" for n in (4, 8, 13, 26)),
    "promoted_26",
    "peak_13",
    "spread_13",
    *(f"sku_here_{n}" for n in (2, 8, 26)),
)
"""Levels: the model sees them as multiples of the smart mean, so that one model fits all sizes."""

_POOLED = (("category_units", 13), ("category_cleaned", 26))
"""A category's level times the location's share of the chain: what a series should sell if its
store liked the category as every store does. It tells a thin series apart from a small one."""

_SHARES = ("mailer_share", "front_share", "back_share", "feature_share", "display_share")
_AS_THEY_ARE = (
    "horizon", "age_weeks", "idle_weeks", "promoted_weeks_26", "sold_4", "sold_8", "sold_13",
    "sold_26", "price_26", "category_1_4", "category_4_13", "category_clean_2_8",
    "category_clean_4_8", "category_clean_8_26", "location_1_4", "location_4_13",
    "location_8_26", "lift", "lift_class", "mailer_share_before",
    "month_start", "run_up", "month_start_excess", "run_up_excess", "paid", "before_school",
    "ramadan", "fortnight", "season", "season_here", "sku_clean_2_8", "sku_clean_4_8",
    "sku_clean_8_26", "short_days_1", "short_days_8", "discount_share",
    *(f"discount_share_{n}" for n in (1, 8, 26)),
    *_SHARES, *(f"{name}_{n}" for name in _SHARES for n in (1, 8, 26)),
)  # fmt: skip

Floats = NDArray[np.float64]


def train(
    examples: pl.DataFrame, index: CalendarIndex, *, rows: pl.Series, seed: int
) -> lgb.Booster:
    """Learn by what factor demand differs from the smart mean; deterministic by rows and seed.

    ``rows`` are the places of the examples that may be learned from; only a draw of them is copied.
    """
    recipe = RECIPES.get(str(examples["grain"][0]), DEFAULT)
    sample = examples[rows.sample(n=min(recipe.rows, rows.len()), seed=seed)]
    offset = smart_mean(sample, index)
    shape = {"num_leaves": recipe.leaves, "min_data_in_leaf": recipe.least}
    parameters = {**_PARAMETERS, **shape}
    data = lgb.Dataset(
        _matrix(sample, _at_remembered_prices(sample, offset)),
        sample["actual"].to_numpy(),
        weight=_weight(sample["target_week"]),
        init_score=np.log(offset),
        params=parameters,
    )
    return lgb.train({**parameters, "seed": seed}, data, recipe.rounds)


def boost(booster: lgb.Booster, subjects: pl.DataFrame, offset: Floats) -> Floats:
    """The boosted mean, in units per week."""
    # LightGBM keeps the number of threads for the whole process: of two grains that are fitted side
    # by side, one that changed it would make the other write past its buffers.
    seen = _matrix(subjects, _at_remembered_prices(subjects, offset))
    raw = booster.predict(seen, raw_score=True, num_threads=_THREADS)
    return offset * np.exp(np.asarray(raw, dtype=np.float64))


def keep_totals(subjects: pl.DataFrame, mean: Floats, offset: Floats) -> Floats:
    """The boosted means of whole weeks; where the recipe says so, with the smart mean's totals.

    Totals are compared at remembered prices, so that a planned one moves its own SKU alone.
    """
    if not RECIPES.get(str(subjects["grain"][0]), DEFAULT).keeps_totals:
        return mean
    week = subjects.select(pl.struct("as_of", "target_week").rank("dense") - 1)[:, 0].to_numpy()
    before, after = (_at_remembered_prices(subjects, one) for one in (offset, mean))
    return np.asarray(mean * (np.bincount(week, before) / np.bincount(week, after))[week])


def _at_remembered_prices(subjects: pl.DataFrame, mean: Floats) -> Floats:
    """A mean without what a planned price does to it, which is not for boosting to take back."""
    return np.asarray(mean / subjects["price_effect"].to_numpy())


def _weight(weeks: pl.Series) -> Floats:
    days = weeks.to_numpy()
    age = (days.max() - days) / np.timedelta64(7, "D")
    return np.asarray(0.5 ** (age / HALF_LIFE))


def _matrix(frame: pl.DataFrame, offset: Floats) -> NDArray[np.float32]:
    scale = pl.Series(offset)
    grain = str(frame["grain"][0])
    table = frame.with_columns(_here(n) for n in (2, 8, 26)).select(
        *_AS_THEY_ARE,
        *RECIPES.get(grain, DEFAULT).also,
        *(pl.col(name) / scale for name in _SCALED),
        *(_pooled(level, weeks) / scale for level, weeks in _POOLED),
        *((pl.col(name) - pl.col(f"{name}_8")).alias(f"{name}_change") for name in _SHARES),
        (pl.col("sold_weeks") / pl.col("known_weeks")).alias("active"),
        (pl.col("price_1") / pl.col("price_26")).alias("price_1_26"),
        (pl.col("price_4") / pl.col("price_26")).alias("price_4_26"),
        *(
            (pl.col("list_price") / pl.col(f"list_price_{n}")).alias(f"list_price_to_{n}")
            for n in (1, 4, 8, 26)
        ),
        scale.alias("offset"),
    )
    return table.cast(pl.Float32).to_numpy()


def _pooled(level: str, weeks: int) -> pl.Expr:
    share = pl.col(f"location_units_{weeks}") / pl.col(f"chain_units_{weeks}")
    return (pl.col(f"{level}_{weeks}") * share).alias(f"{level}_pooled_{weeks}")


def _here(weeks: int) -> pl.Expr:
    """A SKU's level over all depots times the depot's share of them."""
    share = pl.col("location_units_13") / pl.col("chain_units_13")
    return (pl.col(f"sku_cleaned_{weeks}") * share).alias(f"sku_here_{weeks}")

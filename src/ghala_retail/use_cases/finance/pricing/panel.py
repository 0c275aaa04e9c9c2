"""The past of every SKU and zone, week by week, as arrays of SKUs x zones x weeks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala.contracts.errors import ConfigurationError, suggest

Floats = NDArray[np.float64]

SLOPES = ("tested", "listed", "discount")
"""What moved the price: a lot that was drawn, whoever sets list prices, a promotion."""
CONTROLS = ("promoted", "featured", "competitor", "rivals")

_LEAST_BASE = 0.05
"""Units a week below which a cell says nothing of how its category goes."""
_NEVER_UNSOLD = 10.0
"""Units in a week with sales from which on a week without any is no chance."""
_LEAST_SKUS, _MOST_CATEGORIES = 8, 15
"""Smaller categories, and those beyond the largest, are taken together."""
ELSE = "others"
_INDEX_ROUNDS = 3
_INDEX_PRIOR = 5.0
"""Units by which a category's week is pulled toward an ordinary one."""


@dataclass(frozen=True)
class Panel:
    """Weeks in which something is known; a cell is a SKU in a zone.

    Attributes:
        skus: a row per SKU with ``sku, category, subcategory, mark_up, rival_slope``.
        zones: the zones, in the order of the arrays.
        units: SKUs x zones x weeks; nan where nothing is known.
        drivers: by name of ``SLOPES`` and ``CONTROLS``, in shares of the cell's mean price.
        season: how the other SKUs of the category went in the zone and week; 1 is as usual.
        mean_price: SKUs x zones, with VAT; nan where there is none.
        discount: mean share off the list price by promotions, by SKU and zone.
        tests: weeks under a randomised test with a changed price, by SKU.
    """

    skus: pl.DataFrame
    zones: tuple[str, ...]
    units: Floats
    drivers: dict[str, Floats]
    season: Floats
    mean_price: Floats
    discount: Floats
    tests: Floats


def factor_of(examples: pl.DataFrame, arms: Mapping[str, float]) -> pl.Series:
    """What the randomised test of each row multiplies its price with; 1 outside of tests.

    Raises:
        ConfigurationError: an arm is not in the policy.
    """
    named = examples["test_arm"].cast(pl.String)
    unknown = sorted(set(named.drop_nulls().unique()) - set(arms))
    if unknown:
        raise ConfigurationError(
            f"The prices name the test arm {unknown[0]!r}. {suggest(unknown[0], list(arms))}",
            "Add to tests.arms in the policy of finance/pricing what it multiplies a price with.",
        )
    return named.replace_strict(dict(arms), default=1.0, return_dtype=pl.Float64).fill_null(1.0)


def make_panel(examples: pl.DataFrame, arms: Mapping[str, float]) -> Panel:
    """Lay examples out as arrays, and work out what moved each price and each category.

    Raises:
        ValueError: no row has a price.
    """
    known = examples.with_columns(arm=factor_of(examples, arms)).filter(pl.col("price") > 0)
    if known.is_empty():
        raise ValueError("no SKU has a price")
    known = known.with_columns(base=pl.col("price") / pl.col("arm"))
    sku, zone, week = (
        known[name].rank("dense").to_numpy() - 1 for name in ("sku", "zone", "as_of")
    )
    at = (sku.astype(int), zone.astype(int), week.astype(int))
    shape = tuple(int(part.max()) + 1 for part in at)

    def laid(values: pl.Series, empty: float = np.nan) -> Floats:
        out = np.full(shape, empty)
        out[at] = values.cast(pl.Float64).fill_null(empty).to_numpy()
        return out

    columns = {
        name: laid(known[name], empty)
        for name, empty in {
            "actual": np.nan, "base": np.nan, "arm": 1.0, "discount_share": 0.0,
            "promoted_share": 0.0, "featured_share": 0.0, "competitor_price": np.nan,
        }.items()
    }  # fmt: skip
    columns["actual"] = _without_phantoms(columns["actual"])
    skus = _describe(known)
    season = _season(columns, skus["category"])
    mean_price = _mean(columns["base"], axis=2)
    moved = (columns["arm"] != 1) & np.isfinite(columns["actual"])
    return Panel(
        skus=skus,
        zones=tuple(known["zone"].unique().sort()),
        units=columns["actual"],
        drivers=_drivers(columns, mean_price, skus["subcategory"]),
        season=season,
        mean_price=mean_price,
        discount=_mean(columns["discount_share"], axis=2),
        tests=moved.sum(axis=(1, 2)).astype(np.float64),
    )


def _without_phantoms(units: Floats) -> Floats:
    """Forget weeks without a sale of what sells well: its shelf is full on paper only."""
    sold = np.where(units > 0, units, np.nan)
    usual = _mean(sold, axis=2)[:, :, None]
    return np.where((units == 0) & (usual >= _NEVER_UNSOLD), np.nan, units)


def _describe(known: pl.DataFrame) -> pl.DataFrame:
    """What is the same in every week: by SKU, in the order of the arrays.

    ``mark_up`` is the price without VAT over unit cost. ``rival_slope`` is the slope at today's
    price at which the competitors' price would earn us most: what they seem to know of the demand.
    """
    net, cost = pl.col("base") / (1 + pl.col("vat_rate")), pl.col("unit_cost")
    theirs = pl.col("competitor_price") / (1 + pl.col("vat_rate"))
    lerner = theirs / pl.when((cost > 0) & (theirs > 1.05 * cost)).then(theirs - cost)
    described = (
        known.group_by("sku")
        .agg(
            pl.col("category", "subcategory").last().fill_null(ELSE),
            mark_up=(net / pl.when(cost > 0).then(cost)).mean(),
            rival_slope=-(lerner * net / theirs).clip(0.5, 12.0).mean(),
        )
        .sort("sku")
    )
    counts = described["category"].value_counts(sort=True).head(_MOST_CATEGORIES)
    large = counts.filter(pl.col("count") >= _LEAST_SKUS)["category"]
    is_large = pl.col("category").is_in(large.implode())
    return described.with_columns(
        category=pl.when(is_large).then("category").otherwise(pl.lit(ELSE))
    )


def _drivers(columns: dict[str, Floats], mean: Floats, group: pl.Series) -> dict[str, Floats]:
    """What moved the price, each as a share of the cell's mean price; they add up to the whole."""
    listed = columns["base"] / mean[:, :, None]
    tested = listed * (columns["arm"] - 1)
    discount = -listed * columns["arm"] * columns["discount_share"]
    paid = np.nan_to_num(listed - 1 + tested + discount)
    theirs = columns["competitor_price"]
    usual = _mean(theirs, axis=2)[:, :, None]
    drivers = {
        "tested": tested,
        "listed": listed - 1,
        "discount": discount,
        "promoted": columns["promoted_share"],
        "featured": columns["featured_share"],
        "competitor": np.log(np.where(theirs > 0, theirs, np.nan) / usual),
        "rivals": _others(paid, np.nan_to_num(_mean(columns["actual"], axis=2)), group),
    }
    return {name: np.nan_to_num(values) for name, values in drivers.items()}


def _season(columns: dict[str, Floats], category: pl.Series) -> Floats:
    """How the other SKUs of the category sold in the zone and week, beside their own usual.

    Weeks of a promotion or a test are left out: they say nothing of how the category goes.
    """
    units = columns["actual"]
    plain = np.isfinite(units) & (columns["promoted_share"] == 0) & (columns["arm"] == 1)
    sold, group = np.where(plain, units, 0.0), _codes(category)
    season = np.ones_like(units)
    for _ in range(_INDEX_ROUNDS):
        usual = sold.sum(axis=2) / np.maximum((plain * season).sum(axis=2), 1e-9)
        expected = plain * np.where(usual > _LEAST_BASE, usual, 0.0)[:, :, None]
        counted = np.where(expected > 0, sold, 0.0)
        over, under = (_sums(part, group) - part for part in (counted, expected))
        season = (over + _INDEX_PRIOR) / (under + _INDEX_PRIOR)
    return season


def _others(values: Floats, weight: Floats, group: pl.Series) -> Floats:
    """The weighted mean of the other SKUs of a group, by zone and week."""
    codes, heavy = _codes(group), weight[:, :, None] * np.ones_like(values)
    over = _sums(values * heavy, codes) - values * heavy
    mean: Floats = over / np.maximum(_sums(heavy, codes) - heavy, 1e-9)
    return mean


def _codes(names: Sequence[str] | pl.Series) -> NDArray[np.int64]:
    return pl.Series(names).rank("dense").to_numpy().astype(np.int64) - 1


def _sums(values: Floats, group: NDArray[np.int64]) -> Floats:
    """The sum over each SKU's group, for each SKU."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    summed: Floats = np.add.reduceat(values[order], starts, axis=0)[group]
    return summed


def _mean(values: Floats, *, axis: int) -> Floats:
    """The mean of what is known; nan where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)

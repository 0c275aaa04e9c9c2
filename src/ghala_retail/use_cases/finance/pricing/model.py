"""What pricing has learned: the slopes of every SKU, and what stands in for those not seen."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ghala_retail.use_cases.finance.pricing.panel import CONTROLS, Floats, Panel
from ghala_retail.use_cases.finance.pricing.pooling import pool_slopes
from ghala_retail.use_cases.finance.pricing.response import Shocks, measure_responses

_LEAST_WEEKS = 12
_RECENT = 4
TESTED, LISTED = 0, 1
"""Places of the slopes under randomised tests and under list prices."""


@dataclass(frozen=True)
class PricingModel:
    """What a fit found.

    Attributes:
        cells: a row per SKU and zone: ``mean_price``, ``level`` (units in an ordinary week at that
            price), ``mean_discount`` and the category's recent ``season``.
        skus: a row per SKU: ``slope`` and its ``variance`` at the mean price, the slope on list
            prices (``listed_slope``) and one column per control.
        categories: a row per category: mean ``mark_up``, and ``slope`` and ``variance`` of a SKU
            of which nothing else is known, and what a mark-up above the mean adds to it.
        shocks: what moves sales from week to week beside all that is known.
        tests: weeks under randomised tests that the fit has seen.
    """

    cells: pl.DataFrame
    skus: pl.DataFrame
    categories: pl.DataFrame
    shocks: Shocks
    tests: int

    @property
    def is_causal(self) -> bool:
        """Whether a randomised test has ever moved a price."""
        return self.tests > 0


def fit(panel: Panel) -> PricingModel:
    """Learn slopes from every cell's own past and from all of them together.

    Raises:
        ValueError: fewer weeks are known than a level and a slope need.
    """
    if panel.units.shape[2] < _LEAST_WEEKS:
        raise ValueError(f"{panel.units.shape[2]} weeks are known, {_LEAST_WEEKS} are needed")
    found = measure_responses(panel)
    categories = (
        panel.skus.group_by("category")
        .agg(pl.col("mark_up", "rival_slope").mean())
        .sort("category")
    )
    traits = _traits(panel.skus, categories)
    slopes = pool_slopes(found.information, found.weighted, traits)
    tests = int(panel.tests.sum())
    used = TESTED if tests else LISTED
    skus = panel.skus.with_columns(
        slope=slopes.mean[:, used],
        variance=slopes.covariance[:, used, used],
        listed_slope=slopes.mean[:, LISTED],
        **dict(zip(CONTROLS, found.controls.T, strict=True)),
    )
    means, count = slopes.pool.means[:, used], categories.height
    unknown = pl.lit(None, pl.Float64)
    plain = _traits(categories.with_columns(mark_up=unknown, rival_slope=unknown), categories)
    categories = categories.with_columns(
        slope=plain @ means,
        variance=np.full(count, slopes.pool.covariance[used, used]),
        mark_up_slope=means[1 + count] + means[2 + count : -1],
    )
    return PricingModel(_cells(panel, found.level), skus, categories, found.shocks, tests)


def _traits(skus: pl.DataFrame, categories: pl.DataFrame) -> Floats:
    """What tells SKUs apart before their sales do: category, mark-up, and what competitors ask.

    Who is dear over cost sells at a point of the curve where demand falls faster. Both are taken as
    what they lie above the category's mean; 0 where unknown.
    """
    mine = skus["category"].to_numpy()[:, None] == categories["category"].to_numpy()[None, :]
    member = mine.astype(np.float64)

    def above(name: str, most: float) -> Floats:
        usual = categories[name].cast(pl.Float64).fill_null(0.0).fill_nan(0.0).to_numpy()
        gap = skus[name].cast(pl.Float64).fill_null(np.nan).to_numpy() - member @ usual
        return np.where(np.isfinite(gap), gap, 0.0).clip(-most, most)[:, None]

    mark_up, rival = above("mark_up", 1.5), above("rival_slope", 3.0)
    return np.hstack([np.ones((skus.height, 1)), member, mark_up, member * mark_up, rival])


def _cells(panel: Panel, level: Floats) -> pl.DataFrame:
    zones = len(panel.zones)
    recent = panel.season[:, :, -_RECENT:].mean(axis=2)
    return pl.DataFrame(
        {
            "sku": panel.skus["sku"].to_numpy().repeat(zones),
            "zone": np.tile(np.array(panel.zones), panel.skus.height),
            "mean_price": panel.mean_price.ravel(),
            "level": level.ravel(),
            "mean_discount": panel.discount.ravel(),
            "season": recent.ravel(),
        }
    ).filter(pl.col("mean_price").is_not_nan())


def save(model: PricingModel, folder: Path) -> None:
    """Write Parquet and JSON; neither runs code when loaded."""
    for name in ("cells", "skus", "categories"):
        getattr(model, name).write_parquet(folder / f"{name}.parquet")
    rest: dict[str, Any] = {"shocks": asdict(model.shocks), "tests": model.tests}
    (folder / "model.json").write_text(json.dumps(rest, indent=1), encoding="utf-8")


def load(folder: Path) -> PricingModel:
    """Read what ``save`` wrote."""
    rest = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    tables = {
        name: pl.read_parquet(folder / f"{name}.parquet")
        for name in ("cells", "skus", "categories")
    }
    return PricingModel(**tables, shocks=Shocks(**rest["shocks"]), tests=rest["tests"])

"""operations/demand: how much will be sold, per SKU and category, store and depot."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from ghala.contracts.use_case import NUMBER
from ghala.evaluation.forecast import Forecast
from ghala.evaluation.intervals import quantiles
from ghala_retail.use_cases.operations.demand.model import Fitting, GrainModel, load, save
from ghala_retail.use_cases.operations.demand.prices import depot_effects

Model = dict[str, GrainModel]


class Demand(Forecast):
    """Units per week for the next four weeks, at the grains of its places, with intervals."""

    features = (
        "demand_series", "demand_category", "demand_location", "demand_chain", "demand_sku",
        "price_response.elasticity",
    )  # fmt: skip
    reads = ("finance/pricing", "marketing/events")
    optional = reads
    needs = ("order_lines", "products", "promotions", "calendar_events")
    watched = (
        "units_1", "units_4", "units_26", "clean_8", "sold_4", "sold_26", "peak_13", "spread_13",
        "price_1", "price_26", "lift", "mailer_share", "mailer_share_8", "front_share",
        "back_share", "feature_share", "category_1_4", "category_clean_4_8", "location_1_4",
    )  # fmt: skip

    learned = ("is_upset",)
    kept: ClassVar[dict[str, str]] = {
        f"shock_{part}": NUMBER for part in ("everywhere", "location", "category", "level")
    }

    def __init__(self) -> None:
        self._fitting: Fitting | None = None

    def fit(self, examples: pl.DataFrame, *, seed: int) -> Model:
        """Fit one model per grain, side by side: each learns on one thread."""
        if self._fitting is None or self._fitting.seed != seed:
            self._fitting = Fitting(seed)
        grains = _by_grain(examples)
        with ThreadPoolExecutor(max_workers=len(grains)) as pool:
            fitted = list(pool.map(self._fitting.fit, grains))
        return {str(rows["grain"][0]): model for rows, model in zip(grains, fitted, strict=True)}

    def predict(self, model: Model, subjects: pl.DataFrame) -> pl.DataFrame:
        """Forecast every subject, beside the baselines; same rows, same order."""
        row = pl.int_range(pl.len(), dtype=pl.Int64).alias("_row")
        grains = {
            str(grain): rows for (grain,), rows in subjects.with_columns(row).group_by("grain")
        }
        if {"sku_location", "location_day"} <= grains.keys():
            grains["location_day"] = _at_planned_prices(model, grains)
        parts = [_predict_grain(model[grain], rows) for grain, rows in grains.items()]
        return pl.concat(parts).sort("_row").drop("_row")

    def save(self, model: Model, folder: Path) -> None:
        """Write a folder per grain."""
        for grain, fitted in model.items():
            save(fitted, folder / grain)

    def load(self, folder: Path) -> Model:
        """Read every grain's folder."""
        return {place.name: load(place) for place in sorted(folder.iterdir()) if place.is_dir()}


def _by_grain(examples: pl.DataFrame) -> list[pl.DataFrame]:
    """The rows of each grain; where they lie together, as in a training set, without a copy."""
    runs = examples["grain"].rle().struct.unnest()
    if runs.height > runs["value"].n_unique():
        return examples.partition_by("grain", maintain_order=True)
    starts = runs["len"].cum_sum() - runs["len"]
    return [examples.slice(*span) for span in zip(starts, runs["len"], strict=True)]


def _at_planned_prices(model: Model, grains: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The days of the depots with what prices planned ahead do to all that is sent from there."""
    skus = model["sku_location"]
    effects = depot_effects(grains["sku_location"], skus.apart)
    days = grains["location_day"].join(
        effects.rename({"price_effect": "depot_effect"}),
        on=("as_of", "location_id", "target_week"),
        how="left",
        maintain_order="left",
    )
    return days.with_columns(pl.col("depot_effect").fill_null(1.0))


def _predict_grain(model: GrainModel, rows: pl.DataFrame) -> pl.DataFrame:
    means = model.means(rows)
    if "depot_effect" in rows.columns:
        means = {name: mean * rows["depot_effect"].to_numpy() for name, mean in means.items()}
    columns: dict[str, np.ndarray] = {
        "dispersion": model.dispersion[model.chosen].at(means[model.chosen])
    }
    for prefix, name in (("", model.chosen), ("smart_mean_", "smart_mean")):
        columns["mean" if not prefix else "smart_mean"] = means[name]
        for label, level in Demand.quantiles.items():
            columns[prefix + label] = quantiles(level, means[name], model.dispersion[name])
    return rows.select(
        "_row", "grain", "series", "as_of", "target_week", "horizon",
        pl.col("units_1").alias("naive"), pl.col("units_4").alias("recent_mean"),
        **{f"shock_{part}": pl.lit(size) for part, size in asdict(model.shocks).items()},
    ).with_columns(**columns)  # fmt: skip

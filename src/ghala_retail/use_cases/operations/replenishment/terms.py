"""What ordering costs, and how fast each SKU in a depot goes: what policies work with."""

from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

WEEKS: Final = 52
FORECAST_WEEKS: Final = 4
"""Of demand's forecast."""
ORDER: Final = ("as_of", "supplier_id", "location_id")
"""What goes into one order."""
NEVER: Final = 1e12
"""Units at which a supplier without price breaks would give one."""
_LEAST_LEAD_DAYS = 1.0
_USUAL_SPREAD = 0.25
"""Of a lead time of which too few deliveries are known, as a share of it."""
_USUAL_DISPERSION = 0.3
"""Of a week's demand, where nothing is known; it weighs as much as a quarter's weeks."""
_MOST_DISPERSION = 3.0


class Costs(BaseModel):
    """What Operations and Finance say that things cost, in KES."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    order: float = Field(
        1_500, gt=0, description="of an order to a supplier for a depot, with its truck"
    )
    line: float = Field(40, ge=0, description="of each SKU on it: picking, counting, putting away")
    holding_per_year: float = Field(
        0.30, gt=0, description="share of a unit's cost: capital, loss, age"
    )
    litre_per_year: float = Field(6, ge=0, description="of room on the shelf")
    goodwill: float = Field(
        0.10, ge=0, description="of the price, lost beside the margin when sold out"
    )


def describe(subjects: pl.DataFrame, costs: Costs) -> pl.DataFrame:
    """The numbers of each row that policies and their replay need; none of them is null.

    A size that is missing is the median of its category, a price or a cost that of all. What a SKU
    earns is never below nothing: a lost sale of one that loses money costs its goodwill.
    """
    number = pl.Float64
    filled = {
        name: pl.coalesce(
            pl.col(name).cast(number), pl.col(name).cast(number).median().over("category"),
            pl.col(name).cast(number).median(), default,
        ).fill_nan(default)
        for name, default in (
            ("volume_l", 1.0), ("unit_cost", 1.0), ("price", 0.0), ("vat_rate", 0.0),
            ("lead_days", 7.0), ("moq_units", 1.0), ("pack_units", 1.0),
        )
    }  # fmt: skip
    rows = subjects.with_columns(**filled).with_columns(
        supplier_id=pl.col("supplier_id").fill_null(""),
        lead_days=pl.col("lead_days").clip(_LEAST_LEAD_DAYS),
        pack_units=pl.col("pack_units").clip(1.0),
        closing=pl.col("closing").cast(number).fill_null(0.0).clip(0.0),
        on_order=pl.col("on_order").cast(number).fill_null(0.0),
        shelf_weeks=pl.col("shelf_life_days").cast(number).fill_null(3650.0).clip(0.0) / 7,
        break_units=pl.col("break_units").cast(number).fill_null(NEVER),
        break_discount=pl.col("break_discount").cast(number).fill_null(0.0),
    )
    earned = pl.col("price") / (1 + pl.col("vat_rate")) - pl.col("unit_cost")
    return rows.with_columns(
        lead_spread=pl.col("lead_spread_days").fill_null(pl.col("lead_days") * _USUAL_SPREAD) / 7,
        holding=(
            pl.col("unit_cost") * costs.holding_per_year
            + pl.col("volume_l") * costs.litre_per_year
        ) / WEEKS,
        missed=earned.clip(0.0) + pl.col("price") * costs.goodwill,
        kept_weeks=pl.min_horizontal("shelf_weeks", pl.lit(float(WEEKS))),
        **_pace(),
    )  # fmt: skip


def _pace() -> dict[str, pl.Expr]:
    """Weekly demand: as forecast where a forecast was there, else as it was wanted lately."""
    lately = pl.coalesce("wanted_8", "wanted_26", 0.0)
    rate = 0.6 * lately + 0.4 * pl.coalesce("wanted_26", lately)
    weeks = [pl.coalesce(f"mean_{n}w", rate) for n in range(1, FORECAST_WEEKS + 1)]
    sold = (pl.col("sold_square_26") - pl.col("sold_pace_26") ** 2).clip(0.0)
    square = pl.col("wanted_26") ** 2
    own = (pl.col("wanted_square_26") - square - pl.col("wanted_26")) / square
    own = pl.when(square > 0).then(own.clip(0.0, _MOST_DISPERSION))
    lately_spread = (2 * pl.coalesce(own, _USUAL_DISPERSION) + _USUAL_DISPERSION) / 3
    return {
        **{f"week_{n}": week.clip(0.0) for n, week in enumerate(weeks, start=1)},
        "pace": pl.mean_horizontal(weeks).clip(0.0),
        "dispersed": pl.coalesce("dispersion_1w", lately_spread),
        "common": pl.sum_horizontal(
            pl.coalesce(f"shock_{part}", 0.0) for part in ("everywhere", "location", "category")
        ),
        "level": pl.coalesce("shock_level", 0.05),
        "sold_pace": pl.coalesce("sold_pace_8", 0.0),
        "sold_spread": pl.coalesce(sold, 0.0).sqrt(),
    }

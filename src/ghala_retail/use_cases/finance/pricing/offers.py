"""What is believed of each SKU and zone on the day its price is decided."""

import numpy as np
import polars as pl

from ghala_retail.use_cases.finance.pricing.choice import Offers
from ghala_retail.use_cases.finance.pricing.model import PricingModel
from ghala_retail.use_cases.finance.pricing.panel import ELSE, Floats
from ghala_retail.use_cases.finance.pricing.rules import Guardrails

_NEW_LEVEL = 0.5
"""A SKU of which nothing is known sells this share of what others of its category do."""


def describe_offers(model: PricingModel, subjects: pl.DataFrame) -> pl.DataFrame:
    """Subjects, in their order, with the list price outside of tests and what the model knows.

    A SKU that the model has not seen gets what its category and mark-up let expect.
    """
    large = pl.col("category").is_in(model.categories["category"].implode())
    category = pl.when(large).then("category").otherwise(pl.lit(ELSE))
    levels = model.cells.join(model.skus.select("sku", "category"), on="sku").group_by("category")
    usual = model.categories.select(
        "category", usual_slope="slope", usual_variance="variance", usual_mark_up="mark_up",
        steeper="mark_up_slope",
    )  # fmt: skip
    seen = model.skus.select(
        "sku", "slope", "variance", "promoted", "featured", cross_elasticity="competitor"
    )
    known = (
        subjects.with_columns(category=category, price_now=pl.col("price") / pl.col("test_factor"))
        .join(model.cells, on=["sku", "zone"], how="left", maintain_order="left")
        .join(seen, on="sku", how="left", maintain_order="left")
        .join(usual, on="category", how="left", maintain_order="left")
        .join(
            levels.agg(usual_level=_NEW_LEVEL * pl.col("level").median()),
            on="category", how="left", maintain_order="left",
        )
    )  # fmt: skip
    return _with_beliefs(known, model)


def _with_beliefs(known: pl.DataFrame, model: PricingModel) -> pl.DataFrame:
    overall = model.categories.select(pl.col("slope", "variance").mean()).row(0)
    net = pl.col("price_now") / (1 + pl.col("vat_rate"))
    mark_up = net / pl.when(pl.col("unit_cost") > 0).then(pl.col("unit_cost"))
    above = (mark_up - pl.col("usual_mark_up")).clip(-1.5, 1.5).fill_null(0.0).fill_nan(0.0)
    expected = (pl.col("usual_slope") + pl.col("steeper") * above).fill_null(overall[0])
    mean_price = pl.coalesce("mean_price", "price_now")
    stretch = pl.col("price_now") / mean_price
    slope = pl.coalesce("slope", expected / stretch)
    variance = pl.coalesce("variance", "usual_variance", pl.lit(overall[1]))
    return known.with_columns(
        own_slope=slope * stretch,
        own_spread=variance.sqrt() * stretch,
        usual_here=pl.col("usual_slope").fill_null(overall[0]),
        level=pl.coalesce("level", "usual_level", pl.lit(0.0)),
        mean_discount=pl.col("mean_discount").fill_null(0.0).fill_nan(0.0),
    ).with_columns(
        units=pl.col("level")
        * pl.col("season").fill_null(1.0)
        * (slope * (stretch - 1)).clip(-1.0, 1.0).exp()
        * _promoted(slope).exp()
    )


def _promoted(slope: pl.Expr) -> pl.Expr:
    """What the promotions planned for the week add to the logarithm of sales."""
    added = (
        pl.col("promoted").fill_null(0.0) * pl.col("promoted_share")
        + pl.col("featured").fill_null(0.0) * pl.col("featured_share")
        - slope * pl.col("discount_share")
    )
    return added.clip(-1.0, 2.0)


def make_offers(known: pl.DataFrame, rule: Guardrails) -> tuple[Offers, Floats]:
    """What the choice of prices needs; also the slope that is usual in each offer's category."""

    def column(name: str) -> Floats:
        return known[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    commission = rule.agent_commission * column("agent_share")
    kept = (1 - column("mean_discount")) * (1 - commission) / (1 + column("vat_rate"))
    rivals, is_key = column("competitor_price"), column("is_kvi") > 0
    cap = np.where(is_key & (rivals > 0), rule.kvi_cap * rivals, np.inf)
    offers = Offers(
        price=column("price_now"),
        unit_cost=np.where(column("unit_cost") > 0, column("unit_cost"), np.nan),
        kept=kept,
        slope=column("own_slope"),
        spread=column("own_spread"),
        units=column("units"),
        cap=cap,
    )
    return offers, column("usual_here")

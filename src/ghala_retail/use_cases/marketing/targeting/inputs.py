"""What the learners see of a customer: a matrix for the trees, a few traits for the linear one."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Table = NDArray[np.float32]

_BOUGHT = (
    *(f"orders_{n}d" for n in (7, 30, 90, 180, 365)),
    *(f"spend_{n}d" for n in (30, 90, 180, 365)),
    *(f"units_{n}d" for n in (30, 90, 365)),
    *(f"discount_{n}d" for n in (30, 90, 365)),
    "cancelled_orders_365d", "dearest_line_365d", "mean_line_365d", "days_since_order",
    "tenure_days", "basket_90d", "spend_trend", "agent_share_365d",
)  # fmt: skip
_CAMPAIGNS = ("contacted_days", "contacted_orders", "spared_days", "spared_orders")
_AS_THEY_ARE = (*_BOUGHT, *_CAMPAIGNS, "has_agent", "days_registered")
FEATURES = (*(f"customer.{name}" for name in _BOUGHT), "campaign_response")
"""What is read of the shared views; the other windows would cost time for nothing."""

_USUAL_DAYS = 365.0
_MOST = 4.0
"""Traits are cut at so many standard deviations: no one is so unlike the others."""
_PRIOR_ORDERS, _PRIOR_DAYS = 0.5, 30.0
"""A new customer's rate of orders is pulled toward one order in two months."""
_PRIOR_MISSED = 0.1
_PRIOR_RESPONSE = 2.0
"""So many expected orders in campaigns leave half of a customer's own response."""


def as_table(subjects: pl.DataFrame) -> Table:
    """One row per customer for the trees; what is unknown is left missing."""
    known = pl.col(_AS_THEY_ARE).cast(pl.Float32)
    return subjects.select(known, missed=(_rate() * _silent()).cast(pl.Float32)).to_numpy()


def _rate() -> pl.Expr:
    """Orders a day as far as they are known."""
    days = pl.col("days_registered").cast(pl.Float64).clip(14.0, _USUAL_DAYS)
    orders = pl.col("orders_365d").cast(pl.Float64).fill_null(0.0)
    return (orders + _PRIOR_ORDERS) / (days + _PRIOR_DAYS)


def _silent() -> pl.Expr:
    """Days since the last order; since the registration of those who never ordered."""
    return pl.coalesce("days_since_order", "days_registered").cast(pl.Float64).clip(0.0)


def as_traits(subjects: pl.DataFrame, discount: Floats) -> Floats:
    """One row per customer for the linear learner, none missing, with the offer's discount.

    How often the customer orders, how many orders seem missing since the last one, how dear they
    are, by which way, on which discount; and how much more often than usual the customer ordered
    while in a campaign, contacted or not.
    """
    names = ("orders_365d", "spend_365d", "discount_365d", "units_365d", "has_agent", *_CAMPAIGNS)
    known = subjects.select(
        pl.col(names).cast(pl.Float64).fill_null(0.0).fill_nan(0.0), rate=_rate(), silent=_silent()
    )
    of = {name: known[name].to_numpy() for name in known.columns}
    orders = of["orders_365d"]
    spend, off = (np.maximum(of[name], 0.0) for name in ("spend_365d", "discount_365d"))
    rate = of["rate"]
    missed = np.log(rate * of["silent"] + _PRIOR_MISSED)
    responses = []
    for side in ("contacted", "spared"):
        expected = rate * of[f"{side}_days"]
        responses.append((of[f"{side}_orders"] - expected) / (expected + _PRIOR_RESPONSE))
    each = np.maximum(orders, 1.0)
    return np.column_stack(
        [
            np.log(rate), np.log(rate) ** 2, missed, missed**2, np.log1p(of["silent"]),
            off / np.maximum(spend + off, 1.0), np.log1p(spend / each), of["has_agent"],
            of["units_365d"] / each, *responses, discount,
        ]
    )  # fmt: skip


def standardise(traits: Floats, centre: Floats, scale: Floats) -> Floats:
    """Traits in standard deviations from the mean, with a leading column of ones."""
    away = np.clip((traits - centre) / scale, -_MOST, _MOST)
    return np.column_stack([np.ones(len(away)), away])

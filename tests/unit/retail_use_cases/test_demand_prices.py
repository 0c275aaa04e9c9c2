"""What planned prices do to demand: one elasticity, from a SKU to the days of its depot."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from ghala_retail.use_cases.operations.demand.prices import (
    depot_effects,
    typical_elasticity,
    with_price_effect,
)

DAY = date(2024, 5, 28)


def rows(*prices: Any, elasticity: list[float | None] | None = None) -> pl.DataFrame:
    """One SKU in one depot per price planned; all were sold at 100."""
    return pl.DataFrame(
        {
            "as_of": [DAY] * len(prices),
            "location_id": ["D1"] * len(prices),
            "target_week": [date(2024, 6, 3)] * len(prices),
            "list_price": list(prices),
            **{f"list_price_{n}": [100.0] * len(prices) for n in (1, 4, 8, 26)},
            "elasticity": elasticity or [None] * len(prices),
        },
        schema_overrides={"list_price": pl.Float64, "elasticity": pl.Float64},
    )


def test_where_pricing_has_not_spoken_the_model_learns_from_prices_itself() -> None:
    made = rows(80.0, 100.0)
    assert typical_elasticity(made) is None
    told = with_price_effect(made, None)
    assert told["price_effect"].to_list() == [1.0, 1.0]
    assert told["list_price"].to_list() == [80.0, 100.0]


def test_demand_moves_by_pricings_elasticity_and_by_nothing_else() -> None:
    made = rows(80.0, 80.0, 100.0, None, 1.0, elasticity=[-2.0, None, -3.0, -2.0, -2.0])
    typical = typical_elasticity(made)
    assert typical == -2.0
    told = with_price_effect(made, typical)
    assert told["price_effect"].to_list() == pytest.approx([0.8**-2, 0.8**-2, 1.0, 1.0, 4.0])
    assert told["list_price"].null_count() == 5


@pytest.mark.parametrize("usual", [0.0, None])
def test_a_price_that_is_compared_with_nothing_moves_nothing(usual: float | None) -> None:
    made = rows(80.0, elasticity=[-2.0]).with_columns(
        pl.lit(usual, pl.Float64).alias(f"list_price_{n}") for n in (1, 8, 26)
    )
    assert with_price_effect(made, -2.0)["price_effect"].to_list() == [1.0]


def test_a_depot_feels_what_all_its_skus_together_sell_more() -> None:
    def means(given: pl.DataFrame) -> np.ndarray:
        return 10 * (given["list_price"].fill_null(100.0).to_numpy() / 100) ** -2.0

    [effect] = depot_effects(rows(80.0, 100.0, None), means)["price_effect"]
    assert effect == pytest.approx((0.8**-2 + 2) / 3)
    assert depot_effects(rows(100.0, None), means).is_empty()

"""A small shop whose demand is known: some prices are tested by lot, the others follow demand."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ghala.contracts.discovery import packs
from ghala.contracts.policy import read_policy
from ghala_retail.use_cases.finance.pricing.use_case import Pricing

ARMS = {"minus_10": 0.9, "minus_5": 0.95, "control": 1.0, "plus_5": 1.05, "plus_10": 1.1}
START = date(2024, 1, 1)
VAT = 0.16
Examples = Callable[..., pl.DataFrame]


@pytest.fixture
def pricing() -> Pricing:
    """The use case with the policy that it ships with."""
    found = Pricing()
    found.name = "finance/pricing"
    found.folder = packs()["retail"] / "use_cases" / "finance" / "pricing"
    found.policy = read_policy(found.folder / "policy.yml", Pricing.rules)
    return found


@pytest.fixture(scope="session")
def shop() -> Examples:
    """Weeks of a shop: who sets its prices sees demand coming, and ``tested`` cells are drawn."""

    def make(
        *, skus: int = 60, weeks: int = 78, slope: float = -3.0, mark_up: float = 1.5,
        tested: float = 0.15, follows: float = 0.5, units: float = 60.0, seed: int = 1,
    ) -> pl.DataFrame:  # fmt: skip
        random = np.random.default_rng(seed)
        shape = (skus, 2, weeks)
        shock = np.zeros(shape)
        for week in range(1, weeks):
            shock[:, :, week] = 0.7 * shock[:, :, week - 1] + random.normal(0, 0.1, shape[:2])
        drawn = np.repeat(random.random((skus, 2, -(-weeks // 4))) < tested, 4, axis=2)
        arm = np.repeat(random.integers(0, 5, (skus, 2, -(-weeks // 4))), 4, axis=2)
        drawn, arm = drawn[:, :, :weeks], arm[:, :, :weeks]
        factor = np.where(drawn, np.array(list(ARMS.values()))[arm], 1.0)
        move = np.exp(follows * shock + random.normal(0, 0.02, shape)) * factor
        sold = random.poisson(units * np.exp(slope * (move - 1) + shock))
        cost = np.repeat(random.uniform(80, 400, skus), 2 * weeks)
        sku, zone, week = (part.ravel() for part in np.indices(shape))
        return pl.DataFrame(
            {
                "as_of": [START + timedelta(weeks=int(n)) for n in week],
                "sku": [f"K{n:03}" for n in sku],
                "zone": np.array(["coast", "nairobi"])[zone],
                "category": np.array(["food", "home"])[sku % 2],
                "subcategory": [f"s{n // 6}" for n in sku],
                "is_kvi": 0,
                "vat_rate": VAT,
                "price": (cost * mark_up * (1 + VAT) * move.ravel()).round(0),
                "unit_cost": cost,
                "test_arm": pl.Series(np.array(list(ARMS))[arm.ravel()]),
                "promoted_share": 0.0,
                "featured_share": 0.0,
                "discount_share": 0.0,
                "competitor_price": pl.Series([None] * sku.size, dtype=pl.Float64),
                "agent_share": 0.5,
                "actual": sold.ravel().astype(float),
                "known_on": [START + timedelta(weeks=int(n) + 1) for n in week],
            }
        ).with_columns(test_arm=pl.when(pl.Series(drawn.ravel())).then("test_arm"))

    return make


def newest(examples: pl.DataFrame) -> pl.DataFrame:
    """The subjects of the last week, as a model is asked about them."""
    last = examples.filter(pl.col("as_of") == pl.col("as_of").max())
    return last.drop("actual", "known_on")

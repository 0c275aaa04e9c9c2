"""Backtests with known properties."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from ghala.evaluation.intervals import quantile

Floats = NDArray[np.float64]
DISPERSION = 0.3
MONDAY = date(2024, 1, 1)


def draw(mean: Floats, dispersion: float, *, seed: int) -> Floats:
    """Counts from a negative binomial with ``variance = mean + dispersion * mean**2``."""
    size = 1 / dispersion
    random = np.random.default_rng(seed)
    return random.negative_binomial(size, size / (size + mean)).astype(np.float64)


def make_backtest(
    *, model: float = 1.0, baseline: float = 1.0, dispersion: float = DISPERSION, seed: int = 1
) -> pl.DataFrame:
    """A backtest of 150 series over 8 weeks; 1.0 names the truth, 1.5 half too much of it."""
    weeks, series = 8, 150
    random = np.random.default_rng(seed)
    mean = np.repeat(random.lognormal(1.5, 0.8, series), weeks)
    columns = {"actual": draw(mean, DISPERSION, seed=seed + 1)}
    for prefix, factor in (("", model), ("smart_mean_", baseline)):
        said = mean * factor
        columns["mean" if not prefix else "smart_mean"] = said
        for label, level in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
            columns[prefix + label] = quantile(level, said, np.full_like(said, dispersion))
    return pl.DataFrame(
        {
            "grain": "sku_chain",
            "series": [f"s{n}" for n in range(series) for _ in range(weeks)],
            "as_of": [MONDAY + timedelta(weeks=week) for week in range(weeks)] * series,
            "target_week": [MONDAY + timedelta(weeks=week) for week in range(weeks)] * series,
            "dispersion": np.full_like(mean, dispersion),
            **columns,
        }
    )


@pytest.fixture
def backtest() -> pl.DataFrame:
    """A model that knows the truth, beside a smart mean that says twice as much."""
    return make_backtest(baseline=2.0)

"""Joint sample paths agree between slices, keep each forecast's spread and give sums theirs."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ghala.evaluation.paths import Shocks, draw_paths, fit_shocks

MONDAY = date(2025, 9, 1)
SHOCKS = Shocks(everywhere=0.01, location=0.02, category=0.01, level=0.02)


def forecasts(depots: int = 4, skus: int = 30, weeks: int = 4) -> pl.DataFrame:
    random = np.random.default_rng(3)
    return pl.DataFrame(
        [
            {
                "as_of": MONDAY, "series": f"S{sku}|D{depot}", "location_id": f"D{depot}",
                "category": f"C{sku % 3}", "target_week": MONDAY + timedelta(weeks=week),
                "mean": float(mean), "dispersion": 0.3,
            }
            for depot in range(depots)
            for sku, mean in enumerate(random.gamma(1.0, 6.0, skus))
            for week in range(weeks)
        ]
    )  # fmt: skip


def test_a_slice_meets_the_same_futures_as_the_whole() -> None:
    rows = forecasts()
    whole = draw_paths(rows, SHOCKS, seed=7, paths=20)
    places = rows.select((pl.col("location_id") == "D2").arg_true()).to_series().to_numpy()[::-1]
    part = draw_paths(rows[places], SHOCKS, seed=7, paths=20)
    assert np.array_equal(part, whole[places])
    assert np.array_equal(draw_paths(rows, SHOCKS, seed=7, paths=5), whole[:, :5])
    assert not np.array_equal(draw_paths(rows, SHOCKS, seed=8, paths=20), whole)


def test_paths_keep_the_mean_and_the_spread_of_each_forecast() -> None:
    rows = forecasts(depots=1, skus=12, weeks=1)
    paths, mean = draw_paths(rows, SHOCKS, seed=1, paths=6000), rows["mean"].to_numpy()
    assert paths.mean(axis=1) == pytest.approx(mean, rel=0.08, abs=0.05)
    spread = np.sqrt(mean + 0.3 * mean**2)
    assert paths.std(axis=1) == pytest.approx(spread, rel=0.12, abs=0.05)


def test_sums_spread_as_much_as_what_series_share_and_intervals_of_totals_cover() -> None:
    """Outcomes with planted shocks: the shocks are found, and totals of depots are covered."""
    weeks = 24
    rows = forecasts(depots=12, skus=40, weeks=weeks)
    actual = draw_paths(rows, SHOCKS, seed=99, paths=1)[:, 0]
    found = fit_shocks(rows.with_columns(actual=pl.Series(actual)))
    assert found.total == pytest.approx(SHOCKS.total, abs=0.025)
    totals = {}
    for name, shocks in (("joint", found), ("apart", Shocks())):
        paths = draw_paths(rows, shocks, seed=1, paths=200)
        inside = []
        cells = rows.with_row_index("row").group_by("location_id", "target_week")
        for _, cell in cells:
            place = cell["row"].to_numpy()
            low, high = np.quantile(paths[place].sum(axis=0), [0.1, 0.9])
            inside.append(low <= actual[place].sum() <= high)
        totals[name] = np.mean(inside)
    assert 0.70 <= totals["joint"] <= 0.90
    assert totals["apart"] < totals["joint"]


def test_nothing_expected_is_nothing_drawn_and_large_means_are_drawn_too() -> None:
    rows = forecasts(depots=1, skus=2, weeks=1).with_columns(mean=pl.Series([0.0, 5000.0]))
    paths = draw_paths(rows, Shocks(), seed=1, paths=400)
    assert not paths[0].any()
    assert paths[1].mean() == pytest.approx(5000, rel=0.1)
    assert fit_shocks(rows.with_columns(actual=pl.col("mean"))).total == 0

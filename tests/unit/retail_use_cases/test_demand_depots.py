"""What a forecast for depots knows beyond recent sales: last year's week, upset weeks, totals."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from ghala_retail.use_cases.operations.demand.boosting import keep_totals
from ghala_retail.use_cases.operations.demand.smart_mean import (
    CalendarIndex,
    fit_index,
    read_index,
    recent,
    smart_mean,
)

MONDAY = date(2025, 9, 1)


def rows(count: int = 1, **given: Any) -> pl.DataFrame:
    """Series that sold 10 a week, asked about on Mondays one after the other."""
    usual = {
        "as_of": [MONDAY + timedelta(weeks=week) for week in range(count)],
        "target_week": [MONDAY + timedelta(weeks=week) for week in range(count)],
        "grain": "sku_location", "clean_8": 10.0, "clean_13": 10.0, "clean_26": 10.0,
        "category_clean_4_8": 1.0, "lift": 1.0, "price_effect": 1.0, "season": None,
        "season_here": None, "usual_8": 1.0, "usual_13": 1.0, "usual_26": 1.0,
        "paid_more": 0.0, "ramadan_more": 0.0, "fortnight": 0, "month_start_excess": 0.0,
        "run_up_excess": 0.0,
    }  # fmt: skip
    made = {
        name: value if isinstance(value, list) else [value] * count
        for name, value in (usual | given).items()
    }
    return pl.DataFrame(made, schema_overrides={"season": pl.Float64, "season_here": pl.Float64})


def test_what_last_year_did_this_week_is_expected_again_and_nothing_without_a_last_year() -> None:
    assert recent(rows()).tolist() == pytest.approx([10.0])
    assert recent(rows(season=1.2, season_here=1.5)).tolist() == pytest.approx([18.0])


def test_a_year_ago_that_tripled_is_believed_by_half() -> None:
    assert recent(rows(season_here=3.0)).tolist() == pytest.approx([20.0])


def test_a_week_lost_to_a_strike_is_taken_out_of_what_is_remembered() -> None:
    struck = rows(clean_8=9.0, usual_8=10 / 9)
    assert recent(struck).tolist() == pytest.approx([10.0])


def test_more_paydays_than_in_last_years_week_raise_a_forecast() -> None:
    paid = [0.0, 1.0] * 10
    made = rows(20, paid_more=paid, season_here=1.0).with_columns(
        actual=pl.Series(np.where(np.array(paid) > 0, 14.0, 10.0))
    )
    few, many = smart_mean(made[:2], fit_index(made))
    assert many > 1.2 * few


def test_a_place_without_a_calendar_of_its_own_keeps_the_chains() -> None:
    made = rows(20, paid_more=None).with_columns(actual=pl.lit(10.0))
    index = fit_index(made)
    assert index.columns == ("month_start_excess", "run_up_excess")
    assert index.spread == 0


def test_an_index_written_before_depots_had_their_own_is_read() -> None:
    found = read_index({"coefficients": [0.1, 0.2, 0.3]})
    assert found == CalendarIndex((0.1, 0.2, 0.3))


def test_boosting_spreads_a_week_over_skus_and_leaves_its_total_to_the_smart_mean() -> None:
    made = rows(2)
    both = pl.concat([made, made])
    offset, boosted = np.array([10.0, 20.0, 10.0, 20.0]), np.array([30.0, 10.0, 10.0, 10.0])
    spread = keep_totals(both, boosted, offset)
    assert spread.tolist() == pytest.approx([15.0, 20.0, 5.0, 20.0])
    days = both.with_columns(grain=pl.lit("location_day"))
    assert keep_totals(days, boosted, offset).tolist() == boosted.tolist()

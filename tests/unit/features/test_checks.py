from datetime import date

import polars as pl
import pytest

from ghala.features.checks import compare_served

KEYS = ("series", "as_of")
SERVED = pl.DataFrame(
    {
        "series": ["a", "b", "c"],
        "as_of": [date(2024, 3, 4)] * 3,
        "units_4": [1.0, None, float("inf")],
        "weeks": [4, 5, 6],
        "last_sold": [date(2024, 3, 1), None, date(2024, 2, 1)],
        "category": ["food", "food", "drinks"],
    }
)


def test_what_is_as_it_was_served_is_not_named() -> None:
    again = SERVED.reverse().with_columns(pl.col("units_4") * (1 + 1e-13))

    assert compare_served(SERVED, again, keys=KEYS) == []


def test_a_value_that_is_no_number_in_both_has_not_changed() -> None:
    served = SERVED.with_columns(units_4=pl.lit(float("nan")))

    assert compare_served(served, served, keys=KEYS) == []


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("units_4", pl.Series([1.0, None, 5.0])),
        ("units_4", pl.Series([1.001, None, float("inf")])),
        ("units_4", pl.Series([1.0, 2.0, float("inf")])),
        ("units_4", pl.Series([None, None, float("inf")], dtype=pl.Float64)),
        ("weeks", pl.Series([4, 5, 7])),
        ("last_sold", pl.Series([date(2024, 3, 9), None, date(2024, 2, 1)])),
        ("category", pl.Series(["food", "toys", "drinks"])),
    ],
)
def test_a_feature_that_changed_is_named_with_how_often(name: str, changed: pl.Series) -> None:
    now = SERVED.with_columns(changed.alias(name))

    assert compare_served(SERVED, now, keys=KEYS) == [f"{name} differs in 1 of 3 rows served"]


def test_every_feature_that_changed_is_named() -> None:
    now = SERVED.with_columns(pl.col("weeks") + 1, units_4=pl.lit(0.0))

    assert compare_served(SERVED, now, keys=KEYS) == [
        "units_4 differs in 3 of 3 rows served",
        "weeks differs in 3 of 3 rows served",
    ]


def test_rows_that_are_gone_from_history_are_told() -> None:
    assert compare_served(SERVED, SERVED.head(1), keys=KEYS) == [
        "2 of 3 served rows are gone from history"
    ]


def test_rows_that_history_has_more_of_do_no_harm() -> None:
    assert compare_served(SERVED.head(1), SERVED, keys=KEYS) == []

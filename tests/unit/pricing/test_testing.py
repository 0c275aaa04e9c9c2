"""The next price tests are drawn by lot in balanced blocks, and say what they can show."""

from datetime import date

import polars as pl
from tests.unit.pricing.conftest import ARMS

from ghala_retail.use_cases.finance.pricing.response import Shocks
from ghala_retail.use_cases.finance.pricing.rules import PriceTests
from ghala_retail.use_cases.finance.pricing.testing import plan_tests

RULE = PriceTests(arms=ARMS)


def cells(as_of: date = date(2025, 6, 2), *, skus: int = 2000, units: float = 20.0) -> pl.DataFrame:
    numbers = pl.DataFrame({"n": range(skus)})
    return numbers.select(
        as_of=pl.lit(as_of),
        sku=pl.format("K{}", "n"),
        zone=pl.lit("nairobi"),
        category=pl.when(pl.col("n") % 4 == 0).then(pl.lit("food")).otherwise(pl.lit("home")),
        units=pl.lit(units),
        can_test=pl.col("n") % 10 != 0,
    )


def plan(frame: pl.DataFrame, seed: int = 1, rule: PriceTests = RULE) -> pl.DataFrame:
    return frame.hstack(plan_tests(frame, rule, Shocks(), seed=seed))


def test_the_share_is_drawn_in_every_category_and_arms_are_balanced() -> None:
    planned = plan(cells()).filter(pl.col("next_arm").is_not_null())

    assert planned["can_test"].all()
    by_category = dict(planned.group_by("category").len().iter_rows())
    assert abs(by_category["food"] - 0.05 * 400) <= 1
    assert abs(by_category["home"] - 0.05 * 1400) <= 1
    counts = planned["next_arm"].value_counts()["count"]
    assert counts.len() == 5
    assert counts.max() - counts.min() <= 2  # type: ignore[operator]


def test_the_plan_of_a_block_is_the_same_all_through_the_weeks_before_it() -> None:
    first, second = (plan(cells(day)) for day in (date(2025, 6, 2), date(2025, 6, 9)))
    later = plan(cells(date(2025, 7, 7)))

    same = first["next_block"][0] == second["next_block"][0]
    assert same == first["next_arm"].equals(second["next_arm"])
    assert later["next_block"][0] != first["next_block"][0]
    assert not later["next_arm"].equals(first["next_arm"])
    assert not plan(cells(), seed=2)["next_arm"].equals(first["next_arm"])


def test_a_block_begins_on_a_monday_after_today() -> None:
    block = date.fromisoformat(plan(cells())["next_block"][0])

    assert block.weekday() == 0
    assert 0 < (block - date(2025, 6, 2)).days <= 28


def test_more_sales_and_more_tests_show_smaller_differences() -> None:
    def detectable(frame: pl.DataFrame, rule: PriceTests = RULE) -> float:
        return float(plan(frame, rule=rule)["detectable"].drop_nulls().to_numpy().mean())

    usual = detectable(cells())
    assert detectable(cells(units=2.0)) > usual
    assert detectable(cells(), PriceTests(arms=ARMS, share=0.2)) < usual


def test_with_nothing_to_test_the_plan_is_empty() -> None:
    planned = plan(cells().with_columns(can_test=pl.lit(False)))

    assert planned["next_arm"].null_count() == planned.height
    assert planned["detectable"].null_count() == planned.height

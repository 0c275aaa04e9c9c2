from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ghala.contracts.policy import Gates, Slices
from ghala.contracts.records import Verdict
from ghala.evaluation.forecast import ForecastPolicy
from ghala.evaluation.pairs import beside_baseline, beside_champion
from ghala.evaluation.slices import judge_fairness, judge_slices
from ghala.evaluation.stability import judge_origins

from .conftest import MONDAY, make_backtest
from .test_gates import Demand

RULE = Slices(columns=("region",), alike=("region",), max_loss=0.05, max_ratio=1.5, min_rows=30)
SOUTH = pl.col("series").is_in([f"s{n}" for n in range(40)])


def forecast() -> Demand:
    made = Demand()
    made.policy = ForecastPolicy(owner="Tests", unit="operations")
    return made


def beside(backtest: pl.DataFrame) -> pl.DataFrame:
    return beside_baseline(forecast(), backtest, columns=["region"])


def in_regions(backtest: pl.DataFrame) -> pl.DataFrame:
    region = pl.when(SOUTH).then(pl.lit("south")).otherwise(pl.lit("north"))
    return backtest.with_columns(region=region)


def worse_in_the_south(backtest: pl.DataFrame, factor: float) -> pl.DataFrame:
    said = ("mean", "p10", "p50", "p90")
    return backtest.with_columns(
        pl.when(SOUTH).then(factor * pl.col(name)).otherwise(name).alias(name) for name in said
    )


def judge(rows: pl.DataFrame, *, rule: Slices = RULE) -> Verdict:
    [verdict] = judge_slices(rows, rule, rival="smart_mean", confidence=0.9, seed=7)
    return verdict


def test_a_version_that_is_better_in_every_part_passes() -> None:
    verdict = judge(
        beside(in_regions(make_backtest(baseline=2.0)))
    )  # fmt: skip

    assert verdict.passed
    assert set(verdict.figures) == {"region=north", "region=south"}
    assert "none of 2 parts is worse than smart_mean" in verdict.reason


def test_a_part_that_got_worse_fails_the_version_though_the_whole_got_better() -> None:
    backtest = in_regions(worse_in_the_south(make_backtest(baseline=2.0), 3.0))
    rows = beside(backtest)
    verdict = judge(rows)

    assert rows["loss"].sum() < 1.2 * rows["rival"].sum()
    assert not verdict.passed
    assert verdict.reason.startswith("region, against smart_mean: south is ")
    assert verdict.figures["region=south"] < -0.05 < verdict.figures["region=north"]


def test_a_part_that_only_may_be_beyond_what_is_allowed_is_told_and_passes() -> None:
    rows = beside(in_regions(worse_in_the_south(make_backtest(baseline=2.0), 3.0)))
    estimate = judge(rows).figures["region=south"]
    verdict = judge(rows, rule=RULE.model_copy(update={"max_loss": -estimate - 0.001}))

    assert verdict.passed
    assert f"the least gain is {estimate:+.1%} (" in verdict.reason


def test_the_champion_is_compared_on_the_rows_that_both_made() -> None:
    challenger = in_regions(worse_in_the_south(make_backtest(), 1.5))
    champion = in_regions(make_backtest()).filter(pl.col("as_of") >= MONDAY + timedelta(weeks=4))
    rows = beside_champion(forecast(), challenger, champion, columns=["region"])

    assert rows.height == champion.height
    assert np.allclose(rows.filter(region="north").select(pl.col("loss") - pl.col("rival")), 0)
    assert not judge(rows).passed


def test_a_loss_that_is_no_number_counts_as_worse() -> None:
    rows = beside(in_regions(make_backtest(baseline=2.0))).with_columns(
        loss=pl.when(region="south").then(float("nan")).otherwise("loss")
    )

    assert not judge(rows).passed
    assert not judge_fairness(rows, RULE)[0].passed


def test_parts_that_are_too_small_to_judge_are_said_to_be() -> None:
    rows = beside(in_regions(make_backtest(baseline=2.0)))
    huge = Slices(columns=("region",), alike=("region",), min_rows=10_000)

    assert judge(rows, rule=huge).reason == "region: no part has 10000 rows to judge it by."
    assert not judge(rows, rule=huge).passed
    assert not judge_fairness(rows, huge)[0].passed


@pytest.mark.parametrize(("factor", "passes"), [(1.0, True), (6.0, False)])
def test_a_part_whose_error_is_out_of_proportion_is_not_served_alike(
    *, factor: float, passes: bool
) -> None:
    backtest = in_regions(worse_in_the_south(make_backtest(), factor))
    rows = beside(backtest)
    [verdict] = judge_fairness(rows, RULE)

    assert verdict.passed is passes
    assert "times the error of the whole; up to 1.50 times is allowed" in verdict.reason


def test_a_gain_that_one_origin_made_is_not_stable() -> None:
    steady = beside(in_regions(make_backtest(baseline=2.0)))
    lucky = steady.with_columns(
        rival=pl.when(pl.col("as_of") == MONDAY + timedelta(weeks=3))
        .then(100.0)
        .otherwise(0.9 * pl.col("loss"))
    )

    assert judge_origins(steady, Gates(), baseline="smart_mean")[0].passed
    [verdict] = judge_origins(lucky, Gates(), baseline="smart_mean")
    assert not verdict.passed
    assert verdict.figures["won"] == pytest.approx(1 / 8)
    assert "sku_chain is better than smart_mean on 12% of 8 origins" in verdict.reason

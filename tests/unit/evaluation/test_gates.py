from datetime import timedelta

import polars as pl
import pytest
from tests.mean_model import MeanModel

from ghala.contracts.records import Verdict
from ghala.evaluation import gates as gating
from ghala.evaluation.forecast import Forecast, ForecastGates, ForecastPolicy
from ghala.evaluation.gates import Evidence

from .conftest import make_backtest


class Demand(MeanModel, Forecast):
    """A forecast of which only the gates matter here."""

    name = "operations/demand"


def judge(
    backtest: pl.DataFrame,
    *,
    champion: pl.DataFrame | None = None,
    tests_failed: tuple[str, ...] = (),
    leaks: tuple[str, ...] = (),
    gates: ForecastGates | None = None,
) -> dict[str, Verdict]:
    evidence = Evidence(backtest, champion, tests_failed, leaks)
    use_case = Demand()
    use_case.policy = ForecastPolicy(
        owner="Tests", unit="operations", seed=7, gates=gates or ForecastGates()
    )
    verdicts = gating.judge(use_case, evidence)
    assert all(verdict.reason for verdict in verdicts)
    return {verdict.gate: verdict for verdict in verdicts}


def failed(verdicts: dict[str, Verdict]) -> set[str]:
    return {gate for gate, verdict in verdicts.items() if not verdict.passed}


def test_a_version_that_knows_the_truth_passes_every_gate(backtest: pl.DataFrame) -> None:
    verdicts = judge(backtest)

    assert set(verdicts) == {
        "data_tests",
        "leakage",
        "beats_smart_mean:wape:sku_chain",
        "beats_smart_mean:pinball:sku_chain",
        "bias:sku_chain",
        "coverage:sku_chain",
        "calibration:sku_chain",
    }
    assert failed(verdicts) == set()


def test_a_version_without_a_prediction_that_came_true_fails(backtest: pl.DataFrame) -> None:
    assert failed(judge(backtest.clear())) == {"backtest"}


def test_a_backtest_of_before_a_baseline_had_its_name_fails_in_words(
    backtest: pl.DataFrame,
) -> None:
    verdicts = judge(backtest.drop("smart_mean"))

    assert failed(verdicts) == {"backtest"}
    assert "had smart_mean; train again" in verdicts["backtest"].reason


def test_a_version_that_is_no_better_than_the_baseline_fails_on_every_metric() -> None:
    verdicts = judge(make_backtest(baseline=1.0))

    assert {"beats_smart_mean:wape:sku_chain", "beats_smart_mean:pinball:sku_chain"} <= failed(
        verdicts
    )


def test_the_verdict_on_the_baseline_says_by_how_much_with_its_interval(
    backtest: pl.DataFrame,
) -> None:
    verdict = judge(backtest)["beats_smart_mean:wape:sku_chain"]

    assert 0 < verdict.figures["low"] < verdict.figures["gain"] < verdict.figures["high"]
    assert f"{verdict.figures['gain']:+.1%}" in verdict.reason
    assert "90% interval" in verdict.reason


def test_only_the_metrics_of_the_policy_are_judged(backtest: pl.DataFrame) -> None:
    verdicts = judge(backtest, gates=ForecastGates(metrics=("wape",)))

    assert [gate for gate in verdicts if gate.startswith("beats")] == [
        "beats_smart_mean:wape:sku_chain"
    ]


@pytest.mark.parametrize(("factor", "sign"), [(1.2, "+"), (0.8, "-")])
def test_a_version_that_says_too_much_or_too_little_fails_on_bias(factor: float, sign: str) -> None:
    verdict = judge(make_backtest(model=factor, baseline=3.0))["bias:sku_chain"]

    assert not verdict.passed
    assert f"bias {sign}" in verdict.reason
    assert "5.0% either way" in verdict.reason
    assert abs(verdict.figures["bias"]) == pytest.approx(0.2, abs=0.05)


def test_the_bound_of_the_bias_is_the_policys(backtest: pl.DataFrame) -> None:
    value = judge(backtest)["bias:sku_chain"].figures["bias"]

    assert failed(judge(backtest, gates=ForecastGates(max_abs_bias=abs(value) * 0.99))) == {
        "bias:sku_chain"
    }
    assert failed(judge(backtest, gates=ForecastGates(max_abs_bias=abs(value) * 1.01))) == set()


@pytest.mark.parametrize("dispersion", [0.02, 3.0])
def test_a_version_whose_intervals_are_too_narrow_or_too_wide_fails_on_coverage(
    dispersion: float,
) -> None:
    verdict = judge(make_backtest(baseline=2.0, dispersion=dispersion))["coverage:sku_chain"]

    assert not verdict.passed
    assert "75% to 85% is allowed" in verdict.reason
    assert f"{verdict.figures['coverage']:.1%}" in verdict.reason


def test_a_failed_data_test_is_named(backtest: pl.DataFrame) -> None:
    verdicts = judge(backtest, tests_failed=("unique_orders: got 3 results",))

    assert failed(verdicts) == {"data_tests"}
    assert verdicts["data_tests"].reason == "unique_orders: got 3 results"
    assert verdicts["data_tests"].figures == {"failed": 1.0}


def test_a_leaking_feature_is_named(backtest: pl.DataFrame) -> None:
    verdicts = judge(backtest, leaks=("units_4 differs in 3 of 10 rows served",))

    assert failed(verdicts) == {"leakage"}
    assert "units_4" in verdicts["leakage"].reason


def test_one_bad_grain_fails_the_version_and_is_named() -> None:
    both = pl.concat(
        [
            make_backtest(baseline=2.0),
            make_backtest(model=1.5, baseline=2.5).with_columns(grain=pl.lit("category_store")),
        ]
    )

    assert failed(judge(both)) >= {"bias:category_store"}
    assert not [gate for gate in failed(judge(both)) if gate.endswith("sku_chain")]


def test_a_forecast_that_is_no_number_fails_every_gate_it_touches(backtest: pl.DataFrame) -> None:
    columns = ("mean", "p10", "p50", "p90")
    for nothing in (None, float("nan")):
        broken = backtest.with_columns(
            pl.when(pl.col("series") == "s1").then(nothing).otherwise(pl.col(c)).alias(c)
            for c in columns
        )

        assert {"bias:sku_chain", "coverage:sku_chain"} <= failed(judge(broken))


def test_a_challenger_that_is_better_than_the_champion_passes(backtest: pl.DataFrame) -> None:
    verdict = judge(backtest, champion=make_backtest(model=1.8))["champion"]

    assert verdict.passed
    assert verdict.figures["probability"] > 0.99
    assert verdict.figures["dates"] == 8
    assert "over 8 dates" in verdict.reason


def test_a_challenger_within_the_margin_passes_and_one_beyond_it_does_not() -> None:
    champion = make_backtest()
    slightly, clearly = make_backtest(model=1.003, baseline=3.0), make_backtest(model=1.6)

    assert judge(champion, champion=champion)["champion"].passed
    assert judge(slightly, champion=champion)["champion"].passed
    verdict = judge(clearly, champion=champion)["champion"]
    assert not verdict.passed
    assert "80% is asked" in verdict.reason


def test_without_a_margin_a_challenger_must_be_better() -> None:
    champion = make_backtest()
    strict = ForecastGates(champion_margin=0)

    assert not judge(champion, champion=champion, gates=strict)["champion"].passed


def test_without_a_week_that_both_forecast_the_challenger_does_not_pass(
    backtest: pl.DataFrame,
) -> None:
    later = backtest.with_columns(pl.col("target_week") + timedelta(weeks=100))
    verdict = judge(backtest, champion=later)["champion"]

    assert not verdict.passed
    assert verdict.reason == "Nothing was predicted by both."


def test_the_same_evidence_gets_the_same_verdicts(backtest: pl.DataFrame) -> None:
    assert judge(backtest) == judge(backtest)


def test_a_gain_that_may_be_chance_is_not_enough() -> None:
    few = make_backtest(baseline=1.3).filter(pl.col("series").is_in(["s1", "s2", "s3", "s4"]))
    lucky = pl.when(pl.col("series") == "s1").then("actual").otherwise(2 * pl.col("mean"))
    few = few.with_columns(smart_mean=lucky)
    verdict = judge(few)["beats_smart_mean:wape:sku_chain"]

    assert verdict.figures["low"] < 0 < verdict.figures["gain"]
    assert not verdict.passed
    assert "must lie above 0" in verdict.reason


def test_a_version_that_says_too_much_of_large_ones_is_not_calibrated(
    backtest: pl.DataFrame,
) -> None:
    # The total is right, so that the gate on bias sees nothing.
    bent = backtest.with_columns(mean=pl.col("mean") ** 2)
    bent = bent.with_columns(mean=pl.col("mean") * backtest["actual"].sum() / bent["mean"].sum())
    verdicts = judge(bent)

    assert verdicts["bias:sku_chain"].passed
    assert not verdicts["calibration:sku_chain"].passed
    assert "up to 25.0% is allowed" in verdicts["calibration:sku_chain"].reason

"""What each kind of use case finds good, and what it refuses."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.mean_model import MeanModel

from ghala.contracts.errors import CheckFailed, ConfigurationError
from ghala.contracts.records import Verdict
from ghala.contracts.use_case import UseCase
from ghala.evaluation.gates import Evidence, judge
from ghala.evaluation.optimise import Optimise, OptimisePolicy
from ghala.evaluation.score import Score, ScoreGates, ScorePolicy
from ghala.evaluation.segment import Segment, SegmentPolicy

MONDAY = date(2024, 1, 1)
CUSTOMERS, WEEKS = 1_500, 4
RULES: dict[str, Any] = {"owner": "Tests", "unit": "marketing"}


class Refunds(MeanModel, Score):
    """Whether a customer sends something back."""

    entity = ("customer_id",)
    horizon_days = 28
    baselines = ("rate",)
    policy = ScorePolicy(**RULES)


class Lifecycle(MeanModel, Segment):
    """What a customer spends next, by segment."""

    entity = ("customer_id",)
    horizon_days = 28
    baselines = ("rfm",)
    policy = SegmentPolicy(**RULES)


class Order(MeanModel, Optimise):
    """How much to order: what is missing costs three times what is left over."""

    entity = ("customer_id",)
    horizon_days = 7
    baselines = ("usual",)
    policy = OptimisePolicy(**RULES)

    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        left = decision - rows["actual"]
        return left.clip(lower_bound=0) + 3 * (-left).clip(lower_bound=0)


def keys(**columns: Any) -> pl.DataFrame:
    names = [f"c{n:04}" for n in range(CUSTOMERS)] * WEEKS
    weeks = [MONDAY + timedelta(weeks=n) for n in range(WEEKS) for _ in range(CUSTOMERS)]
    return pl.DataFrame({"customer_id": names, "as_of": weeks, **columns})


def scores(*, seed: int = 1, power: float = 1.0, noise: float = 0.0) -> pl.DataFrame:
    """Refunds by a known chance; the score is that chance to a power, or blurred by noise."""
    random = np.random.default_rng(seed)
    chance = np.tile(random.beta(1, 6, CUSTOMERS), WEEKS)
    happened = (random.random(len(chance)) < chance).astype(float)
    blurred = (1 - noise) * chance**power + noise * random.random(len(chance))
    return keys(mean=blurred, rate=np.full(len(chance), chance.mean()), actual=happened)


def segments(*, seed: int = 1, informed: bool = True, stable: float = 1.0) -> pl.DataFrame:
    """Three groups who spend 10, 50 and 200; the baseline sees two of them as one."""
    random = np.random.default_rng(seed)
    group = np.tile(random.integers(0, 3, CUSTOMERS), WEEKS)
    spent = np.array([10.0, 50.0, 200.0])[group] * random.lognormal(0, 0.3, len(group))
    said = group if informed else random.integers(0, 3, len(group))
    kept = random.random(len(group)) < stable
    before = np.where(kept, said, random.integers(0, 3, len(group)))
    return keys(
        segment=[f"s{n}" for n in said],
        rfm=["low" if n < 2 else "high" for n in group],
        actual=spent,
        segment_before=[f"s{n}" for n in before],
    )


def orders(*, seed: int = 1, more: float = 0.0, broken: int = 0) -> pl.DataFrame:
    """Demand around 100; the decision is the best quantile, ``more`` of it beside the point."""
    random = np.random.default_rng(seed)
    demand = random.normal(100, 20, CUSTOMERS * WEEKS)
    why = ["supplier minimum" if n < broken else None for n in range(len(demand))]
    return keys(
        decision=np.full(len(demand), 113.5 + more),
        usual=np.full(len(demand), 100.0),
        infeasible=pl.Series(why, dtype=pl.String),
        actual=demand,
    )


def verdicts(
    use_case: UseCase, rows: pl.DataFrame, champion: pl.DataFrame | None = None
) -> dict[str, Verdict]:
    use_case.name = "marketing/test"
    return {one.gate: one for one in judge(use_case, Evidence(rows, champion, (), ()))}


def failed(found: dict[str, Verdict]) -> set[str]:
    assert all(one.reason.endswith(".") for one in found.values())
    return {gate for gate, one in found.items() if not one.passed}


def test_a_score_that_knows_the_chances_passes_every_gate() -> None:
    found = verdicts(Refunds(), scores())

    assert list(found) == [
        "data_tests", "leakage", "beats_rate:squared_error", "bias", "calibration", "auc",
    ]  # fmt: skip
    assert failed(found) == set()


def test_a_score_that_is_overconfident_fails_where_it_is_wrong() -> None:
    low = verdicts(Refunds(), scores(power=2.0))

    assert {"bias", "calibration"} <= failed(low)
    assert "auc" not in failed(low), "its order is still right"


def test_a_score_that_guesses_ranks_no_better_than_chance() -> None:
    found = verdicts(Refunds(), scores(noise=1.0))

    assert {"beats_rate:squared_error", "auc"} <= failed(found)
    assert found["auc"].figures["auc"] == pytest.approx(0.5, abs=0.05)


def test_a_challenger_of_any_kind_is_held_against_the_champion() -> None:
    good, bad = scores(), scores(noise=0.5)

    assert verdicts(Refunds(), good, champion=bad)["champion"].passed
    assert not verdicts(Refunds(), bad, champion=good)["champion"].passed
    assert not verdicts(Order(), orders(more=40), champion=orders())["champion"].passed


def test_log_loss_is_for_probabilities_only() -> None:
    rows = scores()
    use_case = Refunds()
    use_case.policy = ScorePolicy(**RULES, gates=ScoreGates(metrics=("log_loss",)))

    assert verdicts(use_case, rows)["beats_rate:log_loss"].passed
    with pytest.raises(CheckFailed, match="log_loss is for probabilities"):
        verdicts(use_case, rows.with_columns(actual=pl.col("actual") * 3))


def test_segments_that_tell_what_customers_spend_pass_every_gate() -> None:
    found = verdicts(Lifecycle(), segments())

    assert list(found)[2:] == ["beats_rfm:squared_error", "smallest_share", "stability"]
    assert failed(found) == set()


def test_segments_that_say_nothing_of_what_comes_do_not_pass() -> None:
    assert "beats_rfm:squared_error" in failed(verdicts(Lifecycle(), segments(informed=False)))


def test_many_small_segments_gain_nothing() -> None:
    rows = segments(informed=False)
    alone = rows.with_columns(segment=pl.col("customer_id"), rfm=pl.lit("all"))
    found = verdicts(Lifecycle(), alone)

    assert found["beats_rfm:squared_error"].figures["gain"] == pytest.approx(0, abs=1e-9)
    assert {"beats_rfm:squared_error", "smallest_share"} <= failed(found)


def test_segments_that_change_with_every_fit_do_not_pass() -> None:
    found = verdicts(Lifecycle(), segments(stable=0.5))

    assert failed(found) == {"stability"}
    assert 0.1 < found["stability"].figures["stability"] < 0.5


def test_one_fit_shows_no_stability() -> None:
    rows = segments().with_columns(segment_before=pl.lit(None, pl.String))
    found = verdicts(Lifecycle(), rows)

    assert failed(found) == {"stability"}
    assert "refit at least once" in found["stability"].reason


def test_a_backtest_labels_the_same_customers_by_the_fit_before() -> None:
    class Fixed(Lifecycle):
        def predict(self, model: Any, subjects: pl.DataFrame) -> pl.DataFrame:
            return subjects.with_columns(segment=pl.lit(model), rfm=pl.lit("all"))

    examples = keys(actual=1, known_on=MONDAY)
    first = Fixed().judge("a", examples)
    second = Fixed().judge("b", examples, before="a")

    assert first["segment_before"].null_count() == first.height
    assert set(second["segment_before"]) == {"a"}
    assert second.columns == ["customer_id", "as_of", "segment", "rfm", "actual", "segment_before"]


def test_a_decision_that_costs_less_than_the_usual_one_passes() -> None:
    found = verdicts(Order(), orders())

    assert list(found)[2:] == ["beats_usual:cost", "feasible"]
    assert failed(found) == set()


def test_a_decision_that_costs_more_does_not() -> None:
    assert failed(verdicts(Order(), orders(more=60))) == {"beats_usual:cost"}


def test_an_infeasible_decision_fails_and_the_constraint_is_named() -> None:
    found = verdicts(Order(), orders(broken=30))

    assert failed(found) == {"feasible"}
    assert "supplier minimum" in found["feasible"].reason


def test_a_prediction_that_lacks_rows_or_columns_is_told_so() -> None:
    class Short(Refunds):
        def predict(self, model: Any, subjects: pl.DataFrame) -> pl.DataFrame:
            return subjects.head(2).with_columns(mean=pl.lit(0.5))

    short = Short()
    short.name = "marketing/short"
    with pytest.raises(ConfigurationError, match="2 rows for 6000 subjects, without rate"):
        short.ask(None, keys())

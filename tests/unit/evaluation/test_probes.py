import re
from dataclasses import asdict, replace
from json import dumps, loads

import numpy as np
import polars as pl
import pytest

from ghala.contracts.policy import Probes
from ghala.evaluation.metrics import relative_difference
from ghala.evaluation.probes import (
    PLANTED,
    Probed,
    as_probed,
    correlate_features,
    judge_probes,
    plant_future,
    shuffle_outcomes,
)

GOOD = Probed(
    shuffled=(-0.3, -0.2, -0.1),
    correlations={PLANTED: 0.999, "units_7": 0.4},
    refit_difference=0.0,
    seed_spread=0.01,
    ms_per_thousand=2.0,
    model_mb=1.0,
)


def make_examples(*, entities: int = 40, weeks: int = 12) -> pl.DataFrame:
    """Entities of very different size, each with a weekly outcome and what it sold before."""
    random = np.random.default_rng(3)
    level = np.repeat(random.lognormal(3, 1.5, entities), weeks)
    return pl.DataFrame(
        {
            "series": np.repeat([f"s{n}" for n in range(entities)], weeks),
            "actual": level * random.uniform(0.5, 1.5, entities * weeks),
            "units_28": level * random.uniform(0.9, 1.1, entities * weeks),
            "constant": 1.0,
        }
    )


def failed(found: Probed, rule: Probes | None = None) -> dict[str, str]:
    verdicts = judge_probes(found, rule or Probes())
    return {verdict.gate: verdict.reason for verdict in verdicts if not verdict.passed}


def test_a_sound_version_passes_every_probe_and_every_verdict_has_figures() -> None:
    assert failed(GOOD) == {}
    assert all(verdict.figures for verdict in judge_probes(GOOD, Probes()))


@pytest.mark.parametrize(
    ("broken", "gate", "words"),
    [
        ({"shuffled": (0.02, 0.1, 0.2)}, "shuffled_outcomes", r"\+10.0% better"),
        ({"correlations": {"sold_then": 0.99, PLANTED: 0.999}}, "future_features", "sold_then"),
        ({"correlations": {PLANTED: 0.5}}, "future_features", "planted was not found"),
        ({"correlations": {}}, "future_features", "planted was not found"),
        ({"refit_difference": 1e-6}, "reproducibility", "differ by 1e-06"),
        ({"seed_spread": 0.2}, "seeds", "20.0%"),
        ({"ms_per_thousand": 9e6}, "latency", "9,000,000.0 ms"),
        ({"model_mb": 900.0}, "size", "900.00 MB"),
        ({"seed_spread": float("nan")}, "seeds", "nan"),
        ({"shuffled": (float("nan"),) * 3}, "shuffled_outcomes", "nan"),
    ],
)
def test_each_probe_can_fail_a_version(broken: dict[str, object], gate: str, words: str) -> None:
    found = failed(replace(GOOD, **broken))  # type: ignore[arg-type]

    assert list(found) == [gate]
    assert re.search(words, found[gate])


def test_a_feature_of_the_future_is_found_and_that_large_goods_sell_more_is_none() -> None:
    examples = plant_future(make_examples(), entity=["series"], seed=1)
    found = correlate_features(examples, entity=["series"])

    assert next(iter(found)) == PLANTED
    assert found[PLANTED] > 0.99
    # Over all goods what was sold before follows the outcome closely; within one it does not.
    assert examples.select(pl.corr("actual", "units_28")).item() > 0.9
    assert found["units_28"] < 0.3
    assert "constant" not in found


def test_a_feature_of_the_future_is_found_too_where_each_entity_has_one_row() -> None:
    once = make_examples(weeks=1)
    found = correlate_features(plant_future(once, entity=["series"], seed=1), entity=["series"])

    assert found[PLANTED] > 0.99


def test_shuffled_outcomes_are_the_same_outcomes_elsewhere() -> None:
    examples = make_examples()
    dealt = shuffle_outcomes(examples, seed=5)

    assert dealt["actual"].sort().equals(examples["actual"].sort())
    assert abs(np.corrcoef(dealt["actual"], examples["actual"])[0, 1]) < 0.2
    assert dealt.drop("actual").equals(examples.drop("actual"))


def test_what_the_ledger_keeps_of_the_probes_is_read_as_it_was() -> None:
    assert as_probed(loads(dumps(asdict(GOOD)))) == GOOD


def test_frames_differ_by_their_largest_relative_difference() -> None:
    one = pl.DataFrame({"key": ["a", "b"], "mean": [1.0, 200.0], "none": [None, float("nan")]})

    assert relative_difference(one, one) == 0
    moved = one.with_columns(mean=pl.Series([1.0, 201.0]))
    assert relative_difference(one, moved) == pytest.approx(1 / 201)
    assert relative_difference(one, one.head(1)) == np.inf
    assert relative_difference(one, one.with_columns(key=pl.lit("c"))) == np.inf
    assert relative_difference(one, one.with_columns(mean=pl.lit(None, pl.Float64))) == np.inf

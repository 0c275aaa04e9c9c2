import numpy as np
import polars as pl
import pytest

from ghala.evaluation.metrics import (
    auc,
    bias,
    calibration_error,
    coverage,
    pinball,
    pit,
    rand_index,
    rmsse,
    wape,
)

from .conftest import draw

ACTUAL = np.array([10.0, 0.0, 5.0])
FORECAST = np.array([8.0, 1.0, 9.0])


def test_wape_is_the_sum_of_errors_over_the_sum_of_actuals() -> None:
    assert wape(ACTUAL, FORECAST) == pytest.approx((2 + 1 + 4) / 15)
    assert wape(ACTUAL, ACTUAL) == 0


def test_bias_has_the_sign_of_too_much() -> None:
    assert bias(ACTUAL, FORECAST) == pytest.approx(3 / 15)
    assert bias(ACTUAL, ACTUAL * 0.8) == pytest.approx(-0.2)


def test_nothing_sold_is_no_division_by_zero() -> None:
    assert wape(np.zeros(2), np.zeros(2)) == bias(np.zeros(2), np.zeros(2)) == 0


def test_pinball_charges_the_side_that_the_level_makes_dear() -> None:
    loss = pinball(np.array([10.0, 10.0, 10.0]), np.array([8.0, 12.0, 10.0]), 0.9)

    assert loss.tolist() == pytest.approx([1.8, 0.2, 0.0])


def test_the_true_quantile_has_the_least_pinball_loss() -> None:
    actual = draw(np.full(50_000, 20.0), 0.3, seed=3)
    losses = {q: pinball(actual, np.full_like(actual, q), 0.9).mean() for q in range(20, 60)}

    assert min(losses, key=losses.get) == np.quantile(actual, 0.9)


def test_the_scaled_error_weighs_each_row_by_its_own_scale() -> None:
    assert rmsse(np.array([1.0, 10.0]), np.array([2.0, 20.0]), np.array([1.0, 10.0])) == 1.0


def test_pit_of_a_row_lies_between_the_probabilities_of_less_and_of_at_most() -> None:
    # With mean 1 and d = 1 the counts are geometric: P(0) = 1/2, P(at most 1) = 3/4.
    values = pit(np.array([0.0, 1.0]), np.ones(2), np.ones(2), seed=5)

    assert 0 <= values[0] <= 0.5 <= values[1] <= 0.75


def test_pit_of_the_right_distribution_is_uniform_and_of_a_wrong_one_is_not() -> None:
    mean = np.full(20_000, 4.0)
    actual = draw(mean, 0.5, seed=8)

    right = np.histogram(pit(actual, mean, np.full_like(mean, 0.5), seed=1), 10, (0, 1))[0]
    wrong = np.histogram(pit(actual, mean, np.full_like(mean, 0.01), seed=1), 10, (0, 1))[0]

    assert np.abs(right / 2000 - 1).max() < 0.1
    assert np.abs(wrong / 2000 - 1).max() > 0.5


def test_pit_is_the_same_for_the_same_seed() -> None:
    mean = np.full(100, 4.0)
    actual = draw(mean, 0.5, seed=8)

    assert np.array_equal(pit(actual, mean, mean / 8, seed=1), pit(actual, mean, mean / 8, seed=1))


@pytest.mark.parametrize("mean", [0.3, 2.0, 30.0])
def test_the_interval_of_the_right_distribution_covers_four_of_five(mean: float) -> None:
    means = np.full(40_000, mean)
    frame = pl.DataFrame(
        {"actual": draw(means, 0.5, seed=11), "mean": means, "dispersion": np.full_like(means, 0.5)}
    )

    assert coverage(frame) == pytest.approx(0.8, abs=0.01)


def test_a_wrong_dispersion_is_seen_where_there_is_something_to_spread() -> None:
    means = np.full(20_000, 30.0)
    actual = draw(means, 0.5, seed=11)
    said = {
        d: coverage(
            pl.DataFrame({"actual": actual, "mean": means, "dispersion": np.full_like(means, d)})
        )
        for d in (0.05, 3.0)
    }

    assert said[0.05] < 0.5
    assert said[3.0] > 0.9


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    actual, score = np.array([0.0, 1.0, 0.0, 2.0]), np.array([0.1, 0.4, 0.4, 0.9])

    assert auc(actual, score) == (1 + 0.5 + 1 + 1) / 4
    assert auc(actual, -score) == pytest.approx(1 - auc(actual, score))
    assert auc(np.zeros(4), score) == 0.5


def test_the_right_chances_have_no_calibration_error_and_half_of_them_have() -> None:
    random = np.random.default_rng(3)
    chance = random.beta(1, 8, 40_000)
    happened = (random.random(40_000) < chance).astype(float)

    assert calibration_error(happened, chance) < 0.06
    assert calibration_error(happened, chance / 2) == pytest.approx(0.66, abs=0.1)


def test_the_adjusted_rand_index_of_a_known_table() -> None:
    one = pl.Series(["a", "a", "a", "b", "b", "b"])
    other = pl.Series(["x", "x", "y", "y", "z", "z"])

    assert rand_index(one, one.replace({"a": "u", "b": "v"})) == 1
    assert rand_index(one, other) == pytest.approx(0.242424, abs=1e-6)  # Hubert & Arabie
    random = np.random.default_rng(1).integers(0, 4, (2, 5_000))
    assert abs(rand_index(pl.Series(random[0]), pl.Series(random[1]))) < 0.01

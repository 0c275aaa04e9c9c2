import numpy as np
import polars as pl
import pytest

from ghala.evaluation.bootstrap import relative_gain


def losses(factor: float, *, series: int = 200, weeks: int = 8, seed: int = 1) -> pl.DataFrame:
    """Noisy losses of a model that loses ``factor`` times what its rival loses."""
    random = np.random.default_rng(seed)
    size = np.repeat(random.lognormal(0, 1, series), weeks)
    return pl.DataFrame(
        {
            "series": np.repeat(np.arange(series), weeks),
            "loss": size * factor * random.gamma(2, 0.5, len(size)),
            "rival": size * random.gamma(2, 0.5, len(size)),
        }
    )


def test_the_gain_is_one_minus_the_ratio_of_the_sums() -> None:
    frame = pl.DataFrame(
        {"series": ["a", "a", "b"], "loss": [1.0, 2.0, 3.0], "rival": [4.0, 4.0, 4.0]}
    )

    assert relative_gain(frame, confidence=0.9, seed=1).estimate == pytest.approx(0.5)


def test_between_equal_models_nine_of_ten_intervals_cover_nothing_gained() -> None:
    gains = [relative_gain(losses(1.0, seed=n), confidence=0.9, seed=1) for n in range(200)]

    assert 0.85 <= np.mean([gain.low < 0 < gain.high for gain in gains]) <= 0.95


@pytest.mark.parametrize("seed", range(5))
def test_a_clearly_better_model_has_an_interval_above_zero_and_a_worse_one_below(seed: int) -> None:
    better = relative_gain(losses(0.7, seed=seed), confidence=0.95, seed=1)
    worse = relative_gain(losses(1.5, seed=seed), confidence=0.95, seed=1)

    assert 0 < better.low < better.estimate < better.high < 1
    assert better.probability == 1
    assert worse.high < 0
    assert worse.probability == 0


def test_a_model_is_not_better_than_itself() -> None:
    frame = losses(1.0).with_columns(pl.col("rival").alias("loss"))
    gain = relative_gain(frame, confidence=0.9, seed=1)

    assert (gain.estimate, gain.low, gain.high, gain.probability) == (0, 0, 0, 0)


def test_the_same_seed_gives_the_same_interval_and_another_seed_nearly_so() -> None:
    frame = losses(0.9)
    first, again, other = (relative_gain(frame, confidence=0.9, seed=s) for s in (1, 1, 2))

    assert first == again
    assert other.low != first.low
    assert other.low == pytest.approx(first.low, abs=0.02)


def test_weeks_of_one_series_count_as_one_so_that_repeating_them_narrows_nothing() -> None:
    frame = losses(0.9, weeks=1)
    once = relative_gain(frame, confidence=0.9, seed=1)
    often = relative_gain(pl.concat([frame] * 10), confidence=0.9, seed=1)

    assert (often.low, often.high) == (pytest.approx(once.low), pytest.approx(once.high))


def test_more_confidence_is_a_wider_interval() -> None:
    narrow, wide = (relative_gain(losses(0.9), confidence=c, seed=1) for c in (0.6, 0.99))

    assert wide.low < narrow.low < narrow.high < wide.high


def test_losses_without_a_rival_loss_are_no_division_by_zero() -> None:
    frame = pl.DataFrame({"series": ["a", "b"], "loss": [0.0, 0.0], "rival": [0.0, 0.0]})

    assert relative_gain(frame, confidence=0.9, seed=1).estimate == 0


def test_a_cost_below_zero_earns_money_and_earning_more_is_a_gain() -> None:
    series = [f"s{number}" for number in range(30)]
    frame = pl.DataFrame({"series": series, "loss": [-3.0] * 30, "rival": [-2.0] * 30})
    more = relative_gain(frame, confidence=0.9, seed=1)
    less = relative_gain(frame.rename({"loss": "rival", "rival": "loss"}), confidence=0.9, seed=1)

    assert more.estimate == pytest.approx(0.5)
    assert less.estimate == pytest.approx(-1 / 3)
    assert more.probability > 0.5 > less.probability


def test_very_many_series_are_drawn_in_sets_and_the_interval_stays_as_wide() -> None:
    many = losses(0.9, series=60_000, weeks=1)
    found = relative_gain(many, confidence=0.9, seed=1)
    noise = np.sqrt(((many["rival"] - many["loss"] - 0.1 * many["rival"]) ** 2).sum())

    width = found.high - found.low
    assert width == pytest.approx(2 * 1.645 * noise / many["rival"].sum(), rel=0.1)

import numpy as np
import pytest

from ghala.evaluation.intervals import Dispersion, covered, fit_dispersion, quantile

from .conftest import draw


@pytest.mark.parametrize("planted", [0.1, 0.4, 1.5])
def test_a_planted_dispersion_is_found_again(planted: float) -> None:
    mean = np.random.default_rng(2).lognormal(2.0, 0.6, 40_000)
    fitted = fit_dispersion(draw(mean, planted, seed=4), mean, seed=1)

    assert fitted.at(np.array([5.0, 10.0, 20.0])) == pytest.approx(planted, rel=0.15)


def test_a_dispersion_that_changes_with_the_mean_is_followed() -> None:
    mean = np.repeat([2.0, 50.0], 20_000)
    counts = np.concatenate([draw(mean[:20_000], 1.5, seed=1), draw(mean[20_000:], 0.1, seed=2)])
    fitted = fit_dispersion(counts, mean, seed=1)

    small, large = fitted.at(np.array([2.0, 50.0]))
    assert (small, large) == (pytest.approx(1.5, rel=0.2), pytest.approx(0.1, rel=0.2))


def test_intervals_with_the_fitted_dispersion_cover_four_of_five_of_other_counts() -> None:
    mean = np.random.default_rng(2).lognormal(1.0, 1.0, 30_000)
    fitted = fit_dispersion(draw(mean, 0.6, seed=4), mean, seed=1)

    inside = covered(draw(mean, 0.6, seed=5), mean, fitted.at(mean)).mean()

    assert inside == pytest.approx(0.8, abs=0.01)


def test_totals_that_hardly_spread_get_narrow_intervals() -> None:
    mean = np.full(4_000, 20_000.0)
    fitted = fit_dispersion(draw(mean, 0.001, seed=4), mean, seed=1)

    assert fitted.at(mean[:1])[0] == pytest.approx(0.001, rel=0.2)


def test_the_same_counts_and_seed_give_the_same_dispersion() -> None:
    mean = np.random.default_rng(2).lognormal(1.0, 1.0, 20_000)
    counts = draw(mean, 0.6, seed=4)

    assert fit_dispersion(counts, mean, seed=1) == fit_dispersion(counts, mean, seed=1)


def test_no_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="no out-of-sample rows"):
        fit_dispersion(np.array([]), np.array([]), seed=1)


def test_between_two_centres_the_dispersion_lies_between_and_beyond_them_it_stays() -> None:
    at = Dispersion((1.0, 100.0), (2.0, 1.0)).at(np.array([0.0, 0.01, 10.0, 1e6]))

    assert at.tolist() == pytest.approx([2.0, 2.0, 1.5, 1.0])


def test_quantiles_are_whole_rise_with_the_level_and_are_zero_for_almost_nothing() -> None:
    mean = np.array([0.0, 0.01, 3.0, 200.0])
    low, middle, high = (quantile(q, mean, np.full(4, 0.3)) for q in (0.1, 0.5, 0.9))

    assert (low <= middle).all()
    assert (middle <= high).all()
    assert low[:2].tolist() == middle[:2].tolist() == [0, 0]
    assert (high == np.round(high)).all()
    assert low[3] < 200 < high[3]

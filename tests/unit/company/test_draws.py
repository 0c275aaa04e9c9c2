import numpy as np
import pytest

from ghala_retail.company.draws import Draws, spread, to_uniform, weibull

DRAWS = Draws(7)
MANY = 200_000


def test_a_draw_belongs_to_its_entity_whoever_else_is_asked() -> None:
    everyone = DRAWS.uniform("visit", MANY, 3)
    some = np.array([5, 199_999, 17])
    assert np.array_equal(DRAWS.uniform("visit", some, 3), everyone[some])


@pytest.mark.parametrize("other", [("visit", 4), ("need", 3)])
def test_another_day_or_purpose_is_another_draw(other: tuple[str, int]) -> None:
    one = DRAWS.uniform("visit", MANY, 3)
    two = DRAWS.uniform(other[0], MANY, other[1])
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.01
    assert not np.array_equal(one, Draws(8).uniform("visit", MANY, 3))


def test_uniform_numbers_fill_the_open_interval_evenly() -> None:
    drawn = DRAWS.uniform("visit", MANY)
    assert 0 < drawn.min() < 1e-4
    assert 1 - 1e-4 < drawn.max() < 1
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    assert abs(counts / (MANY / 20) - 1).max() < 0.05
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.01


def test_the_largest_and_smallest_bits_stay_inside_the_interval() -> None:
    edges = to_uniform(np.array([0, 2**64 - 1], dtype=np.uint64))
    assert 0 < edges[0] < edges[1] < 1


def test_normal_numbers_have_mean_zero_and_spread_one() -> None:
    drawn = DRAWS.normal("price", MANY)
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1) < 0.01


def test_spread_gives_each_row_numbers_of_its_own() -> None:
    rows = spread(DRAWS.bits("need", MANY), 3)
    assert rows.shape == (MANY, 3)
    assert abs(np.corrcoef(rows.T) - np.eye(3)).max() < 0.01


def test_weibull_numbers_have_mean_one() -> None:
    assert abs(weibull(DRAWS.uniform("rate", MANY), 0.85).mean() - 1) < 0.02

import numpy as np
import pytest

from ghala_retail.use_cases.marketing.targeting.value import (
    Log,
    estimate,
    profits,
    weighted_profits,
)

EARNED, ADDED, CONTACT = 20.0, {1.0: 10.0, 2.0: 4.0}, 3.0


def draw(seed: int, *, rows: int = 4000, expected: float = 20.0) -> Log:
    """Two offers with known effects; ``expected`` is what a model, right or wrong, foresaw."""
    random = np.random.default_rng(seed)
    offer = random.choice([1.0, 2.0], rows, p=[0.3, 0.7])
    contacted = (random.random(rows) < 0.6).astype(np.float64)
    added = np.where(offer == 1.0, ADDED[1.0], ADDED[2.0])
    earned = EARNED + contacted * added + random.normal(0, 15, rows)
    flat = np.full(rows, expected)
    return Log(offer, contacted, np.full(rows, 0.6), np.full(rows, CONTACT), earned, flat, flat + 7)


@pytest.mark.parametrize("expected", [20.0, -300.0])
@pytest.mark.parametrize(("decision", "worth"), [(0, 20.0), (1, 27.0), (2, 21.0)])
def test_a_policy_is_worth_what_it_would_have_earned_whatever_the_model_expected(
    decision: int, worth: float, expected: float
) -> None:
    means = []
    for seed in range(40):
        log = draw(seed, expected=expected)
        means.append(profits(log, np.full(len(log.offer), float(decision))).mean())

    error = np.std(means) / np.sqrt(len(means))
    assert np.mean(means) == pytest.approx(worth, abs=4 * error + 0.05)


def test_a_good_model_narrows_what_weighting_alone_says() -> None:
    log = draw(1)
    decision = np.ones(len(log.offer))

    assert profits(log, decision).std() < 0.8 * weighted_profits(log, decision).std()


def test_nine_of_ten_intervals_cover_the_truth() -> None:
    covered = 0
    for seed in range(200):
        log = draw(seed, rows=1500)
        gain = profits(log, np.ones(1500)) - profits(log, np.zeros(1500))
        found = estimate(gain, np.arange(1500), confidence=0.9)
        covered += found.low < ADDED[1.0] - CONTACT < found.high

    assert 0.84 <= covered / 200 <= 0.96


def test_customers_of_one_agent_count_together() -> None:
    gains = np.repeat(np.random.default_rng(1).normal(0, 1, 100), 20)
    alone = estimate(gains, np.arange(2000), confidence=0.9)
    together = estimate(gains, np.repeat(np.arange(100), 20), confidence=0.9)

    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_a_policy_that_does_nothing_is_certainly_worth_nothing() -> None:
    found = estimate(np.zeros(10), np.arange(10), confidence=0.9)

    assert (found.mean, found.low, found.high, found.sure) == (0, 0, 0, 0)

"""The calendar of events keeps its rules, earns no less than greed, and says what lacks."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ghala_retail.use_cases.marketing.events.calendar import (
    Calendar,
    Rules,
    find_blocked,
    plan,
    plan_greedily,
)
from ghala_retail.use_cases.marketing.events.charges import Charges
from ghala_retail.use_cases.marketing.events.offers import Offers

WEEKS = tuple(date(2025, 6, 2) + timedelta(weeks=n) for n in range(3))
RULES = Rules(
    max_events=2, min_events=0, front_pages=1, cool_down_weeks=1, budget_kes=1e6, cost_kes=0
)


def offers(
    gain: np.ndarray, litres: np.ndarray, *, room: float = np.inf, categories: int = 4
) -> Offers:
    """One event per category and week, in as many locations as ``gain`` has columns."""
    events = pl.DataFrame(
        [
            {"category": f"C{c}", "target_week": week, "event": "payday", "depth": 0.1,
             "featured": 0.0, "probability": 0.9}
            for week in WEEKS
            for c in range(categories)
        ]
    )  # fmt: skip
    places = tuple(f"D{n}" for n in range(gain.shape[1]))
    free = Charges(np.zeros((len(places), 3)), np.zeros((len(places), 3, 3)))
    return Offers(
        events, places, WEEKS, gain=gain, low=gain, high=gain, discount=np.full(gain.shape, 100.0),
        litres=litres, units=gain, room=np.full((len(places), len(WEEKS)), room),
        charges=free,
    )  # fmt: skip


@pytest.fixture
def tight() -> Offers:
    """Where capacity binds: the greatest event leaves no room for two that earn more together."""
    random = np.random.default_rng(3)
    gain = random.uniform(80, 100, size=(12, 5))
    gain[::4] = 120
    litres = np.where(gain == 120, 100.0, 50.0)
    return offers(gain, litres, room=100.0)


def test_the_rules_hold(tight: Offers) -> None:
    found = plan(tight, RULES)
    week = np.repeat(np.arange(3), 4)
    ran = found.runs.any(axis=1)

    for at in range(3):
        assert ran[week == at].sum() <= RULES.max_events
        assert (tight.litres[week == at] * found.runs[week == at]).sum(axis=0).max() <= 100
    for category in range(4):
        assert (np.diff(week[np.flatnonzero(ran & (np.arange(12) % 4 == category))]) > 1).all()


def test_where_capacity_binds_it_earns_more_than_greed(tight: Offers) -> None:
    best, simple = (make(tight, RULES).worth(tight, RULES) for make in (plan, plan_greedily))

    assert best > 1.03 * simple


def test_it_never_earns_less_than_greed() -> None:
    for seed in range(10):
        random = np.random.default_rng(seed)
        shape = (12, 4)
        seen = offers(random.normal(20, 60, shape), random.uniform(10, 80, shape), room=120.0)
        assert plan(seen, RULES).worth(seen, RULES) >= plan_greedily(seen, RULES).worth(seen, RULES)


def test_without_room_nothing_runs_and_what_is_missing_is_said() -> None:
    none = offers(np.full((12, 2), 50.0), np.full((12, 2), 30.0), room=0.0)
    found = plan(none, RULES)

    assert not found.runs.any()
    said = find_blocked(none, RULES, found)
    assert set(said.ravel()) == {"capacity: 30 litres are missing"}


def test_more_events_than_pay_are_an_answer_with_what_is_missing() -> None:
    losing = offers(np.full((12, 2), -50.0), np.full((12, 2), 1.0))
    found = plan(losing, replace(RULES, min_events=1))

    assert not found.runs.any()
    assert found.missing == (1, 1, 1)


def test_no_offer_is_an_empty_calendar() -> None:
    nothing = offers(np.zeros((12, 2)), np.zeros((12, 2))).keep(np.zeros(12, bool))
    found = plan(nothing, RULES)

    assert isinstance(found, Calendar)
    assert found.runs.shape == (0, 2)

"""What trucks charge for more moves events to other places and weeks, and makes them smaller."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ghala_retail.use_cases.marketing.events import rounds
from ghala_retail.use_cases.marketing.events.calendar import Rules, plan
from ghala_retail.use_cases.marketing.events.charges import Charges, read_charges
from ghala_retail.use_cases.marketing.events.offers import Offers
from ghala_retail.use_cases.marketing.events.rounds import agree, carried, net_worth
from ghala_retail.use_cases.operations.fleet.charging import charge_for_more

WEEKS = tuple(date(2025, 6, 2) + timedelta(weeks=n) for n in range(2))
RULES = Rules(
    max_events=2, min_events=0, front_pages=1, cool_down_weeks=0, budget_kes=1e6, cost_kes=0
)
CHEAP, DEAR = (0.0, 0.0, 0.0), (40.0, 40.0, 40.0)
"""KES a day of a truck-load more."""


def offers(
    rows: list[tuple[str, int, float]], gain: list[list[float]], litres: list[list[float]], *,
    slopes: dict[tuple[int, int], tuple[float, float, float]],
) -> Offers:  # fmt: skip
    """Events by category, week and depth; 7 litres a week are a truck-load a day."""
    places = tuple(f"D{n}" for n in range(len(gain[0])))
    events = pl.DataFrame(
        [
            {"category": category, "target_week": WEEKS[at], "event": "payday", "depth": depth,
             "featured": 0.0, "probability": 0.9}
            for category, at, depth in rows
        ]
    )  # fmt: skip
    curves = np.zeros((len(places), len(WEEKS), 3))
    for at, slope in slopes.items():
        curves[at] = slope
    earned, heavy = np.array(gain), np.array(litres)
    return Offers(
        events, places, WEEKS, gain=earned, low=earned, high=earned,
        discount=np.full(earned.shape, 1.0), litres=heavy, units=earned,
        room=np.full((len(places), len(WEEKS)), np.inf),
        charges=Charges(np.full((len(places), len(WEEKS)), 1 / 7), curves),
    )  # fmt: skip


def test_a_depot_whose_trucks_are_dear_moves_the_event_to_the_other_depot() -> None:
    seen = offers([("Tea", 0, 0.1)], [[100.0, 90.0]], [[7.0, 7.0]], slopes={(0, 0): DEAR})
    found = agree(seen, RULES).calendar

    assert found.runs.tolist() == [[False, True]]


def test_a_week_in_which_trucks_are_dear_moves_the_event_to_the_other_week() -> None:
    one_event = Rules(2, 0, 1, 1, 1e6, 0)  # of the category in both weeks
    rows = [("Tea", 0, 0.1), ("Tea", 1, 0.1)]
    seen = offers(rows, [[300.0], [280.0]], [[7.0], [7.0]], slopes={(0, 0): DEAR})

    assert plan(seen, one_event).runs.ravel().tolist() == [True, False]
    assert agree(seen, one_event).calendar.runs.ravel().tolist() == [False, True]


def test_a_depot_whose_trucks_are_dear_gets_a_shallower_event() -> None:
    rows = [("Tea", 0, 0.05), ("Tea", 0, 0.30)]
    seen = offers(rows, [[500.0], [700.0]], [[7.0], [21.0]], slopes={(0, 0): DEAR})

    assert plan(seen, RULES).runs.ravel().tolist() == [False, True]
    assert agree(seen, RULES).calendar.runs.ravel().tolist() == [True, False]


def test_of_two_events_that_together_fill_the_trucks_the_better_one_stays() -> None:
    steep = (0.0, 60.0, 60.0)  # the first load of a day is free, a second is not
    rows = [("Tea", 0, 0.1), ("Rice", 0, 0.1)]
    seen = offers(rows, [[200.0], [150.0]], [[7.0], [7.0]], slopes={(0, 0): steep})
    found = agree(seen, RULES)

    assert plan(seen, RULES).runs.all()
    assert net_worth(seen, RULES, plan(seen, RULES)) == 200 + 150 - 7 * 60
    assert found.calendar.runs.ravel().tolist() == [True, False]


def test_the_rounds_end_and_the_plan_is_never_worth_less_than_the_first() -> None:
    for seed in range(10):
        random = np.random.default_rng(seed)
        rows = [(f"C{n}", at, 0.1) for n in range(4) for at in range(2)]
        gain = random.uniform(20, 200, (8, 3)).tolist()
        heavy = random.uniform(2, 20, (8, 3)).tolist()
        slopes = {
            (place, at): tuple(np.sort(random.uniform(0, 60, 3)))
            for place in range(3) for at in range(2)
        }  # fmt: skip
        seen = offers(rows, gain, heavy, slopes=slopes)
        found = agree(seen, RULES)
        first = plan(seen.charged(seen.charges.price(np.zeros(seen.room.shape))), RULES)

        assert found.rounds <= rounds.ROUNDS
        assert net_worth(seen, RULES, found.calendar) >= net_worth(seen, RULES, first)


def test_without_a_word_of_trucks_there_is_one_round_and_nothing_is_charged() -> None:
    seen = offers([("Tea", 0, 0.1)], [[100.0, 90.0]], [[7.0, 7.0]], slopes={})
    found = agree(seen, RULES)

    assert found.rounds == 1
    assert not found.price.any()
    assert carried(seen, found.calendar)[:, 0].tolist() == [7.0, 7.0]


def test_the_charge_is_the_area_under_the_price() -> None:
    made = Charges(np.full((1, 1), 1 / 7), np.array([[[10.0, 30.0, 50.0]]]))
    steps = np.arange(0, 70, 0.01)
    prices = np.array([made.price(np.full((1, 1), at))[0, 0] for at in steps])

    assert made.of(np.full((1, 1), 70.0))[0, 0] == pytest.approx(prices.sum() * 0.01, rel=1e-3)
    assert made.of(np.full((1, 1), 70.0))[0, 0] == pytest.approx(7 * (10 + 30 + 8 * 50))


def test_a_location_of_which_fleet_said_nothing_is_free() -> None:
    cells = pl.DataFrame(
        {
            "location_id": ["D0", "D1"], "target_week": [WEEKS[0]] * 2, "load_litres": [70.0] * 2,
            "trucks": [2.0, None], "one_more": [10.0, None], "two_more": [40.0, None],
            "four_more": [140.0, None],
        }
    )  # fmt: skip
    made = read_charges(cells, ("D0", "D1"), WEEKS[:1])

    assert made.slopes[0, 0].tolist() == [10.0, 30.0, 50.0]
    assert made.loads.ravel() == pytest.approx([2 / 70, 0.0])
    assert made.of(np.full((2, 1), 35.0)).ravel() == pytest.approx([70.0, 0.0])


def test_idle_trucks_charge_little_and_busy_ones_at_last_the_contract_rate() -> None:
    chance = np.array([[1.0, 0.9, 0.1, 0.0, *[0.0] * 16], [1.0] * 6 + [0.5, 0.1] + [0.0] * 12])
    idle, busy = np.array([6.0, 2.0]), (3_500.0, 6_000.0, 9_500.0)
    said = charge_for_more(chance, idle, busy)

    assert said["one_more"][0] == 0.0
    assert said["four_more"][0] == pytest.approx(9_500 * 0.1)
    assert said["one_more"][1] == pytest.approx(6_000)
    assert said["four_more"][1] == pytest.approx(24_000)

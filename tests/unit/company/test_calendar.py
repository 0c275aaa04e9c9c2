from datetime import date, timedelta

import numpy as np
import pytest

from ghala_retail.company.calendar import describe_day, easter, planned_events, sighted
from ghala_retail.company.draws import Draws

DRAWS = Draws(7)


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(2024, (3, 31)), (2025, (4, 20)), (2026, (4, 5)), (2027, (3, 28))],
)
def test_easter_is_when_it_was(year: int, sunday: tuple[int, int]) -> None:
    assert easter(year) == date(year, *sunday)


def test_a_feast_by_the_moon_is_planned_unconfirmed_and_confirmed_on_its_day() -> None:
    planned = {name: (day, sure) for name, day, _, sure in planned_events(2024)}
    assert planned["eid_al_fitr"] == (date(2024, 4, 9), False)
    assert planned["jamhuri_day"] == (date(2024, 12, 12), True)
    assert sighted(date(2024, 4, 10)) == [("eid_al_fitr", date(2024, 4, 10), "religious", True)]
    assert sighted(date(2024, 4, 9)) == []


def test_an_observer_buys_most_just_before_eid() -> None:
    ramadan = [
        describe_day(DRAWS, 0, date(2024, 4, day)).ramadan for day in (1, 8, 10, 20)
    ]  # fmt: skip
    assert ramadan == [1.25, 1.9, 0.5, 1.0]


def test_it_rains_more_in_the_rainy_seasons() -> None:
    def millimetres(month: int) -> float:
        days = [date(2024, month, 1) + timedelta(days=n) for n in range(28)]
        return float(np.sum([describe_day(DRAWS, d.toordinal(), d).rain_mm for d in days]))

    assert min(millimetres(4), millimetres(11)) > 2 * max(millimetres(7), millimetres(1))


def test_a_payday_lasts_from_the_25th_to_the_5th() -> None:
    found = [describe_day(DRAWS, 0, date(2024, 5, day)).is_payday for day in (5, 6, 24, 25)]
    assert found == [True, False, False, True]

from datetime import date
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ghala.contracts import clock

DAYS = st.dates(date(2000, 1, 1), date(2030, 1, 1))


def test_every_week_includes_both_ends() -> None:
    assert clock.every(date(2017, 1, 2), date(2017, 1, 16), 7) == [
        date(2017, 1, 2),
        date(2017, 1, 9),
        date(2017, 1, 16),
    ]


def test_an_end_between_two_steps_is_not_stepped_over() -> None:
    assert clock.every(date(2017, 1, 2), date(2017, 1, 15), 7)[-1] == date(2017, 1, 9)


def test_one_day_is_one_step_and_an_end_before_the_start_is_none() -> None:
    assert clock.every(date(2017, 1, 2), date(2017, 1, 2), 7) == [date(2017, 1, 2)]
    assert clock.every(date(2017, 1, 2), date(2017, 1, 1), 7) == []


@given(start=DAYS, length=st.integers(0, 400), step=st.integers(1, 60))
def test_steps_are_even_and_stay_inside(start: date, length: int, step: int) -> None:
    end = date.fromordinal(start.toordinal() + length)
    days = clock.every(start, end, step)

    assert days[0] == start
    assert {(b - a).days for a, b in pairwise(days)} <= {step}
    assert 0 <= (end - days[-1]).days < step


def test_the_moment_of_an_act_is_in_utc_and_in_whole_seconds() -> None:
    moment = clock.now()

    assert moment.utcoffset().total_seconds() == 0
    assert moment.microsecond == 0
    assert (clock.today() - moment.date()).days in (0, 1)

"""The Kenyan year: paydays, feasts by the moon, school terms, rains and Christmas."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ghala_retail.company.draws import Array, Draws

ZONES = ("nairobi", "urban", "upcountry")
_DAY = timedelta(days=1)

RAMADAN = {2024: "2024-03-11", 2025: "2025-03-02", 2026: "2026-02-18", 2027: "2027-02-08"}
EID_AL_FITR = {2024: "2024-04-10", 2025: "2025-03-31", 2026: "2026-03-20", 2027: "2027-03-10"}
EID_AL_ADHA = {2024: "2024-06-17", 2025: "2025-06-06", 2026: "2026-05-27", 2027: "2027-05-16"}
MOON_IS_LATE = {2024: 1, 2025: 1, 2026: 0, 2027: -1}
"""Days by which the moon was sighted later than the printed calendar said."""
FIXED = {
    "new_year": (1, 1),
    "labour_day": (5, 1),
    "madaraka_day": (6, 1),
    "mazingira_day": (10, 10),
    "mashujaa_day": (10, 20),
    "jamhuri_day": (12, 12),
    "christmas_day": (12, 25),
    "boxing_day": (12, 26),
}
SCHOOL_OPENINGS = ((1, 8), (4, 29), (8, 26))
ELECTION = date(2025, 8, 12)
"""A day of by-elections in the simulated company's counties."""
RAIN_CHANCE = np.array(
    [0.12, 0.15, 0.45, 0.62, 0.5, 0.15, 0.1, 0.12, 0.15, 0.45, 0.6, 0.4], dtype=float
)
"""Chance of a wet day by month: the long rains from March to May, the short ones from October."""


@dataclass(frozen=True)
class Day:
    """What a day is like before anyone decides anything."""

    day: int
    date: date
    weekday: float
    is_payday: bool
    is_casual_payday: bool
    ramadan: float
    is_travel: bool
    gifts: float
    school: float
    rain_mm: Array
    """Millimetres by zone."""


def describe_day(draws: Draws, day: int, when: date) -> Day:
    """What a day is like, and how much it rained."""
    wet = draws.uniform("rain", 3, day) < RAIN_CHANCE[when.month - 1]
    amount = -14 * np.log(draws.uniform("rain/amount", 3, day))
    month, of_month = when.month, when.day
    return Day(
        day=day,
        date=when,
        weekday=(0.95, 0.9, 0.92, 1.0, 1.15, 1.25, 0.83)[when.weekday()],
        is_payday=of_month >= 25 or of_month <= 5,
        is_casual_payday=when.weekday() in (4, 5) and (when.toordinal() // 7) % 2 == 0,
        ramadan=_ramadan(when),
        is_travel=(month == 12 and of_month >= 18) or (month == 1 and of_month <= 2),
        gifts=1.0 if month == 12 and 8 <= of_month <= 24 else 0.0,
        school=max(_before(when, opening) for opening in SCHOOL_OPENINGS),
        rain_mm=np.where(wet, amount, 0.0).round(1),
    )


def _ramadan(when: date) -> float:
    """How much more an observer of Ramadan orders: 1 on an ordinary day."""
    begin, eid = (date.fromisoformat(feast[when.year]) for feast in (RAMADAN, EID_AL_FITR))
    if eid - 4 * _DAY <= when < eid:
        return 1.9
    if begin <= when < eid:
        return 1.25
    return 0.5 if eid <= when < eid + 2 * _DAY else 1.0


def _before(when: date, opening: tuple[int, int]) -> float:
    """1 in the fortnight before a school opens."""
    gap = (date(when.year, *opening) - when).days
    return 1.0 if -2 <= gap <= 12 else 0.0


def easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian computus)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, rest = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, rest + 1)


Event = tuple[str, date, str, bool]
"""Its name, day and kind, and whether it is confirmed."""


def planned_events(year: int) -> list[Event]:
    """The planning calendar of a year as it is known before the year begins."""
    fixed = [(name, date(year, *when), "public", True) for name, when in FIXED.items()]
    sunday = easter(year)
    fixed += [
        ("good_friday", sunday - 2 * _DAY, "public", True),
        ("easter_monday", sunday + _DAY, "public", True),
    ]
    moon = timedelta(days=MOON_IS_LATE[year])
    fixed += [(name, day - moon, "religious", False) for name, day in _feasts(year)]
    fixed += [("school_opens", date(year, *o), "school", True) for o in SCHOOL_OPENINGS]
    fixed += [("payday", date(year, month, 25), "payday", True) for month in range(1, 13)]
    if year == ELECTION.year:
        fixed.append(("by_elections", ELECTION, "election", True))
    return sorted(fixed, key=lambda event: (event[1], event[0]))


def _feasts(year: int) -> list[tuple[str, date]]:
    feasts = {"ramadan": RAMADAN, "eid_al_fitr": EID_AL_FITR, "eid_al_adha": EID_AL_ADHA}
    return [(name, date.fromisoformat(days[year])) for name, days in feasts.items()]


def sighted(when: date) -> list[Event]:
    """What the moon confirmed on the evening before a day."""
    return [(name, day, "religious", True) for name, day in _feasts(when.year) if day == when]

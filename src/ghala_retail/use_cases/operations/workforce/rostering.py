"""A crew's week: which shifts to plan so that wages and work that is not done cost least together.

A day has four shifts of four hours. Somebody works one of them (a short shift) or two that follow
each other (a full one). What the n-th person of a shift is worth is what the work not done costs
less: that falls with n, so the plan is a mixed-integer linear program whose relaxation is nearly
whole by itself (covering of intervals; Nemhauser and Wolsey 1988, III.1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, lil_matrix
from scipy.stats import norm

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

SHIFTS = ("early", "midday", "afternoon", "evening")
HOURS = 4.0
"""Of each shift."""
PATTERNS = ((0, 1), (1, 2), (2, 3), (0,), (1,), (2,), (3,))
"""Shifts that one person can work on a day, by their place: full ones, then short ones."""
FULL = 3
"""So many of the patterns are full."""

_NODES = 5_000
"""Of the search; a number and not a time, so that the same week gets the same roster."""
_GAP = 0.002


@dataclass(frozen=True)
class Law:
    """What the law and the contracts allow.

    Attributes:
        week_hours: most hours of one person in a week, overtime included.
        days: most days of one person in a week.
        short_share: most short shifts, as a share of all shifts of the week.
    """

    week_hours: float
    days: int
    short_share: float


@dataclass(frozen=True)
class Week:
    """What a crew has to do in a week.

    Attributes:
        hours: mean of the work that comes up, per day and shift.
        spread: of its logarithm.
        done: hours of work that one planned person does in a shift, absences taken off.
        wage: KES for one planned person and shift.
        price: KES for an hour of work that is not done in its shift.
    """

    hours: Floats
    spread: Floats
    done: float
    wage: float
    price: float


@dataclass(frozen=True)
class Roster:
    """Shifts to plan, per day and pattern; how many people they take, and how many there are.

    ``binding`` is the rule that asks for the most people.
    """

    people: Whole
    needed: int
    staff: int | None
    binding: str

    @property
    def present(self) -> Whole:
        """People planned, per day and shift."""
        return np.asarray(self.people @ COVERS)

    @property
    def lacking(self) -> int:
        """People who lack for the plan that would be best."""
        return 0 if self.staff is None else max(self.needed - self.staff, 0)


COVERS = np.array([[float(shift in one) for shift in range(4)] for one in PATTERNS]).astype(int)
"""Which shifts each pattern covers."""


def plan(week: Week, law: Law, *, staff: int | None) -> Roster:
    """The cheapest roster; where people lack, the cheapest one with those who are there.

    ``staff`` is how many people the crew has; None when that is unknown.
    """
    free = _solve(week, law, staff=None)
    asked = people_by_rule(free, law)
    binding = max(asked, key=lambda rule: asked[rule])
    needed = asked[binding]
    if staff is None or needed <= staff:
        return Roster(free, needed, staff, binding)
    return Roster(_solve(week, law, staff=staff), needed, staff, binding)


def count_people(people: Whole, law: Law) -> int:
    """The fewest people who can work a roster under the law."""
    return max(people_by_rule(people, law).values())


def people_by_rule(people: Whole, law: Law) -> dict[str, int]:
    """The fewest people who can work a roster under each rule."""
    each = np.array([HOURS * len(pattern) for pattern in PATTERNS])
    daily = people.sum(axis=1)
    late, early = people @ COVERS[:, 3], people @ COVERS[:, 0]
    after_late = (late[:-1] + early[1:]).max(initial=0)
    by_hours = np.ceil((people @ each).sum() / law.week_hours - 1e-9)
    by_days = np.ceil(daily.sum() / law.days - 1e-9)
    return {
        "one shift a day": int(daily.max(initial=0)),
        "rest after a late shift": int(after_late),
        f"{law.week_hours:g} hours a week": int(by_hours),
        f"{law.days} days a week": int(by_days),
    }


def lost_hours(hours: Floats, spread: Floats, *, done: Floats) -> Floats:
    """Expected work beyond what is done, of log-normal work with this mean and spread."""
    spread = np.maximum(spread, 1e-6)
    some, mean = np.maximum(done, 1e-9), np.maximum(hours, 1e-9)
    upper = np.log(mean / some) / spread + spread / 2
    lost = mean * norm.cdf(upper) - some * norm.cdf(upper - spread)
    return np.where(done > 0, np.maximum(lost, 0.0), hours)


def _solve(week: Week, law: Law, *, staff: int | None) -> Whole:
    """Shifts per day and pattern; with ``staff``, such that so many people can work them."""
    days = len(week.hours)
    most = int(np.ceil((week.hours * np.exp(2 * week.spread)).max(initial=0.0) / week.done)) + 1
    done = np.arange(most + 1, dtype=np.float64) * week.done
    lost = lost_hours(week.hours[:, :, None], week.spread[:, :, None], done=done)
    worth = week.price * -np.diff(lost, axis=2)
    full = days * len(PATTERNS)
    wages = np.tile([week.wage * len(one) for one in PATTERNS], days)
    rules, upper = _rules(days, most, law=law, staff=staff)
    found = milp(
        np.concatenate([wages, -worth.ravel()]),
        constraints=LinearConstraint(rules, -np.inf, upper),
        integrality=np.concatenate([np.ones(full), np.zeros(worth.size)]),
        bounds=Bounds(0, np.concatenate([np.full(full, np.inf), np.ones(worth.size)])),
        options={"node_limit": _NODES, "mip_rel_gap": _GAP},
    )
    if found.x is None:  # nobody at all is a roster under every law
        return np.zeros((days, len(PATTERNS)), dtype=np.int64)
    people = np.rint(found.x[:full]).astype(np.int64)
    return np.asarray(people.reshape(days, len(PATTERNS)))


def _rules(days: int, most: int, *, law: Law, staff: int | None) -> tuple[csr_matrix, Floats]:
    """Who is counted in a shift is planned in it; and what the law says of ``staff`` people."""
    kinds, full = len(PATTERNS), days * len(PATTERNS)
    width = full + days * 4 * most
    cover = lil_matrix((days * 4, width))
    for cell in range(days * 4):
        day, shift = divmod(cell, 4)
        cover[cell, full + cell * most : full + (cell + 1) * most] = 1
        cover[cell, day * kinds : (day + 1) * kinds] = -COVERS[:, shift]
    short = lil_matrix((1, width))
    short[0, :full] = np.tile(np.arange(kinds) >= FULL, days) - law.short_share
    rows, upper = [cover, short], [np.zeros(days * 4 + 1)]
    if staff is not None:
        of_staff, limits = _rules_of_staff(days, width, law=law, staff=staff)
        rows.append(of_staff)
        upper.append(limits)
    stacked = lil_matrix(np.vstack([part.toarray() for part in rows]))
    return stacked.tocsr(), np.concatenate(upper)


def _rules_of_staff(days: int, width: int, *, law: Law, staff: int) -> tuple[lil_matrix, Floats]:
    """One shift a day, eleven hours of rest, a day off, and the hours of the week."""
    kinds = len(PATTERNS)
    rules = lil_matrix((2 * days + 1, width))
    limits = np.full(2 * days + 1, float(staff))
    for day in range(days):
        rules[day, day * kinds : (day + 1) * kinds] = 1
    for day in range(days - 1):
        rules[days + day, day * kinds : (day + 1) * kinds] = COVERS[:, 3]
        rules[days + day, (day + 1) * kinds : (day + 2) * kinds] = COVERS[:, 0]
    rules[2 * days - 1, : days * kinds] = 1
    limits[2 * days - 1] = law.days * staff
    rules[2 * days, : days * kinds] = np.tile([HOURS * len(one) for one in PATTERNS], days)
    limits[2 * days] = law.week_hours * staff
    return rules, limits

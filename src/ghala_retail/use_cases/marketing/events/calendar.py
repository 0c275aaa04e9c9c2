"""The calendar of events: which of those on offer to run, and where, within the policy's rules.

A whole-number programme (CP-SAT, ortools): an event runs or not, and if so, in which locations.
It earns the most margin that the budget, the number of events and front pages a week, the rest
between events of a category and the litres that each location can carry allow. Greedy planning, the
biggest first, is the baseline; both know the same expectations.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghala_retail.use_cases.marketing.events.effects import Array
from ghala_retail.use_cases.marketing.events.offers import Offers

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel, IntVar

_EFFORT, _GAP = 4.0, 0.002
"""Deterministic seconds of the solver, and how near the best it may stop: always the same plan."""
_WORTH_IT = 1.01
"""How many times the greedy plan's worth a plan must be expected to earn to replace it."""
_SHORT = 10**9
"""KES that an event short of the least number costs, so that a plan falls short only if it must."""


@dataclass(frozen=True)
class Rules:
    """What a calendar may not break."""

    max_events: int
    min_events: int
    front_pages: int
    cool_down_weeks: int
    budget_kes: float
    cost_kes: float


@dataclass(frozen=True)
class Calendar:
    """What runs where.

    Attributes:
        runs: by event and location.
        missing: events a week fewer than the rules ask for, by week.
    """

    runs: NDArray[np.bool_]
    missing: tuple[int, ...]

    def worth(self, offers: Offers, rules: Rules) -> float:
        """The margin that it is expected to add, KES."""
        fixed = rules.cost_kes * int(self.runs.any(axis=1).sum())
        return float((offers.gain * self.runs).sum()) - fixed


def plan(offers: Offers, rules: Rules) -> Calendar:
    """The calendar that is expected to earn the most."""
    simple = plan_greedily(offers, rules)
    if not offers.events.height:
        return simple
    best = _solve(offers, rules, start=simple)
    missing = count_missing(offers.week[best.any(axis=1)], offers, rules)
    found = Calendar(best, missing)
    lacks = sum(found.missing) - sum(simple.missing)
    # Gains are expectations: for a difference as small as their error the simple plan stays.
    is_worth_it = found.worth(offers, rules) > _WORTH_IT * simple.worth(offers, rules)
    return found if lacks < 0 or (lacks == 0 and is_worth_it) else simple


def _solve(offers: Offers, rules: Rules, *, start: Calendar) -> NDArray[np.bool_]:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    wanted = offers.gain > 0
    chosen = [model.new_bool_var("") for _ in range(offers.events.height)]
    runs = {(int(e), int(at)): model.new_bool_var("") for e, at in np.argwhere(wanted)}
    for (event, _), here in runs.items():
        model.add_implication(here, chosen[event])
    for event, on in enumerate(chosen):
        somewhere = [runs[event, int(at)] for at in np.flatnonzero(wanted[event])]
        model.add_bool_or([*somewhere, on.negated()])
    _limit_events(model, chosen, offers=offers, rules=rules)
    short = _ask_for_events(model, chosen, offers=offers, rules=rules)
    _limit_amounts(model, runs, offers=offers, rules=rules)
    model.maximize(
        sum(round(offers.gain[key]) * here for key, here in runs.items())
        - round(rules.cost_kes) * sum(chosen)
        - _SHORT * sum(short)
    )
    for key, here in runs.items():
        model.add_hint(here, bool(start.runs[key]))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = _EFFORT
    solver.parameters.relative_gap_limit = _GAP
    solver.parameters.linearization_level = 2
    best = np.zeros_like(wanted)
    if solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        for key, here in runs.items():
            best[key] = solver.boolean_value(here)
    return best


def plan_greedily(offers: Offers, rules: Rules) -> Calendar:
    """The event that earns most first, in every location that still has room for it."""
    runs = np.zeros_like(offers.gain, bool)
    room, budget = offers.room.copy(), np.full(len(offers.weeks), rules.budget_kes)
    week, category = offers.week, offers.events["category"].to_list()
    featured = offers.events["featured"].to_numpy() > 0
    worth = np.where(offers.gain > 0, offers.gain, 0.0).sum(axis=1)
    taken: list[int] = []
    for event in np.argsort(-worth, kind="stable"):
        at = week[event]
        same = [e for e in taken if week[e] == at]
        rests = all(
            category[e] != category[event] or abs(week[e] - at) > rules.cool_down_weeks
            for e in taken
        )
        pages = sum(featured[e] for e in same) < rules.front_pages
        if len(same) >= rules.max_events or not rests or (featured[event] and not pages):
            continue
        here = _fill(offers, int(event), room=room[:, at], budget=budget[at])
        if offers.gain[event][here].sum() <= rules.cost_kes:
            continue
        runs[event, here] = True
        room[here, at] -= offers.litres[event][here]
        budget[at] -= offers.discount[event][here].sum()
        taken.append(int(event))
    return Calendar(runs, count_missing(week[runs.any(axis=1)], offers, rules))


def find_blocked(offers: Offers, rules: Rules, calendar: Calendar) -> NDArray[np.str_]:
    """By event and location, what keeps the best event of its category and week from running."""
    week = offers.week
    used = np.zeros_like(offers.room)
    spent = np.zeros(len(offers.weeks))
    for event, place in np.argwhere(calendar.runs):
        used[place, week[event]] += offers.litres[event, place]
        spent[week[event]] += offers.discount[event, place]
    lacking = offers.litres - (offers.room - used)[:, week].T
    over = offers.discount + (spent - rules.budget_kes)[week][:, None]
    said = np.full(offers.gain.shape, "", dtype="<U80")
    tight = (lacking > 0) & ~calendar.runs & (offers.gain > 0)
    for event, place in np.argwhere(tight):
        said[event, place] = f"capacity: {lacking[event, place]:,.0f} litres are missing"
    for event, place in np.argwhere((over > 0) & ~calendar.runs & (offers.gain > 0) & ~tight):
        said[event, place] = f"budget: {over[event, place]:,.0f} KES are missing"
    return said


def _fill(offers: Offers, event: int, *, room: Array, budget: float) -> NDArray[np.int64]:
    """The locations with room, the most rewarding first, while the budget lasts."""
    fits = (offers.gain[event] > 0) & (offers.litres[event] <= room)
    order = np.flatnonzero(fits)
    order = order[np.argsort(-offers.gain[event][order], kind="stable")]
    affordable: NDArray[np.int64] = order[np.cumsum(offers.discount[event][order]) <= budget]
    return affordable


def count_missing(weeks: NDArray[np.int64], offers: Offers, rules: Rules) -> tuple[int, ...]:
    """Events that lack in each week, given the places of the weeks of those that run."""
    ran = np.bincount(weeks, minlength=len(offers.weeks))
    return tuple(int(max(rules.min_events - count, 0)) for count in ran)


def _limit_events(
    model: "CpModel", chosen: "list[IntVar]", *, offers: Offers, rules: Rules
) -> None:
    """Events and front pages a week, and the rest between two events of a category."""
    week, category = offers.week, offers.events["category"].to_numpy()
    featured = offers.events["featured"].to_numpy() > 0
    for at in range(len(offers.weeks)):
        mine = np.flatnonzero(week == at)
        model.add(sum(chosen[e] for e in mine) <= rules.max_events)
        model.add(sum(chosen[e] for e in mine if featured[e]) <= rules.front_pages)
        for name in np.unique(category):
            span = (week >= at) & (week <= at + rules.cool_down_weeks) & (category == name)
            if span.any():
                model.add(sum(chosen[e] for e in np.flatnonzero(span)) <= 1)


def _ask_for_events(
    model: "CpModel", chosen: "list[IntVar]", *, offers: Offers, rules: Rules
) -> "list[IntVar]":
    """At least so many events a week; what is missing is said, not refused."""
    week = offers.week
    short: list[IntVar] = []
    for at in range(len(offers.weeks) if rules.min_events else 0):
        lacks = model.new_int_var(0, rules.min_events, "")
        model.add(sum(chosen[e] for e in np.flatnonzero(week == at)) + lacks >= rules.min_events)
        short.append(lacks)
    return short


def _limit_amounts(
    model: "CpModel", runs: "dict[tuple[int, int], IntVar]", *, offers: Offers, rules: Rules
) -> None:
    """Litres of each location and week, and the budget of each week."""
    week = offers.week
    by_room: dict[tuple[int, int], list[tuple[int, IntVar]]] = {}
    by_week: dict[int, list[tuple[int, IntVar]]] = {}
    for (event, place), here in runs.items():
        at = int(week[event])
        by_week.setdefault(at, []).append((round(offers.discount[event, place]), here))
        if np.isfinite(offers.room[place, at]):
            litres = int(np.ceil(10 * offers.litres[event, place]))
            by_room.setdefault((place, at), []).append((litres, here))
    for (place, at), terms in by_room.items():
        model.add(sum(litres * here for litres, here in terms) <= int(10 * offers.room[place, at]))
    for terms in by_week.values():
        model.add(sum(spent * here for spent, here in terms) <= int(rules.budget_kes))

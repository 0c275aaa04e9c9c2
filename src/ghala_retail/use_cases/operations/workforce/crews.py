"""From the hours of each task to people: crews, the roster of each, and simpler staffing rules."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ghala_retail.use_cases.operations.workforce.rostering import (
    FULL,
    HOURS,
    PATTERNS,
    SHIFTS,
    Floats,
    Law,
    Roster,
    Week,
    plan,
)

CREWS = {"pick": "floor", "pack": "floor", "sort": "floor", "transport": "road"}
"""Who picks can also pack and sort; driving takes a licence."""

KEY = ("as_of", "location_id", "task", "shift", "day")
_FULL_STARTS = {pattern[0]: place for place, pattern in enumerate(PATTERNS[:FULL])}
_SHORT_STARTS = {pattern[0]: FULL + place for place, pattern in enumerate(PATTERNS[FULL:])}


@dataclass(frozen=True)
class Terms:
    """What work costs, and what a person does of it.

    Attributes:
        productive: share of a shift that is worked: breaks and walking are not.
        price: KES for an hour of work that is not done in its shift.
        slack: what two fixed shifts are planned above the mean.
    """

    productive: float
    price: float
    slack: float
    law: Law


def roster(rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """People per task and shift, for rows with ``hours``, ``spread``, ``wage`` and ``absence``.

    A crew's people are shared among its tasks as its hours are. Adds ``people``, and of the whole
    crew how many begin a full and a short shift, ``needed`` and the ``binding`` rule, ``staff`` and
    ``covered``.
    """
    parts = [
        _roster_week(week, terms)
        for _, week in rows.group_by("as_of", "location_id", "crew", maintain_order=True)
    ]
    return pl.concat(parts)


def _roster_week(rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    days = rows["day"].unique().sort()
    day = np.searchsorted(days.to_numpy(), rows["day"].to_numpy())
    shift = rows["shift"].replace_strict({n: i for i, n in enumerate(SHIFTS)}).to_numpy()
    hours, spread = (rows[name].to_numpy() for name in ("hours", "spread"))
    total, risk = np.zeros((days.len(), 4)), np.zeros((days.len(), 4))
    np.add.at(total, (day, shift), hours)
    np.add.at(risk, (day, shift), hours * spread)
    came = 1 - float(rows["absence"].mean() or 0.0)  # type: ignore[arg-type]
    wage = float(np.average(rows["wage"].to_numpy(), weights=hours + 1e-9))
    done = HOURS * terms.productive * came
    spreads = risk / np.maximum(total, 1e-9)
    week = Week(total, spreads, done, HOURS * came * wage, terms.price)
    staff = int(rows.unique("task")["workers"].sum()) or None
    found = plan(week, terms.law, staff=staff)
    share = hours / np.maximum(total[day, shift], 1e-9)
    begins = {
        name: _starting(found, starts)[day, shift]
        for name, starts in (("full_starting", _FULL_STARTS), ("short_starting", _SHORT_STARTS))
    }
    covered = np.minimum(found.present * done, total).sum() / max(total.sum(), 1e-9)
    return rows.with_columns(
        people=pl.Series(found.present[day, shift] * share),
        needed=pl.lit(float(found.needed)),
        lacking=pl.lit(float(found.lacking)),
        binding=pl.lit(found.binding),
        staff=pl.lit(float(staff) if staff else None, dtype=pl.Float64),
        covered=pl.lit(float(covered)),
        **{name: pl.Series(values) for name, values in begins.items()},
    )


def _starting(found: Roster, starts: dict[int, int]) -> Floats:
    """How many people begin such a shift, per day and shift; a full one none in the evening."""
    by_shift = np.zeros((len(found.people), 4))
    for begins, pattern in starts.items():
        by_shift[:, begins] = found.people[:, pattern]
    return by_shift


def simple_rules(rows: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """What simpler rules plan: two fixed shifts per task or per crew, or for the peak.

    All three plan whole people for full shifts, the same on every day of the week: the mean of the
    half-day and a slack, or the most that was seen in a shift of it.
    """
    half = pl.col("shift").is_in(SHIFTS[:2])
    done = HOURS * terms.productive * (1 - pl.col("absence"))
    week, usual = ("as_of", "location_id"), pl.col("usual")
    rows = rows.with_columns(half=half, done=done)
    of_task, of_crew = (*week, "task", "half"), (*week, "crew", "half")
    days = pl.col("day").n_unique()
    return rows.with_columns(
        two_shifts=_whole((1 + terms.slack) * usual.sum() / (2 * days * done.mean()), of_task),
        crew_two_shifts=_whole((1 + terms.slack) * usual.sum() / (2 * days * done.mean()), of_crew)
        * (usual.sum().over(*of_task) / usual.sum().over(*of_crew)).fill_nan(0.0),
        peak=_whole((pl.col("peak") / done).max(), of_task),
    )


def _whole(people: pl.Expr, over: tuple[str, ...]) -> pl.Expr:
    """Whole people, however little less than one is wanted."""
    return (people - 1e-9).ceil().clip(lower_bound=0.0).over(*over)

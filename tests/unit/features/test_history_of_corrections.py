"""Every window over facts that are corrected, late and tied, against a slow and obvious count."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghala.contracts.errors import ConfigurationError
from ghala.features.definitions import FeatureView, Window, days_since, ratio
from ghala.warehouse.engines.engine import Warehouse

from .conftest import ask

START = date(2024, 3, 1)
AGENT = "channel = 'agent'"
STATES = {
    "shop": pl.String, "day": pl.Date, "known_on": pl.Date, "superseded_on": pl.Date,
    "units": pl.Int64, "sku": pl.String, "channel": pl.String,
}  # fmt: skip
WINDOWS = (
    *(Window(f"orders_{n}", "count", "units", n) for n in (1, 7, 30)),
    *(Window(f"units_{n}", "sum", "units", n) for n in (1, 7, 30, 365)),
    *(Window(f"mean_{n}", "mean", "units * 1.5", n) for n in (7, 30)),
    *(Window(f"least_{n}", "min", "units", n) for n in (3, 30)),
    *(Window(f"most_{n}", "max", "units", n) for n in (3, 30)),
    *(Window(f"last_{n}", "last", "units", n) for n in (3, 30)),
    *(Window(f"skus_{n}", "distinct", "sku", n) for n in (3, 30)),
    Window("by_agent_30", "sum", "units", 30, where=AGENT),
    Window("skus_by_agent_7", "distinct", "sku", 7, where=AGENT),
    Window("last_by_agent", "last", "units", 365, where=AGENT),
)
EVER = (
    Window("orders_ever", "count", "units"),
    Window("skus_ever", "distinct", "sku"),
    Window("last_ever", "last", "sku"),
    Window("last_day", "max", "day"),
    Window("units_30", "sum", "units", 30),
)


def day(number: int) -> date:
    return START + timedelta(days=number)


def make(name: str, windows: tuple[Window, ...], **more: Any) -> FeatureView:
    return FeatureView(
        name=name, entity=("shop",), source="core.states", event_time="day",
        known_on="known_on", superseded_on="superseded_on", description="", owner="",
        windows=windows, **more,
    )  # fmt: skip


RECENT = make("recent", WINDOWS, derived=(ratio("share", "units_7", "units_30"),))
ALWAYS = make("always", EVER, derived=(days_since("idle_days", "last_day"),))
LAPSING = make("lapsing", EVER, ttl_days=10)
BY_ROW = make("by_row", (*EVER, Window("middle", "median", "units", 30)), ttl_days=10)
VIEWS = (RECENT, ALWAYS, LAPSING, BY_ROW)


@dataclass(frozen=True)
class State:
    """What was known of a sale from one day to another."""

    shop: str | None
    day: date
    known_on: date
    superseded_on: date | None
    units: int | None
    sku: str
    channel: str


def record(warehouse: Warehouse, states: Iterable[State]) -> None:
    frame = pl.DataFrame([vars(one) for one in states], schema=STATES, orient="row")
    with warehouse.relation("given", frame):
        warehouse.execute("DROP TABLE IF EXISTS core.states")
        warehouse.execute("CREATE TABLE core.states AS SELECT * FROM given")


@st.composite
def sales(draw: st.DrawFn) -> list[State]:
    """A sale becomes known some days after it, or before, and may be corrected again and again."""
    states = []
    for _ in range(draw(st.integers(0, 12))):
        shop = draw(st.sampled_from(["a", "b", None]))
        moved = [draw(st.integers(0, 25))]
        arrivals = [moved[0] + draw(st.integers(-3, 12))]
        for _ in range(draw(st.integers(0, 3))):
            arrivals.append(arrivals[-1] + draw(st.sampled_from([0, 1, 2, 9])))
            moved.append(max(moved[-1] + draw(st.sampled_from([0, 0, 0, -2, 3])), 0))
        for number, known in enumerate(arrivals):
            newer = day(arrivals[number + 1]) if number + 1 < len(arrivals) else None
            units = draw(st.none() | st.integers(-20, 20))
            sku, channel = draw(st.sampled_from("XYZ")), draw(st.sampled_from(["agent", "web"]))
            states.append(State(shop, day(moved[number]), day(known), newer, units, sku, channel))
    return states


def slow_window(window: Window, seen: list[State], as_of: date) -> Any:
    """One window, one state at a time, as a person would count it."""
    rows = [
        one
        for one in seen
        if (window.days is None or one.day >= as_of - timedelta(days=window.days))
        and (window.where is None or one.channel == "agent")
    ]
    column = window.value.partition(" ")[0]
    values = [getattr(one, column) for one in rows if getattr(one, column) is not None]
    if window.function in ("count", "distinct"):
        return len(values if window.function == "count" else set(values))
    if not values:
        return None
    if window.function == "last":
        known = [one for one in rows if getattr(one, column) is not None]
        return max((one.day, one.known_on, getattr(one, column)) for one in known)[2]
    if window.function == "mean":
        return sum(values) / len(values) * 1.5
    if window.function == "median":
        values.sort()
        return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    return {"sum": sum, "min": min, "max": max}[window.function](values)


def slow_features(view: FeatureView, states: list[State], row: tuple[str | None, date]) -> Any:
    shop, as_of = row
    seen = [
        one
        for one in states
        if one.shop == shop is not None
        and one.day < as_of
        and one.known_on <= as_of
        and (one.superseded_on is None or one.superseded_on > as_of)
        and (view.reach is None or one.day >= as_of - timedelta(days=view.reach))
    ]
    alive = as_of - timedelta(days=view.ttl_days or 10_000)
    if not any(one.day >= alive for one in seen):
        return dict.fromkeys(view.columns)
    found = {window.name: slow_window(window, seen, as_of) for window in view.windows}
    if view is RECENT:
        whole, part = found["units_30"], found["units_7"]
        found["share"] = part / whole if whole and part is not None else None
    if view is ALWAYS:
        found["idle_days"] = (as_of - found["last_day"]).days
    return found


def is_same(got: Any, expected: Any) -> bool:
    if got is None or expected is None or not isinstance(expected, int | float):
        return bool(got == expected)
    return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    states=sales(),
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "b", "new", None]), st.integers(-1, 50).map(day)),
        min_size=1,
        max_size=8,
    ),
)
def test_every_feature_of_corrected_facts_is_what_a_slow_and_obvious_count_says(
    warehouse: Warehouse, states: list[State], rows: list[tuple[str | None, date]]
) -> None:
    record(warehouse, states)

    for view in VIEWS:
        found = ask(warehouse, rows, view)
        assert [(one["shop"], one["as_of"]) for one in found] == rows
        for row, answer in zip(rows, found, strict=True):
            for name, value in slow_features(view, states, row).items():
                assert is_same(answer[name], value), (view.name, name, row, answer[name], value)


def sale(on: int, units: int, *, known: int, until: int | None = None) -> State:
    newer = None if until is None else day(until)
    return State("a", day(on), day(known), newer, units, "X", "web")


def test_a_late_correction_counts_from_its_arrival_and_never_before(warehouse: Warehouse) -> None:
    record(warehouse, [sale(0, 5, known=1, until=4), sale(0, 8, known=4)])
    found = ask(warehouse, [("a", day(n)) for n in range(7)], ALWAYS)

    assert [row["units_30"] for row in found] == [None, 5, 5, 5, 8, 8, 8]
    assert [row["orders_ever"] for row in found] == [None, 1, 1, 1, 1, 1, 1]


def test_a_sale_that_a_correction_moves_to_another_day_is_in_one_window_only(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [sale(0, 5, known=1, until=20), sale(15, 5, known=20)])
    before, after = ask(warehouse, [("a", day(19)), ("a", day(20))], RECENT)

    assert (before["units_7"], before["units_30"]) == (None, 5)
    assert (after["units_7"], after["units_30"]) == (5, 5)


def test_an_entity_has_lapsed_when_its_last_event_is_older_than_the_view_allows(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [sale(0, 5, known=1)])
    found = ask(warehouse, [("a", day(n)) for n in (9, 10, 11)], LAPSING)

    assert [row["orders_ever"] for row in found] == [1, 1, None]


def test_a_view_that_is_narrowed_answers_as_the_whole_one_does(warehouse: Warehouse) -> None:
    record(warehouse, [sale(0, 5, known=1), sale(9, 4, known=12)])
    rows = [("a", day(n)) for n in (1, 8, 15, 40, 60)]
    whole = ask(warehouse, rows, RECENT)
    found = ask(warehouse, rows, RECENT.narrowed(["share", "units_1"]))

    assert list(found[0]) == ["number", "shop", "as_of", "share", "units_1"]
    for one, all_of_it in zip(found, whole, strict=True):
        assert one == {name: all_of_it[name] for name in one}


def test_a_feature_that_is_not_there_is_refused_with_the_nearest_that_is() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'units_30'"):
        RECENT.narrowed(["unit_30"])


@pytest.mark.parametrize(
    ("function", "days", "said"),
    [("avg", 7, "no function 'avg'"), ("sum", 0, "0 days"), ("sum", 366, "366 days")],
)
def test_a_window_that_makes_no_sense_is_refused(function: Any, days: int, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Window("units", function, "units", days)

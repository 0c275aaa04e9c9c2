import math
import statistics
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghala.contracts.errors import ConfigurationError
from ghala.contracts.settings import Workspace
from ghala.features.definitions import FeatureView, Window
from ghala.features.history import definitions_hash, find_views, history_sql, pick_views
from ghala.warehouse.engines.engine import Warehouse

from .conftest import EVER, RECENT, Event, ask, make_view, record

START = date(2024, 3, 1)


def day(number: int) -> date:
    return START + timedelta(days=number)


def sale(shop: str, on: int, units: int | None, *, late: int = 0, promoted: bool = False) -> Event:
    return shop, day(on), day(on + 1 + late), units, promoted


def test_one_row_in_is_one_row_out_in_any_order_with_duplicates_kept(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [sale("a", n, n) for n in range(10)] + [sale("b", n, 100) for n in range(5)])
    rows = [("b", day(6)), ("a", day(6)), ("a", day(9)), ("a", day(6)), ("nobody", day(6))]

    found = ask(warehouse, rows, RECENT)

    assert [(row["shop"], row["as_of"]) for row in found] == rows
    assert [row["units_7"] for row in found] == [500, 15, 35, 15, None]


def test_the_order_of_what_happened_changes_nothing(warehouse: Warehouse) -> None:
    random = Random(4)  # noqa: S311 - a shuffle, no secret
    events = [sale("a", n % 12, random.randrange(50), late=n % 3) for n in range(60)]
    rows = [("a", day(n)) for n in range(14)]
    answers = []
    for _ in range(4):
        random.shuffle(events)
        record(warehouse, events)
        answers.append(ask(warehouse, rows, RECENT, EVER))

    for answer in answers[1:]:
        for one, first in zip(answer, answers[0], strict=True):
            assert one == pytest.approx(first)


def test_an_entity_that_was_not_known_yet_has_nulls_also_for_counts_and_sums(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [sale("a", 5, 7)])

    for row in ask(warehouse, [("a", day(5)), ("new", day(9)), (None, day(9))], RECENT, EVER):
        features = {name: row[name] for name in (*RECENT.columns, *EVER.columns)}
        assert set(features.values()) == {None}


def test_a_known_entity_with_nothing_that_counts_has_a_count_of_zero_and_no_sum(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [sale("a", 0, 7, promoted=True)])
    [row] = ask(warehouse, [("a", day(10))], RECENT, EVER)

    assert (row["days_14"], row["days_3"]) == (1, 0)
    assert row["units_7"] is row["plain_7"] is row["newest_plain"] is None
    assert row["units_ever"] == 7


def test_what_arrives_late_is_seen_from_its_arrival_on_and_not_before(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [sale("a", 0, 1), sale("a", 1, 10, late=3)])
    found = ask(warehouse, [("a", day(n)) for n in range(8)], EVER)

    assert [row["units_ever"] for row in found] == [None, 1, 1, 1, 1, 11, 11, 11]


def test_what_happens_on_the_day_or_after_it_is_not_seen_even_if_it_was_announced(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [("a", day(n), START, 10**n, False) for n in range(4)])
    found = ask(warehouse, [("a", day(n)) for n in range(5)], EVER)

    assert [row["units_ever"] for row in found] == [None, 1, 11, 111, 1111]


def test_the_future_can_change_without_changing_the_past(warehouse: Warehouse) -> None:
    past = [sale("a", n, n) for n in range(8)]
    rows = [("a", day(n)) for n in range(9)]
    record(warehouse, past)
    before = ask(warehouse, rows, RECENT, EVER)
    record(
        warehouse, [*past, *(sale("a", n, 999) for n in range(8, 20)), sale("a", 2, 999, late=9)]
    )

    assert ask(warehouse, rows, RECENT, EVER) == before


def test_a_window_holds_its_days_and_not_the_one_before(warehouse: Warehouse) -> None:
    record(warehouse, [sale("a", 0, 1), sale("a", 1, 10), sale("a", 7, 100)])
    [row] = ask(warehouse, [("a", day(8))], RECENT)

    assert row["units_7"] == 110


def test_of_two_values_of_one_day_the_last_to_arrive_is_the_newest(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [sale("a", 3, 5, late=2), sale("a", 3, 9), sale("a", 2, 70)])
    early, later = ask(warehouse, [("a", day(4)), ("a", day(6))], RECENT)

    assert (early["newest_14"], later["newest_14"]) == (9, 5)


def test_a_missing_value_is_not_the_newest(warehouse: Warehouse) -> None:
    record(warehouse, [sale("a", 1, 5), sale("a", 2, None)])

    assert ask(warehouse, [("a", day(4))], RECENT)[0]["newest_14"] == 5


def test_derived_features_may_use_each_window_and_the_day(warehouse: Warehouse) -> None:
    record(warehouse, [sale("a", 1, 5), sale("a", 2, 7)])
    [row] = ask(warehouse, [("a", day(4))], RECENT)

    assert (row["share_7"], row["reach"]) == (6, 14)


def test_features_of_several_views_stand_side_by_side_after_the_request(
    warehouse: Warehouse,
) -> None:
    record(warehouse, [sale("a", 1, 5)])
    [row] = ask(warehouse, [("a", day(4))], EVER, RECENT)

    assert tuple(row) == ("number", "shop", "as_of", *EVER.columns, *RECENT.columns)


def test_a_request_without_views_comes_back_as_it_is(warehouse: Warehouse) -> None:
    assert ask(warehouse, [("a", day(4))]) == [{"number": 0, "shop": "a", "as_of": day(4)}]


def test_names_that_sql_would_take_for_its_own_are_fine(warehouse: Warehouse) -> None:
    record(warehouse, [sale("a", 1, 5)])
    view = make_view("odd", Window('select "from"', "sum", "units", 7))

    assert ask(warehouse, [("a", day(4))], view)[0]['select "from"'] == 5


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.integers(0, 25).map(day),
        st.integers(-3, 12),
        st.none() | st.integers(-20, 20),
        st.booleans(),
    ).map(lambda e: (e[0], e[1], e[1] + timedelta(days=e[2]), e[3], e[4])),
    max_size=25,
)
REQUESTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "nobody", None]), st.integers(-1, 40).map(day)),
    min_size=1,
    max_size=8,
)


def slow_window(window: Window, rows: list[Event], as_of: date) -> Any:
    """One feature, one row at a time, as a person would count it."""
    counted = [
        (on, arrived, units * 2 if window.value == "units * 2" and units is not None else units)
        for _, on, arrived, units, promoted in rows
        if (window.days is None or on >= as_of - timedelta(days=window.days))
        and not (window.where and promoted)
    ]
    if window.value == "day":
        return len(counted)
    values = [units for _, _, units in counted if units is not None]
    if window.function == "count":
        return len(values)
    if not values or (window.function == "stddev_samp" and len(values) < 2):
        return None
    if window.function == "last":
        return max(row for row in counted if row[2] is not None)[2]
    compute: dict[str, Any] = {
        "sum": sum, "mean": statistics.fmean, "min": min, "max": max,
        "median": statistics.median, "stddev_samp": statistics.stdev,
    }  # fmt: skip
    return compute[window.function](values)


def slow_features(
    view: FeatureView, events: list[Event], row: tuple[str | None, date]
) -> dict[str, Any]:
    shop, as_of = row
    lengths = [window.days for window in view.windows]
    longest = None if None in lengths else max(lengths)
    known = [
        event
        for event in events
        if event[0] == shop and event[1] < as_of and event[2] <= as_of
        and (longest is None or event[1] >= as_of - timedelta(days=longest))
    ]  # fmt: skip
    if not known:
        return dict.fromkeys(view.columns)
    found = {window.name: slow_window(window, known, as_of) for window in view.windows}
    if view is RECENT:
        found["reach"] = 14
        days, units = found["days_14"], found["units_7"]
        found["share_7"] = units / days if days and units is not None else None
    return found


@settings(max_examples=120, deadline=None)
@given(events=EVENTS, rows=REQUESTS)
def test_every_feature_is_what_a_slow_and_obvious_count_says(
    warehouse: Warehouse, events: list[Event], rows: list[tuple[str | None, date]]
) -> None:
    record(warehouse, events)

    found = ask(warehouse, rows, RECENT, EVER)

    assert len(found) == len(rows)
    for row, answer in zip(rows, found, strict=True):
        assert (answer["shop"], answer["as_of"]) == row
        expected = slow_features(RECENT, events, row) | slow_features(EVER, events, row)
        for name, value in expected.items():
            got = answer[name]
            same = got == value or (
                None not in (got, value) and math.isclose(got, value, rel_tol=1e-9, abs_tol=1e-9)
            )
            assert same, (name, row, got, value)


def test_an_unknown_view_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'recent'"):
        pick_views({"recent": RECENT}, ["recnt"])

    assert pick_views({"recent": RECENT, "ever": EVER}, ["ever", "recent"]) == [EVER, RECENT]


def test_the_views_of_the_packs_and_of_the_workspace_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "riders.py").write_text(
        "from ghala.features.definitions import FeatureView, Window\n"
        "rider = FeatureView(name='rider', entity=('agent',), source='core.sales',\n"
        "    event_time='day', known_on='arrived', description='', owner='',\n"
        "    windows=(Window('sold_28', 'sum', 'units', 28),))\n",
        encoding="utf-8",
    )
    found = find_views(Workspace(tmp_path))

    assert found["rider"].columns == ("sold_28",)
    assert len(found) > 1


def test_the_digest_of_definitions_changes_with_what_a_feature_means() -> None:
    other = make_view("recent", Window("units_7", "sum", "units", 8))
    same = make_view("recent", Window("units_7", "sum", "units", 8))

    assert definitions_hash([other]) == definitions_hash([same]) != definitions_hash([RECENT])


def test_the_statement_names_no_day_so_that_it_can_be_planned_once(warehouse: Warehouse) -> None:
    assert str(START.year) not in history_sql("request", [RECENT, EVER], dialect=warehouse.dialect)

"""What was known on a day stays askable after corrections, cancellations and late arrivals."""

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.retail_warehouse.conftest import SINCE, Company, day

KNOWN = "known_on <= $1 AND (superseded_on IS NULL OR superseded_on > $1)"
STATES = {
    "orders": "source, order_id",
    "order_lines": "source, order_id, line",
    "returns": "source, return_id",
    "competitor_prices": "source, competitor, sku, scraped_on",
    "stock_days": "source, sku, location_id, day",
    "receipts": "source, purchase_id, sku, received_on",
    "purchase_orders": "source, purchase_id, sku",
    "calendar_events": "source, event, day",
    "promotion_plans": "source, promotion_id, sku, location_id",
}


def units_known(company: Company, place: str, on: int) -> list[int]:
    found = company.ask(
        f"SELECT units FROM core.order_lines WHERE {KNOWN} AND order_id || '/' || line = $2",
        day(on), place,
    )  # fmt: skip
    return [units for (units,) in found]


def sold_of_a(company: Company, relation: str, on: int) -> dict[str, Any]:
    found = company.ask(
        f"SELECT location_id, sum(units) FROM core.{relation}"
        " WHERE sku = 'A' AND known_on <= $1 GROUP BY ALL HAVING sum(units) <> 0",
        day(on),
    )
    return dict(found)


def test_the_day_of_an_order_is_the_company_s_not_the_clock_s(company: Company) -> None:
    [(ordered_on, week)] = company.ask(
        "SELECT DISTINCT ordered_on, week FROM core.orders WHERE order_id = '100'"
    )
    assert (ordered_on, week) == (day(2), day(1))


@pytest.mark.parametrize(
    ("on", "units"), [(2, []), (3, [3]), (4, [3]), (6, [4]), (7, [2]), (12, [2])]
)
def test_a_corrected_line_counts_anew_from_the_day_of_its_correction(
    company: Company, on: int, units: list[int]
) -> None:
    assert units_known(company, "100/1", on) == units


@pytest.mark.parametrize(
    ("on", "units", "cancelled"), [(4, 2, False), (6, 5, False), (8, 0, True), (12, 0, True)]
)
def test_a_cancelled_order_sells_nothing_from_the_day_the_cancellation_is_known(
    company: Company, *, on: int, units: int, cancelled: bool
) -> None:
    [found] = company.ask(
        f"SELECT units, is_cancelled, revenue FROM core.order_lines"
        f" WHERE {KNOWN} AND order_id = '101'",
        day(on),
    )
    assert found == (units, cancelled, Decimal("116.00") * units)


def test_what_was_ordered_is_kept_when_the_order_is_cancelled(company: Company) -> None:
    [(ordered,)] = company.ask(
        "SELECT units_ordered FROM core.order_lines"
        " WHERE order_id = '101' AND superseded_on IS NULL"
    )
    assert ordered == 5


def test_a_line_is_known_once_its_order_is(company: Company) -> None:
    assert units_known(company, "200/1", 5) == []
    assert units_known(company, "200/1", 6) == [4]
    [(channel, agent, ordered_on)] = company.ask(
        "SELECT channel, agent_id, ordered_on FROM core.order_lines WHERE order_id = '200'"
    )
    assert (channel, agent, ordered_on) == ("agent", "7", day(3))


def test_a_late_order_was_not_known_on_its_day(company: Company) -> None:
    assert units_known(company, "201/1", 11) == []
    assert units_known(company, "201/1", 12) == [1]


def test_an_order_and_its_line_may_change_on_the_same_day(company: Company) -> None:
    question = (
        f"SELECT location_id, units FROM core.order_lines WHERE {KNOWN}"
        " AND order_id = '100' AND line = '2'"
    )
    assert company.ask(question, day(10)) == [("D1", 1)]
    assert company.ask(question, day(11)) == [("D2", 0)]


@pytest.mark.parametrize("relation", ["sku_location_day", "sku_location_week"])
@pytest.mark.parametrize(
    ("on", "by_location"),
    [
        (2, {}),
        (4, {"D1": 5}),
        (5, {"D1": 9}),
        (7, {"D1": 7}),
        (8, {"D1": 2}),
        (11, {"D2": 2}),
        (12, {"D1": 1, "D2": 2}),
    ],
)
def test_the_sum_of_the_rows_known_by_a_day_is_what_was_known(
    company: Company, *, relation: str, on: int, by_location: dict[str, int]
) -> None:
    assert sold_of_a(company, relation, on) == by_location


@pytest.mark.parametrize("relation", ["sku_location_day", "sku_location_week"])
def test_on_every_day_the_sums_are_those_of_the_lines(company: Company, relation: str) -> None:
    period = "ordered_on AS day" if relation.endswith("day") else "week"
    name = relation.rpartition("_")[2]
    for on in range(1, 14):
        lines = company.ask(
            f"SELECT sku, location_id, {period}, sum(units), sum(revenue), sum(discount)"
            f" FROM core.order_lines WHERE {KNOWN} GROUP BY ALL HAVING sum(units) > 0 ORDER BY ALL",
            day(on),
        )
        sums = company.ask(
            f"SELECT sku, location_id, {name}, sum(units), sum(revenue), sum(discount)"
            f" FROM core.{relation} WHERE known_on <= $1"
            " GROUP BY ALL HAVING sum(units) > 0 ORDER BY ALL",
            day(on),
        )
        assert lines == sums, on


@pytest.mark.parametrize("relation", sorted(STATES))
def test_a_fact_is_known_in_one_state_at_a_time(company: Company, relation: str) -> None:
    for on in range(1, 14):
        twice = company.ask(
            f"SELECT {STATES[relation]} FROM core.{relation} WHERE {KNOWN}"
            f" GROUP BY {STATES[relation]} HAVING count(*) > 1",
            day(on),
        )
        assert twice == []


@pytest.mark.parametrize(
    ("known", "at", "depot"),
    [
        (6, 6, "D1"),  # the move had not been told yet
        (7, 5, "D1"),
        (7, 6, "D2"),
        (11, 5, "D1"),
        (12, 3, "D1"),
        (12, 4, "D9"),  # told last, between the other two
        (12, 5, "D9"),
        (12, 6, "D2"),
    ],
)
def test_where_a_customer_lived_on_a_day_depends_on_what_was_known(
    company: Company, *, known: int, at: int, depot: str
) -> None:
    found = company.ask(
        f"SELECT location_id FROM core.customer_history WHERE {KNOWN} AND customer_id = '1'"
        " AND valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2)",
        day(known), day(at),
    )  # fmt: skip
    assert found == [(depot,)]


def test_a_dimension_shows_one_current_row_each(company: Company) -> None:
    people = company.ask("SELECT customer_id, location_id FROM core.customers ORDER BY ALL")
    assert people == [("1", "D2"), ("2", "D1"), ("3", "D2")]
    assert company.ask("SELECT count(*) FROM core.products") == [(3,)]


@pytest.mark.parametrize(("known", "cost"), [(10, "70.00"), (11, "80.00")])
def test_a_corrected_cost_holds_for_the_past_but_was_not_known_then(
    company: Company, known: int, cost: str
) -> None:
    found = company.ask(
        f"SELECT unit_cost, valid_to FROM core.prices WHERE {KNOWN} AND valid_from = $2"
        " AND zone = 'nairobi'",
        day(known), SINCE,
    )  # fmt: skip
    assert found == [(Decimal(cost), day(10))]


def test_a_feast_moves_to_the_day_on_which_the_moon_was_sighted(company: Company) -> None:
    question = f"SELECT day FROM core.calendar_events WHERE {KNOWN} AND event = 'eid'"
    assert company.ask(question, day(7)) == [(day(8),)]
    assert company.ask(question, day(8)) == [(day(9),)]
    days = company.ask(
        "SELECT day, event, is_religious_day, days_to_event, days_since_payday FROM core.calendar"
        " WHERE day BETWEEN $1 AND $2 ORDER BY day",
        day(5), day(9),
    )  # fmt: skip
    assert days[0] == (day(5), None, False, 4, 0)
    assert days[-2:] == [(day(8), None, False, 1, 3), (day(9), "eid", True, 0, 4)]


def test_a_receipt_finds_its_order_even_when_that_arrives_later(company: Company) -> None:
    found = company.ask(
        "SELECT lead_time_days, days_late, supplier_id, location_id, units, units_ordered"
        " FROM core.receipts"
    )
    assert found == [(15, 2, "S1", "D1", 40, 50)]


@pytest.mark.parametrize(("on", "closing", "out"), [(5, 0, True), (11, 0, True), (12, 1, False)])
def test_a_recounted_shelf_was_thought_empty_until_then(
    company: Company, *, on: int, closing: int, out: bool
) -> None:
    found = company.ask(
        f"SELECT closing, is_stockout FROM core.stock_days WHERE {KNOWN} AND day = $2",
        day(on), day(4),
    )  # fmt: skip
    assert found == [(closing, out)]

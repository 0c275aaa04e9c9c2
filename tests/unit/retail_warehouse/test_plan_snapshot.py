"""Decisions enter the plan only where the company carries them out, and as they were known."""

from datetime import date
from typing import Any

import duckdb
import jinja2
import pytest

from ghala.contracts import discovery

MODELS = "warehouse/models/features"
FIRST, SECOND = date(2024, 5, 6), date(2024, 5, 13)
KNOWN = "known_on <= $day AND (superseded_on IS NULL OR superseded_on > $day)"


def render(model: str, *, decisions: bool) -> str:
    """The model's SQL as dbt would send it to DuckDB, with relations by their bare names."""
    [file] = [
        file for pack in discovery.packs().values() for file in pack.glob(f"{MODELS}/{model}.sql")
    ]
    names: dict[str, Any] = {
        "config": lambda **_: "",
        "var": {"decisions_planned": decisions, "displays_planned": False}.__getitem__,
        "ref": str,
        "is_incremental": lambda: False,
        "each_day": lambda first, last: f"unnest(generate_series({first}, {last}, INTERVAL 1 DAY))",
        "decisions_of": lambda name: name.replace("/", "__") if decisions else None,
    }
    text = file.read_text(encoding="utf-8")
    return jinja2.Environment().from_string(text).render(names)  # noqa: S701 - SQL, not HTML


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """Two depots in one zone; pricing and events have spoken twice."""
    made = duckdb.connect()
    made.execute(
        "CREATE TABLE locations AS FROM (VALUES ('company', 'D1', 'coast'),"
        " ('company', 'D2', 'coast')) AS made (source, location_id, zone)"
    )
    made.execute(
        "CREATE TABLE finance__pricing AS FROM (VALUES"
        " ('A', 'coast', DATE '2024-05-06', 90.0, 'change', 'champion'),"
        " ('A', 'coast', DATE '2024-05-06', 70.0, 'change', 'shadow'),"
        " ('B', 'all', DATE '2024-05-06', 50.0, 'hold', 'champion'),"
        " ('A', 'coast', DATE '2024-05-13', 100.0, 'hold', 'champion'),"
        " ('B', 'all', DATE '2024-05-13', 45.0, 'change', 'champion')"
        ") AS made (sku, zone, as_of, decision, action, role)"
    )
    made.execute(
        "CREATE TABLE marketing__events AS FROM (VALUES"
        " ('FOOD', 'D1', DATE '2024-05-27', DATE '2024-05-06', 0.2, 1.0, 'A,B', 'champion'),"
        " ('FOOD', 'D1', DATE '2024-05-27', DATE '2024-05-13', 0.0, NULL, NULL, 'champion'),"
        " ('FOOD', 'D2', DATE '2024-05-27', DATE '2024-05-06', 0.1, 0.0, 'A', 'champion')"
        ") AS made (category, location_id, target_week, as_of, decision, featured, skus, role)"
    )
    made.execute(
        "CREATE TABLE promotion_plans (source VARCHAR, sku VARCHAR, location_id VARCHAR,"
        " starts_on DATE, ends_on DATE, discount_share DECIMAL(5, 4), is_featured BOOLEAN,"
        " is_cancelled BOOLEAN, known_on DATE, superseded_on DATE, batch INTEGER,"
        " superseded_batch INTEGER)"
    )
    made.execute(
        "INSERT INTO promotion_plans VALUES ('company', 'A', 'D2', '2024-05-27', '2024-06-02', 0.3,"
        " false, false, '2024-05-08', NULL, 4, NULL)"
    )
    return made


def ask(warehouse: duckdb.DuckDBPyConnection, model: str, columns: str, **how: Any) -> list[Any]:
    rows = render(model, decisions=how["decisions"])
    asked = f"SELECT {columns} FROM ({rows}) WHERE {KNOWN} ORDER BY ALL"
    return warehouse.execute(asked, {"day": how["day"]}).fetchall()


@pytest.mark.parametrize(
    ("day", "prices"),
    [
        (date(2024, 5, 5), []),
        (FIRST, [("A", "coast", 90.0)]),
        (SECOND, [("B", "coast", 45.0)]),  # the next scoring replaces the list
    ],
)
def test_a_decided_price_is_in_force_from_the_week_after(
    warehouse: duckdb.DuckDBPyConnection, day: date, prices: list[Any]
) -> None:
    found = ask(
        warehouse, "decided_prices", "DISTINCT sku, zone, list_price", day=day, decisions=True
    )
    assert found == prices
    weeks = ask(
        warehouse, "decided_prices", "min(week), count(DISTINCT week)", day=day, decisions=True
    )
    assert weeks == ([(date.fromordinal(day.toordinal() + 7), 4)] if prices else [(None, 0)])


@pytest.mark.parametrize(
    ("day", "plan"),
    [
        (FIRST, [("A", "D1", 1, 1, 0.2), ("A", "D2", 1, 0, 0.1), ("B", "D1", 1, 1, 0.2)]),
        # deeper of what was delivered and what was decided
        (
            date(2024, 5, 8),
            [("A", "D1", 1, 1, 0.2), ("A", "D2", 1, 0, 0.3), ("B", "D1", 1, 1, 0.2)],
        ),
        (
            SECOND,
            [("A", "D1", 0, 0, 0), ("A", "D2", 1, 0, 0.3), ("B", "D1", 0, 0, 0)],
        ),  # called off
    ],
)
def test_decided_events_stand_beside_delivered_promotions(
    warehouse: duckdb.DuckDBPyConnection, day: date, plan: list[Any]
) -> None:
    columns = "sku, location_id, promoted_share, featured_share, discount_share"
    found = ask(warehouse, "planned_promotions", columns, day=day, decisions=True)
    assert [row[:2] for row in found] == [row[:2] for row in plan]
    assert [row[2:] for row in found] == [pytest.approx(row[2:]) for row in plan]


def test_a_company_that_does_not_carry_decisions_out_does_not_plan_with_them(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert ask(warehouse, "decided_prices", "*", day=SECOND, decisions=False) == []
    columns = "sku, location_id, discount_share"
    found = ask(warehouse, "planned_promotions", columns, day=SECOND, decisions=False)
    assert found == [("A", "D2", pytest.approx(0.3))]

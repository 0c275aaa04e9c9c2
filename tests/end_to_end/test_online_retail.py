"""Two years of a British wholesaler: fetched, cut, landed and built, to the row."""

import lzma
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ghala.contracts.settings import Company, Workspace
from ghala.warehouse.build import build
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.landing import land
from ghala.warehouse.workspace import create_workspace
from ghala_retail.sources.online_retail.deliveries import FILE, data_folder, deliver

LAST = date(2010, 12, 13)
BOTH = ("12/1/2010", "12/9/2010")
"""The first and the last of the days that both yearly sheets hold."""
DAYS = ("3/26/2010", "3/28/2010", "3/29/2010", "11/30/2010", *BOTH, "12/10/2010", "12/12/2010")
"""Days before and after the clocks go forward, and days around those of both sheets."""
_OF_BOTH = "BETWEEN '2010-12-01' AND '2010-12-09 23:59:59'"


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published file, fetched once."""
    return data_folder(tmp_path_factory.mktemp("online_retail"))


@pytest.fixture(scope="session")
def lines(published: Path) -> list[str]:
    """The published lines of a few days, in their order, with the header before them."""
    with lzma.open(published / FILE, "rt", encoding="utf-8", newline="") as stream:
        header, *rest = stream
    return [header, *(one for one in rest if any(f",{day} " in one for day in DAYS))]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> Workspace:
    """A workspace that has landed and built these days."""
    cut = tmp_path_factory.mktemp("cut")
    with lzma.open(cut / FILE, "wt", preset=0, encoding="utf-8", newline="") as stream:
        stream.writelines(lines)
    company = Company(name="Gifts", currency="GBP", timezone="Europe/London", demo=True)
    made = create_workspace(
        cut / "gifts",
        company=company,
        sources=["online_retail"],
        use_cases=["operations/demand"],
    )
    deliver(made.inbox / "online_retail", cut)
    with DuckDBWarehouse(made.warehouse) as warehouse:
        receipts = list(land(made, warehouse, LAST))
    assert len(receipts) == 4
    assert build(made).failures == ()
    return made


def ask(shop: Workspace, sql: str) -> list[tuple[Any, ...]]:
    with DuckDBWarehouse(shop.warehouse) as warehouse:
        return warehouse.rows(sql)


def test_the_package_holds_both_years_and_every_published_line(published: Path) -> None:
    with lzma.open(published / FILE, "rt", encoding="utf-8", newline="") as stream:
        assert sum(1 for _ in stream) == 1 + 525_461 + 541_910


def test_every_published_line_is_loaded_or_quarantined(shop: Workspace, lines: list[str]) -> None:
    [(came, loaded, refused)] = ask(
        shop, "SELECT sum(rows_in), sum(rows_loaded), sum(rows_quarantined) FROM raw.batches"
    )

    assert came == len(lines) - 1
    assert ask(shop, "SELECT count(*) FROM raw.online_retail__invoices") == [(loaded,)]
    assert ask(shop, "SELECT count(*) FROM raw.quarantine") == [(refused,)]


def test_lines_that_both_sheets_hold_are_loaded_once(shop: Workspace, lines: list[str]) -> None:
    twice = [one for one in lines if any(f",{day} " in one for day in BOTH)]

    [(loaded,)] = ask(
        shop, f"SELECT count(*) FROM raw.online_retail__invoices WHERE invoiced_at {_OF_BOTH}"
    )
    refused = dict(
        ask(
            shop,
            "SELECT list_contains(reasons, 'duplicate_key'), count(*) FROM raw.quarantine"
            f" WHERE record ->> 'invoiced_at' {_OF_BOTH} GROUP BY 1",
        )
    )

    assert refused[True] == loaded, "the second copy of each good line"
    assert 2 * loaded + refused[False] == len(twice)


def test_what_is_no_sale_of_goods_is_quarantined_with_a_reason(shop: Workspace) -> None:
    told = dict(
        ask(
            shop,
            "SELECT record ->> 'stock_code', reasons[1] FROM raw.quarantine"
            " WHERE NOT list_contains(reasons, 'duplicate_key') AND len(reasons) = 1",
        )
    )

    assert told["POST"] == told["DOT"] == "no_charge"
    assert told["M"] == "no_adjustment"
    assert not [code for code in told if str(code)[:5].isdigit() and told[code] == "no_charge"]
    assert ask(
        shop,
        "SELECT count(*) FROM core.order_lines WHERE sku IN ('POST', 'DOT', 'M', 'D')"
        " OR units <= 0 OR revenue < 0",
    ) == [(0,)]


def test_the_lines_of_the_warehouse_add_up_to_the_loaded_ones(shop: Workspace) -> None:
    wanted = ask(
        shop,
        "SELECT sum(quantity), sum(quantity * price), count(DISTINCT customer_id)"
        " FROM raw.online_retail__invoices WHERE quantity > 0",
    )
    assert (
        ask(
            shop,
            "SELECT sum(units), sum(revenue), count(DISTINCT customer_id) FROM core.order_lines",
        )
        == wanted
    )


def test_cancellations_are_returns_with_their_refund(shop: Workspace) -> None:
    assert ask(shop, "SELECT count(*), sum(units), sum(refund) FROM core.returns") == ask(
        shop,
        "SELECT count(*), -sum(quantity), -sum(quantity * price) FROM raw.online_retail__invoices"
        " WHERE invoice LIKE 'C%'",
    )
    assert ask(shop, "SELECT count(*) > 20, min(units) > 0, min(refund) > 0 FROM core.returns") == [
        (True, True, True)
    ]


def test_the_wall_clock_of_london_becomes_utc(shop: Workspace) -> None:
    """Clocks went forward on 2010-03-28: on the 26th London has UTC, on the 29th an hour more."""
    first = dict(
        ask(shop, "SELECT ordered_on, min(ordered_at) FROM core.order_lines GROUP BY ordered_on")
    )
    local = dict(
        ask(
            shop,
            "SELECT CAST(invoiced_at AS DATE), min(invoiced_at) FROM raw.online_retail__invoices"
            " WHERE quantity > 0 GROUP BY 1",
        )
    )

    def ahead(day: date) -> float:
        return float((local[day] - first[day]).total_seconds() / 3600)

    assert ahead(date(2010, 3, 26)) == 0
    assert ahead(date(2010, 3, 28)) == 1
    assert ahead(date(2010, 3, 29)) == 1
    assert ahead(date(2010, 12, 1)) == 0


def test_a_line_without_a_customer_keeps_its_sale(shop: Workspace) -> None:
    [(nobody, named)] = ask(
        shop,
        "SELECT count(*) FILTER (customer_id IS NULL), count(customer_id) FROM core.order_lines",
    )
    assert nobody > 100
    assert named > nobody
    assert ask(shop, "SELECT count(*) FROM core.customers WHERE customer_id IS NULL") == [(0,)]

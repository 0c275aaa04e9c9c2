"""Three sources in one warehouse, each build over the one before: alike on both engines."""

import csv
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ghala.contracts.settings import Company, Workspace
from ghala.warehouse.build import build
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land
from ghala.warehouse.workspace import create_workspace
from ghala_retail.sources.completejourney import deliveries
from tests.conformance.test_engines import LAYERS, Tables, profile, read_tables, unequal
from tests.servers import ENGINES
from tests.unit.retail_warehouse import conftest as twelve_days

SOURCES = ("completejourney", "company", "online_retail")
STEPS = (date(2017, 4, 3), date(2024, 1, 12))
FIRST_INVOICES = date(2010, 2, 1)
INVOICE = (
    "invoice", "line", "stock_code", "description", "quantity", "invoiced_at", "price",
    "customer_id", "country",
)  # fmt: skip


@pytest.fixture(scope="module")
def tiny_quarter(small_year: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 13 weeks of twelve SKUs of The Complete Journey in three stores."""
    cut = tmp_path_factory.mktemp("tiny_quarter")
    with duckdb.connect() as connection:
        for table, column, most in (("skus", "product_id", 12), ("stores", "store_id", 3)):
            connection.execute(
                f"CREATE TABLE {table} AS SELECT {column} FROM '{small_year}/transactions.parquet'"
                f" WHERE week < 14 GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {most}"
            )
        both = "SEMI JOIN skus USING (product_id) SEMI JOIN stores USING (store_id) WHERE week < 14"
        only = {
            "transactions": both,
            "promotions": both,
            "products": "SEMI JOIN skus USING (product_id)",
        }
        for file in small_year.glob("*.parquet"):
            query = f"FROM '{file}' {only.get(file.stem, '')}"
            connection.execute(f"COPY ({query}) TO '{cut / file.name}'")
    return cut


def invoice_lines() -> Iterator[tuple[object, ...]]:
    """Eight weeks of a few codes, with what comes back and one line that is no goods."""
    for week in range(8):
        at = datetime.combine(FIRST_INVOICES, datetime.min.time()) + timedelta(weeks=week, hours=11)
        number = 536000 + week
        for line, code in enumerate(("85123A", "22423", "85123a"), start=1):
            yield (number, line, code, "HOLDER", 5 * line + week, at, "2.55", 17850, "Kenya")
        yield (f"C{number}", 1, "22423", "HOLDER", -1, at, "2.55", 17850, "United Kingdom")
        yield (number, 4, "POST", "POSTAGE", 1, at, "18.00", "", "France")


def deliver(workspace: Workspace, quarter: Path) -> None:
    """Everything that the three sources will ever send."""
    deliveries.deliver(workspace.inbox / "completejourney", quarter)
    for file in (workspace.inbox / "completejourney").glob("*.parquet"):
        if pl.read_parquet(file).is_empty():  # of weeks that were cut off
            file.unlink()
    shop = workspace.inbox / "online_retail" / f"invoices_{FIRST_INVOICES + timedelta(weeks=9)}.csv"
    shop.parent.mkdir(parents=True)
    with shop.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([INVOICE, *invoice_lines()])
    company = twelve_days.Company(workspace.root.with_name("twelve_days"))
    for _, deliver_news in twelve_days.STAGES:
        deliver_news(company)
    (company.workspace.inbox / "company").rename(workspace.inbox / "company")


@pytest.fixture(scope="module")
def tables(
    tmp_path_factory: pytest.TempPathFactory, tiny_quarter: Path, postgres_server: str
) -> dict[str, Tables]:
    """What each engine holds at the end."""
    made = create_workspace(
        tmp_path_factory.mktemp("three") / "duka",
        company=Company(name="Duka", demo=True),
        sources=list(SOURCES),
        use_cases=["operations/demand"],
    )
    deliver(made, tiny_quarter)
    found = {}
    for engine in ENGINES:
        with profile(engine, postgres_server):
            workspace = Workspace(made.root)
            for as_of in STEPS:
                with open_warehouse(workspace) as warehouse:
                    assert list(land(workspace, warehouse, as_of, allow_late=True))
                assert build(workspace).failures == ()
            with open_warehouse(workspace) as warehouse:
                found[engine] = read_tables(warehouse)
    return found


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "platform."])
def test_every_table_of_a_layer_is_equal_to_the_row(tables: dict[str, Tables], layer: str) -> None:
    assert unequal(tables, layer) == {}


def test_every_source_is_in_the_core(tables: dict[str, Tables]) -> None:
    for name in ("order_lines", "products", "customers", "locations", "calendar_events"):
        table = tables["postgres"]["core." + name]
        assert set(table["source"]) == set(SOURCES), name
    assert tables["postgres"]["features.demand_history"].height > 0
    assert tables["postgres"]["raw.quarantine"].height >= 8, "postage is no goods"

"""A workspace with a source of its own: a shop that delivers products, sales and stock counts."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.servers import ENGINES

from ghala.contracts.records import BatchReceipt
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land

CONTRACT = """
description: One shop's till and stock room.
provenance: Made up for these tests.
licence: Apache-2.0
timezone: Africa/Nairobi
feeds:
  products:
    description: One row per SKU.
    format: csv
    key: [sku]
    columns:
      sku: {type: varchar, required: true}
      name: {type: varchar}
      size: {type: varchar}
  sales:
    description: One row per line of a receipt.
    format: csv
    every_days: 7
    key: [receipt, line]
    max_quarantined: 0.8
    columns:
      receipt: {type: varchar, required: true}
      line: {type: integer, required: true}
      sku: {type: varchar, required: true}
      units: {type: integer, required: true}
      price: {type: "decimal(12,2)"}
      sold_on: {type: date, required: true}
    references:
      sku: {feed: products, column: sku, name: product}
    rules:
      - {name: plausible_units, check: this.units BETWEEN 1 AND 100, reason: nobody buys more}
  counts:
    description: One row per SKU and day on which it was counted.
    format: parquet
    key: [sku, counted_on]
    columns:
      sku: {type: varchar, required: true}
      counted_on: {type: date, required: true}
      units: {type: integer}
      worth: {type: "decimal(12,2)"}
"""
PRODUCTS = "sku,name,size\n00123,Sugar,T\n1E5,Salt,F\nNA,Tea,NULL\n"
SALES = "receipt,line,sku,units,price,sold_on\n"
MONDAY = date(2024, 1, 8)
ON_POSTGRES = '[warehouse]\nengine = "postgres"\ndsn_variable = "GHALA_TEST_DSN"\n'


class Shop:
    """What a shop's own people do: put files into the inbox, land them, look at the tables."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)

    def deliver(self, name: str, content: str | bytes | pl.DataFrame) -> Path:
        """Put a file into the inbox."""
        file = self.workspace.inbox / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pl.DataFrame):
            content.write_parquet(file)
        else:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def sell(self, *lines: str, on: date = MONDAY) -> Path:
        """Deliver a file of sales."""
        return self.deliver(f"sales_{on}.csv", SALES + "".join(f"{line}\n" for line in lines))

    def land(
        self, as_of: date = MONDAY, *, allow_late: bool = True, whole: Sequence[str] = ()
    ) -> list[BatchReceipt]:
        """Land what has arrived."""
        with open_warehouse(self.workspace) as warehouse:
            found = land(self.workspace, warehouse, as_of, allow_late=allow_late, whole=whole)
            return list(found)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with open_warehouse(self.workspace) as warehouse:
            return warehouse.rows(sql)

    def column(self, feed: str, name: str) -> list[Any]:
        """One column of the accepted rows, in the order of loading."""
        return [row[0] for row in self.query(f"SELECT {name} FROM raw.shop__{feed}")]

    def refused(self) -> dict[int, list[str]]:
        """The reasons of every quarantined row, by its number in its file."""
        return dict(self.query("SELECT row_number, reasons FROM raw.quarantine"))

    def landed(self) -> list[str]:
        """The files in landing/."""
        return sorted(file.name for file in self.workspace.landing.rglob("*") if file.is_file())


def open_shop(root: Path, *, settings: str = "") -> Shop:
    """A shop whose products are delivered but not landed yet."""
    folder = root / "sources" / "shop"
    (folder / "staging").mkdir(parents=True)
    (folder / "contract.yml").write_text(CONTRACT, encoding="utf-8")
    (folder / "staging" / "stg_shop__products.sql").write_text(
        "SELECT sku, name AS product FROM {{ source('raw', 'shop__products') }}\n",
        encoding="utf-8",
    )
    (root / "ghala.toml").write_text(
        'sources = ["shop"]\nuse_cases = ["operations/demand"]\n[company]\nname = "Duka"\n'
        + settings,
        encoding="utf-8",
    )
    made = Shop(root)
    made.deliver("products_2024-01-01.csv", PRODUCTS)
    return made


@pytest.fixture
def embedded_shop(tmp_path: Path) -> Shop:
    """A shop whose warehouse is a DuckDB file."""
    return open_shop(tmp_path / "duka")


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop on each engine: what lands, and why a row does not, is the same."""
    if request.param == "duckdb":
        return open_shop(tmp_path / "duka")
    monkeypatch.setenv("GHALA_TEST_DSN", request.getfixturevalue("postgres_dsn"))
    return open_shop(tmp_path / "duka", settings=ON_POSTGRES)

"""The desk where delivered files are checked: always DuckDB, whatever holds the warehouse."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ghala.contracts.dialect import quoted
from ghala.warehouse.checking import create_raw_table, raw_table
from ghala.warehouse.contract import Feed
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.engine import Parameters, Warehouse
from ghala.warehouse.parquet import BATCH_ROWS

if TYPE_CHECKING:
    from ghala.warehouse.engines.postgres import PostgresWarehouse


@dataclass(frozen=True)
class Desk:
    """A DuckDB warehouse checks its own files.

    Args:
        files: the DuckDB in which the files are read and checked.
    """

    files: DuckDBWarehouse

    def lend(self, source: str, feeds: dict[str, Feed], *, feed: str) -> None:
        """Let the checks see what was loaded before, as far as the delivered rows ask for it."""

    def load(self, table: str, query: str, parameters: Parameters = ()) -> None:
        """Add the rows of a query on the desk to a table in the schema ``raw``."""
        self.files.execute(f"INSERT INTO raw.{quoted(table)} BY NAME {query}", parameters)


@dataclass(frozen=True)
class DeskBeside(Desk):
    """A DuckDB beside the database: known rows are lent to it, checked rows are copied back."""

    warehouse: "PostgresWarehouse"

    def lend(self, source: str, feeds: dict[str, Feed], *, feed: str) -> None:
        """Bring the known rows of this feed and its masters whose key is delivered now."""
        asked: dict[str, list[dict[str, str]]] = {}
        for column, to in feeds[feed].references.items():
            asked.setdefault(to.feed, []).append({to.column: column})
        if feeds[feed].key:
            asked.setdefault(feed, []).append({column: column for column in feeds[feed].key})
        for name, keys in asked.items():
            self.files.execute(f"DROP TABLE IF EXISTS {raw_table(source, name)}")
            create_raw_table(self.files, source, name, feed=feeds[name])
            self._lend(raw_table(source, name), keys, feed=feeds[name])

    def load(self, table: str, query: str, parameters: Parameters = ()) -> None:
        """Copy the rows of a query on the desk into a table in the schema ``raw``."""
        found = self.files.connection.sql(query, params=parameters)
        self.warehouse.copy_in(found.to_arrow_reader(BATCH_ROWS), table, schema="raw")

    def _lend(self, table: str, keys: Sequence[dict[str, str]], *, feed: Feed) -> None:
        with ExitStack() as stack:
            claims = []
            for number, columns in enumerate(keys):
                frame = self.files.frame(_delivered_keys(columns, feed))
                stack.enter_context(self.warehouse.relation(f"asked_{number}", frame))
                names = ", ".join(quoted(column) for column in columns)
                claims.append(f"({names}) IN (SELECT {names} FROM asked_{number})")  # noqa: S608
            known = self.warehouse.frame(
                f"SELECT * FROM {table} WHERE {' OR '.join(claims)}"  # noqa: S608 - contract names
            )
        with self.files.relation("known", known):
            self.files.execute(f"INSERT INTO {table} BY NAME SELECT * FROM known")  # noqa: S608


def desk_of(warehouse: Warehouse) -> Desk:
    """The desk of a warehouse; one beside a database is there until the warehouse is closed."""
    if isinstance(warehouse, DuckDBWarehouse):
        return Desk(warehouse)
    from ghala.warehouse.engines.postgres import PostgresWarehouse

    assert isinstance(warehouse, PostgresWarehouse)  # noqa: S101 - there are two engines
    if warehouse.desk is None:
        keep = warehouse.until_closed.enter_context
        folder = Path(keep(TemporaryDirectory(prefix="ghala-desk-")))
        warehouse.desk = keep(DuckDBWarehouse(folder / "desk.duckdb"))
    return DeskBeside(warehouse.desk, warehouse)


def _delivered_keys(columns: dict[str, str], feed: Feed) -> str:
    cast = ", ".join(
        f"TRY_CAST({quoted(own)} AS {feed.columns[column].type}) AS {quoted(column)}"
        for column, own in columns.items()
    )
    return f"SELECT DISTINCT {cast} FROM delivered"  # noqa: S608 - names from the contract

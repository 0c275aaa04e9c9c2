"""The embedded warehouse: one DuckDB file that only the pipeline opens."""

import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ghala.contracts.dialect import filtered, quoted
from ghala.contracts.errors import DataRejected, GhalaError, TryAgain, full_disk
from ghala.warehouse.engines.engine import Parameters, Warehouse
from ghala.warehouse.engines.schema import SCHEMA
from ghala.warehouse.parquet import BATCH_ROWS, write_parquet

_DAMAGED = "Corrupt database file"
_HOLDER = re.compile(r"PID (\d+)")
PATIENCE = 3.0  # seconds: how long the file is asked for again while another process has it


class DuckDBDialect:
    """How DuckDB says what the engines say differently."""

    def newest(self, value: str, order: Sequence[str], *, where: str | None) -> str:
        """The value at the greatest row."""
        return filtered(f"arg_max({value}, ({', '.join(order)}))", where)

    def median(self, value: str, *, where: str | None) -> str:
        """The median."""
        return filtered(f"median({value})", where)

    def column_type(self, declared: str) -> str:
        """Contracts use DuckDB's names."""
        return declared


class DuckDBWarehouse(Warehouse):
    """A connection to the warehouse file, used as a context manager.

    Args:
        path: the file; it is made when it is not there.
        memory_limit: what DuckDB may use before it spills to disk.
        to_read: open what is there without writing, beside others who only read.

    Raises:
        TryAgain: another process has had the file open for all of a short while.
        DataRejected: the file is not a readable DuckDB database.
    """

    dialect = DuckDBDialect()

    def __init__(self, path: Path, *, memory_limit: str = "2GB", to_read: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "temp_directory": str(path.parent / "spill"),
        }
        to_read = to_read and path.exists()
        self.connection = _connect(path, settings, read_only=to_read)
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("SET enable_progress_bar = false")  # it writes to standard output
        if not to_read:
            self.connection.execute(SCHEMA)

    def close(self) -> None:
        """Close the file, so that dbt may open it."""
        self.connection.close()

    def execute(self, sql: str, parameters: Parameters = ()) -> None:
        """Run one statement to its end."""
        self.rows(sql, parameters)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with self._reading():
            return self.connection.execute(sql, parameters).fetchall()

    def frame(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Run a query and return its rows as a polars frame."""
        with self._reading():
            found = self.connection.sql(sql, params=parameters or None).to_arrow_table()
        return pl.DataFrame(pl.from_arrow(found, rechunk=False))

    def keep(self, name: str, sql: str, parameters: Parameters = ()) -> None:
        """Keep a query's rows as the temporary table ``name`` until the warehouse is closed."""
        self.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {sql}", parameters)

    @contextmanager
    def relation(self, name: str, frame: pl.DataFrame) -> Iterator[None]:
        """Let SQL read a frame under ``name`` for the length of the block."""
        self.connection.register(name, frame.to_arrow())
        try:
            yield
        finally:
            self.connection.unregister(name)

    def export(self, schema: str, table: str, *, target: Path) -> None:
        """Write a table or view to a Parquet file with page checksums, in bounded memory."""
        with self._reading():
            relation = self.connection.sql(f'FROM "{schema}"."{table}"')
            write_parquet(relation.to_arrow_reader(BATCH_ROWS), target)

    def show(self, relations: Sequence[tuple[str, str]], *, build: int, as_of: date) -> None:
        """Nobody but the pipeline opens the file: its readers have the exported files."""

    def explain(self, error: BaseException) -> GhalaError | None:
        """A full disk is no bug."""
        return full_disk(error) if isinstance(error, duckdb.Error) else None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Tell a damaged file, whose blocks DuckDB checks as it reads them, from a bug."""
        try:
            yield
        except duckdb.Error as error:
            if _DAMAGED in str(error):
                raise _explain(self.path, error) from error
            raise


def _connect(path: Path, settings: dict[str, Any], *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open the file, asking again for a while, at odd times, when another process has it open."""
    patience = time.monotonic() + PATIENCE
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=settings)
        except duckdb.Error as error:
            if not isinstance(error, duckdb.IOException) and _DAMAGED not in str(error):
                raise
            if _HOLDER.search(str(error)) is None or time.monotonic() > patience:
                raise _explain(path, error) from error
        time.sleep(random.uniform(0.05, 0.2))  # noqa: S311 - no secret


def _explain(path: Path, error: duckdb.Error) -> GhalaError:
    holder = _HOLDER.search(str(error))
    if holder:
        return TryAgain(
            f"The warehouse {path.name} is in use by process {holder.group(1)}.",
            "Wait until that run has ended, then run the command again.",
        )
    return full_disk(error) or DataRejected(
        f"The warehouse {path} {'is damaged' if _DAMAGED in str(error) else 'cannot be opened'}:"
        f" {error}.",
        "Move the file away, then `ghala land` and `ghala build`: landing/ holds every file.",
    )

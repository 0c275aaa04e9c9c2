"""The embedded warehouse: one DuckDB file that only the pipeline opens."""

import re
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


class DuckDBDialect:
    """How DuckDB says what the engines say differently."""

    def newest(self, value: str, order: Sequence[str], *, where: str | None) -> str:
        """The value at the greatest row."""
        return filtered(f"arg_max({value}, ({', '.join(order)}))", where)

    def median(self, value: str, *, where: str | None) -> str:
        """The median."""
        return filtered(f"median({value})", where)

    def misspelt(self, error: BaseException) -> str | None:
        """Names, types and grammar, without the statement."""
        wrong = isinstance(error, duckdb.ProgrammingError | duckdb.ConversionException)
        return str(error).partition("\n\nLINE")[0] if wrong else None

    def column_type(self, declared: str) -> str:
        """Contracts use DuckDB's names."""
        return declared


class DuckDBWarehouse(Warehouse):
    """A connection to the warehouse file, used as a context manager.

    Raises:
        TryAgain: another process has the file open.
        DataRejected: the file is not a readable DuckDB database.
    """

    dialect = DuckDBDialect()

    def __init__(self, path: Path, *, memory_limit: str = "2GB") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "temp_directory": str(path.parent / "spill"),
        }
        try:
            self.connection = duckdb.connect(str(path), config=settings)
        except duckdb.IOException as error:
            raise _explain(path, error) from error
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("SET enable_progress_bar = false")  # it writes to standard output
        self.connection.execute(SCHEMA)

    def close(self) -> None:
        """Close the file, so that dbt may open it."""
        self.connection.close()

    def execute(self, sql: str, parameters: Parameters = ()) -> None:
        """Run one statement to its end."""
        self.connection.execute(sql, parameters).fetchall()

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        return self.connection.execute(sql, parameters).fetchall()

    def frame(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Run a query and return its rows as a polars frame."""
        given = parameters or None
        return pl.DataFrame(self.connection.sql(sql, params=given).to_arrow_table())

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
        relation = self.connection.sql(f'FROM "{schema}"."{table}"')
        write_parquet(relation.to_arrow_reader(BATCH_ROWS), target)

    def show(self, relations: Sequence[tuple[str, str]], *, build: int, as_of: date) -> None:
        """Nobody but the pipeline opens the file: its readers have the exported files."""

    def explain(self, error: BaseException) -> GhalaError | None:
        """A full disk is no bug."""
        return full_disk(error) if isinstance(error, duckdb.Error) else None


def _explain(path: Path, error: duckdb.IOException) -> Exception:
    holder = re.search(r"PID (\d+)", str(error))
    if holder:
        return TryAgain(
            f"The warehouse {path.name} is in use by process {holder.group(1)}.",
            "Wait until that run has ended, then run the command again.",
        )
    return full_disk(error) or DataRejected(
        f"The warehouse {path} cannot be opened: {error}.",
        "Move the file away, then `ghala land` and `ghala build`: landing/ holds every file.",
    )

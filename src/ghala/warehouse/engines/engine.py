"""What every database that holds the warehouse can do."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import polars as pl

from ghala.contracts.dialect import Dialect
from ghala.contracts.errors import GhalaError

Parameters = Sequence[Any] | dict[str, Any]


class Warehouse(Protocol):
    """An open warehouse, used as a context manager; one pipeline at a time has it open.

    Parameters are written ``?`` in order, or ``$name``; one that may be None is cast to its type.
    """

    @property
    def dialect(self) -> Dialect:
        """How this engine says what the engines say differently."""

    def close(self) -> None:
        """Let go of the warehouse, so that another may open it."""

    def execute(self, sql: str, parameters: Parameters = ()) -> None:
        """Run one statement to its end."""

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""

    def frame(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Run a query and return its rows as a polars frame."""

    def keep(self, name: str, sql: str, parameters: Parameters = ()) -> None:
        """Keep a query's rows as the temporary table ``name`` until the warehouse is closed."""

    def relation(self, name: str, frame: pl.DataFrame) -> AbstractContextManager[None]:
        """Let SQL read a frame under ``name`` for the length of the block."""

    def export(self, schema: str, table: str, *, target: Path) -> None:
        """Write a table or view to a Parquet file with page checksums, in bounded memory."""

    def show(self, relations: Sequence[tuple[str, str]], *, build: int, as_of: date) -> None:
        """Give those who query the database these relations, as one whole build, all at once."""

    def explain(self, error: BaseException) -> GhalaError | None:
        """What to raise instead of an engine's own error; None for every other one."""

    def __enter__(self) -> Self:
        """Return the open warehouse."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside happen, or none.

        Raises:
            TryAgain: the disk is full, or the server went away.
        """
        self.execute("BEGIN")
        try:
            yield
            self.rows("SELECT 1")  # PostgreSQL would commit nothing, silently, after a failure
            self.execute("COMMIT")
        except BaseException as error:
            with suppress(Exception):  # a commit that failed has rolled back already
                self.execute("ROLLBACK")
            if known := self.explain(error):
                raise known from error
            raise

    def scalar(self, sql: str, parameters: Parameters = ()) -> Any:
        """Run a query and return the first value of its first row, or None."""
        found = self.rows(sql, parameters)
        return found[0][0] if found else None

    def has(self, schema: str, table: str) -> bool:
        """Whether a table or view exists."""
        asked = "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
        return self.scalar(asked, [schema, table]) is not None

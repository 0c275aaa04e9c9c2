"""What every database that holds the warehouse can do."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import polars as pl

from ghala.contracts.dialect import Dialect

Parameters = Sequence[Any] | dict[str, Any]


class Warehouse(Protocol):
    """An open warehouse, used as a context manager; one pipeline at a time has it open.

    Parameters are written ``?`` in order, or ``$name``; one that may be None is cast to its type.
    """

    @property
    def dialect(self) -> Dialect:
        """How this engine says what the engines say differently."""

    def __enter__(self) -> Self:
        """Return the open warehouse."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, so that another may open it."""

    def transaction(self) -> AbstractContextManager[None]:
        """All statements inside happen, or none."""

    def execute(self, sql: str, parameters: Parameters = ()) -> None:
        """Run one statement to its end."""

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""

    def frame(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Run a query and return its rows as a polars frame."""

    def scalar(self, sql: str, parameters: Parameters = ()) -> Any:
        """Run a query and return the first value of its first row, or None."""

    def keep(self, name: str, sql: str, parameters: Parameters = ()) -> None:
        """Keep a query's rows as the temporary table ``name`` until the warehouse is closed."""

    def relation(self, name: str, frame: pl.DataFrame) -> AbstractContextManager[None]:
        """Let SQL read a frame under ``name`` for the length of the block."""

    def has(self, schema: str, table: str) -> bool:
        """Whether a table or view exists."""

    def export(self, schema: str, table: str, *, target: Path) -> None:
        """Write a table or view to a Parquet file."""

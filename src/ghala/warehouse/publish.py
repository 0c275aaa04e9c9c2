"""Publish: readers see one whole build, behind one pointer that is swapped at once."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ghala.contracts.errors import TryAgain
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.manifest import verify_manifest, write_manifest

KEPT_BUILDS = 3
_POINTER = "current.json"


@dataclass(frozen=True)
class Published:
    """One published build: a folder of Parquet files, one per relation."""

    folder: Path
    number: int
    as_of: date

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that sees the build's relations as views, and nothing else."""
        connection = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
        connection.execute("SET enable_progress_bar = false")
        try:
            for file in sorted(self.folder.glob("*.parquet")):
                schema, _, name = file.stem.partition(".")
                connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
                connection.execute(
                    f'CREATE VIEW "{schema}"."{name}" AS'  # noqa: S608 - names are ours
                    f" SELECT * FROM read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')"
                )
            connection.execute(
                "SET allowed_directories = $folders", {"folders": [str(self.folder)]}
            )
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection
        finally:
            connection.close()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a query with parameters and return its rows as dictionaries."""
        with self.reading() as connection:
            found = connection.execute(sql, parameters)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def publish(workspace: Workspace, warehouse: Warehouse, *, as_of: date) -> Published:
    """Write every mart to a new folder, then move the pointer to it; readers never wait."""
    number = _last_number(workspace) + 1
    folder = workspace.published / f"{number:06d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for schema, name in warehouse.rows(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema LIKE 'marts_%' OR table_schema || '.' || table_name = 'raw.batches'"
        " ORDER BY table_schema, table_name"
    ):
        warehouse.export(schema, name, target=folder / f"{schema}.{name}.parquet")
    write_manifest(folder)
    pointer = {"build": number, "as_of": as_of.isoformat()}
    partial = workspace.published / f".{_POINTER}.partial"
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(pointer))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(workspace.published / _POINTER)
    _forget_old(workspace, number)
    return Published(folder, number, as_of)


def read_published(workspace: Workspace, *, verify: bool = False) -> Published:
    """The build that the pointer names now.

    Raises:
        TryAgain: nothing was published yet.
        DataRejected: with ``verify``, a file of the build is not what was written.
    """
    try:
        pointer = json.loads((workspace.published / _POINTER).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TryAgain(
            "Nothing is published yet in this workspace.", "Run `ghala run` first."
        ) from error
    number = int(pointer["build"])
    folder = workspace.published / f"{number:06d}"
    if verify:
        verify_manifest(folder)
    return Published(folder, number, date.fromisoformat(pointer["as_of"]))


def _last_number(workspace: Workspace) -> int:
    numbers = [int(f.name) for f in workspace.published.glob("[0-9]*") if f.name.isdigit()]
    return max(numbers, default=0)


def _forget_old(workspace: Workspace, number: int) -> None:
    for folder in workspace.published.glob("[0-9]*"):
        if folder.name.isdigit() and int(folder.name) <= number - KEPT_BUILDS:
            shutil.rmtree(folder, ignore_errors=True)

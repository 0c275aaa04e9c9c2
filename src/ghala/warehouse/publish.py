"""Publish: readers see one whole build, behind one pointer that is swapped at once."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from ghala.contracts.errors import DataRejected, TryAgain
from ghala.contracts.settings import Workspace
from ghala.warehouse.built import require_whole
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.manifest import (
    MANIFEST,
    digest,
    verify_manifest,
    write_durably,
    write_manifest,
)

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
        """A connection that sees the build's relations as views, and nothing else.

        Raises:
            DataRejected: a file of the build is not what was written; it is named.
        """
        _verify_once(self.folder, _state(self.folder))
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
    """Write every mart to a new folder, then move the pointer to it; readers never wait.

    Raises:
        CheckFailed: the last build did not come to its end, so that there is none to show.
    """
    require_whole(warehouse)
    number = _last_number(workspace) + 1
    folder = workspace.published / f"{number:06d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = warehouse.rows(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema LIKE 'marts_%' OR table_schema || '.' || table_name = 'raw.batches'"
        " ORDER BY table_schema, table_name"
    )
    relations = [(schema, name) for schema, name in found]
    for schema, name in relations:
        warehouse.export(schema, name, target=folder / f"{schema}.{name}.parquet")
    warehouse.show(relations, build=number, as_of=as_of)
    pointer = _seal({"build": number, "as_of": as_of.isoformat()}, write_manifest(folder))
    write_durably(workspace.published / _POINTER, json.dumps(pointer))
    _forget_old(workspace, number)
    return Published(folder, number, as_of)


def read_published(workspace: Workspace, *, verify: bool = False) -> Published:
    """The build that the pointer names now.

    Raises:
        TryAgain: nothing was published yet, or the build is gone.
        DataRejected: the pointer or the manifest is not what was written; with ``verify``, also
            when a file of the build is not.
    """
    place = workspace.published / _POINTER
    try:
        pointer = json.loads(place.read_text(encoding="utf-8"))
        number, as_of = int(pointer["build"]), date.fromisoformat(pointer["as_of"])
    except FileNotFoundError as error:
        raise TryAgain(
            "Nothing is published yet in this workspace.", "Run `ghala run` first."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _broken(place) from error
    folder = workspace.published / f"{number:06d}"
    if not (folder / MANIFEST).is_file():
        raise TryAgain(
            f"The published build {number} is missing on disk.", "Run `ghala run` again."
        )
    if pointer != _seal(pointer, digest(folder / MANIFEST)):
        raise _broken(place)
    if verify:
        verify_manifest(folder)
    return Published(folder, number, as_of)


def kept_builds(workspace: Workspace) -> list[Path]:
    """The folders of the builds that are on disk, oldest first."""
    return [f for f in sorted(workspace.published.glob("[0-9]*")) if f.name.isdigit()]


def _seal(pointer: dict[str, Any], manifest: str) -> dict[str, Any]:
    """The pointer with a digest over what it says and over the manifest of the build it names."""
    said = f"{pointer['build']} {pointer['as_of']} {manifest}"
    return {**pointer, "sha256": hashlib.sha256(said.encode()).hexdigest()}


def _broken(pointer: Path) -> DataRejected:
    return DataRejected(
        f"{pointer} does not fit the build it names: one of them is not what was written.",
        "Publish again with `ghala publish`.",
    )


@lru_cache(maxsize=2 * KEPT_BUILDS)
def _verify_once(folder: Path, _state: tuple[tuple[str, int, int], ...]) -> None:
    """Verify a build once per process, and again when one of its files was touched."""
    verify_manifest(folder)


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = sorted((file.name, file.stat()) for file in folder.iterdir())
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def _last_number(workspace: Workspace) -> int:
    return max((int(folder.name) for folder in kept_builds(workspace)), default=0)


def _forget_old(workspace: Workspace, number: int) -> None:
    for folder in kept_builds(workspace):
        if int(folder.name) <= number - KEPT_BUILDS:
            shutil.rmtree(folder, ignore_errors=True)

"""Training sets: the rows that a version learned from, as Parquet, each with an address in DVC."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.definitions import FeatureView
from ghala.features.history import definitions_hash
from ghala.warehouse.manifest import write_manifest
from ghala.warehouse.parquet import BATCH_ROWS, write_parquet
from ghala.warehouse.snapshots import track

ROWS, ORIGIN = "examples.parquet", "origin.json"


@dataclass(frozen=True)
class Origin:
    """What a training set is made of, so that it can be told from another and made again."""

    use_case: str
    as_of: str
    views: list[str]
    definitions: str
    rows: int
    rows_hash: str
    columns: dict[str, str]
    first_day: str
    last_day: str


def describe_rows(
    use_case: UseCase, examples: pl.DataFrame, *, views: Sequence[FeatureView], as_of: date
) -> Origin:
    """The request, the definitions of the features, and digests of the rows and of each column."""
    columns = hash_columns(examples)
    return Origin(
        use_case=use_case.name,
        as_of=as_of.isoformat(),
        views=[view.name for view in views],
        definitions=definitions_hash(views),
        rows=examples.height,
        rows_hash=rows_hash(columns),
        columns=columns,
        first_day=str(examples["as_of"].min()),
        last_day=str(examples["as_of"].max()),
    )


def keep_training_set(workspace: Workspace, examples: pl.DataFrame, origin: Origin) -> str:
    """Write the rows with their origin and a manifest, track them by DVC and commit the pointer.

    Returns the address in DVC: the same rows have the same one. The training set of a use case and
    day is replaced; those before it stay in the remote.
    """
    folder = place_of(workspace, origin.use_case, origin.as_of)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows: pa.Table = examples.to_arrow(compat_level=pl.CompatLevel.oldest())
    write_parquet(rows.to_reader(BATCH_ROWS), folder / ROWS)
    (folder / ORIGIN).write_text(json.dumps(asdict(origin), indent=1), encoding="utf-8")
    write_manifest(folder)
    message = f"Keep the training set of {origin.use_case} of {origin.as_of}"
    return track(workspace, folder, message)


def place_of(workspace: Workspace, use_case: str, as_of: date | str) -> Path:
    """Where the training set of a use case and day lies."""
    return workspace.root / "training_sets" / use_case / str(as_of)


def hash_columns(examples: pl.DataFrame) -> dict[str, str]:
    """A digest of each column of the training rows, in their order; floats to the last bit.

    It is of the values alone, so that it is the same on every machine and with every release of the
    libraries, and says nothing of how wide a number or how chunked a column is in memory.
    """
    return {column.name: _hash_values(column) for column in examples}


def _hash_values(column: pl.Series) -> str:
    digest = hashlib.sha256()
    for part in (*_canonical(column), column.is_not_null().to_numpy().data):
        digest.update(part)
    return digest.hexdigest()[:16]


def _canonical(column: pl.Series) -> tuple[bytes | memoryview, ...]:
    """What a column is, and its values, little-endian; of texts the lengths, then their UTF-8."""
    kind = column.dtype
    if kind.is_float():
        floats = column.cast(pl.Float64).fill_null(0.0).to_numpy()
        return b"number", np.where(np.isnan(floats), np.nan, floats).astype("<f8").data
    if isinstance(kind, pl.Datetime):
        column = column.cast(pl.Datetime("us", kind.time_zone))
    if kind.is_integer() or kind == pl.Boolean or isinstance(kind, pl.Date | pl.Datetime):
        whole = column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().astype("<i8")
        names = {pl.Date: b"day", pl.Datetime: b"moment"}
        return names.get(kind.base_type(), b"whole"), whole.data
    text = column.cast(pl.String).fill_null("")
    lengths = text.str.len_bytes().cast(pl.Int64).to_numpy().astype("<i8")
    content = text.to_arrow().cast(pa.large_string()).buffers()[2] or b""
    return b"text", lengths.data, memoryview(content)[: int(lengths.sum())]


def rows_hash(columns: dict[str, str]) -> str:
    """One digest of all columns, their names and their order."""
    return hashlib.sha256(json.dumps(columns).encode()).hexdigest()[:16]

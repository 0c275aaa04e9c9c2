"""Releasing: rows of the quarantine are landed again, mended or as they are.

A released row is delivered again, in a batch of its own that arrives on the day of the release and
is checked by today's contract. Nothing is deleted: the refused row stays where it is, and
``raw.releases`` says into which batch it went, by whom, when and why. So rows in = rows loaded +
rows quarantined holds for both batches, and every released row is one row of the new one.

The delivery lies in ``landing/SOURCE/releases/`` and says all of this itself: its name begins with
that of the refused delivery and the day of the release; its columns name the refused rows, and who
released them, when and why. So a lost warehouse gets its releases back from the landing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import DataRejected, UsageError, suggest
from ghala.contracts.records import BatchReceipt
from ghala.contracts.settings import Workspace
from ghala.warehouse.checking import raw_table
from ghala.warehouse.contract import Feed, Source, read_sources
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.inbox import RELEASES, Delivery
from ghala.warehouse.loading import create_tables, load
from ghala.warehouse.manifest import digest, place
from ghala.warehouse.parquet import read_parquet, write_parquet
from ghala.warehouse.quarantine import (
    FILE,
    REASONS,
    ROW,
    Selection,
    find_batch,
    find_feed,
    open_rows,
)

_HOW = "Write the file with: ghala quarantine show --batch N --out fixed.csv"
BY, AT, WHY = "_released_by", "_released_at", "_released_because"
"""The columns of a delivery of released rows that say who released them, when (UTC) and why."""


@dataclass(frozen=True)
class Correction:
    """A wish to land refused rows of a batch again: mended in a file, or as they are."""

    batch: int
    reason: str
    file: Path | None = None


class _StillRefused(Exception):
    """Rows of a release that today's contract refuses, with their reasons; nothing was loaded."""

    def __init__(self, reasons: Mapping[int, Sequence[str]]) -> None:
        super().__init__()
        self.reasons = reasons

    def __str__(self) -> str:
        told = [f"row {row}: {', '.join(why)}" for row, why in sorted(self.reasons.items())]
        return "; ".join(told[:5]) + ("; ..." if len(told) > 5 else "")


def release(
    workspace: Workspace,
    warehouse: Warehouse,
    correction: Correction,
    *,
    by: str,
    at: datetime,
    as_of: date,
) -> BatchReceipt:
    """Land refused rows of a batch again; the batch that they became is returned.

    Of a file all rows must pass the contract. As they are, those that pass it now are released,
    the others stay.

    Raises:
        DataRejected: rows still break the contract; nothing was changed.
        UsageError: the batch or a row of it is not in quarantine, or already released.
    """
    source, name, arrived = find_batch(warehouse, correction.batch)
    if as_of < arrived:
        raise UsageError(
            f"Batch {correction.batch} arrived on {arrived}, after {as_of}.",
            "Name a later --as-of.",
        )
    feed = find_feed(workspace, source, name)
    contract = read_sources(workspace)[source]
    create_tables(warehouse, {source: contract})
    rows = open_rows(warehouse, feed, Selection(batch=correction.batch)).drop(REASONS)
    if correction.file is not None:
        rows = _read_corrected(correction.file, feed, waiting=rows)
    finish_releases(workspace, warehouse)
    relanding = _Relanding(
        warehouse,
        feed=_as_of_then(feed, as_of - arrived),
        masters=contract.feeds,
        blank=BatchReceipt("", source, name, "", "", as_of, 0, 0, 0, {}),
        batch=correction.batch,
    )
    marks = {BY: by, AT: at.replace(tzinfo=None).isoformat(), WHY: correction.reason}
    rows = rows.with_columns(**{name: pl.lit(value) for name, value in marks.items()})
    refused: dict[int, Sequence[str]] = {}
    while not rows.is_empty():
        try:
            return relanding.deliver(workspace, rows)
        except _StillRefused as error:
            refused |= error.reasons
            kept = [] if correction.file else set(rows[ROW]) - set(error.reasons)
            rows = rows.filter(pl.col(ROW).is_in(list(kept)))
    raise DataRejected(
        f"{len(refused)} rows of batch {correction.batch} still break the contract of"
        f" {source}/{name}: {_StillRefused(refused)}. Nothing was released.",
        "Mend them, or take them out of the file, and release again.",
    )


def finish_releases(workspace: Workspace, warehouse: Warehouse) -> None:
    """Put deliveries into the landing whose release was cut short after it was committed."""
    for waiting in _waiting(workspace).glob("*/*"):
        source, name = waiting.parent.name, f"{RELEASES}/{waiting.name}"
        if warehouse.rows(
            "SELECT 1 FROM raw.batches WHERE source = ? AND file = ?", [source, name]
        ):
            place(waiting, workspace.landing / source / name)
        waiting.unlink()


def release_again(
    warehouse: Warehouse, delivery: Delivery, *, contract: Source
) -> BatchReceipt | None:
    """Load landed rows that were released once into a warehouse that was lost since.

    Rows that today's contract does not refuse any more came in with their first delivery: they are
    left out, and without any other None is returned.

    Raises:
        DataRejected: the delivery that they were refused of is not loaded.
    """
    read = read_parquet if delivery.file.suffix == ".parquet" else _read_text
    rows = read(delivery.file).with_columns(pl.col(ROW).cast(pl.Int64))
    found = warehouse.rows(
        "SELECT batch, arrived_on FROM raw.batches WHERE source = ? AND file = ?",
        [delivery.source, rows[FILE][0]],
    )
    if not found:
        raise DataRejected(
            f"{delivery.file} holds rows released of {rows[FILE][0]}, which is not loaded.",
            "Bring that file back into landing/ with `ghala snapshot`, or remove the release.",
        )
    [(batch, arrived)] = found
    feed = contract.feeds[delivery.feed]
    then = _as_of_then(feed, delivery.arrived - arrived)
    content = digest(delivery.file)
    blank = BatchReceipt(
        "", delivery.source, delivery.feed, delivery.place, content, delivery.arrived, 0, 0, 0, {}
    )
    relanding = _Relanding(warehouse, feed=then, masters=contract.feeds, blank=blank, batch=batch)
    refused = [row for (row,) in warehouse.rows(
        "SELECT row_number FROM raw.quarantine WHERE batch = ?", [batch]
    )]  # fmt: skip
    rows = rows.filter(pl.col(ROW).is_in(refused))
    if rows.is_empty():
        return None
    with TemporaryDirectory(prefix="ghala-release-") as folder, warehouse.transaction():
        return relanding.load(rows, Path(folder))


def _waiting(workspace: Workspace) -> Path:
    """Where the delivery of a release waits until its batch is committed."""
    return workspace.state / RELEASES


@dataclass(frozen=True)
class _Relanding:
    """Loads refused rows of a batch again, all of them or none."""

    warehouse: Warehouse
    feed: Feed
    masters: Mapping[str, Feed]
    blank: BatchReceipt
    batch: int

    def deliver(self, workspace: Workspace, rows: pl.DataFrame) -> BatchReceipt:
        """Load the rows, mark them as released and put the delivery into the landing.

        Raises:
            _StillRefused: rows break the contract; nothing was changed.
        """
        source = self.blank.source
        folder = _waiting(workspace) / source
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".") as desk:
            written = self._write(rows, Path(desk) / "delivery")
            sha256 = digest(written)
            refused = Path(rows[FILE][0]).name.partition(".")[0]
            day, ending = self.blank.arrived_on, self.feed.format
            waiting = folder / f"{refused}.{day}.{sha256[:8]}.{ending}"
            place(written, waiting)
            name = f"{RELEASES}/{waiting.name}"
            named = replace(self, blank=replace(self.blank, file=name, sha256=sha256))
            with self.warehouse.transaction():
                loaded = named.load(rows, Path(desk))
                self._require_accepted(rows, loaded)
        place(waiting, workspace.landing / source / name)
        waiting.unlink()
        return loaded

    def load(self, rows: pl.DataFrame, desk: Path) -> BatchReceipt:
        """Load the rows and mark them as released; part of the caller's transaction."""
        content = self._write(rows.select(*self.feed.columns), desk / "rows")
        [loaded] = load(
            self.warehouse, [self.blank], feed=self.feed, landed=[content], masters=self.masters,
            may_be_short=[f"{self.blank.source}/{self.blank.file}"],
        )  # fmt: skip
        with self.warehouse.relation("released", rows.select(ROW, BY, AT, WHY)):
            self.warehouse.execute(
                f"INSERT INTO raw.releases SELECT ?, {ROW}, ?, {BY}, CAST({AT} AS TIMESTAMP), {WHY}"  # noqa: S608
                " FROM released",
                [self.batch, int(loaded.batch_id)],
            )
        return loaded

    def _write(self, rows: pl.DataFrame, file: Path) -> Path:
        """Write rows in the feed's format."""
        if self.feed.format == "csv":
            rows.write_csv(file)
        else:
            write_parquet(rows.to_arrow().to_reader(), file)
        return file

    def _require_accepted(self, rows: pl.DataFrame, loaded: BatchReceipt) -> None:
        """Every row must be loaded, and must not put an older version over a newer one."""
        found = dict(
            self.warehouse.rows(
                "SELECT row_number, reasons FROM raw.quarantine WHERE batch = ?",
                [int(loaded.batch_id)],
            )
        )
        if not found and self.feed.corrections and self.feed.key:
            found = self._overtaken(rows, int(loaded.batch_id))
        if found:
            raise _StillRefused({rows[ROW][place - 1]: why for place, why in found.items()})

    def _overtaken(self, rows: pl.DataFrame, into: int) -> dict[int, list[str]]:
        """The rows, by their place, whose key came again after their own batch."""
        columns = ", ".join(quoted(column) for column in self.feed.key)
        table = raw_table(self.blank.source, self.blank.feed)
        newer = self.warehouse.frame(
            f"SELECT {columns} FROM {table} WHERE _batch = ? INTERSECT"  # noqa: S608
            f" SELECT {columns} FROM {table} WHERE _batch > ? AND _batch < ?",
            [into, self.batch, into],
        )
        keys = [pl.col(column).cast(pl.String) for column in self.feed.key]
        places = rows.select(*keys).with_row_index("_place", offset=1)
        overtaken = places.join(newer.select(*keys), on=list(self.feed.key), how="semi")
        return {place: ["newer_version_loaded"] for place in overtaken["_place"]}


def _as_of_then(feed: Feed, waited: timedelta) -> Feed:
    """The contract as a row meets it that waited in quarantine: it is no later for that.

    How many rows may be refused is no matter here; one is enough to release none of them.
    """
    late = None if feed.late_days is None else feed.late_days + waited.days
    return feed.model_copy(update={"late_days": late, "max_quarantined": 1.0})


def _read_corrected(file: Path, feed: Feed, *, waiting: pl.DataFrame) -> pl.DataFrame:
    """The rows of a corrected file, in the order of the refused rows that they replace.

    Raises:
        DataRejected: the file cannot be read, or has other columns or rows.
        UsageError: it is a folder, or is not there.
    """
    if not file.is_file():
        raise UsageError(f"{file} is {'no file' if file.exists() else 'not there'}.", _HOW)
    given = _read_text(file) if file.suffix.lower() == ".csv" else read_parquet(file)
    wanted, got = {FILE, ROW, *feed.columns}, set(given.columns) - {REASONS}
    if wanted != got:
        said = [f"column {name!r} is missing" for name in sorted(wanted - got)]
        said += [f"column {n!r} is unknown ({suggest(n, wanted)})" for n in sorted(got - wanted)]
        raise DataRejected(f"{file}: {'; '.join(said)}. Nothing was released.", _HOW)
    rows = given.with_columns(pl.col(ROW).cast(pl.Int64, strict=False)).sort(ROW)
    strangers = rows.join(waiting, on=[FILE, ROW], how="anti")
    if rows.is_empty() or strangers.height or rows[ROW].is_duplicated().any():
        raise DataRejected(
            f"{file}: each row must name one refused row of {waiting[FILE][0]} that is not"
            f" released, once; {strangers[ROW].to_list()[:5] or 'others'} do not.",
            _HOW,
        )
    return rows.select(FILE, ROW, *feed.columns)


def _read_text(file: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(file, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise DataRejected(
            f"{file} cannot be read as csv: {' '.join(str(error).split())[:200]}.", _HOW
        ) from error

"""Landing: delivered files come in, whole or not at all, each row loaded or quarantined."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ghala.contracts.errors import DataRejected, UsageError, suggest
from ghala.contracts.records import BatchReceipt
from ghala.contracts.settings import Workspace
from ghala.warehouse.checking import (
    INCOMING,
    quoted,
    raw_table,
    read_incoming,
    stage_incoming,
)
from ghala.warehouse.contract import Feed, Source, arrival, feed_name, read_sources
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.manifest import digest, place


def land(
    workspace: Workspace, warehouse: DuckDBWarehouse, as_of: date, *, allow_late: bool = False
) -> Iterator[BatchReceipt]:
    """Land and load every file of the inbox that had arrived by ``as_of``, oldest first.

    A file that was landed before is passed over. Rows, quarantine and the batch's own record
    are committed together, so that after a crash a file is fully in or fully out.

    Raises:
        DataRejected: a file is changed, unreadable, breaks its contract, or is overdue.
    """
    contracts = read_sources(workspace)
    create_tables(warehouse, contracts)
    for left in workspace.landing.glob("*/.*.partial"):
        left.unlink()  # of a landing that was cut short
    done = dict(warehouse.rows("SELECT source || '/' || file, sha256 FROM raw.batches"))
    for source, file in _due(workspace, contracts, as_of):
        known = done.get(f"{source}/{file.name}")
        content = digest(file)
        if known is None:
            yield _land_file(
                workspace, warehouse, source=source, contract=contracts[source], file=file
            )
        elif known != content:
            raise DataRejected(
                f"{file} has changed since it was landed (SHA-256 {known[:12]}, now"
                f" {content[:12]}). The landed copy stays; nothing was loaded.",
                "Deliver a correction under the date on which it arrives.",
            )
    if not allow_late:
        _require_fresh(warehouse, contracts, as_of)


def create_tables(warehouse: DuckDBWarehouse, contracts: dict[str, Source]) -> None:
    """Create the raw table of every feed, so that the warehouse can be built before data came."""
    for source, contract in contracts.items():
        for name, feed in contract.feeds.items():
            columns = ", ".join(f"{quoted(c)} {spec.type}" for c, spec in feed.columns.items())
            warehouse.execute(
                f"CREATE TABLE IF NOT EXISTS {raw_table(source, name)}"
                f" ({columns}, _batch INTEGER NOT NULL, _arrived_on DATE NOT NULL)"
            )


def receipts(warehouse: DuckDBWarehouse) -> list[BatchReceipt]:
    """The record of every batch in the warehouse, in the order of loading."""
    found = warehouse.frame(
        "SELECT batch::VARCHAR AS batch_id, source, feed, file, sha256, arrived_on, rows_in,"
        " rows_loaded, rows_quarantined FROM raw.batches ORDER BY batch"
    )
    reasons = warehouse.rows("SELECT reasons FROM raw.batches ORDER BY batch")
    return [
        BatchReceipt(**row, reasons=dict(why))
        for row, (why,) in zip(found.iter_rows(named=True), reasons, strict=True)
    ]


def verify_landing(workspace: Workspace, warehouse: DuckDBWarehouse) -> list[str]:
    """Name every landed file that is missing or differs from what was loaded."""
    wrong = []
    for receipt in receipts(warehouse):
        landed = workspace.landing / receipt.source / receipt.file
        if not landed.is_file():
            wrong.append(f"{landed} is missing; run `dvc pull`.")
        elif digest(landed) != receipt.sha256:
            wrong.append(f"{landed} has changed; run `dvc checkout --force`.")
    return wrong


def _due(workspace: Workspace, contracts: dict[str, Source], as_of: date) -> list[tuple[str, Path]]:
    found: list[tuple[date, int, str, Path]] = []
    for source, contract in contracts.items():
        order = list(contract.feeds)
        for file in sorted((workspace.inbox / source).glob("[!.]*")):
            arrived, name = arrival(file), feed_name(file)
            if arrived is None or name not in contract.feeds:
                raise DataRejected(
                    f"{file} is no delivery that {source} knows. {suggest(name, order)}",
                    "Name files FEED_YYYY-MM-DD.EXT, after their feed and day of arrival.",
                )
            if arrived <= as_of:
                found.append((arrived, order.index(name), source, file))
    if not found and not any(workspace.landing.glob("*/*")):
        raise UsageError(
            f"No file had arrived by {as_of} in {workspace.inbox}.",
            "Put the files there, or choose a later --as-of.",
        )
    return [(source, file) for _, _, source, file in sorted(found)]


def _land_file(
    workspace: Workspace, warehouse: DuckDBWarehouse, *, source: str, contract: Source, file: Path
) -> BatchReceipt:
    landed = workspace.landing / source / file.name
    place(file, landed)
    name = feed_name(file)
    arrived = arrival(file)
    assert arrived is not None  # noqa: S101 - _due lists dated files only
    receipt = BatchReceipt("", source, name, file.name, digest(landed), arrived, 0, 0, 0, {})
    try:
        with warehouse.transaction():
            return load(warehouse, receipt, feed=contract.feeds[name], landed=landed)
    except DataRejected:
        landed.unlink()
        raise


def load(
    warehouse: DuckDBWarehouse, receipt: BatchReceipt, *, feed: Feed, landed: Path
) -> BatchReceipt:
    """Check one landed file and load its rows; part of the caller's transaction.

    Raises:
        DataRejected: the file as a whole breaks its contract, or came under another name.
    """
    twin = warehouse.scalar("SELECT file FROM raw.batches WHERE sha256 = ?", [receipt.sha256])
    if twin is not None:
        raise DataRejected(
            f"{receipt.file} has the same content as {twin}, which is loaded.",
            "Remove the copy from the inbox.",
        )
    read_incoming(warehouse, feed, str(landed))
    stage_incoming(warehouse, feed, source=receipt.source, feed_name=receipt.feed)
    counted = _count(warehouse, receipt)
    share = counted.rows_quarantined / max(counted.rows_in, 1)
    if counted.rows_in == 0 or share > feed.max_quarantined:
        raise DataRejected(
            f"{receipt.file}: {counted.rows_quarantined} of {counted.rows_in} rows break the"
            f" contract ({counted.reasons}); up to {feed.max_quarantined:.0%} is allowed, and"
            " an empty file is not. Nothing of it was loaded.",
            "Ask the sender, or change the contract's rules if the data is right.",
        )
    _insert(warehouse, counted, feed)
    return counted


def _count(warehouse: DuckDBWarehouse, receipt: BatchReceipt) -> BatchReceipt:
    batch = warehouse.scalar("SELECT coalesce(max(batch), 0) + 1 FROM raw.batches")
    rows_in = warehouse.scalar("SELECT count(*) FROM delivered")
    loaded = warehouse.scalar(f"SELECT count(*) FROM {INCOMING} WHERE len(_reasons) = 0")  # noqa: S608
    refused = warehouse.scalar(f"SELECT count(*) FROM {INCOMING} WHERE len(_reasons) > 0")  # noqa: S608
    reasons = warehouse.rows(
        f"SELECT unnest(_reasons) AS reason, count(*) FROM {INCOMING} GROUP BY 1 ORDER BY 1"  # noqa: S608
    )
    return replace(
        receipt,
        batch_id=str(batch),
        rows_in=rows_in,
        rows_loaded=loaded,
        rows_quarantined=refused,
        reasons=dict(reasons),
    )


def _insert(warehouse: DuckDBWarehouse, receipt: BatchReceipt, feed: Feed) -> None:
    columns = ", ".join(quoted(column) for column in feed.columns)
    batch = int(receipt.batch_id)
    warehouse.execute(
        f"INSERT INTO {raw_table(receipt.source, receipt.feed)}"  # noqa: S608 - contract names
        f" SELECT {columns}, ?, ? FROM {INCOMING} WHERE len(_reasons) = 0 ORDER BY _row",
        [batch, receipt.arrived_on],
    )
    warehouse.execute(
        "INSERT INTO raw.quarantine"  # noqa: S608
        " SELECT ?, ?, ?, _row, _reasons, to_json(delivered)"
        f" FROM {INCOMING} JOIN delivered USING (_row) WHERE len(_reasons) > 0 ORDER BY _row",
        [batch, receipt.source, receipt.feed],
    )
    values: list[Any] = [batch, receipt.source, receipt.feed, receipt.file, receipt.sha256]
    values += [receipt.arrived_on, receipt.rows_in, receipt.rows_loaded]
    values += [receipt.rows_quarantined, list(receipt.reasons), list(receipt.reasons.values())]
    warehouse.execute(
        "INSERT INTO raw.batches"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, map(?::VARCHAR[], ?::BIGINT[]))",
        values,
    )


def _require_fresh(warehouse: DuckDBWarehouse, contracts: dict[str, Source], as_of: date) -> None:
    for source, contract in contracts.items():
        for name, feed in contract.feeds.items():
            if feed.every_days is None:
                continue
            last = warehouse.scalar(
                "SELECT max(arrived_on) FROM raw.batches WHERE source = ? AND feed = ?"
                " AND batch NOT IN (SELECT into_batch FROM raw.releases)",
                [source, name],
            )
            if last is None or as_of - last >= timedelta(days=feed.every_days):
                raise DataRejected(
                    f"{source}/{name} is overdue on {as_of}: a file is due every"
                    f" {feed.every_days} days, the last one came on {last or 'no day'}.",
                    "Put the missing file into the inbox, or go on with --allow-late.",
                )

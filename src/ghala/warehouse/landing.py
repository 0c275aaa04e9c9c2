"""Landing: delivered files come in, whole or not at all, each row loaded or quarantined."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ghala.contracts.errors import DataRejected
from ghala.contracts.records import BatchReceipt
from ghala.contracts.settings import Workspace
from ghala.warehouse.checking import (
    EXTRA,
    INCOMING,
    as_json,
    delivered_columns,
    quoted,
    raw_table,
    read_incoming,
    stage_incoming,
)
from ghala.warehouse.contract import Feed, Source, read_sources
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.inbox import Delivery, find_due, group
from ghala.warehouse.manifest import digest, looks_unchanged, place

log = logging.getLogger("ghala.landing")


def land(
    workspace: Workspace, warehouse: DuckDBWarehouse, as_of: date, *, allow_late: bool = False
) -> Iterator[BatchReceipt]:
    """Land and load every file of the inbox that had arrived by ``as_of``, oldest first.

    A file that was landed before is passed over. Rows, quarantine and the batches' own records
    are committed together, so that after a crash a file is fully in or fully out.

    Raises:
        DataRejected: a file is changed, unreadable, breaks its contract, or is overdue.
    """
    contracts = read_sources(workspace)
    create_tables(warehouse, contracts)
    for left in workspace.landing.glob("*/.*.partial"):
        left.unlink()  # of a landing that was cut short
    due = find_due(workspace, contracts, as_of)
    done = dict(warehouse.rows("SELECT source || '/' || file, sha256 FROM raw.batches"))
    _require_unchanged(workspace, due, done)
    for files in group([one for one in due if one.name not in done], contracts):
        feed = contracts[files[0].source].feeds[files[0].feed]
        yield from _land_group(workspace, warehouse, files, feed=feed)
    if not allow_late:
        _require_fresh(warehouse, contracts, as_of)


def create_tables(warehouse: DuckDBWarehouse, contracts: dict[str, Source]) -> None:
    """Create the raw table of every feed, so that the warehouse can be built before data came."""
    for source, contract in contracts.items():
        for name, feed in contract.feeds.items():
            columns = ", ".join(f"{quoted(c)} {spec.type}" for c, spec in feed.columns.items())
            table = raw_table(source, name)
            warehouse.execute(
                f"CREATE TABLE IF NOT EXISTS {table}"
                f" ({columns}, _batch INTEGER NOT NULL, _arrived_on DATE NOT NULL)"
            )
            if feed.new_columns == "keep":
                warehouse.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {EXTRA} JSON")


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


def _require_unchanged(workspace: Workspace, due: list[Delivery], done: dict[str, str]) -> None:
    for one in due:
        known, landed = done.get(one.name), workspace.landing / one.source / one.file.name
        if known is None or looks_unchanged(one.file, landed):
            continue
        content = digest(one.file)
        if content != known:
            raise DataRejected(
                f"{one.file} has changed since it was landed (SHA-256 {known[:12]}, now"
                f" {content[:12]}). The landed copy stays; nothing was loaded.",
                "Deliver a correction under the date on which it arrives.",
            )


def _land_group(
    workspace: Workspace, warehouse: DuckDBWarehouse, files: Sequence[Delivery], *, feed: Feed
) -> list[BatchReceipt]:
    """Land files of one feed in one transaction; when one of them is bad, one after the other."""
    landed = [workspace.landing / one.source / one.file.name for one in files]
    with ThreadPoolExecutor(max_workers=4) as pool:
        digests = list(pool.map(_keep, [one.file for one in files], landed))
    blank = [
        BatchReceipt("", one.source, one.feed, one.file.name, content, one.arrived, 0, 0, 0, {})
        for one, content in zip(files, digests, strict=True)
    ]
    try:
        with warehouse.transaction():
            return load(warehouse, blank, feed=feed, landed=landed)
    except DataRejected:
        for one, copy in zip(files, landed, strict=True):
            if one.file != copy:
                copy.unlink()
        if len(files) == 1:
            raise
    return [
        receipt for one in files for receipt in _land_group(workspace, warehouse, [one], feed=feed)
    ]


def _keep(file: Path, landed: Path) -> str:
    return digest(file) if file == landed else place(file, landed)


def load(
    warehouse: DuckDBWarehouse,
    receipts: Sequence[BatchReceipt],
    *,
    feed: Feed,
    landed: Sequence[Path],
) -> list[BatchReceipt]:
    """Check landed files of one feed and load their rows; part of the caller's transaction.

    Raises:
        DataRejected: a file as a whole breaks its contract, or came under another name.
    """
    _refuse_twins(warehouse, receipts)
    read_incoming(
        warehouse, feed, [str(path) for path in landed], arrived=[r.arrived_on for r in receipts]
    )
    source, name = receipts[0].source, receipts[0].feed
    stage_incoming(warehouse, feed, source=source, feed_name=name)
    counted = _count(warehouse, receipts)
    for one in counted:
        share = one.rows_quarantined / max(one.rows_in, 1)
        if one.rows_in == 0 or share > feed.max_quarantined:
            raise DataRejected(
                f"{one.file}: {one.rows_quarantined} of {one.rows_in} rows break the"
                f" contract ({one.reasons}); up to {feed.max_quarantined:.0%} is allowed, and"
                " an empty file is not. Nothing of it was loaded.",
                "Ask the sender, or change the contract's rules if the data is right.",
            )
    _insert(warehouse, counted, feed)
    _tell_new_columns(warehouse, counted, feed)
    return counted


def _tell_new_columns(
    warehouse: DuckDBWarehouse, receipts: Sequence[BatchReceipt], feed: Feed
) -> None:
    new = [name for name in delivered_columns(warehouse) if name not in feed.columns]
    if new:
        log.warning(
            "%s/%s%s brings columns that the contract does not name: %s. Their values are parked"
            " in %s; name them in contract.yml to use them.",
            receipts[0].source,
            receipts[0].file,
            f" (and {len(receipts) - 1} more)" if len(receipts) > 1 else "",
            ", ".join(map(repr, new)),
            EXTRA,
        )


def _refuse_twins(warehouse: DuckDBWarehouse, receipts: Sequence[BatchReceipt]) -> None:
    digests = [one.sha256 for one in receipts]
    known = dict(
        warehouse.rows("SELECT sha256, file FROM raw.batches WHERE list_contains(?, sha256)",
                       [digests])
    )  # fmt: skip
    for one in receipts:
        twin = known.setdefault(one.sha256, one.file)
        if twin != one.file:
            raise DataRejected(
                f"{one.file} has the same content as {twin}, which is loaded.",
                "Remove the copy from the inbox.",
            )


def _count(warehouse: DuckDBWarehouse, receipts: Sequence[BatchReceipt]) -> list[BatchReceipt]:
    """The receipts with their batch numbers and counts."""
    first = warehouse.scalar("SELECT coalesce(max(batch), 0) + 1 FROM raw.batches")
    sizes = {
        file: counts
        for file, *counts in warehouse.rows(
            f"SELECT _file, count(*), count(*) FILTER (len(_reasons) = 0)"  # noqa: S608
            f" FROM {INCOMING} GROUP BY _file"
        )
    }
    reasons: dict[int, dict[str, int]] = defaultdict(dict)
    for file, reason, times in warehouse.rows(
        f"SELECT _file, unnest(_reasons) AS reason, count(*) FROM {INCOMING}"  # noqa: S608
        " WHERE len(_reasons) > 0 GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        reasons[file][reason] = times
    counted = []
    for file, one in enumerate(receipts):
        rows, loaded = sizes.get(file, (0, 0))
        counted.append(
            replace(one, batch_id=str(first + file), rows_in=rows, rows_loaded=loaded,
                    rows_quarantined=rows - loaded, reasons=reasons[file])
        )  # fmt: skip
    return counted


def _insert(warehouse: DuckDBWarehouse, receipts: Sequence[BatchReceipt], feed: Feed) -> None:
    columns = ", ".join(quoted(column) for column in feed.columns)
    first, source, name = int(receipts[0].batch_id), receipts[0].source, receipts[0].feed
    as_delivered = as_json(delivered_columns(warehouse), "delivered")
    parked = f", {EXTRA}" if feed.new_columns == "keep" else ""
    warehouse.execute(
        f"INSERT INTO {raw_table(source, name)}"  # noqa: S608 - contract names
        f" SELECT {columns}, ? + _file, _arrived_on{parked} FROM {INCOMING}"
        " WHERE len(_reasons) = 0"
        " ORDER BY _file, _row",
        [first],
    )
    warehouse.execute(
        "INSERT INTO raw.quarantine"  # noqa: S608
        f" SELECT ? + _file, ?, ?, _row, _reasons, {as_delivered}"
        f" FROM {INCOMING} JOIN delivered USING (_file, _row)"
        " WHERE len(_reasons) > 0 ORDER BY _file, _row",
        [first, source, name],
    )
    record = {
        "batch": [int(one.batch_id) for one in receipts],
        "file": [one.file for one in receipts],
        "sha256": [one.sha256 for one in receipts],
        "arrived_on": [one.arrived_on for one in receipts],
        "rows_in": [one.rows_in for one in receipts],
        "rows_loaded": [one.rows_loaded for one in receipts],
        "rows_quarantined": [one.rows_quarantined for one in receipts],
        "reason": pl.Series([list(one.reasons) for one in receipts], dtype=pl.List(pl.String)),
        "times": pl.Series(
            [list(one.reasons.values()) for one in receipts], dtype=pl.List(pl.Int64)
        ),
    }
    with warehouse.relation("receipts", pl.DataFrame(record)):
        warehouse.execute(
            "INSERT INTO raw.batches SELECT batch, ?, ?, file, sha256, arrived_on, rows_in,"
            " rows_loaded, rows_quarantined, map(reason, times) FROM receipts",
            [source, name],
        )


def _require_fresh(warehouse: DuckDBWarehouse, contracts: dict[str, Source], as_of: date) -> None:
    for source, contract in contracts.items():
        for name, feed in contract.feeds.items():
            if feed.every_days is None:
                continue
            last = warehouse.scalar(
                "SELECT max(arrived_on) FROM raw.batches WHERE source = ? AND feed = ?",
                [source, name],
            )
            if last is None or as_of - last >= timedelta(days=feed.every_days):
                raise DataRejected(
                    f"{source}/{name} is overdue on {as_of}: a file is due every"
                    f" {feed.every_days} days, the last one came on {last or 'no day'}.",
                    "Put the missing file into the inbox, or go on with --allow-late.",
                )

"""Landing: delivered files come in, whole or not at all, each row loaded or quarantined."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import DataRejected
from ghala.contracts.records import BatchReceipt
from ghala.contracts.settings import Workspace
from ghala.warehouse.checking import (
    EXTRA,
    INCOMING,
    as_json,
    create_raw_table,
    delivered_columns,
    read_incoming,
    stage_incoming,
)
from ghala.warehouse.contract import Feed, Source, read_sources
from ghala.warehouse.desk import Desk, desk_of
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.inbox import Delivery, find_due, group
from ghala.warehouse.manifest import digest, looks_unchanged, place

log = logging.getLogger("ghala.landing")


def land(
    workspace: Workspace, warehouse: Warehouse, as_of: date, *, allow_late: bool = False
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
        yield from _land_group(workspace, warehouse, files, contract=contracts[files[0].source])
    if not allow_late:
        _require_fresh(warehouse, contracts, as_of)


def create_tables(warehouse: Warehouse, contracts: dict[str, Source]) -> None:
    """Create the raw table of every feed, so that the warehouse can be built before data came."""
    for source, contract in contracts.items():
        for name, feed in contract.feeds.items():
            create_raw_table(warehouse, source, name, feed=feed)


def receipts(warehouse: Warehouse) -> list[BatchReceipt]:
    """The record of every batch in the warehouse, in the order of loading."""
    found = warehouse.frame(
        "SELECT CAST(batch AS VARCHAR) AS batch_id, source, feed, file, sha256, arrived_on,"
        " rows_in, rows_loaded, rows_quarantined, CAST(reasons AS VARCHAR) AS reasons"
        " FROM raw.batches ORDER BY batch"
    )
    return [
        BatchReceipt(**{**row, "reasons": json.loads(row["reasons"])})
        for row in found.iter_rows(named=True)
    ]


def verify_landing(workspace: Workspace, warehouse: Warehouse) -> list[str]:
    """Name every landed file that is missing or differs from what was loaded."""
    wrong = []
    for receipt in receipts(warehouse):
        landed = workspace.landing / receipt.source / receipt.file
        if not landed.is_file():
            wrong.append(f"{landed} is missing; `ghala snapshot` brings it back.")
        elif digest(landed) != receipt.sha256:
            wrong.append(f"{landed} has changed; remove it, `ghala snapshot` brings it back.")
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
    workspace: Workspace, warehouse: Warehouse, files: Sequence[Delivery], *, contract: Source
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
            feed = contract.feeds[files[0].feed]
            return load(warehouse, blank, feed=feed, landed=landed, masters=contract.feeds)
    except DataRejected:
        for one, copy in zip(files, landed, strict=True):
            if one.file != copy:
                copy.unlink()
        if len(files) == 1:
            raise
    return [
        receipt
        for one in files
        for receipt in _land_group(workspace, warehouse, [one], contract=contract)
    ]


def _keep(file: Path, landed: Path) -> str:
    return digest(file) if file == landed else place(file, landed)


def load(
    warehouse: Warehouse,
    receipts: Sequence[BatchReceipt],
    *,
    feed: Feed,
    landed: Sequence[Path],
    masters: Mapping[str, Feed],
) -> list[BatchReceipt]:
    """Check landed files of one feed and load their rows; part of the caller's transaction.

    Args:
        warehouse: where the rows go.
        receipts: what is known of each file before it is read.
        feed: what the files must look like.
        landed: the files.
        masters: the feeds of the source by name, which rows refer to.

    Raises:
        DataRejected: a file as a whole breaks its contract, or came under another name.
    """
    _refuse_twins(warehouse, receipts)
    source, name = receipts[0].source, receipts[0].feed
    first = warehouse.scalar("SELECT coalesce(max(batch), 0) + 1 FROM raw.batches")
    desk = desk_of(warehouse)
    read_incoming(
        desk.files, feed, [str(f) for f in landed], arrived=[r.arrived_on for r in receipts]
    )
    desk.lend(source, {**masters, name: feed}, feed=name)
    stage_incoming(desk.files, feed, source=source, feed_name=name)
    counted = _count(desk.files, receipts, first=first)
    _require_good(counted, feed)
    _insert(desk, counted, feed)
    _tell_new_columns(desk.files, counted, feed)
    _record(warehouse, counted)
    return counted


def _require_good(counted: Sequence[BatchReceipt], feed: Feed) -> None:
    for one in counted:
        share = one.rows_quarantined / max(one.rows_in, 1)
        if one.rows_in == 0 or share > feed.max_quarantined:
            raise DataRejected(
                f"{one.file}: {one.rows_quarantined} of {one.rows_in} rows break the"
                f" contract ({one.reasons}); up to {feed.max_quarantined:.0%} is allowed, and"
                " an empty file is not. Nothing of it was loaded.",
                "Ask the sender, or change the contract's rules if the data is right.",
            )


def _tell_new_columns(files: DuckDBWarehouse, receipts: Sequence[BatchReceipt], feed: Feed) -> None:
    new = [name for name in delivered_columns(files) if name not in feed.columns]
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


def _refuse_twins(warehouse: Warehouse, receipts: Sequence[BatchReceipt]) -> None:
    digests = [one.sha256 for one in receipts]
    known = dict(
        warehouse.rows("SELECT sha256, file FROM raw.batches WHERE sha256 = ANY(?)", [digests])
    )  # fmt: skip
    for one in receipts:
        twin = known.setdefault(one.sha256, one.file)
        if twin != one.file:
            raise DataRejected(
                f"{one.file} has the same content as {twin}, which is loaded.",
                "Remove the copy from the inbox.",
            )


def _count(
    files: DuckDBWarehouse, receipts: Sequence[BatchReceipt], *, first: int
) -> list[BatchReceipt]:
    """The receipts with their batch numbers and counts."""
    sizes = {
        file: counts
        for file, *counts in files.rows(
            f"SELECT _file, count(*), count(*) FILTER (len(_reasons) = 0)"  # noqa: S608
            f" FROM {INCOMING} GROUP BY _file"
        )
    }
    reasons: dict[int, dict[str, int]] = defaultdict(dict)
    for file, reason, times in files.rows(
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


def _insert(desk: Desk, receipts: Sequence[BatchReceipt], feed: Feed) -> None:
    columns = ", ".join(quoted(column) for column in feed.columns)
    first, source, name = int(receipts[0].batch_id), receipts[0].source, receipts[0].feed
    parked = f", CAST({EXTRA} AS VARCHAR) AS {EXTRA}" if feed.new_columns == "keep" else ""
    desk.load(
        f"{source}__{name}",
        f"SELECT {columns}, CAST(? + _file AS INTEGER) AS _batch, _arrived_on{parked}"  # noqa: S608
        f" FROM {INCOMING} WHERE len(_reasons) = 0 ORDER BY _file, _row",
        [first],
    )
    desk.load(
        "quarantine",
        "SELECT CAST(? + _file AS INTEGER) AS batch, ? AS source, ? AS feed,"  # noqa: S608
        " _row AS row_number, _reasons AS reasons,"
        f" CAST({as_json(desk.files, delivered_columns(desk.files))} AS VARCHAR) AS record"
        f" FROM {INCOMING} JOIN delivered USING (_file, _row)"
        " WHERE len(_reasons) > 0 ORDER BY _file, _row",
        [first, source, name],
    )


def _record(warehouse: Warehouse, receipts: Sequence[BatchReceipt]) -> None:
    columns = ("source", "feed", "file", "sha256", "arrived_on", "rows_in", "rows_loaded",
               "rows_quarantined")  # fmt: skip
    record = {
        "batch": [int(one.batch_id) for one in receipts],
        **{column: [getattr(one, column) for one in receipts] for column in columns},
        "reasons": [json.dumps(one.reasons) for one in receipts],
    }
    with warehouse.relation("receipts", pl.DataFrame(record)):
        warehouse.execute(
            f"INSERT INTO raw.batches SELECT batch, {', '.join(columns)}, CAST(reasons AS JSON)"  # noqa: S608
            " FROM receipts ORDER BY batch"
        )


def _require_fresh(warehouse: Warehouse, contracts: dict[str, Source], as_of: date) -> None:
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

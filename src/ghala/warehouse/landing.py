"""Landing: delivered files come in, whole or not at all, each row loaded or quarantined."""

import json
import logging
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

from ghala.contracts.errors import ConfigurationError, DataRejected, UsageError
from ghala.contracts.records import BatchReceipt
from ghala.contracts.settings import Workspace
from ghala.warehouse import snapshots
from ghala.warehouse.built import begin
from ghala.warehouse.checking import raw_feeds, raw_table
from ghala.warehouse.contract import Source, read_sources
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.inbox import Delivery, Refusals, find_due, find_unread, group
from ghala.warehouse.loading import create_tables, load
from ghala.warehouse.manifest import digest, looks_unchanged, place
from ghala.warehouse.releasing import finish_releases, release_again

log = logging.getLogger("ghala.landing")
_NAMED = 5


def land(
    workspace: Workspace,
    warehouse: Warehouse,
    as_of: date,
    *,
    allow_late: bool = False,
    whole: Collection[str] = (),
) -> Iterator[BatchReceipt]:
    """Land and load every file of the inbox that had arrived by ``as_of``, oldest first.

    A file that was landed before is passed over. Rows, quarantine and the batches' own records
    are committed together, so that after a crash a file is fully in or fully out. What lies in
    landing/ and is not loaded, released rows too, is loaded again. A bad file keeps nothing else
    out but what comes later in its feed or points to it; that waits until it is mended.

    Args:
        workspace: whose inbox and landing.
        warehouse: where the rows go.
        as_of: the business date.
        allow_late: go on when a feed is overdue.
        whole: the names of files that are whole, however few rows they have.

    Raises:
        DataRejected: a file is changed, unreadable, cut short, breaks its contract, or is overdue.
        ConfigurationError: the warehouse holds files that landing/ does not.
        UsageError: nothing has arrived, or a file that is named has not.
    """
    contracts = read_sources(workspace)
    for folder in find_unread(workspace):
        log.warning("inbox/%s holds files that no source in ghala.toml reads.", folder)
    create_tables(warehouse, contracts)
    for left in workspace.landing.glob("*/.*.partial"):
        left.unlink()  # of a landing that was cut short
    finish_releases(workspace, warehouse)
    require_landed(workspace, warehouse)
    named = (f"{source}/{name}" for source in contracts for name in whole)
    taken = snapshots.held_files(workspace).union(named)  # once taken, a file is whole
    due, refused = find_due(workspace, contracts, as_of)
    done = dict(warehouse.rows("SELECT source || '/' || file, sha256 FROM raw.batches"))
    refused |= _find_changed(workspace, due, done)
    _require_named(whole, due, as_of)
    waiting: list[Delivery] = []
    for files in group([one for one in due if one.name not in done], contracts):
        contract = contracts[files[0].source]
        if any((files[0].source, feed) in refused for feed in contract.rests_on(files[0].feed)):
            waiting += files
            continue
        try:
            yield from _land_group(workspace, warehouse, files, contract=contract, whole=taken)
        except DataRejected as error:
            refused[files[0].source, files[0].feed] = error
    if refused:
        raise _tell(refused, len(waiting))
    if not allow_late:
        _require_fresh(warehouse, contracts, as_of)


def unload(workspace: Workspace, warehouse: Warehouse) -> int:
    """Empty the raw tables, so that everything in landing/ is loaded again.

    The views over them stay, unless a column changed its type or left the contract. Tables of feeds
    that left it go. The number of batches that were loaded is returned.
    """
    contracts = read_sources(workspace)
    with warehouse.transaction():
        batches = int(warehouse.scalar("SELECT count(*) FROM raw.batches"))
        for source, feed in raw_feeds(warehouse):
            is_agreed = source in contracts and feed in contracts[source].feeds
            empty = "TRUNCATE {}" if is_agreed else "DROP TABLE {} CASCADE"
            warehouse.execute(empty.format(raw_table(source, feed)))
        create_tables(warehouse, contracts)
        for table in ("raw.releases", "raw.quarantine", "raw.batches", "platform.built"):
            warehouse.execute(f"DELETE FROM {table}")  # noqa: S608
        begin(warehouse)
    return batches


def require_landed(workspace: Workspace, warehouse: Warehouse) -> None:
    """Check that the warehouse holds no file that was taken out of the landed set since.

    A landed file that is gone, but stands in the newest snapshot, is brought back from there.

    Raises:
        ConfigurationError: it does, for an older snapshot was restored; one is named.
    """
    kept = snapshots.held_files(workspace)
    gone = [
        name
        for (name,) in warehouse.rows(
            "SELECT source || '/' || file FROM raw.batches ORDER BY batch"
        )
        if name not in kept and not (workspace.landing / name).is_file()
    ]
    if gone:
        raise ConfigurationError(
            f"The warehouse holds {len(gone)} file(s) that landing/ and its newest snapshot do not,"
            f" such as {gone[0]}: an older one was restored, or files were removed.",
            "Load the warehouse again from landing/: ghala land --anew. Or restore the newer"
            " snapshot: ghala snapshot list",
        )


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


def _require_named(whole: Collection[str], due: Sequence[Delivery], as_of: date) -> None:
    if strangers := set(whole) - {one.file.name for one in due}:
        raise UsageError(
            f"No file {min(strangers)!r} had arrived by {as_of}.", "Name a file of the inbox."
        )


def _find_changed(workspace: Workspace, due: list[Delivery], done: dict[str, str]) -> Refusals:
    changed: Refusals = {}
    for one in due:
        known, landed = done.get(one.name), workspace.landing / one.source / one.file.name
        if known is None or looks_unchanged(one.file, landed):
            continue
        content = digest(one.file)
        if content != known:
            changed[one.source, one.feed] = DataRejected(
                f"{one.file} has changed since it was landed (SHA-256 {known[:12]}, now"
                f" {content[:12]}). The landed copy stays; nothing of it was loaded.",
                "Deliver a correction under the date on which it arrives.",
            )
    return changed


def _land_group(
    workspace: Workspace,
    warehouse: Warehouse,
    files: Sequence[Delivery],
    *,
    contract: Source,
    whole: frozenset[str],
) -> list[BatchReceipt]:
    """Land files of one feed in one transaction; when one of them is bad, one after the other."""
    if files[0].is_release:
        again = release_again(warehouse, files[0], contract=contract)
        return [again] if again else []
    landed = [workspace.landing / one.source / one.file.name for one in files]
    kept = (one.name for one in files if one.file in landed)
    with ThreadPoolExecutor(max_workers=4) as pool:
        digests = list(pool.map(_keep, [one.file for one in files], landed))
    blank = [
        BatchReceipt("", one.source, one.feed, one.file.name, content, one.arrived, 0, 0, 0, {})
        for one, content in zip(files, digests, strict=True)
    ]
    try:
        with warehouse.transaction():
            feed = contract.feeds[files[0].feed]
            return load(
                warehouse, blank, feed=feed, landed=landed, masters=contract.feeds,
                may_be_short=whole.union(kept),
            )  # fmt: skip
    except DataRejected:
        for one, copy in zip(files, landed, strict=True):
            if one.file != copy:
                copy.unlink()
        if len(files) == 1:
            raise
    return [
        receipt
        for one in files
        for receipt in _land_group(workspace, warehouse, [one], contract=contract, whole=whole)
    ]


def _tell(refused: Refusals, waiting: int) -> DataRejected:
    """One error for all that was refused, and how much waits for it."""
    errors = list(refused.values())
    words = [error.message for error in errors[:_NAMED]]
    if len(errors) > _NAMED:
        words.append(f"{len(errors) - _NAMED} more files were refused.")
    if waiting:
        words.append(f"{waiting} later files of the feed, or that point to it, wait.")
    return DataRejected(" ".join(words), errors[0].next_step)


def _keep(file: Path, landed: Path) -> str:
    return digest(file) if file == landed else place(file, landed)


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
            allowed = feed.every_days + feed.grace_days
            if last is None or as_of - last >= timedelta(days=allowed):
                grace = f", up to {feed.grace_days} later at times" if feed.grace_days else ""
                raise DataRejected(
                    f"{source}/{name} is overdue on {as_of}: a file is due every"
                    f" {feed.every_days} days{grace}, the last one came on {last or 'no day'}.",
                    "Put the missing file into the inbox, or go on with --allow-late.",
                )

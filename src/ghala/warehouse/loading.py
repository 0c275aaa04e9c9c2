"""Loading: landed files are checked and every row is loaded or quarantined, in one transaction."""

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import DataRejected
from ghala.contracts.records import BatchReceipt
from ghala.warehouse.checking import (
    EXTRA,
    INCOMING,
    as_json,
    create_raw_table,
    delivered_columns,
    read_incoming,
    stage_incoming,
)
from ghala.warehouse.contract import Feed, Source
from ghala.warehouse.desk import Desk, desk_of
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.engine import Warehouse

log = logging.getLogger("ghala.landing")

COMPARED, LEAST_COMPARED = 28, 5
"""With how many of a feed's last files a new one is compared in size, and from how many on."""


def create_tables(warehouse: Warehouse, contracts: dict[str, Source]) -> None:
    """Create the raw table of every feed, so that the warehouse can be built before data came."""
    for source, contract in contracts.items():
        for name, feed in contract.feeds.items():
            create_raw_table(warehouse, source, name, feed=feed)


def load(
    warehouse: Warehouse,
    receipts: Sequence[BatchReceipt],
    *,
    feed: Feed,
    landed: Sequence[Path],
    masters: Mapping[str, Feed],
    may_be_short: Collection[str] = (),
) -> list[BatchReceipt]:
    """Check landed files of one feed and load their rows; part of the caller's transaction.

    Args:
        warehouse: where the rows go.
        receipts: what is known of each file before it is read.
        feed: what the files must look like.
        landed: the files.
        masters: the feeds of the source by name, which rows refer to.
        may_be_short: files, as ``SOURCE/FILE``, that are whole, however few rows they have.

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
    if feed.min_share_of_median is not None:
        _require_whole(warehouse, counted, share=feed.min_share_of_median, whole=may_be_short)
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


def _require_whole(
    warehouse: Warehouse, counted: Sequence[BatchReceipt], *, share: float, whole: Collection[str]
) -> None:
    """Refuse a file with far fewer rows than the feed's last ones: it may have been cut short."""
    first = counted[0]
    sizes = [
        rows
        for (rows,) in warehouse.rows(
            "SELECT rows_in FROM raw.batches WHERE source = ? AND feed = ?"
            " AND batch NOT IN (SELECT into_batch FROM raw.releases)"
            " ORDER BY arrived_on DESC, batch DESC LIMIT ?",
            [first.source, first.feed, COMPARED],
        )
    ][::-1]
    for one in counted:
        usual = median(sizes[-COMPARED:]) if len(sizes) >= LEAST_COMPARED else 0
        if one.rows_in < share * usual and f"{one.source}/{one.file}" not in whole:
            raise DataRejected(
                f"{one.file} has {one.rows_in:,} rows; the last files of {one.source}/{one.feed}"
                f" had {usual:,.0f} in the median, and at least {share:.0%} of that is asked for."
                " It may have been cut short; nothing of it was loaded.",
                f"Ask the sender for the whole file. If it is whole: ghala land --whole {one.file}",
            )
        sizes.append(one.rows_in)


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

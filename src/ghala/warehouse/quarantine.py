"""The quarantine: what a contract refused, to be looked at and mended."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import DataRejected, UsageError, suggest
from ghala.contracts.settings import Workspace
from ghala.warehouse.contract import Feed, read_sources
from ghala.warehouse.engines.engine import Warehouse

FILE, ROW, REASONS = "_file", "_row", "_reasons"
"""The columns that a file for correction has besides those of the contract."""
_JOINED = (
    "raw.quarantine AS refused JOIN raw.batches AS batches ON batches.batch = refused.batch"
    " LEFT JOIN raw.releases AS releases"
    " ON releases.batch = refused.batch AND releases.row_number = refused.row_number"
)
_ONE_REASON = "(SELECT *, unnest(reasons) AS reason FROM raw.quarantine)"


@dataclass(frozen=True)
class Selection:
    """Which refused rows are meant; None means any."""

    source: str | None = None
    feed: str | None = None
    batch: int | None = None
    reason: str | None = None

    def where(self) -> tuple[str, list[Any]]:
        """The claim in SQL over ``refused``, with its parameters."""
        claims = {
            "refused.source = ?": self.source,
            "refused.feed = ?": self.feed,
            "refused.batch = ?": self.batch,
            "? = ANY(refused.reasons)": self.reason,
        }
        given = {claim: value for claim, value in claims.items() if value is not None}
        return " AND ".join(given) or "true", list(given.values())


def require_known(workspace: Workspace, warehouse: Warehouse, chosen: Selection) -> None:
    """Check that the source, the feed and the batch that are chosen exist.

    Raises:
        UsageError: one does not; the known ones are named.
    """
    if chosen.batch is not None:
        find_batch(warehouse, chosen.batch)
    known = set(warehouse.rows("SELECT DISTINCT source, feed FROM raw.batches"))
    known |= {(s, feed) for s, one in read_sources(workspace).items() for feed in one.feeds}
    sources = {source for source, _ in known}
    feeds = {feed for source, feed in known if chosen.source in (None, source)}
    wanted = (("source", chosen.source, sources), ("feed", chosen.feed, feeds))
    for what, name, names in wanted:
        if name is not None and name not in names:
            raise UsageError(f"There is no {what} {name!r}.", suggest(name, names))


def count_refused(warehouse: Warehouse, chosen: Selection) -> list[dict[str, Any]]:
    """Rows per source, feed, batch and reason; a row with two reasons counts under both."""
    where, parameters = chosen.where()
    found = warehouse.frame(
        "SELECT refused.source, refused.feed, refused.batch, batches.file, batches.arrived_on,"  # noqa: S608
        " refused.reason, count(*) AS rows, count(releases.batch) AS released"
        f" FROM {_JOINED.replace('raw.quarantine', _ONE_REASON, 1)} WHERE {where}"
        " GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 6",
        parameters,
    )
    rows = found.to_dicts()
    return [row for row in rows if chosen.reason in (None, row["reason"])]


def show_refused(warehouse: Warehouse, chosen: Selection, *, limit: int) -> list[dict[str, Any]]:
    """Refused rows as they were delivered, with their reasons and where they went since."""
    where, parameters = chosen.where()
    found = warehouse.frame(
        "SELECT refused.source, refused.feed, refused.batch, batches.file,"  # noqa: S608
        " refused.row_number AS row, refused.reasons, CAST(refused.record AS VARCHAR) AS record,"
        " releases.into_batch AS released_into"
        f" FROM {_JOINED} WHERE {where} ORDER BY refused.batch, refused.row_number LIMIT ?",
        [*parameters, limit],
    )
    return [{**row, "record": _as_delivered(row["record"])} for row in found.to_dicts()]


def write_refused(
    workspace: Workspace, warehouse: Warehouse, chosen: Selection, *, target: Path
) -> int:
    """Write the rows of a batch that are not released yet to a CSV file to mend; count them.

    Raises:
        UsageError: no batch is named, it has no such rows, or the file is there already.
    """
    if chosen.batch is None:
        raise UsageError("A file holds the rows of one batch.", "Name it: --batch N")
    if target.suffix.lower() != ".csv" or target.exists():
        raise UsageError(
            f"{target} {'exists already' if target.exists() else 'is not called *.csv'}.",
            "Name a new file: --out fixed.csv",
        )
    source, name, _ = find_batch(warehouse, chosen.batch)
    rows = open_rows(warehouse, find_feed(workspace, source, name), chosen)
    reasons = pl.col(REASONS).list.join(", ")
    rows.with_columns(reasons).write_csv(target)
    return rows.height


def list_releases(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Every release: how many rows of which batch went into which, by whom and why."""
    return warehouse.frame(
        "SELECT batches.source, batches.feed, batches.file, releases.batch AS from_batch,"
        " releases.into_batch, count(*) AS rows, min(released_by) AS released_by,"
        " min(reason) AS reason, min(batches.arrived_on) AS released_on"
        " FROM raw.releases AS releases JOIN raw.batches AS batches"
        " ON batches.batch = releases.into_batch GROUP BY 1, 2, 3, 4, 5 ORDER BY 5"
    ).to_dicts()


def verify_releases(warehouse: Warehouse) -> int:
    """Count the released rows, each of which must be one refused row and one of its new batch.

    Raises:
        DataRejected: the tables say otherwise; the batch is named.
    """
    wrong = warehouse.rows(
        "SELECT releases.into_batch, count(*), min(batches.rows_in), count(refused.batch)"
        " FROM raw.releases AS releases"
        " LEFT JOIN raw.batches AS batches ON batches.batch = releases.into_batch"
        " LEFT JOIN raw.quarantine AS refused"
        " ON refused.batch = releases.batch AND refused.row_number = releases.row_number"
        " GROUP BY 1 HAVING count(*) IS DISTINCT FROM min(batches.rows_in)"
        " OR count(*) <> count(refused.batch)"
    )
    if wrong:
        batch, released, rows_in, refused = wrong[0]
        raise DataRejected(
            f"Batch {batch} has {rows_in} rows, {released} are released into it, and {refused} of"
            " them stand in quarantine.",
            "Restore the warehouse: move it away, then `ghala land` and `ghala build`.",
        )
    return int(warehouse.scalar("SELECT count(*) FROM raw.releases"))


def find_batch(warehouse: Warehouse, batch: int) -> tuple[str, str, date]:
    """The source, the feed and the day of arrival of a batch.

    Raises:
        UsageError: there is no such batch.
    """
    found = warehouse.rows(
        "SELECT source, feed, arrived_on FROM raw.batches WHERE batch = ?", [batch]
    )
    if not found:
        last = warehouse.scalar("SELECT max(batch) FROM raw.batches")
        raise UsageError(
            f"There is no batch {batch}; the last one is {last or 'not there yet'}.",
            "Look at `ghala quarantine list`.",
        )
    source, feed, arrived = found[0]
    return source, feed, arrived


def find_feed(workspace: Workspace, source: str, name: str) -> Feed:
    """The contract of a feed today.

    Raises:
        UsageError: no source that the workspace reads has it.
    """
    contracts = read_sources(workspace)
    if source not in contracts or name not in contracts[source].feeds:
        feeds = [f"{one}/{feed}" for one, spec in contracts.items() for feed in spec.feeds]
        raise UsageError(
            f"No contract holds {source}/{name} any more. {suggest(f'{source}/{name}', feeds)}",
            "Bring the contract back, or add the source to ghala.toml.",
        )
    return contracts[source].feeds[name]


def open_rows(warehouse: Warehouse, feed: Feed, chosen: Selection) -> pl.DataFrame:
    """The chosen rows that are not released: file, number, reasons, every column as text.

    Raises:
        UsageError: there are none.
    """
    where, parameters = chosen.where()
    columns = [f"refused.record ->> {_literal(name)} AS {quoted(name)}" for name in feed.columns]
    found = warehouse.frame(
        f"SELECT batches.file AS {FILE}, refused.row_number AS {ROW}, refused.reasons AS {REASONS},"  # noqa: S608
        f" {', '.join(columns)}"
        f" FROM {_JOINED} WHERE {where} AND releases.batch IS NULL ORDER BY refused.row_number",
        parameters,
    )
    if found.is_empty():
        raise UsageError(
            f"Batch {chosen.batch} has no such rows in quarantine that are not released.",
            "Look at `ghala quarantine list`.",
        )
    return found


def _literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _as_delivered(record: str) -> dict[str, Any]:
    """The columns of a record; those that landing added are left out."""
    return {name: value for name, value in json.loads(record).items() if not name.startswith("_")}

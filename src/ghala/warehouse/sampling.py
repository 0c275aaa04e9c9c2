"""Look at sample files of a system, and propose how their columns should be read.

Proposals are careful: what may be an id, an ambiguous day or a number written for people stays
text, with a note, because a wrong type loses what a right one can always win back.
"""

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import DataRejected, UsageError
from ghala.warehouse.contract import TYPES, arrival, feed_name
from ghala.warehouse.entities import MARK
from ghala.warehouse.reading import find_mixed_endings, shorten

SAMPLE_ROWS = 1_000_000
_WIDER = {
    "tinyint": "smallint",
    "utinyint": "smallint",
    "usmallint": "integer",
    "uinteger": "bigint",
    "ubigint": "decimal(20,0)",
    "hugeint": "decimal(38,0)",
}
"""The contract's type that holds what a type of Parquet holds and a contract has no name for."""
_KEY_COLUMNS = 8
_ID = re.compile(
    r"(^|_)(id|code|sku|ean|upc|barcode|phone|msisdn|account|zip|postcode|nr|no|number"
    r"|invoice|receipt|basket|order)$"
)
_WHOLE, _DAY = "[+-]?[0-9]+", "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NUMBER = "[+-]?[0-9]+([.][0-9]+)?"
_FACTS = {
    "values": "count(*)",
    "is_true_or_false": "bool_and(lower(value) IN ('true', 'false'))",
    "has_leading_zero": "bool_or(regexp_full_match(value, '[+-]?0[0-9]+([.][0-9]+)?'))",
    "is_whole": f"bool_and(regexp_full_match(value, '{_WHOLE}'))",
    "is_number": f"bool_and(regexp_full_match(value, '{_NUMBER}'))",
    "is_for_people": "bool_and(regexp_full_match(value,"
    " '[+-]?[0-9]{1,3}(,?[0-9]{3})*([.][0-9]+)?'))",
    "is_scientific": f"bool_and(regexp_full_match(value, '{_NUMBER}([eE][+-]?[0-9]+)?'))",
    "is_day": f"bool_and(regexp_full_match(value, '{_DAY}')"
    " AND try_cast(value AS DATE) IS NOT NULL)",
    "is_moment": f"bool_and(regexp_full_match(value, '{_DAY}[ T][0-9]{{2}}:[0-9]{{2}}.*')"
    " AND try_cast(value AS TIMESTAMPTZ) IS NOT NULL)",
    "has_zone": "bool_or(regexp_full_match(value, '.*:[0-9.]+ ?[+-][0-9]{2}(:?[0-9]{2})?')"
    " AND NOT regexp_full_match(value, '.*[+-]00(:?00)?'))",
    "is_slashed": "bool_and(regexp_full_match(value,"
    " '[0-9]{1,2}[-/.][0-9]{1,2}[-/.]([0-9]{2}|[0-9]{4})( .*)?'))",
    "digits": "max(length(regexp_extract(value, '^[+-]?([0-9]+)', 1)))",
    "scale": "max(length(regexp_extract(value, '[.]([0-9]+)$', 1)))",
    "example": "min(value)",
}


@dataclass(frozen=True)
class Seen:
    """A column as the sample shows it, with the type to propose and what a person should know."""

    type: str
    required: bool
    note: str = ""


@dataclass(frozen=True)
class Sample:
    """What the files of one feed show."""

    feed: str
    format: str
    rows: int
    columns: dict[str, Seen]
    keys: tuple[tuple[str, ...], ...]
    days: tuple[date, ...]


def look(files: Sequence[Path]) -> list[Sample]:
    """What each feed looks like; a file belongs to the feed that its name begins with.

    Raises:
        UsageError: a file is neither CSV nor Parquet, or is not there.
        DataRejected: a file cannot be read, or files of one feed have different columns.
    """
    by_feed: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        if not file.exists():
            raise UsageError(f"{file} does not exist.", "Name sample files that are there.")
        if _form(file) not in ("csv", "parquet") or not file.is_file():
            raise UsageError(
                f"{file} is no CSV or Parquet file.", "Name files *.csv, *.csv.gz or *.parquet."
            )
        stem = file.name.removesuffix(".gz").rpartition(".")[0]
        by_feed[slug(feed_name(file) if arrival(file) else stem)].append(file)
    return [_look_at(feed, sorted(found)) for feed, found in by_feed.items()]


def _form(file: Path) -> str:
    """How a file is written, from its name: csv, also when packed with gzip, or parquet."""
    return file.name.lower().removesuffix(".gz").rpartition(".")[2]


def slug(text: str) -> str:
    """A name in the form that sources and feeds have: small letters, digits, single underscores."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"feed_{plain}".rstrip("_")


def _is_id(column: str) -> bool:
    return bool(_ID.search(slug(re.sub("(?<=[a-z])(?=[A-Z])", "_", column))))


def _look_at(feed: str, files: Sequence[Path]) -> Sample:
    form = _form(files[0])
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        try:
            _read(connection, files, form)
        except (duckdb.Error, csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
            mixed = [find_mixed_endings(str(one)) for one in files if form == "csv"]
            said = shorten(str(next(filter(None, mixed), error)))
            raise DataRejected(
                f"{', '.join(map(str, files))} cannot be read as {form}: {said}.",
                "Give whole files of one feed with the same columns, comma-separated, in UTF-8.",
            ) from error
        rows = _value(connection, "SELECT count(*) FROM sample")
        if rows == 0:
            raise DataRejected(
                f"{', '.join(map(str, files))} has a header and no row.",
                "Give a sample with rows: types and the key are proposed from what is in them.",
            )
        columns = _see_text(connection, rows) if form == "csv" else _see_typed(connection, rows)
        keys = _find_keys(connection, columns, rows=rows)
    days = tuple(sorted(day for file in files if (day := arrival(file))))
    return Sample(feed, form, rows, columns, keys, days)


def _read(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], form: str) -> None:
    reader = "read_parquet(?)"
    if form == "csv":
        headers = [_header(file) for file in files]
        if any(header != headers[0] for header in headers):
            raise csv.Error("the files have different headers")
        named = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in headers[0])
        reader = (
            f"read_csv(?, auto_detect = false, header = true, columns = {{{named}}}, delim = ',',"
            " quote = '\"', escape = '\"', strict_mode = true)"
        )
    connection.execute(
        f"CREATE TABLE sample AS FROM {reader} LIMIT {SAMPLE_ROWS}",
        [[str(file) for file in files]],
    )


def _header(file: Path) -> list[str]:
    opening = gzip.open if file.suffix == ".gz" else open
    with opening(file, "rt", encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream, strict=True), [])
    if len(header) < 2 or not all(header):
        raise csv.Error(f"the header {','.join(header)!r} does not name two columns or more")
    return header


def _see_text(connection: duckdb.DuckDBPyConnection, rows: int) -> dict[str, Seen]:
    facts = ", ".join(f"{claim} AS {name}" for name, claim in _FACTS.items())
    found = connection.execute(
        f"SELECT name, {facts} FROM (UNPIVOT sample ON COLUMNS(*) INTO NAME name VALUE value)"  # noqa: S608
        " GROUP BY name"
    )
    names = [column[0] for column in found.description or ()][1:]
    known = {name: dict(zip(names, values, strict=True)) for name, *values in found.fetchall()}
    return {
        name: _propose(name, known[name], rows=rows)
        if name in known
        else Seen("varchar", required=False, note=f"{MARK} empty in the sample: which type?")
        for name in (row[0] for row in connection.execute("DESCRIBE sample").fetchall())
    }


def _propose(name: str, facts: dict[str, Any], *, rows: int) -> Seen:
    """The first proposal whose claim holds for every value of the column."""
    digits, scale, example = facts["digits"] or 0, facts["scale"] or 0, facts["example"]
    width = next((wide for wide in (12, 18) if digits + scale <= wide), digits + scale)
    number = facts["is_number"] and not facts["has_leading_zero"]
    proposals = (
        (facts["is_true_or_false"], "boolean", ""),
        (facts["is_whole"] and facts["has_leading_zero"], "varchar", "digits with leading zeros"),
        (facts["is_scientific"] and _is_id(name), "varchar",
         "an id is text: another file may bring leading zeros"),
        (facts["is_whole"] and digits <= 9, "integer", ""),
        (facts["is_whole"] and digits <= 18, "bigint", ""),
        (facts["is_whole"], "varchar", "too many digits for a number"),
        (number and scale <= 6 and width <= 38, f"decimal({width},{scale})", ""),
        (number, "double", f"{MARK} many decimals: is it an amount?"),
        (facts["is_for_people"], "varchar", f"{MARK} {example!r} has separators: cast in staging"),
        (facts["is_scientific"], "varchar", f"{MARK} {example!r}: a number, or a code like 1E5?"),
        (facts["is_day"], "date", ""),
        (facts["is_moment"] and facts["has_zone"], "varchar",
         f"{MARK} {example!r} is not in UTC: cast in staging"),
        (facts["is_moment"], "timestamp", f"{MARK} is it UTC?"),
        (facts["is_slashed"], "varchar",
         f"{MARK} {example!r}: which is the day, which the month? Cast in staging"),
        (True, "varchar", ""),
    )  # fmt: skip
    kind, note = next((kind, note) for holds, kind, note in proposals if holds)
    return Seen(kind, required=facts["values"] == rows, note=note)


def _see_typed(connection: duckdb.DuckDBPyConnection, rows: int) -> dict[str, Seen]:
    described = connection.execute("DESCRIBE sample").fetchall()
    counts = ", ".join(f"count({quoted(row[0])})" for row in described)
    [filled] = connection.execute(f"SELECT {counts} FROM sample").fetchall()  # noqa: S608
    return {
        row[0]: _keep(row[1], required=count == rows)
        for row, count in zip(described, filled, strict=True)
    }


def _keep(given: str, *, required: bool) -> Seen:
    """The type that a Parquet file says, in the contract's words."""
    kind = given.lower()
    if kind == "timestamp with time zone":
        return Seen("timestamptz", required)
    if kind.startswith("timestamp"):
        return Seen("timestamp", required, f"{MARK} is it UTC?")
    kind = _WIDER.get(kind, kind)
    if kind in TYPES or kind.startswith("decimal"):
        note = f"{MARK} is it an amount? Then decimal(12,2)" if kind in ("double", "float") else ""
        return Seen(kind, required, note)
    return Seen("varchar", required, f"{MARK} {given} is not one value: ask for a flat file")


def _find_keys(
    connection: duckdb.DuckDBPyConnection, columns: dict[str, Seen], *, rows: int
) -> tuple[tuple[str, ...], ...]:
    """The fewest columns that are unique together, ids first; none in a sample of one row."""
    usable = [
        name
        for name, seen in columns.items()
        if seen.required and not seen.type.startswith(("decimal", "double", "float", "boolean"))
    ]
    usable.sort(key=lambda name: not _is_id(name))
    # A count is unique in a small sample; alone it identifies nothing.
    alone = [name for name in usable if _is_id(name) or columns[name].type == "varchar"]
    for width in (1, 2, 3):
        sets = list(combinations((alone if width == 1 else usable)[:_KEY_COLUMNS], width))
        if rows > 1 and sets:
            counts = ", ".join(f"count(DISTINCT ({', '.join(map(quoted, one))}))" for one in sets)
            [found] = connection.execute(f"SELECT {counts} FROM sample").fetchall()  # noqa: S608
            unique = tuple(
                one for one, distinct in zip(sets, found, strict=True) if distinct == rows
            )
            if unique:
                return unique
    return ()


def _value(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    [(value,)] = connection.execute(sql).fetchall()
    return int(value)

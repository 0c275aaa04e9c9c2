"""Compile a contract to SQL: cast by contract, list every reason against each row."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from ghala.contracts.errors import DataRejected, suggest
from ghala.warehouse.contract import Feed
from ghala.warehouse.engines.engine import Warehouse

INCOMING = "incoming"
_INTEGERS = frozenset(["tinyint", "smallint", "integer", "int", "bigint", "hugeint"])
_FLOATS = frozenset(["double", "float", "real"])
_DAY = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_EXACT_TEXT = {
    "date": f"{_DAY}([ T]0?0:00(:00([.]0*)?)?)?",
    "timestamp": f"{_DAY}([ T][0-9:.]+ ?(Z|UTC|[+-]00(:?00)?)?)?",
}


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def raw_table(source: str, feed: str) -> str:
    """The table of accepted rows."""
    return f"raw.{quoted(f'{source}__{feed}')}"


def read_incoming(warehouse: Warehouse, feed: Feed, path: str) -> None:
    """Read a file as it is into the temporary table ``delivered``; CSV as text, never sniffed.

    Raises:
        DataRejected: the file cannot be read, or its columns are not those of the contract.
    """
    reader, number = "read_parquet(?, file_row_number = true)", "file_row_number + 1"
    drop = "EXCLUDE (file_row_number)"
    try:
        if feed.format == "csv":
            header = _read_header(path)
            check_columns(path, header, set(feed.columns))
            reader, number, drop = _csv_reader(header), "row_number() OVER ()", ""
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE delivered AS "  # noqa: S608 - path is a parameter
            f"SELECT {number} AS _row, * {drop} FROM {reader}",
            [path],
        )
    except (duckdb.Error, csv.Error, UnicodeDecodeError) as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise DataRejected(
            f"{path} cannot be read as {feed.format}: {_shorten(error)}.",
            "Ask the sender for the file again; nothing of it was loaded.",
        ) from error
    names = [row[0] for row in warehouse.rows("DESCRIBE delivered")][1:]
    check_columns(path, names, set(feed.columns))


def _read_header(path: str) -> list[str]:
    with Path(path).open(encoding="utf-8-sig", newline="") as stream:
        return next(csv.reader(stream, strict=True), [])


def _csv_reader(header: Sequence[str]) -> str:
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
    return (
        f"read_csv(?, auto_detect = false, header = true, columns = {{{columns}}}, delim = ',',"
        " quote = '\"', escape = '\"', strict_mode = true)"
    )


def _shorten(error: Exception) -> str:
    said = str(error).partition("Possible")[0]
    return " ".join(said.split())[:300].rstrip(".")


def check_columns(path: str, given: Sequence[str], allowed: set[str]) -> None:
    """Refuse a file that lacks a column of the contract, or brings one twice or an unknown one.

    Raises:
        DataRejected: naming the columns.
    """
    got = set(given)
    missing, unknown = sorted(allowed - got), sorted(got - allowed)
    twice = sorted(name for name in got if given.count(name) > 1)
    if missing or unknown or twice:
        said = [f"column {name!r} is missing" for name in missing]
        said += [f"column {name!r} comes twice" for name in twice]
        said += [f"column {name!r} is unknown ({suggest(name, allowed)})" for name in unknown]
        raise DataRejected(
            f"{path}: {'; '.join(said)}. Nothing of the file was loaded.",
            "Ask the sender for the agreed columns, or change the source's contract.yml.",
        )


def stage_incoming(warehouse: Warehouse, feed: Feed, *, source: str, feed_name: str) -> None:
    """Turn ``delivered`` into ``incoming``: typed columns, ``_row`` and the list ``_reasons``."""
    casts = ", ".join(
        f"TRY_CAST(d.{quoted(name)} AS {column.type}) AS {quoted(name)}"
        for name, column in feed.columns.items()
    )
    given = {row[0]: row[1] for row in warehouse.rows("DESCRIBE delivered")}
    bad_casts = _reasons(
        (
            f"d.{quoted(name)} IS NOT NULL"
            f" AND ({_loses(f'd.{quoted(name)}', given[name], column.type)})",
            f"type:{name}",
        )
        for name, column in feed.columns.items()
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP VIEW typed AS "  # noqa: S608 - names from the contract
        f"SELECT d._row, {casts}, {bad_casts} AS _type_reasons FROM delivered AS d"
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {INCOMING} AS "  # noqa: S608
        f"SELECT this.*, list_concat(_type_reasons, {_reasons(_claims(source, feed_name, feed))})"
        f" AS _reasons FROM typed AS this {_joins(source, feed_name, feed)}"
    )


def _loses(value: str, given: str, wanted: str) -> str:
    """The SQL claim that a cast fails, or succeeds with another value than was delivered.

    DuckDB rounds ``1.7`` to an integer and cuts the zone off ``12:00+03:00`` without a word.
    """
    cast = f"TRY_CAST({value} AS {wanted})"
    scale = _scale(wanted)
    changed = "false"
    if wanted in _FLOATS:
        changed = f"NOT isfinite({cast})"
    elif given == "VARCHAR" and (scale is not None or wanted in _EXACT_TEXT):
        digits = f"[+-]?[0-9]*([.][0-9]{{0,{scale}}}0*)?"
        changed = f"NOT regexp_full_match(trim({value}), '{_EXACT_TEXT.get(wanted, digits)}')"
    elif given in ("FLOAT", "DOUBLE") and scale is not None:
        noise = 1e-7 if given == "FLOAT" else 1e-14
        gap = f"abs({cast}::DOUBLE - {value}::DOUBLE)"
        changed = f"{gap} > greatest(1e-9, {noise} * abs({value}::DOUBLE))"
    elif given.startswith(("DECIMAL", "TIMESTAMP")) and (scale is not None or wanted == "date"):
        changed = f"{cast} <> {value}"
    return f"{cast} IS NULL OR {changed}"


def _scale(wanted: str) -> int | None:
    """Digits after the point of a fixed-point type; None for every other type."""
    if wanted.startswith(("decimal", "numeric")):
        inside = wanted.partition("(")[2].rstrip(")")
        return int(inside.partition(",")[2] or 0) if inside else 3
    return 0 if wanted in _INTEGERS else None


def _claims(source: str, name: str, feed: Feed) -> list[tuple[str, str]]:
    claims = [
        (f"this.{quoted(column)} IS NULL AND NOT list_contains(_type_reasons, 'type:{column}')",
         f"required:{column}")
        for column, spec in feed.columns.items()
        if spec.required
    ]  # fmt: skip
    claims += [
        (f"this.{quoted(column)} IS NOT NULL AND {to.name}._found IS NULL", f"unknown:{column}")
        for column, to in feed.references.items()
        if to.required
    ]
    claims += [(f"({rule.check}) IS NOT TRUE", rule.name) for rule in feed.rules]
    if feed.key:
        order = ", ".join(f"this.{quoted(column)}" for column in feed.key)
        claims.append(
            (f"row_number() OVER (PARTITION BY {order} ORDER BY this._row) > 1", "duplicate_key")
        )
        claims.append(("loaded._found IS NOT NULL", "already_loaded"))
    return claims


def _joins(source: str, name: str, feed: Feed) -> str:
    joins = [
        f"LEFT JOIN (SELECT *, true AS _found FROM {raw_table(source, to.feed)}) AS {to.name}"  # noqa: S608
        f" ON {to.name}.{quoted(to.column)} = this.{quoted(column)}"
        for column, to in feed.references.items()
    ]
    if feed.key:
        columns = ", ".join(quoted(column) for column in feed.key)
        matches = " AND ".join(
            f"loaded.{quoted(column)} = this.{quoted(column)}" for column in feed.key
        )
        joins.append(
            f"LEFT JOIN (SELECT {columns}, true AS _found FROM {raw_table(source, name)}"  # noqa: S608
            f" SEMI JOIN typed USING ({columns})) AS loaded ON {matches}"
        )
    return " ".join(joins)


def _reasons(claims: Iterable[tuple[str, str]]) -> str:
    cases = ", ".join(f"CASE WHEN {wrong} THEN '{name}' END" for wrong, name in claims)
    return f"list_filter([{cases}]::VARCHAR[], lambda reason: reason IS NOT NULL)"

"""Compile a contract to SQL: cast by contract, list every reason against each row."""

from collections.abc import Iterable

from ghala.contracts.errors import DataRejected, suggest
from ghala.warehouse.contract import Feed
from ghala.warehouse.engines.duckdb import DuckDBWarehouse

INCOMING = "incoming"


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def raw_table(source: str, feed: str) -> str:
    """The table of accepted rows."""
    return f"raw.{quoted(f'{source}__{feed}')}"


def read_incoming(warehouse: DuckDBWarehouse, feed: Feed, path: str) -> None:
    """Read a file as it is into the temporary table ``delivered``; CSV as text, never sniffed.

    Raises:
        DataRejected: the file cannot be read, or its columns are not those of the contract.
    """
    reader = (
        "read_parquet(?, file_row_number = true)"
        if feed.format == "parquet"
        else "read_csv(?, all_varchar = true, header = true, delim = ',', quote = '\"')"
    )
    number = "file_row_number + 1" if feed.format == "parquet" else "row_number() OVER ()"
    drop = "EXCLUDE (file_row_number)" if feed.format == "parquet" else ""
    try:
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE delivered AS "  # noqa: S608 - path is a parameter
            f"SELECT {number} AS _row, * {drop} FROM {reader}",
            [path],
        )
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        raise DataRejected(
            f"{path} cannot be read as {feed.format}: {error}.",
            "Ask the sender for the file again; nothing of it was loaded.",
        ) from error
    names = {row[0] for row in warehouse.rows("DESCRIBE delivered")} - {"_row"}
    check_columns(path, names, set(feed.columns))


def check_columns(path: str, got: set[str], allowed: set[str]) -> None:
    """Refuse a file that lacks a column of the contract or brings one it does not know.

    Raises:
        DataRejected: naming the columns.
    """
    missing, unknown = sorted(allowed - got), sorted(got - allowed)
    if missing or unknown:
        said = [f"column {name!r} is missing" for name in missing]
        said += [f"column {name!r} is unknown ({suggest(name, allowed)})" for name in unknown]
        raise DataRejected(
            f"{path}: {'; '.join(said)}. Nothing of the file was loaded.",
            "Ask the sender for the agreed columns, or change the source's contract.yml.",
        )


def stage_incoming(warehouse: DuckDBWarehouse, feed: Feed, *, source: str, feed_name: str) -> None:
    """Turn ``delivered`` into ``incoming``: typed columns, ``_row`` and the list ``_reasons``."""
    casts = ", ".join(
        f"TRY_CAST(d.{quoted(name)} AS {column.type}) AS {quoted(name)}"
        for name, column in feed.columns.items()
    )
    bad_casts = _reasons(
        (
            f"d.{quoted(name)} IS NOT NULL AND TRY_CAST(d.{quoted(name)} AS {column.type}) IS NULL",
            f"type:{name}",
        )
        for name, column in feed.columns.items()
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE typed AS "  # noqa: S608 - names from the contract
        f"SELECT d._row, {casts}, {bad_casts} AS _type_reasons FROM delivered AS d"
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE {INCOMING} AS "  # noqa: S608
        f"SELECT this.*, list_concat(_type_reasons, {_reasons(_claims(source, feed_name, feed))})"
        f" AS _reasons FROM typed AS this {_joins(source, feed_name, feed)}"
    )


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

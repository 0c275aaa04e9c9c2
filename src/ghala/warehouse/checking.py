"""Compile a contract to SQL: cast by contract, list every reason against each row."""

from collections.abc import Iterable, Sequence
from datetime import date

import duckdb

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import ConfigurationError, DataRejected
from ghala.warehouse.contract import Feed
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.reading import (
    check_columns,
    find_mixed_endings,
    read_header,
    require_sound_gzip,
    require_sound_parquet,
    shorten,
    unreadable,
)

INCOMING = "incoming"
EXTRA = "_extra"
"""Where the values of new columns are parked."""

_NESTED = ("STRUCT", "MAP", "UNION")
_INTEGERS = frozenset(["smallint", "integer", "bigint"])
_FLOATS = frozenset(["double", "float"])
_DECLARED = {
    "character varying": "varchar",
    "double precision": "double",
    "real": "float",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}
"""The contract's names for what the engines call otherwise."""
_DAY = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_EXACT_TEXT = {
    "date": f"{_DAY}([ T]0?0:00(:00([.]0*)?)?)?",
    "timestamp": f"{_DAY}([ T][0-9:.]+ ?(Z|UTC|[+-]00(:?00)?)?)?",
}


def raw_table(source: str, feed: str) -> str:
    """The table of accepted rows."""
    return f"raw.{quoted(f'{source}__{feed}')}"


def raw_feeds(warehouse: Warehouse) -> list[tuple[str, str]]:
    """The source and feed of every raw table there is, also of those that left their contract."""
    return [
        (name.partition("__")[0], name.partition("__")[2])
        for (name,) in warehouse.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'raw'"
            " AND table_type = 'BASE TABLE' AND position('__' IN table_name) > 0 ORDER BY 1"
        )
    ]


def create_raw_table(warehouse: Warehouse, source: str, name: str, *, feed: Feed) -> None:
    """Create the table of a feed's accepted rows; one that is empty follows its contract.

    A column more is added to it; in every other case it is made anew, without the views over it.

    Raises:
        ConfigurationError: it holds rows, and its columns are not those of the contract.
    """
    _require_same_columns(warehouse, source, name, feed=feed)
    columns = ", ".join(
        f"{quoted(column)} {warehouse.dialect.column_type(spec.type)}"
        for column, spec in feed.columns.items()
    )
    warehouse.execute(
        f"CREATE TABLE IF NOT EXISTS {raw_table(source, name)}"
        f" ({columns}, _batch INTEGER NOT NULL, _arrived_on DATE NOT NULL)"
    )
    if feed.new_columns == "keep":
        warehouse.execute(
            f"ALTER TABLE {raw_table(source, name)} ADD COLUMN IF NOT EXISTS {EXTRA} JSON"
        )


def _require_same_columns(warehouse: Warehouse, source: str, name: str, *, feed: Feed) -> None:
    """Let a table that differs from its contract while it is empty be changed or made anew."""
    wanted = {column: spec.type for column, spec in feed.columns.items()}
    there = _columns_there(warehouse, f"{source}__{name}")
    differing = [c for c in wanted | there if wanted.get(c) != there.get(c)]
    if not there or not differing:
        return
    table = raw_table(source, name)
    if warehouse.rows(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - names of feeds
        said = (f"{c} is {there.get(c, 'not')} there, {wanted.get(c, 'not')} in the contract"
                for c in differing)  # fmt: skip
        raise ConfigurationError(
            f"The contract of {source}/{name} has changed since its rows were loaded:"
            f" {'; '.join(said)}.",
            "Load the warehouse again from landing/: ghala land --anew --as-of DATE. Or restore"
            " the contract.yml.",
        )
    if set(differing) & set(there):
        warehouse.execute(f"DROP TABLE {table} CASCADE")
        return
    for column in differing:
        kind = warehouse.dialect.column_type(wanted[column])
        warehouse.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(column)} {kind}")


def _columns_there(warehouse: Warehouse, table: str) -> dict[str, str]:
    """The columns of a raw table besides the platform's own, with the contract's types."""
    found = warehouse.rows(
        "SELECT column_name, lower(data_type), numeric_precision, numeric_scale"
        " FROM information_schema.columns WHERE table_schema = 'raw' AND table_name = ?",
        [table],
    )
    return {
        name: f"decimal({digits},{scale})"
        if kind.startswith(("decimal", "numeric"))
        else _DECLARED.get(kind, kind)
        for name, kind, digits, scale in found
        if name not in ("_batch", "_arrived_on", EXTRA)
    }


def read_incoming(
    warehouse: DuckDBWarehouse, feed: Feed, paths: Sequence[str], *, arrived: Sequence[date]
) -> None:
    """Read files as they are into the temporary table ``delivered``; CSV as text, never sniffed.

    ``_file`` is a file's place in ``paths`` and ``_row`` a row's place in its file, from 1.

    Raises:
        DataRejected: a file cannot be read, its columns are not those of the contract, or the
            files do not have the same columns.
    """
    reader = (
        _csv_reader(paths, feed, arrived=arrived)
        if feed.format == "csv"
        else _parquet_reader(warehouse, paths)
    )
    try:
        warehouse.execute(
            "CREATE OR REPLACE TEMP TABLE files AS SELECT unnest($paths) AS _path,"
            " generate_subscripts($paths, 1) - 1 AS _file, unnest($arrived::DATE[]) AS _arrived_on",
            {"paths": list(paths), "arrived": list(arrived)},
        )
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE delivered AS SELECT _file, _arrived_on,"  # noqa: S608
            f" read.* EXCLUDE (_path) FROM {reader} AS read JOIN files USING (_path)",
            {"paths": list(paths)},
        )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        mixed = find_mixed_endings(paths[0]) if feed.format == "csv" and len(paths) == 1 else None
        raise unreadable(", ".join(paths), feed.format, mixed or error) from error
    given = delivered_columns(warehouse)
    check_columns(paths[0], given, feed, arrived=max(arrived))
    for column in feed.columns.keys() - set(given):
        warehouse.execute(f"ALTER TABLE delivered ADD COLUMN {quoted(column)} VARCHAR")


def delivered_columns(warehouse: DuckDBWarehouse) -> list[str]:
    """The columns that the delivered files brought, in their order."""
    return [row[0] for row in warehouse.rows("DESCRIBE delivered")][3:]


def _parquet_reader(warehouse: DuckDBWarehouse, paths: Sequence[str]) -> str:
    """A query over Parquet files; DuckDB would cast all to the first one's types, so they agree."""
    for path in paths:
        require_sound_parquet(path)
    try:
        shapes = warehouse.rows(
            "SELECT DISTINCT columns FROM (SELECT file_name, list((name, type, logical_type))"
            " AS columns FROM parquet_schema(?) GROUP BY file_name)",
            [list(paths)],
        )
    except duckdb.Error as error:
        raise unreadable(", ".join(paths), "parquet", error) from error
    if len(shapes) > 1:
        raise DataRejected(
            f"{paths[0]} to {paths[-1]} do not have the same columns.", "Land them one by one."
        )
    return (
        "(SELECT file_row_number + 1 AS _row, * EXCLUDE (file_row_number)"
        " FROM read_parquet($paths, file_row_number = true, filename = '_path'))"
    )


def _csv_reader(paths: Sequence[str], feed: Feed, *, arrived: Sequence[date]) -> str:
    """A query over CSV files whose header is the contract's."""
    headers = set()
    for path, day in zip(paths, arrived, strict=True):
        if path.endswith(".gz"):
            require_sound_gzip(path)
        header = read_header(path)
        check_columns(path, header, feed, arrived=day)
        headers.add(header)
    if len(headers) > 1:
        raise DataRejected(
            f"{paths[0]} to {paths[-1]} order their columns differently.", "Land them one by one."
        )
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
    return (
        "(SELECT row_number() OVER (PARTITION BY _path ORDER BY _row) AS _row,"  # noqa: S608
        " * EXCLUDE (_row) FROM (SELECT row_number() OVER () AS _row, *"
        " FROM read_csv($paths, filename = '_path',"
        f" auto_detect = false, header = true, columns = {{{columns}}}, delim = ',',"
        " quote = '\"', escape = '\"', strict_mode = true)))"
    )


def stage_incoming(warehouse: DuckDBWarehouse, feed: Feed, *, source: str, feed_name: str) -> None:
    """Turn ``delivered`` into ``incoming``: typed columns, ``_file``, ``_row`` and ``_reasons``."""
    casts = ", ".join(
        f"TRY_CAST(delivered.{quoted(name)} AS {column.type}) AS {quoted(name)}"
        for name, column in feed.columns.items()
    )
    given = {row[0]: row[1] for row in warehouse.rows("DESCRIBE delivered")}
    parked = f", {_extra(warehouse, feed)} AS {EXTRA}" if feed.new_columns == "keep" else ""
    bad_casts = _reasons(
        (
            f"delivered.{quoted(name)} IS NOT NULL"
            f" AND ({_loses(f'delivered.{quoted(name)}', given[name], column.type)})",
            f"type:{name}",
        )
        for name, column in feed.columns.items()
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP VIEW typed AS SELECT _file, _row, _arrived_on,"  # noqa: S608
        f" {casts}{parked}, {bad_casts} AS _type_reasons FROM delivered"
    )
    try:
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE {INCOMING} AS "  # noqa: S608 - names from the contract
            f"SELECT this.* EXCLUDE (_type_reasons),"
            f" list_concat(_type_reasons, {_reasons(_claims(feed))})"
            f" AS _reasons FROM typed AS this {_joins(source, feed)}"
        )
    except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException) as error:
        raise ConfigurationError(
            f"A rule of {source}/{feed_name} is no SQL over its columns: {shorten(str(error))}.",
            f"Mend the rules of {feed_name} in the contract.yml of {source}.",
        ) from error
    if feed.key:
        _mark_repeats(warehouse, feed, table=raw_table(source, feed_name))


def _extra(warehouse: DuckDBWarehouse, feed: Feed) -> str:
    """The values of the columns that the contract does not name, as JSON."""
    new = [name for name in delivered_columns(warehouse) if name not in feed.columns]
    return as_json(warehouse, new) if new else "NULL::JSON"


def as_json(warehouse: DuckDBWarehouse, columns: Sequence[str]) -> str:
    """One JSON object per row with these columns of ``delivered``.

    JSON has no word for what is no finite number, so that becomes text.
    """
    kinds = {name: kind for name, kind, *_ in warehouse.rows("DESCRIBE delivered")}
    pairs = []
    for name in columns:
        value = f"delivered.{quoted(name)}"
        if kinds[name] in ("FLOAT", "DOUBLE"):
            value = (
                f"CASE WHEN isfinite({value}) THEN to_json({value})"
                f" ELSE to_json(CAST({value} AS VARCHAR)) END"
            )
        pairs.append(f"'{name.replace(chr(39), chr(39) * 2)}', {value}")
    return f"json_object({', '.join(pairs)})"


def _mark_repeats(warehouse: DuckDBWarehouse, feed: Feed, *, table: str) -> None:
    """Add a reason to good rows that repeat a key: of their file, or of what was loaded before.

    Where the feed sends corrections, only a row that changes nothing of what was known on its day
    repeats. Few keys come twice: they are found by counting, and only their rows are put in order.
    """
    key = ", ".join(quoted(column) for column in feed.key)
    content = f"hash({', '.join(quoted(column) for column in feed.columns)})"
    same = " AND ".join(
        f"good.{quoted(c)} IS NOT DISTINCT FROM twice.{quoted(c)}" for c in feed.key
    )
    again, order = "_previous IS NOT NULL", "_file, _arrived_on, _batch"
    if feed.corrections:
        again, order = "_content = _previous", "_arrived_on, _file, _batch"
    warehouse.execute(
        f"""CREATE OR REPLACE TEMP TABLE repeats AS
        WITH good AS (
            SELECT {key}, _arrived_on, 0 AS _batch, _file, _row, {content} AS _content
            FROM {INCOMING} WHERE len(_reasons) = 0
        ),
        loaded AS (
            SELECT {key}, _arrived_on, _batch, -1 AS _file, -1 AS _row, {content} AS _content
            FROM {table} SEMI JOIN good USING ({key})
        ),
        twice AS (SELECT {key} FROM good GROUP BY {key} HAVING count(*) > 1),
        suspects AS (
            FROM good SEMI JOIN twice ON {same} UNION FROM good SEMI JOIN loaded USING ({key})
        ),
        numbered AS (
            SELECT *, row_number() OVER (PARTITION BY {key}, _file ORDER BY _row) AS _nth
            FROM suspects
            UNION ALL SELECT *, 1 FROM loaded
        ),
        compared AS (
            SELECT *, lag(_content) OVER (PARTITION BY {key}, _nth = 1 ORDER BY {order}) _previous
            FROM numbered
        )
        SELECT _file, _row, CASE WHEN _nth > 1 THEN 'duplicate_key' ELSE 'already_loaded' END
            AS reason
        FROM compared
        WHERE _file >= 0 AND (_nth > 1 OR {again})"""  # noqa: S608 - names from the contract
    )
    warehouse.execute(
        f"UPDATE {INCOMING} AS this SET _reasons = [repeats.reason] FROM repeats"  # noqa: S608
        " WHERE this._file = repeats._file AND this._row = repeats._row"
    )


def _loses(value: str, given: str, wanted: str) -> str:
    """The SQL claim that a cast fails, or succeeds with another value than was delivered.

    DuckDB rounds ``1.7`` to an integer and cuts the zone off ``12:00+03:00`` without a word.
    """
    cast = f"TRY_CAST({value} AS {wanted})"
    scale = _scale(wanted)
    changed = "false"
    if given.startswith(_NESTED) or given.endswith("]"):
        return "true"
    if given == wanted.upper() == "VARCHAR":
        return f"contains({value}, chr(0))"  # PostgreSQL could not hold it, C would cut there
    if wanted in _FLOATS:
        changed = f"NOT isfinite({cast})"
        if given == "VARCHAR":  # DuckDB reads 1_000 as a thousand
            changed += f" OR contains({value}, '_')"
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
    if wanted.startswith("decimal"):
        return int(wanted.partition(",")[2].rstrip(")"))
    return 0 if wanted in _INTEGERS else None


def _claims(feed: Feed) -> list[tuple[str, str]]:
    claims = [
        (f"this.{quoted(column)} IS NULL AND NOT list_contains(_type_reasons, 'type:{column}')"
         + (f" AND this._arrived_on >= DATE '{spec.since}'" if spec.since else ""),
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
    if feed.event_time and feed.late_days is not None:
        happened = f"CAST(this.{quoted(feed.event_time)} AS DATE)"
        claims.append((f"this._arrived_on - {happened} > {feed.late_days}", "too_late"))
    return claims


def _joins(source: str, feed: Feed) -> str:
    """What a row refers to, in the newest version that had arrived with it or before."""
    return " ".join(
        f"ASOF LEFT JOIN (SELECT *, true AS _found FROM {raw_table(source, to.feed)}) AS {to.name}"  # noqa: S608
        f" ON {to.name}.{quoted(to.column)} = this.{quoted(column)}"
        f" AND this._arrived_on >= {to.name}._arrived_on"
        for column, to in feed.references.items()
    )


def _reasons(claims: Iterable[tuple[str, str]]) -> str:
    cases = ", ".join(f"CASE WHEN {wrong} THEN '{name}' END" for wrong, name in claims)
    return f"list_filter([{cases}]::VARCHAR[], lambda reason: reason IS NOT NULL)"

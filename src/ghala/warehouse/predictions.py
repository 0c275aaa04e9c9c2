"""What each use case said and what then happened: two tables per use case, with its own columns."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.use_case import DAY, NUMBER, TEXT, WHOLE, UseCase, table_of
from ghala.warehouse.engines.engine import Warehouse

_SCHEMA = "platform"


def predictions_of(use_case: UseCase) -> str:
    """The table with every prediction of every version, in SQL."""
    return f"{_SCHEMA}.{quoted(table_of(use_case.name, 'predictions'))}"


def outcomes_of(use_case: UseCase) -> str:
    """The table with what then happened, once it was known, in SQL."""
    return f"{_SCHEMA}.{quoted(table_of(use_case.name, 'outcomes'))}"


def outcome_key(use_case: UseCase) -> tuple[str, ...]:
    """The columns that identify an outcome."""
    return (*use_case.entity, *use_case.target)


def create_tables(warehouse: Warehouse, use_case: UseCase) -> None:
    """Create both tables, or add the columns that the use case has gained since."""
    _create(warehouse, table_of(use_case.name, "predictions"), _prediction_columns(use_case))
    outcomes = {**_key_columns(use_case, outcome_key(use_case)), "known_on": DAY, "actual": NUMBER}
    _create(warehouse, table_of(use_case.name, "outcomes"), outcomes)


def replace_predictions(
    warehouse: Warehouse, use_case: UseCase, said: pl.DataFrame, *, as_of: date
) -> None:
    """Put ``said`` in the place of what was said for this date, in one transaction."""
    create_tables(warehouse, use_case)
    table, columns = predictions_of(use_case), _names(list(_prediction_columns(use_case)))
    with warehouse.relation("said", said), warehouse.transaction():
        warehouse.execute(f"DELETE FROM {table} WHERE as_of = ?", [as_of])  # noqa: S608
        warehouse.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM said")  # noqa: S608


def match_outcomes(warehouse: Warehouse, use_case: UseCase, as_of: date) -> int:
    """Add the outcomes that became known by ``as_of`` for what was predicted; return how many."""
    create_tables(warehouse, use_case)
    said, matched, key = predictions_of(use_case), outcomes_of(use_case), outcome_key(use_case)
    before = warehouse.scalar(f"SELECT count(*) FROM {matched}")  # noqa: S608
    if "as_of" in key:  # outcomes of a span of days are asked for by the day it begins
        warehouse.keep(
            "origins",
            f"SELECT DISTINCT as_of FROM {said} AS happened WHERE NOT EXISTS ("  # noqa: S608
            f" SELECT 1 FROM {matched} AS matched WHERE {_same('matched', key)})",
        )
    columns = _names([*key, "known_on", "actual"])
    with warehouse.transaction():
        warehouse.execute(
            f"INSERT INTO {matched} ({columns}) SELECT {columns}"  # noqa: S608 - the use case's own
            f" FROM ({use_case.outcomes_sql}) AS happened WHERE known_on <= $as_of"
            f" AND EXISTS (SELECT 1 FROM {said} AS said WHERE {_same('said', key)})"
            f" AND NOT EXISTS (SELECT 1 FROM {matched} AS matched WHERE {_same('matched', key)})",
            {"as_of": as_of},
        )
    return int(warehouse.scalar(f"SELECT count(*) FROM {matched}")) - int(before)  # noqa: S608


def mart_of(use_case: UseCase) -> str:
    """The name of the relation that readers see, in the schema of the unit's marts."""
    return f"{use_case.name.partition('/')[2]}_{use_case.noun}"


def mart_sql(use_case: UseCase) -> str:
    """The dbt model of the relation that readers see: every prediction with what then happened."""
    said, matched = (table_of(use_case.name, what) for what in ("predictions", "outcomes"))
    names = _names(list(_prediction_columns(use_case)), "said")
    return (
        f"{{{{ config(materialized='view', schema='marts_{use_case.unit}') }}}}\n\n"
        f"-- The {use_case.noun} of {use_case.name} with what then happened.\n"
        f"SELECT {names}, happened.actual, happened.known_on AS actual_known_on\n"
        f"FROM {{{{ source('{_SCHEMA}', '{said}') }}}} AS said\n"
        f"LEFT JOIN {{{{ source('{_SCHEMA}', '{matched}') }}}} AS happened\n"
        f"    ON {_equal('happened', 'said', outcome_key(use_case))}\n"
    )


def _prediction_columns(use_case: UseCase) -> dict[str, str]:
    return {
        "version": WHOLE,
        "role": TEXT,
        **_key_columns(use_case, use_case.key),
        **use_case.columns,
        **use_case.kept,
    }


def _key_columns(use_case: UseCase, key: Sequence[str]) -> dict[str, str]:
    return {name: TEXT if name in use_case.entity else DAY for name in key}


def _create(warehouse: Warehouse, table: str, columns: Mapping[str, str]) -> None:
    there = {
        name
        for (name,) in warehouse.rows(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = ? AND table_name = ?",
            [_SCHEMA, table],
        )
    }
    place = f"{_SCHEMA}.{quoted(table)}"
    if not there:
        typed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        warehouse.execute(f"CREATE TABLE {place} ({typed})")
        return
    for name in columns.keys() - there:
        warehouse.execute(f"ALTER TABLE {place} ADD COLUMN {quoted(name)} {columns[name]}")


def _names(columns: Sequence[str], table: str = "") -> str:
    prefix = f"{table}." if table else ""
    return ", ".join(prefix + quoted(name) for name in columns)


def _same(other: str, key: Sequence[str]) -> str:
    return _equal(other, "happened", key)


def _equal(one: str, other: str, key: Sequence[str]) -> str:
    return " AND ".join(f"{one}.{quoted(name)} = {other}.{quoted(name)}" for name in key)

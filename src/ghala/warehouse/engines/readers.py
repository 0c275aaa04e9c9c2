"""What people and tools that query the database read: schemas that hold one whole build.

All rows of a build are replaced in one transaction. A reader's snapshot is then one whole build,
even over several statements, and neither side waits. Schemas that change places by being renamed
would not do: a name is looked up as it is now, its rows as of the snapshot (decision 0018).
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from ghala.contracts.dialect import quoted

if TYPE_CHECKING:
    from ghala.warehouse.engines.engine import Warehouse

READER = "ghala_reader"
"""The role that may read them and nothing else; an administrator makes it and gives it away."""


def refill(
    warehouse: "Warehouse", relations: Sequence[tuple[str, str]], *, build: int, as_of: date
) -> None:
    """Replace what readers see: ``marts_finance.x`` becomes ``published_marts_finance.x``."""
    shown = [(f"published_{schema}", table) for schema, table in relations]
    with warehouse.transaction():
        for schema in sorted({"published", *(schema for schema, _ in shown)}):
            warehouse.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        for source, target in zip(relations, shown, strict=True):
            _copy(warehouse, source, target)
        _forget_others(warehouse, shown)
        warehouse.execute(
            "CREATE TABLE IF NOT EXISTS published.build"
            " (build INTEGER NOT NULL, as_of DATE NOT NULL)"
        )
        warehouse.execute("DELETE FROM published.build")
        warehouse.execute("INSERT INTO published.build VALUES (?, ?)", [build, as_of])
        if warehouse.scalar("SELECT 1 FROM pg_roles WHERE rolname = ?", [READER]):
            _let_read(warehouse, sorted({"published", *(schema for schema, _ in shown)}))
    for target in shown:  # give back the room of the build before; nobody waits for this either
        warehouse.execute(f"VACUUM (ANALYZE, TRUNCATE false) {_named(target)}")


def _copy(warehouse: "Warehouse", source: tuple[str, str], target: tuple[str, str]) -> None:
    """Replace the rows of a table, which stays the same one: older snapshots keep their rows.

    Columns are dropped and added in place. A table that is made anew, or written anew for another
    type, would be empty in a transaction that began before, and take readers' own views with it.
    """
    wanted, there = _columns(warehouse, source), _columns(warehouse, target)
    if not there:
        warehouse.execute(
            f"CREATE TABLE {_named(target)} AS SELECT * FROM {_named(source)} WITH NO DATA"  # noqa: S608
        )
    elif there != wanted:
        changes = [f"DROP COLUMN {quoted(n)}" for n, kind in there.items() if kind != wanted.get(n)]
        changes += [f"ADD COLUMN {quoted(n)} {k}" for n, k in wanted.items() if k != there.get(n)]
        warehouse.execute(f"ALTER TABLE {_named(target)} {', '.join(changes)}")
    names = ", ".join(map(quoted, wanted))
    warehouse.execute(f"DELETE FROM {_named(target)}")  # noqa: S608 - names of our models
    warehouse.execute(
        f"INSERT INTO {_named(target)} ({names}) SELECT {names} FROM {_named(source)}"  # noqa: S608
    )


def _columns(warehouse: "Warehouse", relation: tuple[str, str]) -> dict[str, str]:
    return dict(
        warehouse.rows(
            "SELECT CAST(attname AS VARCHAR), format_type(atttypid, atttypmod)"
            " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
            " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE nspname = ? AND relname = ? AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum",
            relation,
        )
    )


def _forget_others(warehouse: "Warehouse", shown: Sequence[tuple[str, str]]) -> None:
    """Drop what was published of a mart that is no more."""
    found = warehouse.rows(
        "SELECT table_schema, table_name FROM information_schema.tables"
        r" WHERE table_schema LIKE 'published\_marts\_%'"
    )
    for schema, table in set(found) - set(shown):
        warehouse.execute(f"DROP TABLE {_named((schema, table))}")


def _let_read(warehouse: "Warehouse", schemas: Sequence[str]) -> None:
    names = ", ".join(map(quoted, schemas))
    warehouse.execute(f"GRANT USAGE ON SCHEMA {names} TO {READER}")
    warehouse.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {names} TO {READER}")


def _named(relation: tuple[str, str]) -> str:
    return f"{quoted(relation[0])}.{quoted(relation[1])}"

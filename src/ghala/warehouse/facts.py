"""The ledger's facts as a table of the warehouse, for the marts and whoever reads them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import polars as pl

from ghala.warehouse.engines.engine import Warehouse

_COLUMNS: dict[str, Any] = {
    "number": pl.Int32,
    "kind": pl.String,
    "use_case": pl.String,
    "version": pl.Int32,
    "as_of": pl.Date,
    "actor": pl.String,
    "recorded_at": pl.Datetime("us"),
    "words": pl.String,
    "body": pl.String,
    "digest": pl.String,
}


def copy_facts(warehouse: Warehouse, read: Callable[[int], Iterable[Mapping[str, Any]]]) -> None:
    """Add the facts that the table lacks; when it holds those of another ledger, replace them.

    Args:
        warehouse: whose ``platform.facts`` is filled.
        read: the facts of the ledger from a number on, oldest first.
    """
    newest = "SELECT number, digest FROM platform.facts ORDER BY number DESC LIMIT 1"
    [(number, digest)] = warehouse.rows(newest) or [(0, None)]
    fresh = list(read(number))
    is_same = bool(fresh) and fresh[0]["digest"] == digest
    with warehouse.transaction():
        if number and not is_same:
            warehouse.execute("DELETE FROM platform.facts")
            fresh = list(read(0))
        frame = pl.DataFrame(fresh[is_same:], schema=_COLUMNS)
        with warehouse.relation("fresh_facts", frame):
            warehouse.execute(
                "INSERT INTO platform.facts SELECT number, kind, use_case, version, as_of, actor,"
                " recorded_at, words, CAST(body AS JSON), digest FROM fresh_facts"
            )

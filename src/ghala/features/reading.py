"""Read a feature view from the warehouse: for the rows of a request, or for every entity."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import ConfigurationError, TryAgain
from ghala.contracts.use_case import table_of
from ghala.features.definitions import LONGEST, FeatureView, Window
from ghala.features.history import history_sql
from ghala.features.windows import view_sql
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.mistakes import misspelt

SEEN = "_seen_on"
"""Beside what is kept online of an entity: the day of its newest event, by which it lapses."""

_ROW = "request_row"


def read_history(warehouse: Warehouse, view: FeatureView, frame: pl.DataFrame) -> pl.DataFrame:
    """The features of a view for each row of a frame with its entity and ``as_of``, in its order.

    Raises:
        TryAgain: the source of the view was never built.
        ConfigurationError: the view names what its source does not have.
    """
    view = heard(warehouse, view)
    columns = ", ".join(quoted(name) for name in view.columns)
    with blaming(view):
        keys = _typed_keys(warehouse, view, frame).with_row_index(_ROW)
    with blaming(view), warehouse.relation("request_rows", keys):
        asked = history_sql("request_rows", [view], dialect=warehouse.dialect)
        return warehouse.frame(
            f"SELECT {columns} FROM ({asked}) AS answered ORDER BY {_ROW}"  # noqa: S608
        )


def read_newest(warehouse: Warehouse, view: FeatureView, as_of: date) -> pl.DataFrame:
    """The features of every entity that was known and had not lapsed on ``as_of``, and ``SEEN``."""
    view = heard(warehouse, dated(view))
    _require_built(warehouse, view)
    entity = ", ".join(quoted(column) for column in view.entity)
    reach = f" AND {view.event_time} >= $as_of - {view.reach}" if view.reach else ""
    known = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in view.entity)
    with blaming(view):
        warehouse.keep(
            "everyone",
            f"SELECT DISTINCT {entity}, CAST($as_of AS DATE) AS as_of"  # noqa: S608
            f" FROM {view.source} AS source"
            f" WHERE {known} AND {view.known_on} <= $as_of{reach}",
            {"as_of": as_of},
        )
        newest = view_sql("everyone", view, dialect=warehouse.dialect)
        return warehouse.frame(newest).drop("as_of")


def read_some(
    warehouse: Warehouse, view: FeatureView, as_of: date, *, entities: int
) -> pl.DataFrame:
    """The features of some entities, drawn anew each day, that had not lapsed on ``as_of``."""
    seen = heard(warehouse, dated(view))
    _require_built(warehouse, seen)
    entity = ", ".join(quoted(column) for column in view.entity)
    known = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in view.entity)
    with blaming(view):
        some = warehouse.frame(
            f"SELECT {entity} FROM (SELECT DISTINCT {entity} FROM {seen.source} AS source"  # noqa: S608
            f" WHERE {known} AND {view.known_on} <= $as_of AND {view.event_time} < $as_of) AS known"
            f" ORDER BY md5(concat_ws('|', {entity}, $day)) LIMIT {entities}",
            {"as_of": as_of, "day": as_of.isoformat()},
        )
    asked = some.with_columns(as_of=as_of)
    found = pl.concat([some, read_history(warehouse, seen, asked)], how="horizontal")
    return found.drop_nulls(SEEN)


def dated(view: FeatureView) -> FeatureView:
    """The view with the day of the newest event."""
    days = view.reach if view.reach is not None and view.reach <= LONGEST else None
    return replace(view, windows=(*view.windows, Window(SEEN, "max", view.event_time, days)))


def heard(warehouse: Warehouse, view: FeatureView) -> FeatureView:
    """The view; where it is what a use case says that has never spoken here, without a row."""
    said = view.said_by
    if said is None or warehouse.has("platform", table_of(said, "predictions")):
        return view
    return view.silent()


@contextmanager
def blaming(view: FeatureView) -> Iterator[None]:
    """Name the view whose declaration the database cannot read.

    Raises:
        ConfigurationError: with what the database says.
    """
    try:
        yield
    except Exception as error:
        said = misspelt(error)
        if said is None:
            raise
        raise ConfigurationError(
            f"The feature view {view.name!r} cannot be read from {view.source}: {said}",
            f"Mend its declaration; `ghala features describe {view.name}` shows it.",
        ) from error


def _typed_keys(warehouse: Warehouse, view: FeatureView, frame: pl.DataFrame) -> pl.DataFrame:
    """The keys in the types of the source; a value that cannot be one is of no known entity."""
    _require_built(warehouse, view)
    entity = ", ".join(quoted(column) for column in view.entity)
    kept = warehouse.frame(f"SELECT {entity} FROM {view.source} AS source LIMIT 0")  # noqa: S608
    keys = frame.select(*view.entity, "as_of")
    return keys.cast({name: kept.schema[name] for name in view.entity}, strict=False)


def _require_built(warehouse: Warehouse, view: FeatureView) -> None:
    for schema, table in re.findall(r"(?:^|FROM )(\w+)\.(\w+)", view.source):
        if not warehouse.has(schema, table):
            raise TryAgain(
                f"{schema}.{table}, the source of the feature view {view.name!r}, is not there.",
                "Run `ghala build`, then try again.",
            )

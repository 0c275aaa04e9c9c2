"""Historical retrieval: one row in, one row out, and nothing in it was unknown at that time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ghala.contracts.dialect import Dialect, filtered, quoted
from ghala.contracts.discovery import modules
from ghala.contracts.errors import ConfigurationError, suggest
from ghala.contracts.settings import Workspace
from ghala.features.definitions import Derived, FeatureView, Window

_FRACTIONAL = frozenset(["avg", "median", "stddev_samp"])


def find_views(workspace: Workspace) -> dict[str, FeatureView]:
    """Every feature view of the packs and the workspace, by name."""
    found: dict[str, FeatureView] = {}
    for module in modules(workspace, "features"):
        for view in vars(module).values():
            if isinstance(view, FeatureView):
                found[view.name] = view
    return found


def pick_views(known: Mapping[str, FeatureView], names: Sequence[str]) -> list[FeatureView]:
    """The views with these names.

    Raises:
        ConfigurationError: there is no such view.
    """
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"No feature view {name!r}. {suggest(name, known)}",
                "Declare it in features/, or correct the use case.",
            )
    return [known[name] for name in names]


def history_sql(request: str, views: Sequence[FeatureView], *, dialect: Dialect) -> str:
    """The statement that adds the features of ``views`` to the rows of the relation ``request``.

    ``request`` holds the entity columns and ``as_of``. Every row of it comes back once, with its
    own columns first; an entity that was unknown at the time has nulls (counts and sums too).
    """
    columns = ["request.*"]
    joins = []
    parts = []
    for view in views:
        parts.append(f"{view.name} AS ({_view_sql(request, view, dialect=dialect)})")
        columns += [f"{view.name}.{quoted(name)}" for name in view.columns]
        on = " AND ".join(
            f"{view.name}.{quoted(c)} = request.{quoted(c)}" for c in (*view.entity, "as_of")
        )
        joins.append(f"LEFT JOIN {view.name} ON {on}")
    with_parts = f"WITH {', '.join(parts)} " if parts else ""
    return f"{with_parts}SELECT {', '.join(columns)} FROM {request} AS request {' '.join(joins)}"  # noqa: S608


def definitions_hash(views: Sequence[FeatureView]) -> str:
    """A digest of what the features mean, kept with every version that learns from them."""
    content = json.dumps([asdict(view) for view in views], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _view_sql(request: str, view: FeatureView, *, dialect: Dialect) -> str:
    entity = ", ".join(quoted(column) for column in view.entity)
    on = " AND ".join(f"source.{quoted(c)} = asked.{quoted(c)}" for c in view.entity)
    longest = _longest(view.windows)
    since = f" AND source.{view.event_time} >= asked.as_of - {longest}" if longest else ""
    asked = ", ".join(f"asked.{quoted(column)}" for column in view.entity)
    windows = ", ".join(_window_sql(view, window, dialect=dialect) for window in view.windows)
    inner = (
        f"SELECT {asked}, asked.as_of, {windows}"  # noqa: S608 - declared by developers
        f" FROM (SELECT DISTINCT {entity}, as_of FROM {request}) AS asked"
        f" JOIN {view.source} AS source ON {on}"
        f" AND source.{view.event_time} < asked.as_of AND source.{view.known_on} <= asked.as_of"
        f"{since} GROUP BY {asked}, asked.as_of"
    )
    derived = "".join(f", {_derived_sql(feature)}" for feature in view.derived)
    return f"SELECT windows.*{derived} FROM ({inner}) AS windows"  # noqa: S608 - declared by developers


def _longest(windows: Sequence[Window]) -> int | None:
    days = [window.days for window in windows]
    return None if None in days else max(d for d in days if d is not None)


def _window_sql(view: FeatureView, window: Window, *, dialect: Dialect) -> str:
    conditions = [f"({window.where})"] if window.where else []
    if window.days is not None:
        conditions.append(f"source.{view.event_time} >= asked.as_of - {window.days}")
    where = " AND ".join(conditions) or None
    if window.function == "last":
        # Of two rows of one day the one that arrived last counts, so that their order does not.
        order = (f"source.{view.event_time}", f"source.{view.known_on}", window.value)
        call = dialect.newest(window.value, order, where=where)
    elif window.function == "median":
        call = dialect.median(window.value, where=where)
    else:
        call = filtered(f"{window.function}({window.value})", where)
    if window.function in _FRACTIONAL:  # engines differ in the type of a mean of whole numbers
        call = f"CAST({call} AS DOUBLE PRECISION)"
    return f"{call} AS {quoted(window.name)}"


def _derived_sql(feature: Derived) -> str:
    return f"{feature.sql} AS {quoted(feature.name)}"

"""Historical retrieval: one row in, one row out, and nothing in it was unknown at that time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ghala.contracts.dialect import Dialect, quoted
from ghala.contracts.discovery import modules
from ghala.contracts.errors import ConfigurationError, suggest
from ghala.contracts.settings import Workspace
from ghala.features.definitions import FeatureView
from ghala.features.windows import view_sql


def find_views(workspace: Workspace) -> dict[str, FeatureView]:
    """Every feature view of the packs and the workspace, by name.

    Raises:
        ConfigurationError: two views that differ have one name.
    """
    found: dict[str, FeatureView] = {}
    files: dict[str, str | None] = {}
    for module in modules(workspace, "features"):
        for view in vars(module).values():
            if not isinstance(view, FeatureView):
                continue
            if found.setdefault(view.name, view) != view:  # one module may import another's
                raise ConfigurationError(
                    f"Two feature views are named {view.name!r}: in {files[view.name]} and in"
                    f" {module.__file__}.",
                    "Give one of them another name.",
                )
            files.setdefault(view.name, module.__file__)
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
        parts.append(f"{view.name} AS ({view_sql(request, view, dialect=dialect)})")
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

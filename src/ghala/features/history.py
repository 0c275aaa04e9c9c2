"""Historical retrieval: one row in, one row out, and nothing in it was unknown at that time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ghala.contracts.dialect import Dialect, quoted
from ghala.contracts.discovery import modules
from ghala.contracts.errors import ConfigurationError, suggest
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
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
    """The views with these names, each once; ``view.feature`` means that feature alone.

    Raises:
        ConfigurationError: there is no such view or feature.
    """
    chosen: dict[str, list[str]] = {}
    for name in names:
        view, _, feature = name.partition(".")
        if view not in known:
            raise ConfigurationError(
                f"No feature view {view!r}. {suggest(view, known)}",
                "Declare it in features/, or correct the use case.",
            )
        chosen.setdefault(view, []).append(feature)
    return [
        known[view] if "" in features else known[view].narrowed(features)
        for view, features in chosen.items()
    ]


def views_of(workspace: Workspace, use_case: UseCase) -> list[FeatureView]:
    """The feature views that a use case names, each with the features that it reads.

    Raises:
        ConfigurationError: there is no such view, two give a feature of one name, or it is what a
            use case says that this one does not read.
    """
    views = pick_views(find_views(workspace), use_case.features)
    _require_apart(use_case, views)
    for view in views:
        if view.said_by is not None and view.said_by not in use_case.reads:
            raise ConfigurationError(
                f"{use_case.name} takes the features {view.name}, which {view.said_by} says, and"
                f" does not read it. It reads: {', '.join(use_case.reads) or 'none'}.",
                f"Add {view.said_by!r} to `reads` in {use_case.folder / 'use_case.py'}, so that it"
                " runs before and is judged with it.",
            )
    return views


def _require_apart(use_case: UseCase, views: Sequence[FeatureView]) -> None:
    given: dict[str, str] = {}
    for view in views:
        for name in view.columns:
            other = given.setdefault(name, view.name)
            if other != view.name:
                raise ConfigurationError(
                    f"{use_case.name} gets two features {name!r}: of {other} and of {view.name}.",
                    f"Name those that it needs in `features`, such as '{view.name}.FEATURE'.",
                )


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

"""Lineage: from a raw feed through models, columns and features to a decision and back.

Models come from dbt's manifest, their columns from the statements that it compiled, features from
their declarations, use cases from what they read. A column that decides which rows a model holds,
as a key or in a condition, reaches the whole model; any other those columns that are made of it.
"""

import difflib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from ghala.contracts.discovery import use_cases
from ghala.contracts.errors import TryAgain, UsageError
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase, table_of
from ghala.features.definitions import Derived, FeatureView
from ghala.features.history import find_views, pick_views
from ghala.warehouse.statements import Statement, read_statement

_RELATION = re.compile(r"\b((?:raw|platform|staging|core|features|marts_\w+)\.\w+)")
_WORD = re.compile(r"'[^']*'|([A-Za-z_]\w*)")
_SPOKEN = frozenset(["and", "or", "not", "case", "when", "then", "else", "end", "is", "null", "as",
                     "cast", "double", "precision", "bigint", "date", "true", "false", "in",
                     "coalesce", "nullif", "source"])  # fmt: skip


@dataclass
class Lineage:
    """What follows from what; every name with its kind."""

    kinds: dict[str, str] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    below: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    above: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def link(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Note that ``target`` follows from ``source``, each a name and its kind."""
        for name, kind in (source, target):
            self.kinds.setdefault(name, kind)
        self.below[source[0]].add(target[0])
        self.above[target[0]].add(source[0])

    def find(self, name: str) -> str:
        """The full name that is meant; the schema of a model may be left out.

        Raises:
            UsageError: there is none, or there are several.
        """
        if name in self.kinds:
            return name
        meant = sorted(one for one in self.kinds if one.endswith(f".{name}"))
        if len(meant) == 1:
            return meant[0]
        near = difflib.get_close_matches(name, self.kinds, n=3, cutoff=0)
        raise UsageError(
            f"{len(meant)} things are named {name!r}: {_list(meant)}."
            if meant
            else f"Nothing is named {name!r}. Did you mean {', '.join(map(repr, near))}?",
            "Name a model, a column of one, view.feature or a use case.",
        )

    def walk(self, start: str, *, down: bool) -> list[dict[str, str | int]]:
        """Everything that follows from ``start``, or from which it follows, nearest first."""
        edges = self.below if down else self.above
        steps, found = {start: 0}, [start]
        for name in found:
            for other in sorted(edges[name] - steps.keys()):
                steps[other] = steps[name] + 1
                found.append(other)
        return [{"steps": steps[n], "kind": self.kinds[n], "name": n} for n in found[1:]]


def read_lineage(workspace: Workspace) -> Lineage:
    """The lineage of a workspace as it was built last.

    Raises:
        TryAgain: it was never built.
    """
    lineage = Lineage()
    _add_models(lineage, workspace)
    views = find_views(workspace)
    columns = _add_features(lineage, views.values())
    for use_case in use_cases(workspace).values():
        _add_use_case(lineage, use_case, pick_views(views, use_case.features))
    _add_dashboards(lineage)
    for name in columns:
        lineage.kinds[name] = "column"
    return lineage


def _add_models(lineage: Lineage, workspace: Workspace) -> None:
    file = workspace.state / "dbt" / "target" / "manifest.json"
    if not file.is_file():
        raise TryAgain("The warehouse was never built here.", "Run `ghala build` first.")
    manifest = json.loads(file.read_text(encoding="utf-8"))
    models = {
        key: node | {"sql": _compiled(node, file.parent)}
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    known = {}
    for key, one in manifest["sources"].items():
        known[key] = (f"{one['schema']}.{one['name']}", "table")
        lineage.columns[known[key][0]] = tuple(one["columns"])
    for key, one in models.items():
        known[key] = (f"{one['schema']}.{one['alias']}", _layer(one["schema"]))
    above = {
        key: [k for k in one["depends_on"]["nodes"] if k in known] for key, one in models.items()
    }
    for key in TopologicalSorter(above).static_order():
        if key in models:
            _add_model(lineage, models[key], known[key], sources=[known[k] for k in above[key]])


def _compiled(node: dict[str, Any], target: Path) -> str:
    """The SQL of a model as it was built last; dbt's manifest tells only that of the last build."""
    file = target / "compiled" / node["package_name"] / node["original_file_path"]
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _add_model(
    lineage: Lineage, model: dict[str, Any], node: tuple[str, str], *,
    sources: Sequence[tuple[str, str]],
) -> None:  # fmt: skip
    """Add a model after what it reads, and its columns after those that they are made of."""
    statement = read_statement(model["sql"], lambda name: lineage.columns.get(name, ()))
    lineage.columns[node[0]] = statement.columns if statement else ()
    for column in lineage.columns[node[0]]:
        lineage.link(node, (f"{node[0]}.{column}", "column"))
    for source in sources:
        lineage.link(source, node)
        if statement is not None:
            _add_made(lineage, statement, source=source[0], model=node[0])


def _add_made(lineage: Lineage, statement: Statement, *, source: str, model: str) -> None:
    """Link the columns of one relation to what a statement over it makes of them."""
    for column in lineage.columns.get(source, ()):
        here = (f"{source}.{column}", "column")
        if column in statement.decisive:
            lineage.link(here, (model, lineage.kinds[model]))
        for made in statement.columns:
            if column in statement.makes(made):
                lineage.link(here, (f"{model}.{made}", "column"))


def _layer(schema: str) -> str:
    return "mart" if schema.startswith("marts_") else "model"


def _add_features(lineage: Lineage, views: Iterable[FeatureView]) -> set[str]:
    """Add every feature after what it names, and return the columns that were added."""
    columns = set()
    for view in views:
        own = {feature.name for feature in view.features}
        times = {view.event_time, view.known_on, view.superseded_on or view.known_on}
        for feature in view.features:
            name = (f"{view.name}.{feature.name}", "feature")
            if isinstance(feature, Derived):
                for part in _words(feature.sql) & own:
                    lineage.link((f"{view.name}.{part}", "feature"), name)
                continue
            for source in _sources(view):
                named = _words(f"{feature.value} {feature.where or ''}")
                for word in named | times | {*view.entity}:
                    lineage.link(source, (f"{source[0]}.{word}", "column"))
                    lineage.link((f"{source[0]}.{word}", "column"), name)
                    columns.add(f"{source[0]}.{word}")
    return columns


def _sources(view: FeatureView) -> list[tuple[str, str]]:
    """What a view reads: a model, or what a model said."""
    said = re.findall(r"platform\.(\w+?)__(\w+)_predictions", view.source)
    if said:
        return [("/".join(name), "use case") for name in said]
    return [(name, _layer(name)) for name in _RELATION.findall(view.source)]


def _add_use_case(lineage: Lineage, use_case: UseCase, views: Iterable[FeatureView]) -> None:
    node = (use_case.name, "use case")
    for view in views:
        for feature in view.columns:
            lineage.link((f"{view.name}.{feature}", "feature"), node)
    questions = f"{use_case.subjects_sql} {use_case.outcomes_sql}"
    for relation in _RELATION.findall(questions):
        lineage.link((relation, _layer(relation)), node)
        for column in _words(questions) & {*lineage.columns.get(relation, ())}:
            lineage.link((f"{relation}.{column}", "column"), node)
    for other in use_case.reads:
        lineage.link((other, "use case"), node)
    lineage.link(node, (f"platform.{table_of(use_case.name, 'predictions')}", "table"))


def _add_dashboards(lineage: Lineage) -> None:
    """Every mart is published; the console and BI tools show each unit its own."""
    for name, kind in list(lineage.kinds.items()):
        schema, _, place = name.partition(".")
        if schema.startswith("marts_") and place:
            lineage.link((name, kind), (f"console_{schema.removeprefix('marts_')}", "dashboard"))


def _list(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")


def _words(sql: str) -> set[str]:
    return {found for found in _WORD.findall(sql) if found and found.lower() not in _SPOKEN}


def group_by_kind(found: Iterable[Mapping[str, str | int]]) -> dict[str, list[str]]:
    """The names that were found, by kind."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for one in found:
        grouped[str(one["kind"])].append(str(one["name"]))
    return dict(grouped)

"""What a statement makes of which columns, read from DuckDB's own syntax tree.

Columns are told apart by name alone: two of one name in one statement are taken for one. So what is
said to depend on a column may be too much, and is never too little.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

Node = dict[str, Any]
Known = Callable[[str], tuple[str, ...]]

_ROWS = ("where_clause", "group_expressions", "having", "qualify", "condition")
"""Where a column decides which rows there are, and so every value."""


@dataclass(frozen=True)
class Statement:
    """One query.

    Args:
        tree: its syntax tree.
        known: the columns of a relation outside it, as ``schema.name``, for ``SELECT *``.
    """

    tree: Node
    known: Known

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that it gives."""
        return tuple(dict.fromkeys(self._outputs(self.tree, {})))

    @cached_property
    def decisive(self) -> frozenset[str]:
        """The columns that decide which rows it gives."""
        found = {
            name
            for node in _walk(self.tree)
            for part in _ROWS
            for name in _named_in(node.get(part))
        }
        for node in _walk(self.tree):
            found |= set(node.get("using_columns") or ())
            listed, are_placed = _listed(node)
            if not are_placed:  # beside a star a column may stand for any
                found |= _named_in(listed[1:])
        return self._behind(found)

    def makes(self, column: str) -> frozenset[str]:
        """The names of columns out of which one of its columns is made, its own among them."""
        return self._behind({column})

    def _behind(self, names: set[str]) -> frozenset[str]:
        found, ahead = set(names), list(names)
        while ahead:
            fresh = self._parts[ahead.pop()] - found - {""}
            found |= fresh
            ahead += fresh
        return frozenset(found)

    @cached_property
    def _parts(self) -> Mapping[str, set[str]]:
        parts: dict[str, set[str]] = defaultdict(set)
        for node in _walk(self.tree):
            for item in node.get("select_list") or ():
                parts[_name_of(item)] |= _named_in(item)
            listed, are_placed = _listed(node)
            for first, *others in zip(*listed, strict=False) if are_placed else ():
                parts[_name_of(first)] |= _named_in(others)
        return parts

    def _outputs(self, node: Node, made: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
        made = dict(made)
        for entry in node.get("cte_map", {}).get("map", ()):
            made[entry["key"]] = tuple(self._outputs(entry["value"]["query_node"], made))
        for child in node.get("children", ())[:1]:  # a union has the names of its first query
            yield from self._outputs(child, made)
        for item in node.get("select_list") or ():
            if item["class"] == "STAR":
                yield from self._of_relation(node["from_table"], made, item["relation_name"])
            else:
                yield _name_of(item)

    def _of_relation(
        self, node: Node, made: Mapping[str, tuple[str, ...]], only: str
    ) -> Iterator[str]:
        """The columns of what is read; of the one named ``only`` if that is not empty."""
        if node["type"] == "JOIN":
            yield from self._of_relation(node["left"], made, only)
            yield from self._of_relation(node["right"], made, only)
        elif only and only != (node["alias"] or node.get("table_name")):
            return
        elif node["type"] == "SUBQUERY":
            yield from self._outputs(node["subquery"]["node"], made)
        elif node["type"] == "BASE_TABLE":
            name, schema = node["table_name"], node["schema_name"]
            yield from made.get(name, ()) or self.known(f"{schema}.{name}")


def read_statement(sql: str, known: Known) -> Statement | None:
    """The statement of a query; None when DuckDB's grammar is not its engine's."""
    [(text,)] = duckdb.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    said = json.loads(text)
    has_one = not said["error"] and said["statements"]
    return Statement(said["statements"][0]["node"], known) if has_one else None


def _listed(node: Node) -> tuple[list[list[Node]], bool]:
    """The columns of each query of a union, and whether each is in the place of those beside it."""
    listed = [list(query.get("select_list") or ()) for query in node.get("children", ())]
    return listed, not any(item["class"] == "STAR" for items in listed for item in items)


def _walk(part: Any) -> Iterator[Node]:
    for value in part.values() if isinstance(part, dict) else part:
        if isinstance(value, dict | list):
            yield from _walk(value)
    if isinstance(part, dict):
        yield part


def _named_in(part: Any) -> set[str]:
    """The columns that an expression names."""
    found = (node for node in _walk([part]) if node.get("class") == "COLUMN_REF")
    return {str(node["column_names"][-1]).lower() for node in found}


def _name_of(item: Node) -> str:
    name = item["alias"] or (item["column_names"][-1] if "column_names" in item else "")
    return str(name).lower()

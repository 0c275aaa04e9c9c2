"""The staging entities that a pack's models read, and which sources bring them."""

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ghala.contracts.discovery import roots, sources, use_cases
from ghala.contracts.errors import suggest
from ghala.contracts.policy import parse, read_yaml
from ghala.contracts.settings import Workspace

MARK = "TODO"
"""What a drafted line says where a person decides; editors find it, and so does `source check`."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EntityColumn(_Strict):
    """One column that a staging query gives."""

    type: str
    description: str = ""
    also: tuple[str, ...] = Field((), description="its names in other systems")
    landed: str | None = Field(None, description="the column of landing that it is taken from")


class Entity(_Strict):
    """What a source may bring, as one staging query."""

    description: str
    key: tuple[str, ...] = Field(min_length=1)
    columns: dict[str, EntityColumn]
    also: tuple[str, ...] = Field((), description="names of such tables in other systems")
    instead: tuple[str, ...] = Field((), description="entities that together do as well")


class _Entities(_Strict):
    entities: dict[str, Entity]


def read_entities(workspace: Workspace) -> dict[str, Entity]:
    """The entities that the packs, and then the workspace, declare in ``warehouse/entities.yml``.

    Raises:
        ConfigurationError: such a file is wrong.
    """
    found: dict[str, Entity] = {}
    for root in roots(workspace):
        file = root / "warehouse" / "entities.yml"
        if file.is_file():
            found |= parse(_Entities, read_yaml(file), file).entities
    return found


def read_mapped(workspace: Workspace) -> dict[str, set[str]]:
    """The entities that each source in use brings, by its staging queries."""
    return {name: _staged(name, folder) for name, folder in sources(workspace).items()}


def check_sources(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """What the sources bring, what is left to do in their files, and what use cases still lack."""
    entities, mapped = read_entities(workspace), read_mapped(workspace)
    brought = set().union(*mapped.values())
    whole = {name for name, entity in entities.items() if _is_brought(name, entity, brought)}
    missing = [
        {"use_case": name, "entity": need, "words": f"{name} needs {need}: {_why(need, entities)}"}
        for name, use_case in use_cases(workspace).items()
        for need in use_case.needs
        if need not in whole
    ]
    rows = [
        {
            "source": name,
            "brings": sorted(mapped[name] & entities.keys()),
            "unknown": [
                f"{n}: {suggest(n, entities)}" for n in sorted(mapped[name] - set(entities))
            ],
            "to_do": _to_do(folder),
        }
        for name, folder in sources(workspace).items()
    ]
    return {"sources": rows, "missing": missing}


def find_obstacles(workspace: Workspace) -> dict[str, str]:
    """Why a use case cannot run here, by name: an entity that no source brings, or an upstream.

    Whatever reads a use case that cannot run cannot run either.
    """
    found: dict[str, list[str]] = {}
    for one in check_sources(workspace)["missing"]:
        found.setdefault(one["use_case"], []).append(one["words"].partition(" ")[2])
    known = use_cases(workspace)  # in the order in which they read each other
    for name, use_case in known.items():
        for upstream in (one for one in use_case.reads if one not in use_case.optional):
            if upstream not in known:
                why = f"reads {upstream}, which ghala.toml does not name"
            elif upstream in found:
                why = f"reads {upstream}, which cannot run here"
            else:
                continue
            found.setdefault(name, []).append(why)
    return {name: "; ".join(reasons) for name, reasons in found.items()}


def _is_brought(name: str, entity: Entity, brought: set[str]) -> bool:
    return name in brought or (bool(entity.instead) and set(entity.instead) <= brought)


def _why(need: str, entities: dict[str, Entity]) -> str:
    return "not mapped" if need in entities else f"no entity of a pack. {suggest(need, entities)}"


def _staged(name: str, folder: Path) -> set[str]:
    prefix = f"stg_{name}__"
    return {file.stem.removeprefix(prefix) for file in folder.glob(f"staging/{prefix}*.sql")}


def _to_do(folder: Path) -> list[str]:
    """Where a person has still to decide: each line of the source's files with the mark."""
    files = [folder / "contract.yml", *sorted(folder.glob("staging/*.sql"))]
    return [
        f"{file.relative_to(folder)}:{number}: {line[line.index(MARK) :].strip()}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(rf"\b{MARK}\b", line)
    ]

"""Draft a source from sample files, for a person to finish: contract and staging queries."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ghala.contracts.dialect import quoted
from ghala.contracts.discovery import packs
from ghala.contracts.errors import UsageError
from ghala.contracts.settings import Workspace
from ghala.warehouse.contract import read_contract
from ghala.warehouse.entities import MARK, Entity, read_entities
from ghala.warehouse.sampling import Sample, look, slug


@dataclass(frozen=True)
class Match:
    """An entity that a feed seems to bring: which of its columns is which column of the feed."""

    entity: str
    columns: dict[str, str]


def draft_source(workspace: Workspace, files: Sequence[Path], *, name: str = "") -> dict[str, Any]:
    """Write ``sources/NAME`` into the workspace, whole or not at all, and say what is in it.

    Raises:
        UsageError: the name is not allowed or taken; nothing was changed.
        DataRejected: a file cannot be read.
    """
    name = name or slug(files[0].resolve().parent.name)
    folder = workspace.root / "sources" / name
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise UsageError(f"{name!r} is no name of a source.", f"Try --name {slug(name)}")
    if folder.exists():
        raise UsageError(f"{folder} is there already; it was left alone.", "Give another --name.")
    taken = [root for root in packs().values() if (root / "sources" / name).is_dir()]
    if taken:
        raise UsageError(
            f"The pack {taken[0].name} brings a source {name!r}, which this one would hide.",
            "Give another --name.",
        )
    samples = look(files)
    entities = read_entities(workspace)
    matches = match_entities(samples, entities)
    partial = folder.with_name(f".{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "staging").mkdir(parents=True)
    (partial / "contract.yml").write_text("\n".join(_contract(name, samples)), encoding="utf-8")
    for sample in samples:
        match = matches.get(sample.feed)
        if match is not None:
            query = "\n".join(_staging(name, sample, match=match, entity=entities[match.entity]))
            target = partial / "staging" / f"stg_{name}__{match.entity}.sql"
            target.write_text(query, encoding="utf-8")
    read_contract(partial / "contract.yml")
    partial.replace(folder)
    return _describe(name, folder, samples=samples, matches=matches)


def match_entities(samples: Sequence[Sample], entities: Mapping[str, Entity]) -> dict[str, Match]:
    """The entity that each feed brings most likely, by its name and its columns' names.

    A feed must have every column of the entity's key, and two columns of it or its name. An entity
    is given once, to the feed that fits best.
    """
    fits = sorted(
        (
            (_is_called(sample.feed, name, entity), len(columns), sample.feed, Match(name, columns))
            for sample in samples
            for name, entity in entities.items()
            if set(entity.key) <= (columns := _match_columns(sample, entity)).keys()
        ),
        key=lambda fit: fit[:2],
        reverse=True,
    )
    chosen: dict[str, Match] = {}
    for is_called, count, feed, match in fits:
        is_taken = match.entity in {one.entity for one in chosen.values()}
        if feed not in chosen and not is_taken and (is_called or count > 1):
            chosen[feed] = match
    return chosen


def _is_called(feed: str, name: str, entity: Entity) -> bool:
    return _plain(feed) in {_plain(one) for one in (name, *entity.also)}


def _match_columns(sample: Sample, entity: Entity) -> dict[str, str]:
    """The entity's columns that the feed has, each under the feed's name for it."""
    given = {_plain(column): column for column in sample.columns}
    found = {}
    for name, column in entity.columns.items():
        called = [given[_plain(one)] for one in (name, *column.also) if _plain(one) in given]
        if called and column.landed is None:
            found[name] = called[0]
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _contract(name: str, samples: Sequence[Sample]) -> Iterator[str]:
    yield f"# Drafted from sample files by `ghala source add`. Finish each line that says {MARK},"
    yield "# read the rest, then add the source to ghala.toml. A column is required when it was"
    yield "# never empty in the sample; a type that is wrong sends rows to quarantine, not to core."
    yield f'description: "{MARK} what {name} is: one sentence"'
    yield f'provenance: "{MARK} which system it is, and who is asked about it"'
    yield f'licence: "{MARK} whose data it is"'
    yield f"timezone: UTC  # {MARK} the zone of the system's local days"
    yield "feeds:"
    for sample in samples:
        yield from _feed(sample)
    yield ""


def _feed(sample: Sample) -> Iterator[str]:
    yield f"  {sample.feed}:"
    yield f'    description: "{MARK} one row per what"'
    yield f"    format: {sample.format}"
    gaps = {(late - early).days for early, late in zip(sample.days, sample.days[1:], strict=False)}
    if gaps - {0}:
        yield f"    every_days: {min(gaps - {0})}  # {MARK} by the names of the samples: is it so?"
    else:
        yield f"    # every_days: 1  # {MARK} how often is a file due?"
    if sample.keys:
        first, *others = ([_key(name) for name in one] for one in sample.keys)
        also = "; ".join(", ".join(one) for one in others[:3])
        why = f"{MARK} unique in {sample.rows:,} rows: is it the key?"
        yield f"    key: [{', '.join(first)}]  # {why}" + (f" So are: {also}" if also else "")
    else:
        yield f"    # key: []  # {MARK} nothing was unique: what identifies a row?"
    yield "    columns:"
    for column, seen in sample.columns.items():
        kind = f'"{seen.type}"' if "," in seen.type else seen.type
        required = ", required: true" if seen.required else ""
        yield f"      {_key(column)}: {{type: {kind}{required}}}" + _note(seen.note, "  # ")


def _staging(name: str, sample: Sample, *, match: Match, entity: Entity) -> Iterator[str]:
    """The query of one entity: a column that was not found is null, with a note."""
    yield f"-- {entity.description} {MARK} read each line: the mapping is by names only."
    yield "SELECT"
    lines = []
    for column, spec in entity.columns.items():
        given = match.columns.get(column)
        note = ""
        if spec.landed:
            value = f"{spec.landed} AS {column}"
        elif given is None:
            value = f"CAST(NULL AS {spec.type}) AS {column}"
            note = f"{MARK} not found" + (f": {spec.description}" if spec.description else "")
        else:
            seen, value = sample.columns[given], _identifier(given)
            value = value if seen.type == spec.type else f"CAST({value} AS {spec.type})"
            value = value if value == column else f"{value} AS {column}"
            note = seen.note if MARK in seen.note else ""
        lines.append((value, note))
    for number, (value, note) in enumerate(lines, start=1):
        yield f"    {value}{',' if number < len(lines) else ''}" + _note(note, "  -- ")
    yield f"FROM {{{{ source('raw', '{name}__{sample.feed}') }}}}"
    yield ""


def _note(note: str, mark: str) -> str:
    return mark + " ".join(note.split()).replace("{{", "{ {").replace("{%", "{ %") if note else ""


def _identifier(column: str) -> str:
    return column if re.fullmatch("[a-z_][a-z0-9_]*", column) else quoted(column)


def _key(column: str) -> str:
    """A column's name as a key of YAML, also where YAML would read another value."""
    is_plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", column) and yaml.safe_load(column) == column
    return column if is_plain else json.dumps(column, ensure_ascii=False)


def _describe(
    name: str, folder: Path, *, samples: Sequence[Sample], matches: Mapping[str, Match]
) -> dict[str, Any]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {
        "source": name,
        "feeds": [
            {
                "feed": one.feed,
                "rows": one.rows,
                "columns": len(one.columns),
                "key": list(one.keys[0]) if one.keys else [],
                "entity": matches[one.feed].entity if one.feed in matches else None,
            }
            for one in samples
        ],
        "files": [str(file.relative_to(folder.parents[1])) for file in files],
        "to_do": sum(file.read_text(encoding="utf-8").count(MARK) for file in files),
        "next": f"finish the files, add {name!r} to ghala.toml, then run: ghala source check",
    }

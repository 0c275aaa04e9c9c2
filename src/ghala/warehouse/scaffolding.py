"""A new use case: its folder from a template, whole or not there at all."""

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ghala.contracts.discovery import packs
from ghala.contracts.errors import ConfigurationError, UsageError, suggest
from ghala.contracts.settings import SETTINGS_FILE, Workspace

TEMPLATE = Path(__file__).parents[1] / "templates" / "use_case"
_NAME = re.compile(r"([a-z][a-z0-9_]*)/([a-z][a-z0-9_]*)")
_PIECE = r"#[^\n]*+|\"[^\"\n]*+\"|'[^'\n]*+'"
_LIST = re.compile(rf"^use_cases\s*=\s*\[(?P<names>(?:[^\]#\"']|{_PIECE})*+)\]", re.MULTILINE)


def create_use_case(workspace: Workspace, name: str, *, kind: str, owner: str) -> dict[str, Any]:
    """Write the folder of a use case, name it in ``ghala.toml``, and say what is next.

    Raises:
        UsageError: the name or the kind is not one that can be used, or the name is taken.
        ConfigurationError: the folder cannot be written.
    """
    unit, short = _split(name)
    values = _kind(kind) | {"unit": unit, "name": short, "owner": owner or unit.capitalize()}
    values["class_name"] = "".join(part.capitalize() for part in short.split("_"))
    values["mart"] = f"marts_{unit}.{short}_{values['noun']}"
    folder = workspace.root / "use_cases" / unit / short
    _require_free(workspace, name, folder)
    settings = _name_in_settings(workspace, name)
    try:
        with tempfile.TemporaryDirectory(prefix=".new.", dir=workspace.root) as place:
            for template in (TEMPLATE / "shared", TEMPLATE / "kinds" / kind):
                render(template, values, into=Path(place))
            _put_in_place(Path(place) / short, folder, settings=settings)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror or error}.",
            "Make the folder writable, then try again; nothing was changed.",
        ) from error
    return {
        "use_case": name,
        "kind": kind,
        "folder": str(folder),
        "files": sorted(file.name for file in folder.iterdir()),
        "next": _say_next(name, named=settings is not None) + _find_approver(workspace, unit),
    }


def render(template: Path, values: Mapping[str, str], *, into: Path) -> None:
    """Write the files of a Cookiecutter template.

    The files' half of Cookiecutter only: the other half would read the user's own configuration,
    write a replay file to the home folder and take the values for Jinja code.
    """
    from cookiecutter.generate import generate_files

    generate_files(
        repo_dir=str(template),
        context={"cookiecutter": dict(values)},
        output_dir=str(into),
        overwrite_if_exists=True,
        accept_hooks=False,
    )
    # An installer compiles the Python files of a package, the template's too.
    for compiled in list(into.rglob("__pycache__")):
        shutil.rmtree(compiled)


def _split(name: str) -> tuple[str, str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise UsageError(
            f"{name!r} cannot be the name of a use case.",
            "Write unit/name in small letters, digits and underscores: operations/returns.",
        )
    return found[1], found[2]


def _kind(kind: str) -> dict[str, str]:
    known = {file.parent.name: file for file in (TEMPLATE / "kinds").glob("*/cookiecutter.json")}
    if kind not in known:
        raise UsageError(
            f"There is no template of the kind {kind!r}. {suggest(kind, known)}",
            "Name one of these with --kind.",
        )
    values: dict[str, str] = json.loads(known[kind].read_text(encoding="utf-8"))
    return values


def _require_free(workspace: Workspace, name: str, folder: Path) -> None:
    if folder.exists():
        raise UsageError(
            f"{folder} is there already; it was left as it is.", "Choose another name."
        )
    for pack, root in packs().items():
        if (root / "use_cases" / name).is_dir():
            raise UsageError(
                f"The pack {pack} brings {name}; a folder of that name would take its place.",
                f"Choose another name, or name {name} in use_cases of {SETTINGS_FILE}.",
            )


def _name_in_settings(workspace: Workspace, name: str) -> str | None:
    """The text of ``ghala.toml`` with a use case added to its list; None if a person must add it.

    Comments stay where they are.
    """
    text = (workspace.root / SETTINGS_FILE).read_text(encoding="utf-8")
    found = _LIST.search(text)
    named = list(workspace.settings.use_cases)
    if name in named:
        return text
    if found is None:
        return None
    listed = found["names"]
    ends = [one.end() for one in re.finditer(_PIECE, listed) if not one[0].startswith("#")]
    last = ends[-1] if ends else 0
    comma = "," if ends and "," not in re.sub(r"#.*", "", listed[last:]) else ""
    written = f'{listed[:last]}{comma}{listed[last:].rstrip()}\n    "{name}",\n'
    added = text[: found.start("names")] + written + text[found.end("names") :]
    # What was found may be a list of the same name elsewhere; then nothing is guessed.
    return added if tomllib.loads(added).get("use_cases") == [*named, name] else None


def _put_in_place(made: Path, folder: Path, *, settings: str | None) -> None:
    """Move a folder to its place and write the settings that name it: both, or neither."""
    file = made.parent / SETTINGS_FILE
    folder.parent.mkdir(parents=True, exist_ok=True)
    made.replace(folder)
    if settings is None:
        return
    try:
        file.write_text(settings, encoding="utf-8")
        file.replace(made.parents[1] / SETTINGS_FILE)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _say_next(name: str, *, named: bool) -> str:
    return "ghala run" if named else f"add {name} to use_cases in {SETTINGS_FILE}, then ghala run"


def _find_approver(workspace: Workspace, unit: str) -> str:
    role = f"{unit}_approver"
    held = {role for person in workspace.settings.people.values() for role in person.roles}
    return "" if role in held else f"; give someone the role {role} in {SETTINGS_FILE}"

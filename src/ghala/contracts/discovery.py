"""Packs, sources and use cases are found by their place, never listed in code."""

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from ghala.contracts.errors import ConfigurationError, UsageError, suggest
from ghala.contracts.policy import read_policy
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase

_NAME = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")


@cache
def packs() -> dict[str, Path]:
    """The folder of every installed pack, by the name of its ``ghala.packs`` entry point."""
    found = {}
    for entry in entry_points(group="ghala.packs"):
        spec = importlib.util.find_spec(entry.value)
        if spec is None or not spec.submodule_search_locations:
            raise ConfigurationError(
                f"Pack {entry.name!r} names {entry.value!r}, which is not installed.",
                "Install the pack again, or remove it.",
            )
        found[entry.name] = Path(next(iter(spec.submodule_search_locations)))
    return found


def roots(workspace: Workspace) -> list[Path]:
    """Where sources, features and use cases may lie: the packs, then the workspace."""
    return [*packs().values(), workspace.root]


def sources(workspace: Workspace) -> dict[str, Path]:
    """The folder of every source that the workspace reads.

    Raises:
        ConfigurationError: ``ghala.toml`` names a source that no pack or folder holds.
    """
    known = {
        contract.parent.name: contract.parent
        for root in roots(workspace)
        for contract in sorted((root / "sources").glob("*/contract.yml"))
    }
    return {name: _pick(name, known, "source") for name in workspace.settings.sources}


def require_known(workspace: Workspace) -> None:
    """Check that every source and use case that ``ghala.toml`` names is somewhere.

    Raises:
        ConfigurationError: naming the one that is nowhere, with the nearest that is.
    """
    sources(workspace)
    known = _use_case_folders(workspace)
    for name in workspace.settings.use_cases:
        _pick(name, known, "use case")


def use_cases(workspace: Workspace) -> dict[str, UseCase]:
    """Every use case that the workspace runs, with the policy in force; each after those it reads.

    Raises:
        ConfigurationError: one is nowhere or wrong, or they read each other in a circle.
    """
    known = _use_case_folders(workspace)
    found = {
        name: _load_use_case(workspace, name, _pick(name, known, "use case"))
        for name in workspace.settings.use_cases
    }
    for one in found.values():
        _require_optional(one, known)
    order = TopologicalSorter(
        {name: [read for read in one.reads if read in found] for name, one in found.items()}
    )
    try:
        return {name: found[name] for name in order.static_order()}
    except CycleError as error:
        raise ConfigurationError(
            f"These use cases read each other in a circle: {' ◀ '.join(error.args[1])}.",
            "Let one of them read something else: the tuple `reads` of its class.",
        ) from error


def use_case(workspace: Workspace, name: str) -> UseCase:
    """One use case by its name.

    Raises:
        UsageError: the workspace runs no such use case.
    """
    found = declared_use_case(workspace, name)
    return _with_policy(workspace, found)


def declared_use_case(workspace: Workspace, name: str) -> UseCase:
    """One use case as its class declares it, without its policy, which may be broken just now.

    Raises:
        UsageError: the workspace runs no such use case.
    """
    if name not in workspace.settings.use_cases:
        raise UsageError(
            f"No use case {name!r} here. {suggest(name, workspace.settings.use_cases)}",
            "Name one of these, or add it to use_cases in ghala.toml.",
        )
    return _make_use_case(name, _pick(name, _use_case_folders(workspace), "use case"))


def policy_file(workspace: Workspace, name: str, folder: Path) -> Path:
    """The policy in force: the workspace's own in ``policies/``, else the use case's."""
    own = workspace.root / "policies" / f"{name}.yml"
    return own if own.is_file() else folder / "policy.yml"


def modules(workspace: Workspace, room: str) -> Iterator[ModuleType]:
    """Every Python module in the folder ``room`` of each pack and of the workspace."""
    for root in roots(workspace):
        for path in sorted((root / room).glob("*.py")):
            if path.name != "__init__.py":
                yield load_module(path)


@cache
def load_module(path: Path) -> ModuleType:
    """Import a Python file by its place; a pack's module keeps its real name."""
    name = _module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is not a Python module.", "Rename or remove it.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]  # a half-loaded module must not pass for a whole one
        raise ConfigurationError(
            f"{path} cannot be imported: {type(error).__name__}: {error}.", "Mend the file."
        ) from error
    return module


def _module_name(path: Path) -> str:
    for pack in packs().values():
        if path.is_relative_to(pack):
            inside = path.relative_to(pack.parent).with_suffix("")
            return ".".join(inside.parts)
    return "ghala_workspace_" + "_".join(path.with_suffix("").parts[1:])


def _use_case_folders(workspace: Workspace) -> dict[str, Path]:
    return {
        file.parent.relative_to(root / "use_cases").as_posix(): file.parent
        for root in roots(workspace)
        for file in sorted((root / "use_cases").glob("*/*/use_case.py"))
    }


def _load_use_case(workspace: Workspace, name: str, folder: Path) -> UseCase:
    return _with_policy(workspace, _make_use_case(name, folder))


def _make_use_case(name: str, folder: Path) -> UseCase:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"The use case {name!r} cannot be a table's name.",
            "Call its folders by small letters, digits and underscores, as unit/name.",
        )
    kind = _find_class(folder / "use_case.py")
    lacking = sorted(getattr(kind, "__abstractmethods__", ()))
    if lacking:
        raise ConfigurationError(
            f"{kind.__name__} in {folder / 'use_case.py'} lacks {', '.join(lacking)}.",
            "Write what is missing; ghala/contracts/use_case.py says what each is for.",
        )
    found = kind()
    found.name, found.folder = name, folder
    return found


def _with_policy(workspace: Workspace, found: UseCase) -> UseCase:
    path = policy_file(workspace, found.name, found.folder)
    found.policy = read_policy(path, found.rules)
    _require_unit(found, path)
    _require_baseline(found, path)
    return found


def _find_class(file: Path) -> type[UseCase]:
    module = load_module(file)
    classes = [
        kind
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, UseCase)
        if kind.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ConfigurationError(
            f"{file} holds {len(classes)} use case classes.", "Keep exactly one."
        )
    return classes[0]


def _require_unit(found: UseCase, path: Path) -> None:
    if found.policy.unit != found.unit:
        raise ConfigurationError(
            f"{path}: unit: {found.name} is of the unit {found.unit!r}, not"
            f" {found.policy.unit!r}. {suggest(found.policy.unit, [found.unit])}",
            f"Mend unit in {path}.",
        )


def _require_baseline(found: UseCase, path: Path) -> None:
    if found.baseline not in found.baselines:
        raise ConfigurationError(
            f"{path}: gates.baseline: {found.name} has no baseline {found.baseline!r}."
            f" {suggest(found.baseline, found.baselines)}",
            f"Mend gates.baseline in {path}.",
        )


def _require_optional(found: UseCase, known: dict[str, Path]) -> None:
    """A name that is nowhere would be silence for ever, and nobody would notice."""
    for name in found.optional:
        if name not in found.reads or name not in known:
            raise ConfigurationError(
                f"{found.name} can do without {name!r}, which"
                f" {'is nowhere' if name in found.reads else 'it does not read'}."
                f" {suggest(name, known if name in found.reads else found.reads)}",
                f"Correct `reads` and `optional` in {found.folder / 'use_case.py'}.",
            )


def _pick(name: str, known: dict[str, Path], what: str) -> Path:
    if name not in known:
        raise ConfigurationError(
            f"ghala.toml names the {what} {name!r}, which is nowhere. {suggest(name, known)}",
            f"Correct the name, or add the folder of the {what}.",
        )
    return known[name]

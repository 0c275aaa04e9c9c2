"""Where a version comes from: what was installed, what the code said, what was not committed."""

import hashlib
import json
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from ghala.contracts.discovery import packs
from ghala.contracts.settings import Workspace
from ghala.features.training_set import rows_hash
from ghala.warehouse.repository import git

ENVIRONMENT, ROWS = "environment.txt", "rows.json"
"""What a version keeps of where it comes from, beside its model."""
_CODE = {".py", ".sql", ".yml", ".toml"}


def environment() -> list[str]:
    """Every installed distribution as ``name==version``, and a digest of each package's own code.

    The code of ghala and of the packs counts by content: two of the same version may differ.
    """
    installed = {f"{d.metadata['Name'].lower()}=={d.version}" for d in distributions()}
    platform = find_spec("ghala")
    assert platform is not None  # noqa: S101 - it runs
    folders = {"ghala": Path(str(platform.origin)).parent, **packs()}
    return sorted(installed) + [f"code:{name}=={_digest(at)}" for name, at in folders.items()]


def keep_provenance(folder: Path, columns: dict[str, str]) -> dict[str, str]:
    """Write what was installed and the digest of each column; return the tags that name both."""
    installed = environment()
    (folder / ENVIRONMENT).write_text("\n".join(installed), encoding="utf-8")
    (folder / ROWS).write_text(json.dumps(columns, indent=1), encoding="utf-8")
    return {"ghala.lock": lock_hash(installed), "ghala.rows": rows_hash(columns)}


def lock_hash(lines: list[str]) -> str:
    """A short digest of an environment."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def compare_environments(then: list[str], now: list[str]) -> list[str]:
    """Every distribution that is another one now, in words."""
    before, after = (dict(line.split("==", 1) for line in lines) for lines in (then, now))
    return [
        f"{name}: {before.get(name, 'not installed')} then, {after.get(name, 'not installed')} now"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def uncommitted(workspace: Workspace) -> list[str]:
    """Files of the workspace that Git tracks, or should, and that no commit holds as they are."""
    said = git(workspace.root, "status", "--porcelain", "--untracked-files=all")
    return [line[3:] for line in said.splitlines()]


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.suffix in _CODE and file.is_file():
            whole.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return whole.hexdigest()[:16]

"""Where a version comes from: what was installed, what the code said, what was not committed."""

import hashlib
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from ghala.contracts.discovery import packs
from ghala.contracts.settings import Workspace
from ghala.warehouse.repository import git

ENVIRONMENT = "environment.txt"
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


def rows_hash(examples: pl.DataFrame) -> str:
    """A digest of training rows and of their order; floats count to the last bit."""
    hashed = examples.hash_rows(seed=0).to_numpy()
    return hashlib.sha256(hashed.tobytes()).hexdigest()[:16]


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

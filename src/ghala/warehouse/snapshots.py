"""Snapshots: every landed set of files has an address in DVC and a commit in Git."""

import logging
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from ghala.contracts.errors import ConfigurationError, TryAgain
from ghala.contracts.settings import Workspace


@dataclass(frozen=True)
class Snapshot:
    """A set of landed files: its content address, its size and the commit that points to it."""

    address: str
    files: int
    commit: str


def start_versioning(workspace: Workspace, remote: Path | str) -> None:
    """Make the workspace a Git and a DVC repository with a default remote."""
    from dvc.repo import Repo

    _quiet()
    _git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    with Repo.init(str(workspace.root)) as repo, repo.config.edit() as config:
        config["core"] = {"remote": "storage", "analytics": False, "autostage": False}
        config["remote"] = {"storage": {"url": str(remote), "verify": True}}
    commit_all(workspace, "Start the workspace")


def take_snapshot(workspace: Workspace, message: str) -> Snapshot:
    """Record the landed files in DVC, push them to the remote and commit the pointer."""
    from dvc.repo import Repo

    _quiet()
    if current_snapshot(workspace).address == "none":
        _pointer(workspace).unlink(missing_ok=True)  # cut off in the middle of being written
    with Repo(str(workspace.root)) as repo:
        repo.add([str(workspace.landing)])
        repo.push()
    commit_all(workspace, message)
    return current_snapshot(workspace)


def current_snapshot(workspace: Workspace) -> Snapshot:
    """What the pointer in Git says now; the address is ``none`` before the first snapshot.

    DVC writes the pointer in place, so that a crash can leave it empty or short: it is none then.
    """
    try:
        written = yaml.safe_load(_pointer(workspace).read_text(encoding="utf-8"))
        out = written["outs"][0]
        return Snapshot(out["md5"], int(out["nfiles"]), workspace.commit())
    except (FileNotFoundError, yaml.YAMLError, TypeError, KeyError, IndexError, ValueError):
        return Snapshot("none", 0, workspace.commit())


def _pointer(workspace: Workspace) -> Path:
    return workspace.root / "landing.dvc"


def is_current(workspace: Workspace) -> bool:
    """Whether the newest snapshot holds as many files as are landed."""
    landed = sum(file.is_file() for file in workspace.landing.rglob("*"))
    return current_snapshot(workspace).files == landed


def require_identity(folder: Path) -> None:
    """Check that Git knows who commits.

    Raises:
        ConfigurationError: user.name or user.email is not set.
    """
    for key in ("user.name", "user.email"):
        done = subprocess.run(
            ["git", "config", key], cwd=folder, capture_output=True, text=True, check=False
        )
        if not done.stdout.strip():
            raise ConfigurationError(
                f"Git does not know who you are: {key} is not set.",
                f'Set it: git config --global {key} "..."',
            )


def commit_all(workspace: Workspace, message: str) -> None:
    """Commit what is not ignored, if anything changed."""
    _git(workspace.root, "add", "--all")
    changed = subprocess.run(
        ["git", "diff", "--cached", "--quiet"], cwd=workspace.root, check=False
    ).returncode
    if changed:
        _git(workspace.root, "commit", "--quiet", "--no-verify", "-m", message)


def _git(root: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    if "index.lock" in done.stderr:
        raise TryAgain(
            f"Git is busy in {root}: {done.stderr.strip().splitlines()[0]}",
            f"If no other git runs there, remove {root / '.git' / 'index.lock'}.",
        )
    raise ConfigurationError(
        f"git {arguments[0]} failed in {root}: {done.stderr.strip()}",
        "Mend the repository, then run the command again.",
    )


def _quiet() -> None:
    logging.getLogger("dvc").setLevel(logging.ERROR)
    logging.getLogger("dvc_data").setLevel(logging.ERROR)

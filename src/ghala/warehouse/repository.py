"""The workspace's Git repository: who commits, and commits that say what happened."""

import subprocess
from pathlib import Path

from ghala.contracts.errors import ConfigurationError, TryAgain


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


def commit(root: Path, message: str, *paths: str) -> None:
    """Commit these paths, if they changed; whatever else someone is working on stays theirs."""
    git(root, "add", "--all", "--", *paths)
    changed = subprocess.run(
        ["git", "diff", "--cached", "--quiet", "--", *paths], cwd=root, check=False
    ).returncode
    if changed:
        git(root, "commit", "--quiet", "--no-verify", "-m", message, "--only", "--", *paths)


def git(root: Path, *arguments: str, given: str | None = None) -> str:
    """Run Git and return what it said; ``given`` goes to its standard input.

    Raises:
        TryAgain: another Git is at work in the repository.
        ConfigurationError: Git failed.
    """
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False, input=given
    )
    if done.returncode == 0:
        return done.stdout
    if "index.lock" in done.stderr:
        raise TryAgain(
            f"Git is busy in {root}: {done.stderr.strip().splitlines()[0]}",
            f"If no other git runs there, remove {root / '.git' / 'index.lock'}.",
        )
    raise ConfigurationError(
        f"git {arguments[0]} failed in {root}: {done.stderr.strip()}",
        "Mend the repository, then run the command again.",
    )

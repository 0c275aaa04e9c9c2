"""Errors a person can act on: what was got, what is allowed, what to do next."""

import difflib
from collections.abc import Iterable


class GhalaError(Exception):
    """An expected failure, with the next step for the reader.

    Args:
        message: what happened, with what was got and what is allowed.
        next_step: what to do now, as a command or an instruction.
    """

    exit_code = 70

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class CheckFailed(GhalaError):
    """A gate or a check did not pass."""

    exit_code = 1


class UsageError(GhalaError):
    """The command was called with something it does not know."""

    exit_code = 2


class ConfigurationError(GhalaError):
    """The workspace, its files or the machine are not set up for the command."""

    exit_code = 3


class DataRejected(GhalaError):
    """A whole file or batch was refused; nothing of it was loaded."""

    exit_code = 4


class Denied(GhalaError):
    """The person may not do this."""

    exit_code = 5


class TryAgain(GhalaError):
    """Something else holds a resource; the same command may pass later."""

    exit_code = 75


_FULL = ("No space left", "File too large", "Disk quota exceeded", "disk is full")
"""How the operating system, DuckDB and SQLite say that nothing more can be written."""


def full_disk(error: Exception) -> TryAgain | None:
    """What to raise for an error that says the disk is full; None for every other error."""
    said = next((words for words in _FULL if words in str(error)), None)
    if said is None:
        return None
    return TryAgain(
        f"There is no room left to write ({said}). What was committed before stays.",
        "Free some space, then run the command again; it goes on where it was.",
    )


def suggest(given: str, known: Iterable[str]) -> str:
    """Name the known words, the nearest first, for an error about an unknown one."""
    names = sorted(known)
    lowered = {name.lower(): name for name in names}
    nearest = difflib.get_close_matches(given.lower(), lowered, n=1, cutoff=0.5)
    hint = f"Did you mean {lowered[nearest[0]]!r}? " if nearest else ""
    return f"{hint}Known: {', '.join(names) or 'none'}."

"""SQL that runs on every engine, and the little that each engine says in its own words."""

from collections.abc import Sequence
from typing import Protocol


class Dialect(Protocol):
    """The few things that the engines say differently; all other SQL is the same text on each."""

    def newest(self, value: str, order: Sequence[str], *, where: str | None) -> str:
        """The aggregate that gives ``value`` of the last row by ``order`` that has one."""

    def median(self, value: str, *, where: str | None) -> str:
        """The aggregate that gives the middle value."""

    def misspelt(self, error: BaseException) -> str | None:
        """What the engine says of a statement that it cannot run; None for every other error."""

    def column_type(self, declared: str) -> str:
        """The engine's name of a type that a contract declares."""


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def filtered(call: str, where: str | None) -> str:
    """An aggregate over the rows for which ``where`` holds."""
    return f"{call} FILTER (WHERE {where})" if where else call

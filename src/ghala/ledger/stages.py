"""Who held which stage, told again from the transitions alone."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from ghala.contracts.records import Stage
from ghala.ledger.book import Ledger
from ghala.ledger.tables import Entry

Standing = dict[str, dict[str, Entry]]
"""By use case and stage: the transition by which the version that holds it got there."""


def replay(transitions: Iterable[Entry]) -> Standing:
    """Who holds what after these transitions, in the order in which they were written."""
    held: Standing = {}
    for moved in transitions:
        stages = held.setdefault(moved.use_case or "", {})
        for stage in [name for name, entry in stages.items() if entry.version == moved.version]:
            del stages[stage]
        if moved.body["to"] != Stage.ARCHIVED:
            stages[moved.body["to"]] = moved
    return held


def moves_to(ledger: Ledger, use_case: str, stage: Stage) -> list[Entry]:
    """The transitions of a use case's versions into a stage, oldest first."""
    moves = ledger.entries("transition", use_case)
    return [entry for entry in moves if entry.body["to"] == stage]


def until(entries: Iterable[Entry], at: date) -> list[Entry]:
    """The facts up to a business date, or recorded up to a ``datetime``: UTC if it has no zone."""
    if isinstance(at, datetime):
        moment = at if at.tzinfo else at.replace(tzinfo=UTC)
        return [entry for entry in entries if entry.recorded_at.replace(tzinfo=UTC) <= moment]
    return [entry for entry in entries if entry.as_of is None or entry.as_of <= at]

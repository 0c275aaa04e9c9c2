"""Read and append the ledger."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ghala.contracts import clock
from ghala.contracts.errors import CheckFailed, Denied
from ghala.contracts.records import Stage
from ghala.contracts.settings import Database
from ghala.ledger.databases import claimed, open_database
from ghala.ledger.tables import Entry, Holder

GENESIS = "0" * 64


@dataclass(frozen=True)
class Note:
    """What is about to be written: one fact, before it has a number and a digest."""

    kind: str
    body: dict[str, Any]
    use_case: str | None = None
    version: int | None = None
    as_of: date | None = None
    key: str | None = None


@dataclass(frozen=True)
class Change:
    """A wish to give a stage to another version, on what the wisher believes holds now."""

    stage: Stage
    version: int | None
    expected: int | None


class Ledger:
    """The ledger of one workspace.

    Args:
        place: the SQLite file or the database; made and migrated when it is not there.
        actor: the name under which entries are written.

    Raises:
        TryAgain: another process holds the ledger, or its server does not answer.
        ConfigurationError: the server refuses the user, or the address is wrong.
    """

    def __init__(self, place: Path | Database, *, actor: str) -> None:
        self.actor = actor
        self.engine = open_database(place)

    def claimed(self) -> AbstractContextManager[None]:
        """Let one pipeline at a time work on this ledger, from whatever machine."""
        return claimed(self.engine)

    def append(self, *notes: Note) -> None:
        """Write facts, all or none; a note whose ``key`` is already written is passed over."""
        with self._writing() as session:
            for note in notes:
                self._add(session, note)

    def change_stages(self, use_case: str, changes: Sequence[Change], *, note: Note) -> None:
        """Move stages and write the fact of it in one transaction, by compare-and-set.

        Raises:
            Denied: another transition came first; nothing was changed.
        """
        with self._writing() as session:
            for change in changes:
                self._compare_and_set(session, use_case, change, on=note.as_of or clock.today())
            self._add(session, note)

    def holder(self, use_case: str, stage: Stage) -> int | None:
        """The version that holds a stage now."""
        with Session(self.engine) as session:
            found = session.get(Holder, (use_case, stage.value))
            return found.version if found else None

    def holders(self, use_case: str) -> dict[str, Holder]:
        """Every stage that a version holds now."""
        with Session(self.engine, expire_on_commit=False) as session:
            rows = session.scalars(select(Holder).where(Holder.use_case == use_case))
            return {row.stage: row for row in rows if row.version is not None}

    def entries(
        self,
        kind: str | None = None,
        use_case: str | None = None,
        *,
        version: int | None = None,
        since: int = 0,
    ) -> list[Entry]:
        """The facts of a kind, of a use case, of a version, from a number on, oldest first."""
        with Session(self.engine, expire_on_commit=False) as session:
            chosen = _choose(kind, use_case, version).where(Entry.number >= since)
            return list(session.scalars(chosen.order_by(Entry.number)))

    def last(
        self, kind: str, use_case: str | None = None, *, version: int | None = None
    ) -> Entry | None:
        """The newest fact of a kind."""
        with Session(self.engine, expire_on_commit=False) as session:
            chosen = _choose(kind, use_case, version)
            return session.scalar(chosen.order_by(Entry.number.desc()).limit(1))

    def find(self, key: str) -> Entry | None:
        """The fact written under a key."""
        with Session(self.engine, expire_on_commit=False) as session:
            return session.scalar(select(Entry).where(Entry.key == key))

    def head(self) -> Entry | None:
        """The newest fact, whose digest covers all facts."""
        with Session(self.engine, expire_on_commit=False) as session:
            return session.scalar(select(Entry).order_by(Entry.number.desc()).limit(1))

    def verify(self) -> int:
        """Recompute the chain and return how many entries it has.

        Raises:
            CheckFailed: an entry was changed, removed or put in; its number is named.
        """
        previous = GENESIS
        for expected, entry in enumerate(self.entries(), start=1):
            if entry.number != expected or entry.digest != _digest(entry, previous):
                raise CheckFailed(
                    f"The ledger is broken at entry {expected}: its digest does not fit.",
                    "Restore the ledger from a backup; do not run the pipeline on it.",
                )
            previous = entry.digest
        return len(self.entries())

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        writing = self.engine.execution_options(writing=True)
        with Session(writing) as session, session.begin():
            yield session

    def _add(self, session: Session, note: Note) -> None:
        if note.key and session.scalar(select(Entry.number).where(Entry.key == note.key)):
            return
        last = session.scalar(select(Entry).order_by(Entry.number.desc()).limit(1))
        entry = Entry(
            number=last.number + 1 if last else 1,
            kind=note.kind,
            use_case=note.use_case,
            version=note.version,
            as_of=note.as_of,
            actor=self.actor,
            recorded_at=clock.now().replace(tzinfo=None),
            key=note.key,
            # a figure that is no number has no word in JSON, and PostgreSQL takes JSON alone
            body=json.loads(json.dumps(note.body, default=str), parse_constant=lambda _: None),
            previous=last.digest if last else GENESIS,
        )
        entry.digest = _digest(entry, entry.previous)
        session.add(entry)
        session.flush()

    @staticmethod
    def _compare_and_set(session: Session, use_case: str, change: Change, *, on: date) -> None:
        held = session.get(Holder, (use_case, change.stage.value))
        now = held.version if held else None
        if now != change.expected:
            raise Denied(
                f"{use_case}: version {now} holds {change.stage} by now, not {change.expected}."
                " Another transition came first; nothing was changed.",
                "Look at `ghala history` and decide again.",
            )
        if held is None:
            held = Holder(use_case=use_case, stage=change.stage.value, generation=0)
            session.add(held)
        held.version, held.since, held.generation = change.version, on, held.generation + 1
        session.flush()


def _choose(kind: str | None, use_case: str | None, version: int | None) -> Select[Entry]:
    wanted = {"kind": kind, "use_case": use_case, "version": version}
    return select(Entry).filter_by(**{k: v for k, v in wanted.items() if v is not None})


def _digest(entry: Entry, previous: str) -> str:
    content = [
        previous,
        entry.number,
        entry.kind,
        entry.use_case,
        entry.version,
        entry.as_of and entry.as_of.isoformat(),
        entry.actor,
        entry.recorded_at.isoformat(),
        entry.key,
        entry.body,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

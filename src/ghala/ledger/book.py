"""Read and append the ledger."""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ghala.contracts import clock
from ghala.contracts.errors import CheckFailed, Denied, TryAgain
from ghala.contracts.records import Stage
from ghala.ledger.tables import Entry, Holder

GENESIS = "0" * 64
REVISION = "0001"


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
        path: the SQLite file; created and migrated when missing.
        actor: the name under which entries are written.
    """

    def __init__(self, path: Path, *, actor: str) -> None:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        self.actor = actor
        self.engine = _engine(path)
        if not _is_current(self.engine):
            with self.engine.execution_options(writing=True).connect() as connection:
                _migrate(connection)

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
        query = select(Entry).where(Entry.number >= since).order_by(Entry.number)
        if kind is not None:
            query = query.where(Entry.kind == kind)
        if use_case is not None:
            query = query.where(Entry.use_case == use_case)
        if version is not None:
            query = query.where(Entry.version == version)
        with Session(self.engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    def last(
        self, kind: str, use_case: str | None = None, *, version: int | None = None
    ) -> Entry | None:
        """The newest fact of a kind."""
        found = self.entries(kind, use_case, version=version)
        return found[-1] if found else None

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
        try:
            writing = self.engine.execution_options(writing=True)
            with Session(writing) as session, session.begin():
                yield session
        except OperationalError as error:
            if "locked" in str(error):
                raise TryAgain(
                    "The ledger is in use by another process.", "Run the command again."
                ) from error
            raise

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
            body=json.loads(json.dumps(note.body, default=str)),
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


def _engine(path: Path) -> Engine:
    writable = os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))
    engine = create_engine(_address(path, writable=writable), connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the begin event below says when
        if writable:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _address(path: Path, *, writable: bool) -> str:
    """The URL of the file; one that may only be read is opened so that SQLite writes no log."""
    if writable:
        return f"sqlite:///{path}"
    logged = path.with_name(f"{path.name}-wal").exists()
    return f"sqlite:///file:{path}?mode=ro{'' if logged else '&immutable=1'}&uri=true"


def _is_current(engine: Engine) -> bool:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return bool(found == REVISION)


def _migrate(connection: Any) -> None:
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()

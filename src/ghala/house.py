"""The house: a workspace with someone acting in it, and one key to each room."""

import logging
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ghala.contracts.errors import GhalaError, TryAgain
from ghala.contracts.records import BatchReceipt, Stage
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.ledger.book import Ledger, Note
from ghala.ledger.words import in_full

if TYPE_CHECKING:
    from ghala.registry.road import Road
    from ghala.registry.versions import Registry
    from ghala.warehouse.engines.engine import Warehouse


log = logging.getLogger("ghala.house")


@dataclass(frozen=True)
class House:
    """A workspace with someone acting in it."""

    workspace: Workspace
    actor: str

    @cached_property
    def ledger(self) -> Ledger:
        """The facts."""
        return Ledger(self.workspace.ledger, actor=self.actor)

    @cached_property
    def registry(self) -> "Registry":
        """The versions."""
        from ghala.registry.versions import Registry

        return Registry(self.workspace)

    def warehouse(self, *, to_read: bool = False) -> "Warehouse":
        """The warehouse, opened for one step, or for a look that takes nobody's turn."""
        from ghala.warehouse.engines.opening import open_warehouse

        return open_warehouse(self.workspace, to_read=to_read)

    def road(self, use_case: UseCase) -> "Road":
        """The road of one use case."""
        from ghala.registry.road import Road

        return Road(self.workspace, self.ledger, use_case)

    def copy_facts(self, warehouse: "Warehouse") -> None:
        """Let the warehouse hold every fact of the ledger, so that BI tools can read them."""
        from ghala.warehouse.facts import copy_facts

        copy_facts(warehouse, lambda since: map(in_full, self.ledger.entries(since=since)))

    def roles(self, use_case: UseCase) -> dict[int, str]:
        """Which versions of a use case speak now: the champion, and in shadow the one in UAT.

        Where the policy lets production go back by itself, the version before is heard too.
        """
        held = self.ledger.holders(use_case.name)
        uat, live = (held[s].version if s in held else None for s in (Stage.UAT, Stage.PRODUCTION))
        watches = use_case.policy.rollback.rule == "auto"
        before = self.road(use_case).fallback() if watches else None
        speaking = {before: "shadow", uat: "shadow", live: "champion"}
        return {version: role for version, role in speaking.items() if version is not None}

    def loaded_digests(self) -> dict[str, str]:
        """The SHA-256 with which each file was loaded, by ``SOURCE/FILE``, as the ledger says."""
        batches = [entry.body for entry in self.ledger.entries("batch")]
        return {f"{batch['source']}/{batch['file']}": batch["sha256"] for batch in batches}

    def anchor(self) -> None:
        """Put the head of the ledger's chain out of its own reach, into Git."""
        from ghala.monitoring.audit import anchor

        try:
            anchor(self.workspace, self.ledger)
        except GhalaError as error:  # what was done before is not undone for it
            log.warning("The ledger was not anchored: %s The next run does it.", error.message)

    def record_batches(self, known: Container[str | None]) -> list[BatchReceipt]:
        """Tell the ledger of batches and releases it does not know, also after a crash."""
        from ghala.warehouse.landing import receipts
        from ghala.warehouse.quarantine import list_releases

        with self.warehouse() as warehouse:
            loaded, released = receipts(warehouse), list_releases(warehouse)
        keys = {f"batch:{one.source}/{one.file}": one for one in loaded}
        fresh = {key: one for key, one in keys.items() if key not in known}
        self.ledger.append(
            *(Note("batch", asdict(o), as_of=o.arrived_on, key=key) for key, o in fresh.items()),
            *(
                Note("release", o, as_of=o["released_on"], key=f"release:{o['source']}/{o['file']}")
                for o in released
            ),
        )
        return list(fresh.values())

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let one pipeline at a time work in the workspace.

        Raises:
            TryAgain: another one is at work.
        """
        from filelock import FileLock, Timeout

        self.workspace.state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.workspace.state / "pipeline.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise TryAgain(
                f"Another run is at work in {self.workspace.root}.",
                "Wait until it has ended, then run the command again.",
            ) from error
        try:
            with self.ledger.claimed():  # another machine may share it
                yield
        finally:
            lock.release()

"""What a data steward does between two runs of the loop: snapshots and quarantine.

Like the steps of the loop, each act is recorded in the ledger, under the name of who acts.
"""

from dataclasses import asdict
from datetime import date
from typing import Any

from ghala.contracts import clock
from ghala.contracts.errors import UsageError
from ghala.flow import record_batches, snapshot
from ghala.house import House
from ghala.ledger.book import Note
from ghala.warehouse import releasing, snapshots


def take_snapshot(house: House, as_of: date) -> snapshots.Snapshot:
    """Record the landed set now; when nothing was landed since, the newest snapshot is returned.

    Raises:
        UsageError: nothing was ever landed.
    """
    if not any(house.workspace.landing.glob("*/*")):
        raise UsageError(
            f"Nothing is landed in {house.workspace.landing}.", "Run `ghala land` first."
        )
    return snapshot(house, as_of, message=f"Snapshot the landed files on {as_of}")


def restore_snapshot(house: House, name: str, *, as_of: date) -> snapshots.Snapshot:
    """Bring exactly the bytes of a snapshot back into ``landing/``."""
    wanted = snapshots.find_snapshot(house.workspace, name)
    restored = snapshots.restore_snapshot(house.workspace, wanted, loaded=house.loaded_digests())
    body = {**asdict(restored), "from_commit": wanted.commit}
    house.ledger.append(Note("restoration", body, as_of=as_of))
    return restored


def release(house: House, correction: releasing.Correction, *, as_of: date) -> dict[str, Any]:
    """Re-land quarantined rows as a delivery of their own, and snapshot it.

    Raises:
        DataRejected: rows still break the contract; nothing was changed.
        UsageError: the batch or a row of it is not in quarantine, or already released.
    """
    known = {entry.key for entry in house.ledger.entries("batch")}
    try:
        with house.warehouse() as warehouse:
            released = releasing.release(
                house.workspace, warehouse, correction, by=house.actor, at=clock.now(), as_of=as_of
            )
    finally:
        record_batches(house, known)
    snapshot(house, as_of, message=f"Release {released.rows_loaded} rows of quarantine")
    return {"released": released.rows_loaded, "batch": asdict(released)}

"""What is done between two runs of the loop: snapshots, quarantine, making a version again.

Like the steps of the loop, each act is recorded in the ledger, under the name of who acts.
"""

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from ghala.contracts import clock
from ghala.contracts.errors import UsageError
from ghala.contracts.use_case import UseCase
from ghala.flow import snapshot
from ghala.house import House
from ghala.ledger.book import Note
from ghala.warehouse import releasing, snapshots
from ghala.warehouse.manifest import write_durably


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


def reproduce(house: House, use_case: UseCase, version: int, *, as_of: date) -> dict[str, Any]:
    """Make a version again from what it was made of, and keep the certificate of how that went."""
    from ghala.training.reproduce import reproduce as make_again

    certificate = make_again(house.workspace, use_case.name, version)
    verdict = {"same_rows": certificate.same_rows, "is_reproduced": certificate.is_reproduced}
    body = {**asdict(certificate), **verdict}
    folder = house.workspace.reports / use_case.name
    folder.mkdir(parents=True, exist_ok=True)
    files = {"json": json.dumps(body, indent=1), "txt": certificate.as_text()}
    for ending, text in files.items():
        write_durably(folder / f"reproduction-{version}.{ending}", text)
    house.ledger.append(Note("reproduction", body, use_case.name, version, as_of))
    return {**body, "certificate": str(folder / f"reproduction-{version}.txt")}


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
        house.record_batches(known)
    snapshot(house, as_of, message=f"Release {released.rows_loaded} rows of quarantine")
    return {"released": released.rows_loaded, "batch": asdict(released)}

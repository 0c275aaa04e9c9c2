"""DVC's remote, where every copy of what was landed is kept by its content."""

import hashlib
import json
from pathlib import Path
from typing import Any

from ghala.contracts.errors import DataRejected
from ghala.contracts.settings import Workspace
from ghala.warehouse.snapshots import list_snapshots, opened


def verify_remote(workspace: Workspace) -> int:
    """Read every file that DVC's remote keeps, and return how many.

    Raises:
        DataRejected: one is not what its name says, or a file of a snapshot is missing.
    """
    with opened(workspace) as repo:
        kept = repo.cloud.get_remote_odb()
        there = set(kept.all())
        for name in sorted(there):
            _require_content(kept, name)
        wanted = set()
        for address in {taken.address for taken in list_snapshots(workspace)}:
            wanted |= {address}
            wanted |= {one["md5"] for one in _listed(kept, address)} if address in there else set()
    if lost := wanted - there:
        raise DataRejected(
            f"{len(lost)} files of the snapshots are not in DVC's remote, such as {min(lost)}.",
            "Run `dvc push --all-commits` where .dvc/cache holds them.",
        )
    return len(there)


def fetch(workspace: Workspace, address: str, *, to: Path) -> None:
    """Copy the folder that has this address in DVC out of the remote, as it was kept there.

    Raises:
        DataRejected: it is not there any more, or a file is not what its name says.
    """
    with opened(workspace) as repo:
        kept = repo.cloud.get_remote_odb()
        if not kept.exists(address):
            raise DataRejected(
                f"DVC's remote holds no {address}.",
                "Run `dvc push --all-commits` where .dvc/cache holds it.",
            )
        for one in _listed(kept, address):
            _require_content(kept, one["md5"])
            file = to / one["relpath"]
            file.parent.mkdir(parents=True, exist_ok=True)
            kept.fs.get(kept.oid_to_path(one["md5"]), str(file))


def _require_content(kept: Any, name: str) -> None:
    """A file is named by the MD5 of its content; a listing of a snapshot ends in ``.dir``."""
    place = kept.oid_to_path(name)
    with kept.fs.open(place, "rb") as stream:
        found = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
    if found.hexdigest() != name.removesuffix(".dir"):
        raise DataRejected(
            f"{place} is not what was kept there: the digest of its content is not its name.",
            "Remove it, and run `dvc push --all-commits` where .dvc/cache holds it.",
        )


def _listed(kept: Any, address: str) -> list[dict[str, str]]:
    with kept.fs.open(kept.oid_to_path(address), "rb") as stream:
        return list(json.loads(stream.read()))

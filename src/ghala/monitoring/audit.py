"""Is the ledger still the one that was written, and what did it say on a day?

The chain of digests shows that a fact was changed, taken out or put in. It cannot show that its
last facts were cut off, nor that someone wrote the whole chain anew. So its head, the number and
the digest of the last fact, is committed to the workspace's Git repository as ``ledger.head`` after
every run and every transition. Whoever pushes the repository elsewhere has it out of reach.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from ghala.contracts.errors import CheckFailed
from ghala.contracts.settings import Workspace
from ghala.ledger.book import Ledger
from ghala.ledger.stages import replay, until
from ghala.ledger.tables import Entry
from ghala.warehouse.manifest import write_durably
from ghala.warehouse.repository import commit, git

HEAD = "ledger.head"


@dataclass(frozen=True)
class Anchor:
    """A head of the chain that a commit holds."""

    commit: str
    day: str
    number: int
    digest: str


def anchor(workspace: Workspace, ledger: Ledger) -> None:
    """Commit the head of the chain, if it has moved."""
    last = ledger.head()
    if last is None:
        return
    write_durably(workspace.root / HEAD, f"{last.number} {last.digest}\n")
    commit(workspace.root, f"Anchor the ledger at fact {last.number}", HEAD)


def read_anchors(workspace: Workspace) -> list[Anchor]:
    """Every head that a commit holds, newest first."""
    log = git(workspace.root, "log", "-p", "--unified=0", "--format=%x00%H %cs", "--", HEAD)
    found = []
    for block in log.split("\0")[1:]:
        header, *lines = block.splitlines()
        written = [line[1:] for line in lines if line.startswith("+") and not line.startswith("++")]
        for line in written:
            number, digest = line.split()
            made, day = header.split()
            found.append(Anchor(made, day, number=int(number), digest=digest))
    return found


def verify(workspace: Workspace, ledger: Ledger) -> dict[str, Any]:
    """Check the chain, every anchor in Git, and that stages are held as transitions say.

    Raises:
        CheckFailed: naming what does not fit, and since when.
    """
    entries = ledger.verify()
    anchors = read_anchors(workspace)
    known = {entry.number: entry.digest for entry in ledger.entries()}
    for one in anchors:
        if known.get(one.number) != one.digest:
            _tell_broken(one, entries)
    _require_stages(ledger)
    return {
        "entries": entries,
        "anchors": len(anchors),
        "anchored_up_to": anchors[0].number if anchors else 0,
        "last_anchor": anchors[0].commit if anchors else None,
    }


def standing(ledger: Ledger, at: date) -> list[dict[str, Any]]:
    """Who held which stage of every use case on a day, since when, by whom and signed by whom."""
    facts = until(ledger.entries(), at)
    held = replay(entry for entry in facts if entry.kind == "transition")
    return [
        _describe(moved, stage=stage, facts=facts)
        for name in sorted(held)
        for stage, moved in sorted(held[name].items())
    ]


def _describe(moved: Entry, *, stage: str, facts: list[Entry]) -> dict[str, Any]:
    def of_version(kind: str) -> list[Entry]:
        return [
            entry for entry in facts
            if (entry.kind, entry.use_case, entry.version)
            == (kind, moved.use_case, moved.version)
        ]  # fmt: skip

    trained = of_version("training")
    return {
        "use_case": moved.use_case,
        "stage": stage,
        "version": moved.version,
        "since": moved.as_of,
        "recorded_at": f"{moved.recorded_at.isoformat()}Z",
        "moved_by": moved.actor,
        "reason": moved.body["reason"],
        "trained_as_of": trained[-1].as_of if trained else None,
        "trained_by": trained[-1].actor if trained else None,
        "approved_by": sorted({entry.actor for entry in of_version("approval")}),
    }


def _require_stages(ledger: Ledger) -> None:
    said = replay(ledger.entries("transition"))
    for name in {entry.use_case for entry in ledger.entries("training") if entry.use_case}:
        told = {stage: entry.version for stage, entry in said.get(name, {}).items()}
        held = {stage: holder.version for stage, holder in ledger.holders(name).items()}
        if told != held:
            raise CheckFailed(
                f"{name}: stages are held by {held or 'nobody'}, the transitions say"
                f" {told or 'nobody'}.",
                "Restore the ledger from a backup.",
            )


def _tell_broken(one: Anchor, entries: int) -> None:
    what = (
        f"it ends at fact {entries}: its tail was cut off"
        if one.number > entries
        else f"fact {one.number} is another one now: the chain was written anew"
    )
    raise CheckFailed(
        f"The ledger is not the one that commit {one.commit[:12]} of {one.day} anchored at fact"
        f" {one.number}; {what}.",
        "Restore the ledger from a backup; do not run the pipeline on it.",
    )

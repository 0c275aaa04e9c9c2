"""The inbox: which delivered files are due, and which of them are landed together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

from ghala.contracts.errors import DataRejected, UsageError, suggest
from ghala.contracts.settings import Workspace
from ghala.warehouse.contract import Source, arrival, feed_name

GROUP_DAYS = 31
GROUP_BYTES = 32 << 20
"""A history of years is landed by months: one statement per feed and month, not per file."""


@dataclass(frozen=True)
class Delivery:
    """One file of a feed, and the day on which it arrived."""

    source: str
    feed: str
    file: Path
    arrived: date

    @property
    def name(self) -> str:
        """How the batch is called: ``SOURCE/FILE``."""
        return f"{self.source}/{self.file.name}"


def find_due(workspace: Workspace, contracts: dict[str, Source], as_of: date) -> list[Delivery]:
    """Every file that had arrived by ``as_of``, oldest first, feeds in their order.

    Files that lie in the landing only count too: a lost warehouse is loaded again from there.

    Raises:
        DataRejected: a file belongs to no feed.
        UsageError: nothing has ever arrived.
    """
    found: list[tuple[date, int, Delivery]] = []
    for source, contract in contracts.items():
        order = list(contract.feeds)
        folders = (workspace.landing / source, workspace.inbox / source)
        lying = (file for folder in folders for file in folder.glob("[!.]*"))
        files = {file.name: file for file in lying if file.is_file()}
        for file in files.values():
            arrived, feed = arrival(file), feed_name(file)
            if arrived is None or feed not in contract.feeds:
                raise DataRejected(
                    f"{file} is no delivery that {source} knows. {suggest(feed, order)}",
                    "Name files FEED_YYYY-MM-DD.EXT, after their feed and day of arrival.",
                )
            if arrived <= as_of:
                found.append((arrived, order.index(feed), Delivery(source, feed, file, arrived)))
    if not found:
        raise UsageError(
            f"No file had arrived by {as_of} in {workspace.inbox}.",
            "Put the files there, or choose a later --as-of.",
        )
    return [one for _, _, one in sorted(found, key=lambda f: (*f[:2], f[2].name))]


def group(due: Sequence[Delivery], contracts: dict[str, Source]) -> Iterator[list[Delivery]]:
    """Groups of files of one feed, a month at a time; within it, feeds in the contract's order."""
    rest = list(due)
    while rest:
        end = rest[0].arrived + timedelta(days=GROUP_DAYS)
        month = [one for one in rest if one.arrived < end]
        rest = rest[len(month) :]
        for source, contract in contracts.items():
            for feed in contract.feeds:
                files = [one for one in month if (one.source, one.feed) == (source, feed)]
                yield from _by_size(files)


def _by_size(files: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    sizes, total = [], 0
    for one in files:
        total += one.file.stat().st_size
        sizes.append(total // GROUP_BYTES)
    for _, numbered in groupby(zip(sizes, files, strict=True), key=lambda pair: pair[0]):
        yield [one for _, one in numbered]

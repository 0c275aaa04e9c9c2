"""The inbox: which delivered files are due, and which of them are landed together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, takewhile
from pathlib import Path

from ghala.contracts.errors import DataRejected, UsageError, suggest
from ghala.contracts.settings import Workspace
from ghala.warehouse.contract import Feed, Source, arrival, feed_name

RELEASES = "releases"
"""Where in the landing of a source the rows lie that were released from quarantine."""

ENDINGS = {"csv": (".csv", ".csv.gz"), "parquet": (".parquet",)}
"""How the files of a format are called."""

UNFINISHED = frozenset([".tmp", ".part", ".partial", ".filepart", ".crdownload"])
"""How programs call a file that they still write; like one with a dot before it, it is let be."""

GROUP_DAYS = 31
GROUP_BYTES = 32 << 20
"""A history of years is landed by months: one statement per feed and month, not per file."""


@dataclass(frozen=True)
class Delivery:
    """One file of a feed, or rows of one that were released, and the day on which it arrived."""

    source: str
    feed: str
    file: Path
    arrived: date

    @property
    def is_release(self) -> bool:
        """Whether it holds rows that were released from quarantine."""
        return self.file.parent.name == RELEASES

    @property
    def place(self) -> str:
        """Where it lies in the landing of its source, and how its batch calls it."""
        return f"{RELEASES}/{self.file.name}" if self.is_release else self.file.name

    @property
    def name(self) -> str:
        """How the batch is called in the workspace: ``SOURCE/FILE``."""
        return f"{self.source}/{self.place}"


Refusals = dict[tuple[str, str], DataRejected]
"""Why something was refused, by source and feed, or by source and file where that is no feed's."""


def find_due(
    workspace: Workspace, contracts: dict[str, Source], as_of: date
) -> tuple[list[Delivery], Refusals]:
    """Every file that had arrived by ``as_of``, oldest first, feeds in their order.

    Files that lie in the landing only count too: a lost warehouse is loaded again from there. Rows
    were released after the files of their day had come in. A file that belongs to no feed, or is
    not of its format by its name, is refused.

    Raises:
        UsageError: nothing has ever arrived.
    """
    refused: Refusals = {}
    found: list[tuple[tuple[date, bool, int, str], Delivery]] = []
    for source, contract in contracts.items():
        order = list(contract.feeds)
        landed = workspace.landing / source
        folders = (landed / RELEASES, landed, workspace.inbox / source)
        lying = (file for folder in folders for file in folder.glob("[!.]*"))
        whole = (file for file in lying if file.suffix.lower() not in UNFINISHED)
        files = {file.name: file for file in whole if file.is_file()}
        for file in files.values():
            arrived, feed = arrival(file), feed_name(file)
            if arrived is None or feed not in contract.feeds:
                refused[source, file.name] = DataRejected(
                    f"{file} is no delivery that {source} knows. {suggest(feed, order)}",
                    "Name files FEED_YYYY-MM-DD.EXT, after their feed and day of arrival.",
                )
            elif wrong := _wrong_format(file, contract.feeds[feed]):
                refused[source, feed] = wrong
            elif arrived <= as_of:
                one = Delivery(source, feed, file, arrived)
                found.append(((arrived, one.is_release, order.index(feed), file.name), one))
    if not found and not refused:
        raise UsageError(
            f"No file had arrived by {as_of} in {workspace.inbox}.",
            "Put the files there, or choose a later --as-of.",
        )
    return [one for _, one in sorted(found, key=lambda pair: pair[0])], refused


def find_unread(workspace: Workspace) -> list[str]:
    """The folders of the inbox that hold files, and that no source in ghala.toml reads."""
    return sorted(
        folder.name
        for folder in workspace.inbox.glob("[!.]*/")
        if folder.name not in workspace.settings.sources
        and any(file.is_file() for file in folder.glob("[!.]*"))
    )


def _wrong_format(file: Path, feed: Feed) -> DataRejected | None:
    ending = "".join(file.suffixes[-2:] if file.suffix == ".gz" else file.suffixes[-1:])
    allowed = ENDINGS[feed.format]
    if ending in allowed:
        return None
    return DataRejected(
        f"{file} is no {feed.format} file by its name: it ends with {ending or 'nothing'!r},"
        f" allowed is {' or '.join(allowed)}. Nothing of it was loaded.",
        "Ask the sender for that format, or change the feed's format in contract.yml.",
    )


def group(due: Sequence[Delivery], contracts: dict[str, Source]) -> Iterator[list[Delivery]]:
    """Groups of files of one feed, a month at a time; within it, feeds in the contract's order.

    A release is a group of its own: what arrived before it is loaded before it.
    """
    rest = list(due)
    while rest:
        if rest[0].is_release:
            yield [rest.pop(0)]
            continue
        end = rest[0].arrived + timedelta(days=GROUP_DAYS)
        regular = takewhile(lambda one: not one.is_release, rest)
        month = [one for one in regular if one.arrived < end]
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

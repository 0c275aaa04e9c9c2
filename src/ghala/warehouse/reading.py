"""Look at delivered files before they are read: their header, their columns, their checksums."""

import csv
import gzip
import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import date

from ghala.contracts.errors import DataRejected, GhalaError, full_disk, suggest
from ghala.warehouse.contract import Feed

_BAD_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)
_QUOTED = re.compile(rb'"[^"]*"')
_ENDING = re.compile(rb"\r\n|\r|\n")
_ENDINGS = {b"\r\n": "CRLF", b"\n": "LF", b"\r": "CR"}
_NAMED = 5
"""How many columns an error names, so that it can be read."""


def read_header(path: str) -> tuple[str, ...]:
    """The first line of a text file.

    Raises:
        DataRejected: it is not UTF-8 text.
    """
    opening = gzip.open if path.endswith(".gz") else open
    try:
        with opening(path, "rt", encoding="utf-8-sig", newline="") as stream:
            header = tuple(next(csv.reader(stream, strict=True), ()))
    except (csv.Error, UnicodeDecodeError, *_BAD_GZIP) as error:
        raise unreadable(path, "csv", error) from error
    if any("\0" in name for name in header):
        raise unreadable(path, "csv", csv.Error("it is not utf-8 text, it holds NUL bytes"))
    return header


def find_mixed_endings(path: str) -> csv.Error | None:
    """What is wrong where a text file's lines end in different ways; None where all end alike.

    A quoted value may hold the end of a line of either kind.
    """
    first, is_quoted = "", False
    opening = gzip.open if path.endswith(".gz") else open
    with suppress(*_BAD_GZIP), opening(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            is_quoted ^= line.count(b'"') % 2 == 1
            if is_quoted:
                continue
            found = _ENDING.search(_QUOTED.sub(b"", line))
            ending = _ENDINGS[found[0]] if found else first
            first = first or ending
            if ending != first:
                return csv.Error(f"line 1 ends with {first}, line {number} with {ending}")
    return None


def require_sound_gzip(path: str) -> None:
    """Unpack a gzip file to its end and check its length and checksum, without keeping anything.

    DuckDB does not look at the checksum and reads a third of flipped bits as other values.

    Raises:
        DataRejected: the file is not gzip, or was cut off or changed.
    """
    try:
        with gzip.open(path) as stream:
            while stream.read(1 << 20):
                pass
    except _BAD_GZIP as error:
        raise unreadable(path, "gzip", error) from error


def require_sound_parquet(path: str) -> None:
    """Check the pages of a Parquet file against their checksums, where its writer wrote any.

    DuckDB reads most flipped bits as other values without a word.

    Raises:
        DataRejected: the file is not Parquet, or a page is not what was written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as opened:
            for _ in opened.iter_batches():
                pass
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, "parquet", error) from error


def unreadable(path: str, kind: str, error: Exception) -> GhalaError:
    """The error for a file that is not of its kind, unless it is the disk that is full."""
    return full_disk(error) or DataRejected(
        f"{path} cannot be read as {kind}: {shorten(str(error))}.",
        "Ask the sender for the file again; nothing of it was loaded.",
    )


def shorten(said: str) -> str:
    """What DuckDB said, without the line that it could not read."""
    lines = said.partition("Possible")[0].splitlines()
    kept = " ".join(line for line in lines if not line.startswith("Original Line:"))
    return " ".join(kept.split())[:300].rstrip(".")


def check_columns(path: str, given: Sequence[str], feed: Feed, *, arrived: date) -> None:
    """Refuse a file that lacks a column of the contract, or brings one twice or an unknown one.

    New columns with a name pass where the contract keeps them, and a file that arrived before the
    day since which a column comes may lack it.

    Raises:
        DataRejected: naming the columns.
    """
    got, allowed = set(given), set(feed.columns)
    lacking = {n for n in allowed - got if not feed.columns[n].may_lack(arrived)}
    keeps = feed.new_columns == "keep"
    unknown = [n for n in sorted(got - allowed) if not (keeps and _can_be_kept(n, allowed))]
    said = [f"column {name!r} is missing" for name in sorted(lacking)[:_NAMED]]
    said += [f"column {name!r} comes twice" for name in sorted(got) if given.count(name) > 1]
    said += [f"column {name!r} is unknown{_hint(name, allowed)}" for name in unknown[:_NAMED]]
    if said:
        more = len(lacking) + len(unknown) - 2 * _NAMED
        said += ["and more"] if more > 0 else []
        raise DataRejected(
            f"{path}: {'; '.join(said)}.{_suspicion(given, allowed)}"
            " Nothing of the file was loaded.",
            f"Ask the sender for the agreed columns ({', '.join(feed.columns)}), or change the"
            " source's contract.yml.",
        )


def _can_be_kept(name: str, allowed: set[str]) -> bool:
    """Whether a new column has a name that is neither the platform's nor one in capitals."""
    return bool(name.strip()) and name[0] != "_" and name.strip().lower() not in allowed


def _hint(name: str, allowed: set[str]) -> str:
    if not name.strip():
        return " (a column without a name)"
    nearest = suggest(name.strip(), allowed).partition("Known:")[0].strip()
    return f" ({nearest})" if nearest else ""


def _suspicion(given: Sequence[str], allowed: set[str]) -> str:
    """What is probably wrong with a file that has none of the agreed columns."""
    if not any(given):
        return " The file is empty."
    if allowed & set(given):
        return ""
    for delimiter in (";", "\t", "|"):
        if allowed & set(given[0].split(delimiter)):
            return f" The columns seem to be separated by {delimiter!r} instead of commas."
    if allowed & {name.strip().lower() for name in given}:
        return ""
    return " The first line seems to be no header."

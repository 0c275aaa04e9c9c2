"""Digests of files, so that a flipped bit is an error that names the file."""

import hashlib
import json
import os
from pathlib import Path

from ghala.contracts.errors import DataRejected


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def place(content: Path, target: Path) -> str:
    """Copy a file into place durably and return its digest: readers see the whole file or none.

    The copy keeps the time of the original, so that an unchanged one is known without reading it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    found = hashlib.sha256()
    try:
        with content.open("rb") as source, partial.open("wb") as sink:
            while block := source.read(1 << 20):
                found.update(block)
                sink.write(block)
            sink.flush()
            stat = os.fstat(source.fileno())
            os.utime(sink.fileno(), ns=(stat.st_atime_ns, stat.st_mtime_ns))
            os.fsync(sink.fileno())
    except OSError:
        partial.unlink(missing_ok=True)  # a full disk needs the room
        raise
    partial.replace(target)
    return found.hexdigest()


def looks_unchanged(file: Path, copy: Path) -> bool:
    """Whether a file has the size and the time of the copy that ``place`` made of it."""
    if not copy.is_file():
        return False
    one, other = file.stat(), copy.stat()
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def write_manifest(folder: Path) -> None:
    """Write ``MANIFEST.json``: the digest of every file of a folder."""
    digests = {
        file.relative_to(folder).as_posix(): digest(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    (folder / "MANIFEST.json").write_text(json.dumps(digests, indent=1), encoding="utf-8")


def verify_manifest(folder: Path) -> None:
    """Check a folder against its manifest.

    Raises:
        DataRejected: a file was changed, added or removed; it is named.
    """
    expected = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))
    found = {
        file.relative_to(folder).as_posix(): digest(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "MANIFEST.json"
    }
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise DataRejected(
                f"{folder / name} is not what was written: its SHA-256 differs from the manifest.",
                "Restore the folder, or publish again with `ghala publish`.",
            )

"""Digests of files, so that a flipped bit is an error that names the file."""

import hashlib
import json
import os
from pathlib import Path

from ghala.contracts.errors import DataRejected

MANIFEST = "MANIFEST.json"


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
    with content.open("rb") as source, partial.open("wb") as sink:
        while block := source.read(1 << 20):
            found.update(block)
            sink.write(block)
        sink.flush()
        stat = os.fstat(source.fileno())
        os.utime(sink.fileno(), ns=(stat.st_atime_ns, stat.st_mtime_ns))
        os.fsync(sink.fileno())
    partial.replace(target)
    return found.hexdigest()


def looks_unchanged(file: Path, copy: Path) -> bool:
    """Whether a file has the size and the time of the copy that ``place`` made of it."""
    if not copy.is_file():
        return False
    one, other = file.stat(), copy.stat()
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def write_durably(target: Path, text: str) -> None:
    """Write a small file so that readers, also after a crash, see the old text or the new one."""
    partial = target.with_name(f".{target.name}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(target)


def write_manifest(folder: Path) -> str:
    """Write ``MANIFEST.json``, the digest of every file of a folder, and return its own digest."""
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps(_digests(folder), indent=1), encoding="utf-8")
    return digest(manifest)


def verify_manifest(folder: Path) -> None:
    """Check a folder against its manifest.

    Raises:
        DataRejected: a file was changed, added or removed; it is named.
    """
    try:
        expected = dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _not_what_was_written(folder / MANIFEST) from error
    found = _digests(folder)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise _not_what_was_written(folder / name)


def _digests(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): digest(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }


def _not_what_was_written(file: Path) -> DataRejected:
    return DataRejected(
        f"{file} is not what was written: its SHA-256 differs from the manifest.",
        "Restore the folder, or publish again with `ghala publish`.",
    )

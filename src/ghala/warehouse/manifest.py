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


def place(content: Path, target: Path) -> None:
    """Copy a file into place durably: readers see the whole file or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    with content.open("rb") as source, partial.open("wb") as sink:
        while block := source.read(1 << 20):
            sink.write(block)
        sink.flush()
        os.fsync(sink.fileno())
    partial.replace(target)


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

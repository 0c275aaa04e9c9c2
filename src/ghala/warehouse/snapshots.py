"""Snapshots: every landed set of files has an address in DVC and a commit in Git.

Beside DVC's pointer ``landing.dvc`` stands ``landing.sha256``, the digest of every landed file in
the form of ``sha256sum``. Both are committed together, so that any clone can tell whether the
bytes it got are those that were landed.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ghala.contracts.errors import DataRejected, TryAgain, UsageError
from ghala.contracts.settings import Storage, Workspace
from ghala.warehouse.bucket import reaching
from ghala.warehouse.manifest import digest, place, write_durably
from ghala.warehouse.repository import commit, git

POINTER, MANIFEST = "landing.dvc", "landing.sha256"
_FORMAT = "--format=%H%x09%cI%x09%s"


@dataclass(frozen=True)
class Snapshot:
    """A set of landed files: its content address, its size and the commit that points to it."""

    address: str
    files: int
    commit: str


@dataclass(frozen=True)
class Taken:
    """A snapshot in the history of the workspace."""

    address: str
    files: int
    commit: str
    taken_at: str
    message: str


def start_versioning(workspace: Workspace, remote: Path | str) -> None:
    """Make the workspace a Git and a DVC repository with a default remote."""
    from dvc.repo import Repo

    _quiet()
    git(workspace.root, "init", "--quiet", "--initial-branch", "main")
    with Repo.init(str(workspace.root)) as repo, repo.config.edit() as config:
        config["core"] = {"remote": "storage", "analytics": False, "autostage": False}
        config["remote"] = {"storage": {"url": str(remote), "verify": True}}
    commit(workspace.root, "Start the workspace", ".")


def take_snapshot(
    workspace: Workspace, message: str, *, loaded: Mapping[str, str] | None = None
) -> Snapshot:
    """Record the landed files in DVC, push them to the remote and commit the pointer.

    Only files that no snapshot holds yet are digested here; DVC notices when an older one was
    touched. One that is not here, as in a fresh clone, is brought back out of DVC's cache or its
    remote. Only the pointer and the manifest are committed.

    Args:
        workspace: whose landed files.
        message: the commit's.
        loaded: the SHA-256 with which files were loaded, by ``SOURCE/FILE``.

    Raises:
        DataRejected: a file is not what was landed; it is named and nothing is recorded.
    """
    _mend_pointer(workspace)
    with opened(workspace) as repo:
        before, pointer = _bring_back(workspace, repo), _read(workspace)
        digests = _digest_new(workspace, loaded or {})
        repo.add([str(workspace.landing)])
        try:
            _require_unchanged(workspace, before, _held(repo, current_snapshot(workspace).address))
        except DataRejected:
            _write(workspace, pointer)
            raise
        repo.push()
    _write(workspace, {MANIFEST: "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))})
    commit(workspace.root, message, POINTER, MANIFEST)
    return current_snapshot(workspace)


def track(workspace: Workspace, folder: Path, message: str) -> str:
    """Record a folder in DVC, push it to the remote, commit its pointer and return its address."""
    pointer = folder.with_name(f"{folder.name}.dvc")
    with opened(workspace) as repo:
        repo.add([str(folder)])
        repo.push([str(pointer)])
    ignored = pointer.with_name(".gitignore")
    commit(
        workspace.root, message, *(str(f.relative_to(workspace.root)) for f in (pointer, ignored))
    )
    return str(yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"])


def current_snapshot(workspace: Workspace) -> Snapshot:
    """What the pointer in Git says now; the address is ``none`` before the first snapshot."""
    pointer = _pointer(workspace)
    address, files = _parse(pointer) if pointer else ("none", 0)
    return Snapshot(address, files, workspace.commit())


def is_current(workspace: Workspace) -> bool:
    """Whether the newest snapshot holds the files that are landed, by their names."""
    return held_files(workspace) == _landed(workspace).keys()


def held_files(workspace: Workspace) -> frozenset[str]:
    """The files that the newest snapshot holds, as ``SOURCE/FILE``."""
    return frozenset(_digests(_read(workspace).get(MANIFEST, "")))


def list_snapshots(workspace: Workspace) -> list[Taken]:
    """Every snapshot that a commit points to, newest first."""
    log = git(workspace.root, "log", "--diff-filter=AM", _FORMAT, "--", POINTER).splitlines()
    commits = [line.split("\t", 2) for line in log]
    wanted = "".join(f"{commit}:{POINTER}\n" for commit, _, _ in commits)
    texts = _split_objects(git(workspace.root, "cat-file", "--batch", given=wanted))
    return [
        Taken(*_parse(text), commit=commit, taken_at=when, message=message)
        for (commit, when, message), text in zip(commits, texts, strict=True)
    ]


def find_snapshot(workspace: Workspace, name: str) -> Taken:
    """The snapshot whose address or commit begins with ``name``.

    Raises:
        UsageError: none or several do.
    """
    found = {
        one.address: one
        for one in reversed(list_snapshots(workspace))
        if one.address.startswith(name) or one.commit.startswith(name)
    }
    if len(found) != 1 or not name:
        told = ", ".join(f"{one.address[:12]} ({one.taken_at[:10]})" for one in found.values())
        raise UsageError(
            f"{len(found)} snapshots begin with {name!r}{': ' + told if told else ''}.",
            "Name one by its address or commit: ghala snapshot list",
        )
    return next(iter(found.values()))


def share_storage(workspace: Workspace, other: Workspace) -> None:
    """Let a checkout elsewhere use the DVC cache and the remote of ``workspace``."""
    with opened(workspace) as repo:
        cache, remote = repo.cache.local.path, repo.config["core"]["remote"]
        url = repo.config["remote"][remote]["url"]
    local = f"[cache]\n    dir = {cache}\n['remote \"{remote}\"']\n    url = {url}\n"
    (other.root / ".dvc" / "config.local").write_text(local, encoding="utf-8")


def restore_snapshot(
    workspace: Workspace, wanted: Taken, *, loaded: Mapping[str, str] | None = None
) -> Snapshot:
    """Bring exactly the bytes of a snapshot back into ``landing/``, and commit the pointer.

    Every file is compared with the manifest that was committed with the snapshot, and with the
    digest it was loaded with. A restore that was cut short can be run again.

    Raises:
        DataRejected: landing holds a file that no snapshot holds, or a restored file is not what
            was landed (it is removed); it is named.
    """
    held = {name: git(workspace.root, "show", f"{wanted.commit}:{name}")
            for name in (POINTER, MANIFEST)}  # fmt: skip
    expected = _digests(held[MANIFEST])
    _require_snapshotted(workspace, expected)
    _write(workspace, {POINTER: held[POINTER]})
    with opened(workspace) as repo:
        repo.pull(targets=[str(workspace.root / POINTER)], force=True)
    _verify(workspace, expected, loaded or {})
    _write(workspace, held)
    message = f"Restore the landed files of snapshot {wanted.address[:12]}"
    commit(workspace.root, message, POINTER, MANIFEST)
    return current_snapshot(workspace)


def _bring_back(workspace: Workspace, repo: Any) -> dict[str, str]:
    """Copy landed files that are not here out of DVC's cache, and say what the snapshot holds.

    They must be what was landed; what the cache lacks is fetched from the remote first.
    """
    address, known = (
        current_snapshot(workspace).address,
        _digests(_read(workspace).get(MANIFEST, "")),
    )
    held = _held(repo, address)
    gone = sorted(known.keys() - _landed(workspace).keys())
    if any(name not in held or not _cached(repo, held[name]).is_file() for name in gone):
        repo.fetch(targets=[str(workspace.root / POINTER)])
        held = _held(repo, address)
    for name in gone:
        cached = _cached(repo, held.get(name, address))
        if not cached.is_file() or digest(cached) != known[name]:
            raise DataRejected(
                f"{workspace.landing / name} is missing, and DVC keeps no copy that is what was"
                " landed.",
                "Put the delivered file back there, or remove .dvc/cache and run again.",
            )
        place(cached, workspace.landing / name)
    return held


def _digest_new(workspace: Workspace, loaded: Mapping[str, str]) -> dict[str, str]:
    """The digest of every landed file; those of the last snapshot's files are known."""
    known = _digests(_read(workspace).get(MANIFEST, ""))
    digests = {}
    for name, file in _landed(workspace).items():
        digests[name] = known.get(name) or digest(file)
        if digests[name] != loaded.get(name, digests[name]):
            raise _not_what_was_landed(file)
    return digests


def _require_unchanged(
    workspace: Workspace, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Landed files never change: what two snapshots hold, they hold alike."""
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            raise _not_what_was_landed(workspace.landing / name)


def _require_snapshotted(workspace: Workspace, expected: Mapping[str, str]) -> None:
    current = _digests(_read(workspace).get(MANIFEST, ""))
    lost = [
        file
        for name, file in _landed(workspace).items()
        if digest(file) not in (current.get(name), expected.get(name))
    ]
    if lost:
        raise DataRejected(
            f"{len(lost)} landed files are in no snapshot, such as {lost[0]}; they would be lost.",
            "Run `ghala snapshot` first, or remove what does not belong there.",
        )


def _verify(workspace: Workspace, expected: Mapping[str, str], loaded: Mapping[str, str]) -> None:
    found = _landed(workspace)
    for name in sorted(expected.keys() | found.keys()):
        file = workspace.landing / name
        content = digest(file) if name in found else None
        if content != expected.get(name) or content != loaded.get(name, content):
            file.unlink(missing_ok=True)
            raise DataRejected(
                f"{file} came back with another SHA-256 than it was landed with; it was removed.",
                "Remove .dvc/cache, so that it is fetched from the remote, and restore again.",
            )


def _not_what_was_landed(file: Path) -> DataRejected:
    return DataRejected(
        f"{file} is not what was landed: its content has changed. Nothing was recorded.",
        "Remove it; `ghala snapshot` then brings it back as it was landed.",
    )


def _landed(workspace: Workspace) -> dict[str, Path]:
    return {
        file.relative_to(workspace.landing).as_posix(): file
        for file in sorted(workspace.landing.rglob("*"))
        if file.is_file()
    }


def _digests(manifest: str) -> dict[str, str]:
    """The digests of a manifest, by file; a line is ``DIGEST  NAME``."""
    lines = (line.partition("  ") for line in manifest.splitlines())
    return {name: content for content, _, name in lines}


def _read(workspace: Workspace) -> dict[str, str]:
    files = [workspace.root / name for name in (POINTER, MANIFEST)]
    return {file.name: file.read_text(encoding="utf-8") for file in files if file.is_file()}


def _write(workspace: Workspace, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        write_durably(workspace.root / name, text)


def _pointer(workspace: Workspace) -> str:
    """DVC's pointer; when a crash cut it short, for DVC writes in place, the committed one."""
    file = workspace.root / POINTER
    if not file.is_file():
        return ""
    text = file.read_text(encoding="utf-8")
    if _is_whole(text):
        return text
    is_committed = git(workspace.root, "ls-files", "--", POINTER)
    return git(workspace.root, "show", f"HEAD:{POINTER}") if is_committed else ""


def _mend_pointer(workspace: Workspace) -> None:
    pointer = _pointer(workspace)
    if pointer:
        write_durably(workspace.root / POINTER, pointer)
    else:
        (workspace.root / POINTER).unlink(missing_ok=True)


def _is_whole(pointer: str) -> bool:
    """Whether the last thing that DVC writes into it is there."""
    try:
        return bool(yaml.safe_load(pointer)["outs"][0]["path"] == "landing")
    except (yaml.YAMLError, TypeError, KeyError, IndexError):
        return False


def _parse(pointer: str) -> tuple[str, int]:
    out = yaml.safe_load(pointer)["outs"][0]
    return out["md5"], int(out.get("nfiles", 0))


def _split_objects(batch: str) -> Iterator[str]:
    """The contents in an answer of ``git cat-file --batch``: each after a line with its size."""
    while batch:
        header, _, rest = batch.partition("\n")
        size = int(header.rpartition(" ")[2])
        yield rest[:size]
        batch = rest[size + 1 :]


def _held(repo: Any, address: str) -> dict[str, str]:
    """DVC's own digest of each file of a snapshot; nothing when the cache does not know it."""
    listing = _cached(repo, address)
    if address == "none" or not listing.is_file():
        return {}
    return {one["relpath"]: one["md5"] for one in json.loads(listing.read_text(encoding="utf-8"))}


def _cached(repo: Any, address: str) -> Path:
    return Path(repo.cache.local.oid_to_path(address))


@contextmanager
def opened(workspace: Workspace) -> Iterator[Any]:
    """DVC's repository of the workspace, with the remote of the profile in force."""
    from dvc.exceptions import FileTransferError
    from dvc.repo import Repo

    _quiet()
    storage = workspace.settings.place.storage
    with reaching(storage), Repo(str(workspace.root), config=_remote(storage)) as repo:
        try:
            yield repo
        except FileTransferError as error:
            raise TryAgain(
                f"DVC's remote {repo.config['remote']['storage']['url']}: {error}.",
                "Run the command again. If it ends alike, check that you may read and write"
                " there, and that nobody removed files from it.",
            ) from error


def _remote(storage: Storage | None) -> dict[str, Any] | None:
    """What takes the place of the folder in DVC's own settings; credentials are not among it."""
    if storage is None:
        return None
    endpoint = {"endpointurl": storage.endpoint} if storage.endpoint else {}
    return {"remote": {"storage": {"url": storage.landed, **endpoint}}}


def _quiet() -> None:
    logging.getLogger("dvc").setLevel(logging.ERROR)
    logging.getLogger("dvc_data").setLevel(logging.ERROR)

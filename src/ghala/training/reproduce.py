"""Make a version again from its commit, its data snapshot and nothing else, and compare."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from json import loads
from pathlib import Path

import polars as pl

from ghala.contracts import discovery
from ghala.contracts.dialect import quoted
from ghala.contracts.errors import ConfigurationError, GhalaError
from ghala.contracts.settings import PROFILE_VARIABLE, Engine, Profile, Settings, Storage, Workspace
from ghala.contracts.use_case import UseCase, hindsight_of
from ghala.evaluation.metrics import relative_difference
from ghala.evaluation.probes import SAME
from ghala.features.history import definitions_hash
from ghala.features.training_set import ROWS as EXAMPLES
from ghala.features.training_set import hash_columns
from ghala.registry.versions import REFERENCE, Registry
from ghala.training.backtest import fit
from ghala.training.provenance import (
    ENVIRONMENT,
    ROWS,
    compare_environments,
    environment,
)
from ghala.training.train import BACKTEST, CHAMPION, gather
from ghala.warehouse.build import build
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land
from ghala.warehouse.manifest import digest
from ghala.warehouse.predictions import create_tables, predictions_of
from ghala.warehouse.remote import fetch
from ghala.warehouse.repository import git
from ghala.warehouse.snapshots import find_snapshot, restore_snapshot, share_storage

_BESIDE_THE_MODEL = {BACKTEST, CHAMPION, REFERENCE, ENVIRONMENT, ROWS}


@dataclass(frozen=True)
class Certificate:
    """Whether a version could be made again, and exactly what differs if not.

    Attributes:
        differs: every difference in words; empty when nothing at all differs.
        is_reproduced: the same training rows, and the same model bytes or predictions.
        rows_difference: of the training rows, relative; up to 1e-9 counts as the same, since sums
            over several threads differ in their last digits.
        largest_difference: of the predictions, relative; up to 1e-9 counts as the same.
    """

    use_case: str
    version: int
    as_of: str
    commit: str
    snapshot: str
    rows: int
    rows_difference: float
    same_bytes: bool
    compared: int
    largest_difference: float
    differs: tuple[str, ...]

    @property
    def same_rows(self) -> bool:
        """Whether the version learned from the same rows, but for the last digits of sums."""
        return self.rows_difference <= SAME

    @property
    def is_reproduced(self) -> bool:
        """Whether the certificate certifies."""
        return self.same_rows and (self.same_bytes or self.largest_difference <= SAME)

    def as_text(self) -> str:
        """The certificate for people."""
        verdict = "could be made again" if self.is_reproduced else "could NOT be made again"
        lines = [
            f"Version {self.version} of {self.use_case} {verdict}.",
            f"Made from commit {self.commit}, data snapshot {self.snapshot}, as of {self.as_of}.",
            f"Training rows: {'the same' if self.same_rows else 'others'} ({self.rows:,}), which"
            f" differ by {self.rows_difference:.2g} at most.",
            f"Model files: {'the same bytes' if self.same_bytes else 'other bytes'}.",
            f"Predictions of {self.compared:,} rows differ by {self.largest_difference:.2g} at most"
            f" (up to {SAME:.0e} is the same).",
            "What differs:" if self.differs else "Nothing differs.",
            *(f"  - {one}" for one in self.differs),
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Rebuilt(Workspace):
    """A workspace as it was at a commit; its warehouse is a file of its own, never the team's."""

    storage: Storage | None = None

    @cached_property
    def settings(self) -> Settings:
        """The settings of the commit, but for where things are: here, and the landed files alone
        where they are now.
        """
        found = Workspace(self.root).settings
        own = Engine(memory_gb=found.warehouse.memory_gb)
        profiles = {"again": Profile(warehouse=own, storage=self.storage)}
        return found.model_copy(update={"profile": "again", "profiles": profiles})


def reproduce(workspace: Workspace, name: str, version: int) -> Certificate:
    """Check out, restore, build and train again; the workspace itself is left as it is.

    Raises:
        ConfigurationError: the version does not name a commit or a snapshot that is still there.
        Denied: the kept model is not what the pipeline signed.
    """
    registry = Registry(workspace)
    kept, run = registry.fetch(name, version), registry.run_of(name, version)
    made = registry.client.get_run(run).data
    commit, address = made.tags["ghala.git_commit"], made.tags["ghala.data_snapshot"]
    as_of = date.fromisoformat(made.params["as_of"])
    with _checked_out(workspace, commit, f"{name.replace('/', '.')}@{version}") as again:
        share_storage(workspace, again)
        restore_snapshot(again, find_snapshot(workspace, address))
        use_case = _find_use_case(again, name, uncommitted=made.tags["ghala.uncommitted"])
        with open_warehouse(again) as warehouse:
            for _ in land(again, warehouse, as_of, allow_late=True):
                pass
        bring_predictions(workspace, again, use_case, as_of=as_of)
        build(again)
        with open_warehouse(again) as warehouse:
            material = gather(again, warehouse, use_case, as_of=as_of)
        with tempfile.TemporaryDirectory(dir=again.state) as place:
            use_case.save(fit(use_case, material.examples), Path(place))
            files, furthest = _compare_models(use_case, kept, Path(place))
        features = definitions_hash(material.views)
    gaps = compare_rows(workspace, kept, material.examples, kept_as=made.tags["ghala.training_set"])
    said = [
        *_compare_features(made.tags["ghala.features"], features),
        *(f"training rows: {column} by {gap:.2g} at most" for column, gap in gaps.items()),
        *(f"model file: {file}" for file in files),
        *compare_environments((kept / ENVIRONMENT).read_text("utf-8").splitlines(), environment()),
    ]
    if made.tags["ghala.uncommitted"] != "nothing":
        said.append(f"not committed when it was trained: {made.tags['ghala.uncommitted']}")
    reference = pl.read_parquet(kept / REFERENCE)
    return Certificate(
        name, version, as_of.isoformat(), commit, address, material.examples.height,
        rows_difference=max(gaps.values(), default=0.0), same_bytes=not files,
        compared=reference.height, largest_difference=furthest, differs=tuple(said),
    )  # fmt: skip


def bring_predictions(
    workspace: Workspace, again: Workspace, use_case: UseCase, *, as_of: date
) -> None:
    """Bring what the use cases that this one reads had said by ``as_of``.

    That is data here, as landed files are: it is not made again, and is not in a snapshot.
    """
    for name in use_case.reads:
        if name not in workspace.settings.use_cases:
            continue
        upstream = discovery.declared_use_case(workspace, name)
        with open_warehouse(workspace) as warehouse:
            create_tables(warehouse, upstream)
            said = warehouse.frame(
                f"SELECT * FROM {predictions_of(upstream)} WHERE as_of <= ?",  # noqa: S608
                [as_of],
            )
        with open_warehouse(again) as warehouse:
            create_tables(warehouse, upstream)
            columns = ", ".join(map(quoted, said.columns))
            with warehouse.relation("said", said):
                warehouse.execute(
                    f"INSERT INTO {predictions_of(upstream)} ({columns})"  # noqa: S608
                    f" SELECT {columns} FROM said"
                )


def _find_use_case(again: Rebuilt, name: str, *, uncommitted: str) -> UseCase:
    try:
        return discovery.use_case(again, name)
    except GhalaError as error:
        raise ConfigurationError(
            f"The commit does not hold what was trained: {error.message} Not committed then:"
            f" {uncommitted}.",
            "Commit the use case, and train a version that can be made again.",
        ) from error


@contextmanager
def _checked_out(workspace: Workspace, commit: str, name: str) -> Iterator[Rebuilt]:
    """A Git worktree at a commit, which is gone afterwards; what a killed call left goes first."""
    root = workspace.state / "reproductions" / name
    shutil.rmtree(root, ignore_errors=True)
    git(workspace.root, "worktree", "prune")
    root.parent.mkdir(parents=True, exist_ok=True)
    try:
        git(workspace.root, "worktree", "add", "--detach", "--force", str(root), commit)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"The version was trained at commit {commit}, which cannot be checked out:"
            f" {error.message}",
            "Fetch the commit from where the repository is pushed to.",
        ) from error
    storage = workspace.settings.place.storage
    profile = os.environ.pop(PROFILE_VARIABLE, None)
    try:
        yield Rebuilt(root, storage)
    finally:
        if profile is not None:
            os.environ[PROFILE_VARIABLE] = profile
        git(workspace.root, "worktree", "remove", "--force", str(root))


def _compare_models(use_case: UseCase, kept: Path, again: Path) -> tuple[list[str], float]:
    """The files of the model whose bytes differ, and how far its predictions do."""
    then, now = (
        {
            file.relative_to(folder).as_posix(): digest(file)
            for file in folder.rglob("*")
            if file.is_file() and file.name not in _BESIDE_THE_MODEL
        }
        for folder in (kept, again)
    )
    files = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    subjects = pl.read_parquet(kept / REFERENCE).drop(hindsight_of(use_case))
    said = [use_case.predict(use_case.load(folder), subjects) for folder in (kept, again)]
    return files, relative_difference(*said)


def compare_rows(
    workspace: Workspace, kept: Path, examples: pl.DataFrame, *, kept_as: str
) -> dict[str, float]:
    """How far each column is from the one that was learned from, of those that are not the same.

    Digests say which differ; the rows that were kept in DVC as ``kept_as`` say by how much,
    relative. Infinite where a column is on one side only, or anything but numbers differs.
    """
    then: dict[str, str] = loads((kept / ROWS).read_text(encoding="utf-8"))
    now = hash_columns(examples)
    names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if not names:
        return {}
    with tempfile.TemporaryDirectory(dir=workspace.state) as place:
        fetch(workspace, kept_as, to=Path(place))
        learned = pl.read_parquet(Path(place) / EXAMPLES)
    return {
        name: relative_difference(learned.select(name), examples.select(name))
        if name in then and name in now
        else float("inf")
        for name in names
    }


def _compare_features(then: str, now: str) -> list[str]:
    return [] if then == now else [f"feature definitions: {then} then, {now} now"]

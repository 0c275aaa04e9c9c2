"""Track runs and register versions in MLflow; MLflow mirrors the stages that the ledger holds."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ghala.contracts.errors import ConfigurationError, Denied, TryAgain
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.ledger.book import Ledger
from ghala.ledger.databases import filling
from ghala.registry.artifacts import Artifacts
from ghala.registry.signing import SIGNATURE, sign, verify

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


REFERENCE = "reference.parquet"
"""A sample of what a version learned from, kept with its model."""

log = logging.getLogger("ghala.registry")


@dataclass(frozen=True)
class RunRecord:
    """What is kept of one training: everything needed to judge and to rebuild it."""

    parameters: dict[str, str | int | float]
    metrics: dict[str, float]
    tags: dict[str, str]
    model: Path
    plots: Path


class Registry:
    """The model registry of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.artifacts = Artifacts(workspace)
        self.client = _client(workspace)

    def register(self, use_case: str, record: RunRecord) -> int:
        """Log a run, sign its model, register it, and return the number of the version.

        Raises:
            TryAgain: another process keeps MLflow's database locked.
        """
        with _waiting(), self.artifacts.reached():
            return self._register(use_case, record)

    def _register(self, use_case: str, record: RunRecord) -> int:
        experiment = self._experiment(use_case)
        run = self.client.create_run(experiment, tags=record.tags).info.run_id
        for name, value in record.parameters.items():
            self.client.log_param(run, name, value)
        for name, figure in record.metrics.items():
            self.client.log_metric(run, name, figure)
        sign(self.workspace, record.model, record.plots.parent / SIGNATURE)
        self.client.log_artifacts(run, str(record.model), "model")
        self.client.log_artifacts(run, str(record.plots), "plots")
        self.client.log_artifact(run, str(record.plots.parent / SIGNATURE))
        self.client.set_terminated(run)
        made = self.client.create_model_version(
            self._model(use_case), f"{self.artifacts.address(use_case)}/{run}/artifacts/model", run
        )
        return int(made.version)

    def fetch(self, use_case: str, version: int, *, afresh: bool = False) -> Path:
        """The folder of a version's model, after its signature was checked.

        What is kept in a bucket is copied once, and again when the copy is not what was signed or
        ``afresh`` asks for it.

        Raises:
            Denied: the artifact is not what was signed.
            ConfigurationError: the registry does not know the version.
            TryAgain: the bucket does not answer.
        """
        run = self.run_of(use_case, version)
        folder = self.artifacts.folder(use_case, run)
        if self.artifacts.are_shared and (afresh or not folder.is_dir()):
            self.artifacts.copy(self.client, run, to=folder)
        try:
            verify(self.workspace, folder / "model", folder / SIGNATURE)
        except Denied:
            if afresh or not self.artifacts.are_shared:
                raise
            return self.fetch(use_case, version, afresh=True)
        return folder / "model"

    def run_of(self, use_case: str, version: int) -> str:
        """The MLflow run that made a version."""
        return self._version(use_case, version).run_id or ""

    def parameter(self, use_case: str, version: int, name: str) -> str:
        """A parameter that was logged with a version."""
        return str(self.client.get_run(self.run_of(use_case, version)).data.params[name])

    def mirror(self, ledger: Ledger, use_case: str) -> None:
        """Make MLflow's aliases say what the ledger holds, after a transition or a crash.

        They decide nothing: while MLflow's database is locked they stay behind until the next run.
        """
        try:
            with _waiting():
                self._set_aliases(ledger, use_case)
        except TryAgain as error:
            log.warning("%s The aliases are set by the next run.", error.message)

    def _set_aliases(self, ledger: Ledger, use_case: str) -> None:
        name = self._model(use_case)
        held = ledger.holders(use_case)
        for stage in (Stage.STAGING, Stage.UAT, Stage.PRODUCTION):
            holder = held.get(stage)
            if holder is not None:
                self.client.set_registered_model_alias(name, stage.value, str(holder.version))
            elif stage.value in self.client.get_registered_model(name).aliases:
                self.client.delete_registered_model_alias(name, stage.value)

    def reap(self, ledger: Ledger, use_case: str) -> int:
        """Close what a crash left behind: runs still RUNNING and versions nobody recorded."""
        experiment = self._experiment(use_case)
        stuck = self.client.search_runs([experiment], "attributes.status = 'RUNNING'")
        for run in stuck:
            self.client.set_terminated(run.info.run_id, "KILLED")
        known = {entry.version for entry in ledger.entries("training", use_case)}
        found = self.client.search_model_versions(f"name = '{self._model(use_case)}'")
        lost = [version for version in found if int(version.version) not in known]
        for version in lost:
            self.client.set_model_version_tag(version.name, version.version, "ghala", "abandoned")
        return len(stuck) + len(lost)

    def _experiment(self, use_case: str) -> str:
        self._model(use_case)
        found = self.client.get_experiment_by_name(use_case)
        place = self.artifacts.address(use_case)
        if found is None:
            return str(self.client.create_experiment(use_case, artifact_location=place))
        if found.artifact_location != place:
            self._follow_move(found.artifact_location, place)
        return str(found.experiment_id)

    def _follow_move(self, old: str, new: str) -> None:
        """Point MLflow at this folder: it keeps full paths, and the workspace was moved."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.workspace.tracking_uri)
        with engine.begin() as connection:
            for table, column in (
                ("experiments", "artifact_location"),
                ("runs", "artifact_uri"),
                ("model_versions", "source"),
            ):
                connection.execute(
                    text(
                        f"UPDATE {table} SET {column} = :new || substr({column}, :length)"  # noqa: S608
                        f" WHERE substr({column}, 1, :length - 1) = :old"
                    ),
                    {"old": old, "new": new, "length": len(old) + 1},
                )
        engine.dispose()

    def _model(self, use_case: str) -> str:
        """MLflow allows no slash in a model's name."""
        name = use_case.replace("/", ".")
        if not self.client.search_registered_models(f"name = '{name}'"):
            self.client.create_registered_model(name)
        return name

    def _version(self, use_case: str, version: int) -> "ModelVersion":
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_model_version(self._model(use_case), str(version))
        except MlflowException as error:
            raise ConfigurationError(
                f"The registry has no version {version} of {use_case}.",
                "Look at `ghala history` for the versions there are.",
            ) from error


@contextmanager
def _waiting() -> Iterator[None]:
    """Tell a database that stays locked from a bug."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import OperationalError

    try:
        yield
    except (MlflowException, OperationalError) as error:
        if "database is locked" not in str(error):
            raise
        raise TryAgain(
            "MLflow's database is in use by another process.", "Run the command again."
        ) from error


def _client(workspace: Workspace) -> "MlflowClient":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    from mlflow import MlflowClient

    database = workspace.settings.place.ledger
    with filling(database, "mlflow") if database else nullcontext():
        return MlflowClient(tracking_uri=workspace.tracking_uri)

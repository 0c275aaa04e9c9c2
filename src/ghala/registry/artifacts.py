"""Where models and plots are kept: in a folder of the workspace, or in the team's bucket."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ghala.contracts.settings import Workspace
from ghala.warehouse.bucket import reaching

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Artifacts:
    """What the runs of one workspace made."""

    workspace: Workspace

    @property
    def are_shared(self) -> bool:
        """Whether they are in a bucket; then what is here are copies."""
        return self.workspace.settings.place.storage is not None

    def address(self, use_case: str) -> str:
        """Where MLflow keeps what the runs of a use case made."""
        storage = self.workspace.settings.place.storage
        return f"{storage.artifacts if storage else self.workspace.artifacts}/{use_case}"

    def folder(self, use_case: str, run: str) -> Path:
        """Where a run's files, or their copies, lie in this workspace wherever it was then."""
        return self.workspace.artifacts / use_case / run / "artifacts"

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Let MLflow read and write them inside the block.

        Raises:
            ConfigurationError, TryAgain: the bucket refuses or does not answer.
        """
        storage = self.workspace.settings.place.storage
        with reaching(storage):
            if storage is not None and storage.endpoint:
                os.environ["MLFLOW_S3_ENDPOINT_URL"] = storage.endpoint  # MLflow asks nowhere else
            yield

    def copy(self, client: "MlflowClient", run: str, *, to: Path) -> None:
        """Copy what a run made out of the bucket, whole or not at all."""
        to.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=to.parent))
        try:
            with self.reached():
                client.download_artifacts(run, "", str(partial))
            shutil.rmtree(to, ignore_errors=True)
            partial.rename(to)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

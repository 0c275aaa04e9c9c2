"""Score: what versions predict on one business date, written to the warehouse at once."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from ghala.contracts.errors import ConfigurationError
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase, hindsight_of
from ghala.features.examples import Request, read_subjects
from ghala.features.history import views_of
from ghala.features.served import keep_served
from ghala.registry.versions import REFERENCE, Registry
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.predictions import replace_predictions


def score(
    workspace: Workspace,
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    roles: Mapping[int, str],
    as_of: date,
) -> int:
    """Predict with each version of ``roles`` and replace what was said for this date.

    Args:
        roles: ``champion`` or ``shadow``, by version.

    Returns the number of rows written. Running it again writes the same rows.
    """
    views = views_of(workspace, use_case)
    subjects = read_subjects(warehouse, use_case, views=views, request=Request([as_of]))
    registry = Registry(workspace)
    said = []
    for version, role in roles.items():
        folder = registry.fetch(use_case.name, version)
        _require_features(use_case, subjects, folder=folder, version=version)
        rows = use_case.ask(use_case.load(folder), subjects)
        said.append(rows.with_columns(version=pl.lit(version), role=pl.lit(role)))
    predictions = pl.concat(said)
    keep_served(workspace, use_case, subjects)
    replace_predictions(warehouse, use_case, predictions, as_of=as_of)
    return predictions.height


def _require_features(
    use_case: UseCase, subjects: pl.DataFrame, *, folder: Path, version: int
) -> None:
    """Check that every column that a version learned from is still there."""
    learned = pl.read_parquet_schema(folder / REFERENCE)
    gone = [name for name in learned if name not in (*subjects.columns, *hindsight_of(use_case))]
    if gone:
        raise ConfigurationError(
            f"Version {version} of {use_case.name} learned from {', '.join(gone)}, which"
            f" {'is' if len(gone) == 1 else 'are'} no longer there. What it said before stays.",
            "Bring the feature back, or train a version without it.",
        )

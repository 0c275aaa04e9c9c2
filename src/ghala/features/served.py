"""What was served: a sample of subjects and features per business date, to hold history to it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.checks import compare_served
from ghala.features.definitions import FeatureView
from ghala.features.examples import Request, read_subjects
from ghala.warehouse.engines.engine import Warehouse

SAMPLE_ROWS = 4000


def keep_served(workspace: Workspace, use_case: UseCase, subjects: pl.DataFrame) -> None:
    """Keep a sample of the subjects as they were served."""
    chosen = subjects.sample(min(SAMPLE_ROWS, subjects.height), seed=1)
    file = _folder(workspace, use_case) / f"{subjects['as_of'][0]}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    chosen.write_parquet(file.with_suffix(".partial"))
    file.with_suffix(".partial").replace(file)


def served_on(workspace: Workspace, use_case: UseCase) -> list[date]:
    """The dates of which a sample is kept, oldest first."""
    files = sorted(_folder(workspace, use_case).glob("*.parquet"))
    return [date.fromisoformat(file.stem) for file in files]


def read_served(workspace: Workspace, use_case: UseCase, as_of: date) -> pl.DataFrame:
    """The sample of one date."""
    return pl.read_parquet(_folder(workspace, use_case) / f"{as_of}.parquet")


def find_leaks(
    workspace: Workspace,
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    views: Sequence[FeatureView],
    before: date,
) -> list[str]:
    """Recompute the newest kept dates before ``before`` and name every feature that differs."""
    dates = [day for day in served_on(workspace, use_case) if day < before][-2:]
    if not dates:
        return []
    now = read_subjects(warehouse, use_case, views=views, request=Request(dates))
    then = pl.concat(read_served(workspace, use_case, day) for day in dates)
    return compare_served(then, now, keys=use_case.key)


def _folder(workspace: Workspace, use_case: UseCase) -> Path:
    return workspace.state / "served" / use_case.name

"""A training set can be told from another, and comes back from DVC as it was."""

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from tests.mean_model import MeanModel

from ghala.contracts.settings import Company, Workspace
from ghala.evaluation.forecast import Forecast
from ghala.features.training_set import ROWS, describe_rows, keep_training_set, place_of
from ghala.warehouse.manifest import verify_manifest
from ghala.warehouse.workspace import create_workspace

from .conftest import EVER, RECENT

EXAMPLES = pl.DataFrame(
    {"shop": ["a", "b"], "as_of": [date(2024, 3, 1), date(2024, 3, 8)], "actual": [1.0, 2.5]}
)


class Visits(MeanModel, Forecast):
    """A use case of which only the name matters here."""

    name = "operations/visits"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return create_workspace(
        tmp_path_factory.mktemp("kept") / "duka",
        company=Company(name="Duka"),
        sources=["completejourney"],
        use_cases=["operations/demand"],
    )


def test_the_same_rows_have_the_same_address_and_others_another(workspace: Workspace) -> None:
    def keep(examples: pl.DataFrame) -> str:
        origin = describe_rows(Visits(), examples, views=[RECENT], as_of=date(2024, 3, 15))
        return keep_training_set(workspace, examples, origin)

    first = keep(EXAMPLES)

    assert keep(EXAMPLES) == first
    assert keep(EXAMPLES.with_columns(actual=pl.lit(2.0))) != first
    assert keep(EXAMPLES) == first


def test_a_lost_training_set_comes_back_whole(workspace: Workspace) -> None:
    as_of = date(2024, 3, 22)
    origin = describe_rows(Visits(), EXAMPLES, views=[RECENT], as_of=as_of)
    keep_training_set(workspace, EXAMPLES, origin)
    folder = place_of(workspace, Visits.name, as_of)
    for lost in (folder, workspace.root / ".dvc" / "cache"):
        shutil.rmtree(lost)

    pull = [Path(sys.executable).with_name("dvc"), "pull", "--quiet", f"{folder}.dvc"]
    subprocess.run(pull, cwd=workspace.root, check=True)

    verify_manifest(folder)
    assert pl.read_parquet(folder / ROWS).equals(EXAMPLES)
    told = json.loads((folder / "origin.json").read_text(encoding="utf-8"))
    assert (told["views"], told["rows"], told["last_day"]) == (["recent"], 2, "2024-03-08")


def test_the_origin_tells_rows_and_definitions_apart() -> None:
    def origin(examples: pl.DataFrame, *views: object) -> tuple[str, str]:
        said = describe_rows(Visits(), examples, views=views, as_of=date(2024, 3, 15))
        return said.rows_hash, said.definitions

    same = origin(EXAMPLES, RECENT)
    assert origin(EXAMPLES.clone(), RECENT) == same
    assert origin(EXAMPLES.with_columns(actual=pl.lit(2.0)), RECENT)[0] != same[0]
    assert origin(EXAMPLES, EVER)[1] != same[1]

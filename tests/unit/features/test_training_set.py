"""A training set can be told from another, and comes back from DVC as it was."""

import json
import shutil
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from tests.mean_model import MeanModel

from ghala.contracts.settings import Company, Workspace
from ghala.evaluation.forecast import Forecast
from ghala.features.training_set import (
    ROWS,
    describe_rows,
    hash_columns,
    keep_training_set,
    place_of,
)
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


VALUES = pl.DataFrame(
    {
        "shop": ["a", None, "Ünï"],
        "as_of": [date(2024, 3, 1), None, date(1969, 12, 31)],
        "units": [1, None, -7],
        "price": [0.1, None, float("nan")],
        "promoted": [True, None, False],
        "cost": [Decimal("1.50"), None, Decimal("-2.25")],
    }
)
DIGESTS = {
    "shop": "3f09be92ea5fbd80",
    "as_of": "786dd46c81de8bb5",
    "units": "db8ffb3e7ce135cc",
    "price": "6b3e882a450f1e77",
    "promoted": "cde713225151e3e9",
    "cost": "dbe33f7849e96dd7",
}


def test_the_digests_are_these_with_every_release_of_every_library() -> None:
    assert hash_columns(VALUES) == DIGESTS


def test_a_digest_is_of_the_values_and_not_of_how_they_lie_in_memory() -> None:
    longer = pl.concat([VALUES.clear(), VALUES, VALUES])
    chunked = pl.concat([longer[3:4], longer[4:6]], rechunk=False)
    narrow = chunked.with_columns(
        pl.col("units").cast(pl.Int8), pl.col("shop").cast(pl.Categorical)
    )

    assert hash_columns(narrow) == DIGESTS


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("shop", ["a", "", "Ünï"]),
        ("shop", ["aÜ", None, "nï"]),
        ("units", [1, 0, -7]),
        ("units", [1.0, None, -7.0]),
        ("price", [0.1, 0.0, float("nan")]),
        ("price", [0.1000000000000001, None, float("nan")]),
        ("promoted", [True, False, None]),
        ("as_of", [19783, None, -1]),
    ],
)
def test_another_value_has_another_digest(name: str, other: list[object]) -> None:
    changed = hash_columns(VALUES.with_columns(pl.Series(name, other)))

    assert {column for column in DIGESTS if changed[column] != DIGESTS[column]} == {name}

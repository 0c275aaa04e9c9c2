"""The notebook of a use case runs, and says so clearly when there is nothing to read."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ghala.warehouse.manifest import write_manifest

FOLDER = Path(__file__).parents[2] / "src/ghala_retail/use_cases/operations/demand"
SETTINGS = """
sources = ["completejourney"]
use_cases = ["operations/demand"]
[company]
name = "A test"
"""
KEYS = {
    "grain": ["sku_chain"],
    "series": ["1"],
    "as_of": [date(2017, 12, 11)],
    "target_week": [date(2017, 12, 11)],
}


def run_notebook(folder: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "GHALA_WORKSPACE"}
    done = subprocess.run(
        [sys.executable, str(FOLDER / "notebook.py")],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "ghala.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def publish_one_forecast(workspace: Path) -> None:
    build = workspace / "published" / "000001"
    build.mkdir(parents=True)
    pointer = {"build": 1, "as_of": "2017-12-18"}
    (build.parent / "current.json").write_text(json.dumps(pointer), encoding="utf-8")
    said = {"role": ["champion"], "p10": [1.0], "p50": [3.0], "p90": [6.0], "actual": [4.0]}
    pl.DataFrame(KEYS | said).write_parquet(build / "marts_operations.demand_forecasts.parquet")
    measures = {"wape": [0.25], "wape_smart_mean": [0.5], "wape_recent_mean": [0.5], "bias": [0.25]}
    accuracy = {name: KEYS[name] for name in ("grain", "target_week")} | measures
    pl.DataFrame(accuracy | {"role": ["champion"], "units": [4.0]}).write_parquet(
        build / "marts_operations.demand_accuracy.parquet"
    )
    write_manifest(build)
    served = workspace / ".ghala" / "served" / "operations" / "demand"
    served.mkdir(parents=True)
    inputs = {"units_1": [3.0], "clean_8": [2.0], "mailer_share": [0.6], "lift": [2.5]}
    pl.DataFrame(KEYS | inputs | {"lift_class": [3]}).write_parquet(served / "2017-12-11.parquet")


def test_without_a_workspace_it_says_what_to_do(tmp_path: Path) -> None:
    said = run_notebook(tmp_path)
    assert "There is no workspace to look at." in said
    assert "make demo" in said


def test_before_the_first_publication_it_says_so(workspace: Path) -> None:
    assert "Nothing is published yet: run `ghala run`" in run_notebook(workspace)


def test_in_the_folder_of_a_demonstration_it_shows_accuracy_and_examples(workspace: Path) -> None:
    publish_one_forecast(workspace)
    said = run_notebook(workspace.parent)
    assert "A test in" in said
    assert "0.25" in said
    assert "demand_series (grain, series)" in said
    assert "1 rows served on 1 dates, 1 have come true" in said

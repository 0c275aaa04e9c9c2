"""The notebooks on trucks and people run, with a published build and without a workspace."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

FOLDER = Path(__file__).parents[2] / "src/ghala_retail/use_cases/operations"
SETTINGS = """
sources = ["company"]
use_cases = ["operations/fleet", "operations/workforce"]
[company]
name = "A test"
"""
DAY = date(2025, 10, 6)
ROUTES = '[{"hire":"own","stops":["0000aaaa","0000bbbb"]}]'


def run_notebook(name: str, folder: Path) -> str:
    kept = {key: value for key, value in os.environ.items() if key != "GHALA_WORKSPACE"}
    command = [sys.executable, str(FOLDER / name / "notebook.py")]
    done = subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["fleet", "workforce"])
def test_without_a_workspace_it_says_so(name: str, tmp_path: Path) -> None:
    assert "There is no workspace to look at." in run_notebook(name, tmp_path)


def test_trucks_and_routes_of_a_published_build_are_shown(tmp_path: Path) -> None:
    (tmp_path / "ghala.toml").write_text(SETTINGS, encoding="utf-8")
    build = tmp_path / "published" / "000001"
    build.mkdir(parents=True)
    (tmp_path / "published" / "current.json").write_text(
        f'{{"build": 1, "as_of": "{DAY}"}}', encoding="utf-8"
    )
    outlook = {"own": 1.0, "contract": 1.0, "expected_spot": 0.2, "expected_trucks": 2.1,
               "expected_cost": 11_400.0}  # fmt: skip
    pl.DataFrame({"location_id": ["D01"], "day": [DAY], **outlook}).with_columns(
        infeasible=pl.lit(None, dtype=pl.String)
    ).write_parquet(build / "marts_operations.fleet_outlook.parquet")
    pl.DataFrame({
        "location_id": ["D01"], "as_of": [DAY], "drops_known": [2], "least_trucks": [1],
        "sweep_trucks": [1], "routed_trucks": [1], "routed_km": [80.5], "size_known": [0.9],
        "routes": [ROUTES],
    }).write_parquet(build / "marts_operations.fleet_next_day.parquet")  # fmt: skip

    said = run_notebook("fleet", tmp_path)

    assert "11400.0" in said
    assert "D01, truck 1 (own): 0000aaaa 0000bbbb" in said
    assert "No booking has come true yet." in said

"""The notebook of every use case runs, and says so clearly when there is nothing to read."""

import runpy
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import ghala_retail
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.publish import publish

USE_CASES = Path(ghala_retail.__file__).parent / "use_cases"
NAMES = sorted(
    str(file.parent.relative_to(USE_CASES)) for file in USE_CASES.glob("*/*/use_case.py")
)
SETTINGS = """
sources = ["completejourney"]
use_cases = ["operations/demand"]
[company]
name = "A test"
"""
DAY = date(2025, 10, 6)
KEYS = {"grain": ["sku_chain"], "series": ["1"], "as_of": [DAY], "target_week": [DAY]}
ROUTES = '[{"hire":"own","stops":["0000aaaa","0000bbbb"]}]'


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the notebook is run: a folder in no workspace."""
    monkeypatch.delenv("GHALA_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def demo(place: Path) -> Workspace:
    """A workspace in ``./demo`` in which nothing is published yet."""
    folder = place / "demo"
    folder.mkdir()
    (folder / "ghala.toml").write_text(SETTINGS, encoding="utf-8")
    return Workspace(folder)


def show(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    runpy.run_path(str(USE_CASES / name / "notebook.py"))
    return capsys.readouterr().out


def publish_marts(workspace: Workspace, **marts: pl.DataFrame) -> None:
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        warehouse.execute("CREATE SCHEMA marts_operations")
        for name, rows in marts.items():
            warehouse.connection.register("given", rows.to_arrow())
            warehouse.execute(f"CREATE TABLE marts_operations.{name} AS FROM given")
        publish(workspace, warehouse, as_of=DAY)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_workspace_it_says_what_to_do(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = show(name, capsys)
    assert "There is no workspace to look at." in said
    assert "make demo" in said


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("name", NAMES)
def test_before_the_first_publication_it_says_so(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Nothing is published yet in this workspace. Run `ghala run`" in show(name, capsys)


@pytest.mark.parametrize("name", NAMES)
def test_before_a_version_is_in_production_it_says_what_is_not_there(
    name: str, demo: Workspace, *, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_marts(demo)
    assert "The published build does not hold this yet: " in show(name, capsys)


def test_demand_shows_accuracy_and_examples(
    demo: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"role": ["champion"], "p10": [1.0], "p50": [3.0], "p90": [6.0], "actual": [4.0]}
    measures = {"wape": [0.25], "wape_smart_mean": [0.5], "wape_recent_mean": [0.5], "bias": [0.25]}
    accuracy = {name: KEYS[name] for name in ("grain", "target_week")} | measures
    publish_marts(
        demo,
        demand_forecasts=pl.DataFrame(KEYS | said),
        demand_accuracy=pl.DataFrame(accuracy | {"role": ["champion"], "units": [4.0]}),
    )
    served = demo.state / "served" / "operations" / "demand"
    served.mkdir(parents=True)
    inputs = {"units_1": [3.0], "clean_8": [2.0], "mailer_share": [0.6], "lift": [2.5]}
    pl.DataFrame(KEYS | inputs | {"lift_class": [3]}).write_parquet(served / f"{DAY}.parquet")

    said_now = show("operations/demand", capsys)

    assert "A test in" in said_now
    assert "0.25" in said_now
    assert "demand_series (grain, series)" in said_now
    assert "1 rows served on 1 dates, 1 have come true" in said_now


def test_trucks_and_routes_are_shown(demo: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    outlook = {"own_trucks": 1.0, "contract_trucks": 1.0, "expected_spot_trucks": 0.2,
               "expected_trucks": 2.1, "expected_cost_kes": 11_400.0}  # fmt: skip
    publish_marts(
        demo,
        fleet_outlook=pl.DataFrame({"location_id": ["D01"], "day": [DAY], **outlook}).with_columns(
            infeasible=pl.lit(None, dtype=pl.String)
        ),
        fleet_next_day=pl.DataFrame({
            "location_id": ["D01"], "as_of": [DAY], "drops_known": [2], "least_trucks": [1],
            "sweep_trucks": [1], "routed_trucks": [1], "routed_km": [80.5], "size_known": [0.9],
            "routes": [ROUTES],
        }),
    )  # fmt: skip

    said = show("operations/fleet", capsys)

    assert "11400.0" in said
    assert "D01, truck 1 (own): 0000aaaa 0000bbbb" in said
    assert "No booking has come true yet." in said

"""A loop that is killed anywhere ends, after the next run, where an undisturbed one ends."""

import random
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ghala import flow
from ghala.contracts.settings import Company, Workspace
from ghala.house import House
from ghala.ledger.book import Ledger
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.workspace import DEMO_APPROVER, DEMO_SCIENTIST, create_workspace
from ghala_retail.sources.completejourney.deliveries import deliver
from tests.conftest import COMMAND, read_json, run_ghala

FIRST, LAST = "2017-09-04", "2017-09-18"
KILLS = 10


def make_workspace(root: Path, data: Path) -> Workspace:
    company = Company(name="small", currency="USD", timezone="America/New_York", demo=True)
    workspace = create_workspace(
        root, company=company, sources=["completejourney"], use_cases=["operations/demand"]
    )
    # The small cut is too small to pass the gates of the whole; what is tested here is the loop.
    policy = workspace.root / "policies" / "operations" / "demand.yml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(
        "owner: test\nunit: operations\n"
        "gates:\n  {metrics: [], max_abs_bias: 9, coverage: [0, 1], min_origins_won: 0,"
        " max_calibration_error: 9}\n"
        "probes: {max_seed_spread: 9}\n"
        "uat: {shadow_weeks: 1, max_loss_ratio: 9}\n"
        "approval: {rule: auto}\n",
        encoding="utf-8",
    )
    deliver(workspace.inbox / "completejourney", data)
    return workspace


def replay(workspace: Workspace) -> list[str]:
    return [
        "replay", "--from", FIRST, "--to", LAST, "--workspace", str(workspace.root),
        "--as", DEMO_SCIENTIST,
    ]  # fmt: skip


def forecasts(workspace: Workspace) -> pl.DataFrame:
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        return warehouse.frame(
            "SELECT * EXCLUDE (version) FROM platform.operations__demand_predictions ORDER BY ALL"
        )


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, small_year: Path
) -> tuple[Workspace, float]:
    workspace = make_workspace(tmp_path_factory.mktemp("undisturbed") / "shop", small_year)
    begun = time.monotonic()
    done = run_ghala(*replay(workspace))
    assert done.returncode == 0, done.stderr[-4000:]
    return workspace, time.monotonic() - begun


def test_a_loop_killed_at_ten_random_points_ends_where_an_undisturbed_one_ends(
    tmp_path: Path, small_year: Path, undisturbed: tuple[Workspace, float]
) -> None:
    calm, seconds = undisturbed
    workspace = make_workspace(tmp_path / "shop", small_year)
    draw = random.Random(20_170_904)  # noqa: S311 - moments, not secrets
    for _ in range(KILLS):
        process = subprocess.Popen(
            [*COMMAND, *replay(workspace)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=draw.uniform(0.1, 0.6) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()

    last = run_ghala(*replay(workspace))
    assert last.returncode == 0, last.stderr[-4000:]

    checks = read_json(run_ghala("doctor", "--json", "--workspace", str(workspace.root)))["checks"]
    assert [check for check in checks if check["state"] == "fail"] == []
    # Aggregates run on several threads: the last digits may differ, nothing else.
    assert_frame_equal(forecasts(workspace), forecasts(calm), rel_tol=1e-6)
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        batches = warehouse.rows("SELECT file, rows_in, rows_loaded FROM raw.batches ORDER BY file")
    with DuckDBWarehouse(calm.warehouse) as warehouse:
        expected = warehouse.rows(
            "SELECT file, rows_in, rows_loaded FROM raw.batches ORDER BY file"
        )
    assert batches == expected
    told = Ledger(workspace.ledger, actor="test").entries("batch")
    assert len(told) == len(batches), "every batch stands in the ledger once"
    status = flow.status(workspace)
    assert status["use_cases"][0]["stages"].keys() == {"production"}


def test_running_the_same_date_again_changes_no_forecast_and_trains_nothing(
    undisturbed: tuple[Workspace, float],
) -> None:
    workspace, _ = undisturbed
    before = forecasts(workspace)
    trained = len(Ledger(workspace.ledger, actor="test").entries("training"))

    again = run_ghala("run", "--as-of", LAST, "--workspace", str(workspace.root), "--json")

    assert read_json(again)["batches"] == 0
    assert_frame_equal(forecasts(workspace), before, rel_tol=1e-6)
    assert len(Ledger(workspace.ledger, actor="test").entries("training")) == trained


def test_a_second_run_at_the_same_time_is_told_to_wait(
    undisturbed: tuple[Workspace, float],
) -> None:
    workspace, _ = undisturbed
    with House(workspace, "first").working():
        second = run_ghala("run", "--as-of", LAST, "--workspace", str(workspace.root))

    assert second.returncode == 75
    assert "Another run is at work" in second.stderr


def test_a_run_for_an_earlier_date_is_refused(undisturbed: tuple[Workspace, float]) -> None:
    workspace, _ = undisturbed
    done = run_ghala("run", "--as-of", FIRST, "--workspace", str(workspace.root))
    assert done.returncode == 2
    assert "lies before it" in done.stderr


def test_the_approver_of_the_demo_is_not_its_scientist() -> None:
    assert DEMO_APPROVER != DEMO_SCIENTIST

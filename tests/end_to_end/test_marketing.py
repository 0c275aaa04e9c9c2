"""Where a few weeks tell no customers apart, no segments are made, and what reads them waits."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ghala.contracts.settings import Workspace
from tests.conftest import read_json, run_ghala
from tests.end_to_end.conftest import SALES

SEGMENTS, POSITIONS = "marketing/segmentation", "marketing/positioning"
FIRST = "2024-04-15"
FEEDS = (*SALES, "campaign", "prices")
# A month of orders tells nobody apart: the road is tried here, benchmarks judge the segments.
LENIENT = """
owner: Customer marketing
unit: marketing
schedule: weekly, on Mondays
backtest: {weeks: 2, refit_every_weeks: 1, training_origins: 6}
gates: {metrics: [], min_stability: 0.01, min_share: 0.0, min_origins_won: 0.0}
probes: {max_seed_spread: 1.0}
uat: {shadow_weeks: 1, max_loss_ratio: 1.5}
approval: {rule: one_named_role, role: marketing_approver}
"""
PEOPLE = '\n[people."marketing-approver"]\nroles = ["marketing_approver"]\n'


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, deliveries: Path) -> Workspace:
    root = tmp_path_factory.mktemp("marketing") / "duka"
    wanted = ("--use-case", SEGMENTS, "--use-case", POSITIONS)
    made = run_ghala("init", str(root), "--name", "Duka", "--source", "company", *wanted)
    assert made.returncode == 0, made.stderr
    (root / "policies" / "marketing").mkdir(parents=True)
    (root / "policies" / f"{SEGMENTS}.yml").write_text(LENIENT, encoding="utf-8")
    with (root / "ghala.toml").open("a", encoding="utf-8") as settings:
        settings.write(PEOPLE)
    (root / "inbox" / "company").mkdir(parents=True)
    for file in deliveries.iterdir():
        if file.name.startswith(FEEDS):
            shutil.copy(file, root / "inbox" / "company")
    return Workspace(root)


def test_weeks_that_tell_nobody_apart_make_no_segments_and_the_reason_is_said(
    workspace: Workspace,
) -> None:
    def ask(*arguments: str) -> Any:
        where = ("--workspace", str(workspace.root), "--json")
        return read_json(run_ghala(*arguments, *where, GHALA_ACTOR="pipeline"))

    done = ask("run", "--as-of", FIRST, "--allow-late")
    assert done[SEGMENTS]["retrain_if_due"] == 1
    assert done[SEGMENTS]["advance"] == {}
    said = [fact["words"] for fact in ask("history", SEGMENTS) if fact["kind"] == "verdict"]
    assert "One fit and the next agree with an adjusted Rand index" in said[-1]
    cases = {case["name"]: case for case in ask("status")["use_cases"]}
    assert not cases[SEGMENTS]["stages"].get("production")
    assert cases[POSITIONS]["waits"]
    kept = {file.name for file in workspace.published.glob("*/*.parquet")}
    assert {
        "marts_marketing.segment_profiles.parquet",
        "marts_marketing.perceptual_map.parquet",
    } <= kept

"""Customers of a tiny simulated company are labelled the whole road; what reads labels waits."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ghala.contracts.settings import Workspace
from tests.conftest import read_json, run_ghala
from tests.end_to_end.conftest import SALES

SEGMENTS, POSITIONS = "marketing/segmentation", "marketing/positioning"
FIRST, LATER = "2024-04-15", "2024-05-20"
FEEDS = (*SALES, "campaign", "prices")
# The road is tried here on a month of orders; benchmarks judge the segments.
YOUNG = """
owner: Customer marketing
unit: marketing
schedule: weekly, on Mondays
backtest: {weeks: 2, refit_every_weeks: 1, training_origins: 6}
gates: {metrics: [], min_stability: 0.5, min_share: 0.0, min_origins_won: 0.0}
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
    (root / "policies" / f"{SEGMENTS}.yml").write_text(YOUNG, encoding="utf-8")
    with (root / "ghala.toml").open("a", encoding="utf-8") as settings:
        settings.write(PEOPLE)
    (root / "inbox" / "company").mkdir(parents=True)
    for file in deliveries.iterdir():
        if file.name.startswith(FEEDS):
            shutil.copy(file, root / "inbox" / "company")
    return Workspace(root)


def test_segments_are_trained_shadowed_approved_scored_matched_and_shown(
    workspace: Workspace,
) -> None:
    def ask(*arguments: str) -> Any:
        where = ("--workspace", str(workspace.root), "--json")
        return read_json(run_ghala(*arguments, *where, GHALA_ACTOR="pipeline"))

    first = ask("run", "--as-of", FIRST, "--allow-late")[SEGMENTS]
    assert first["advance"] == {"uat": 1}
    assert first["score_if_due"] > 1000

    later = ask("run", "--as-of", LATER, "--allow-late")[SEGMENTS]
    assert later["monitor"]["outcomes"] == first["score_if_due"]
    approved = run_ghala(
        "approve", SEGMENTS, "1", "-m", "good", "--as-of", LATER, "--workspace",
        str(workspace.root), GHALA_ACTOR="marketing-approver",
    )  # fmt: skip
    assert approved.returncode == 0, approved.stderr
    ask("build", "--as-of", LATER)
    ask("publish", "--as-of", LATER)
    cases = {case["name"]: case for case in ask("status")["use_cases"]}
    assert cases[SEGMENTS]["stages"]["production"]["version"] == 1
    assert "no outcome was known" in str(cases[POSITIONS]["waits"])

    shown = {
        name: pl.read_parquet(next(workspace.published.glob(f"*/marts_marketing.{name}.parquet")))
        for name in ("segmentation_segments", "segment_profiles", "segment_movements")
    }
    labels = shown["segmentation_segments"]
    assert labels.height >= first["score_if_due"]
    assert labels["chance_alive"].is_between(0, 1).all()
    assert labels["clv_52w"].min() >= 0
    assert shown["segment_profiles"]["customers"].sum() == labels.height

"""Targeting goes the whole road on twenty weeks of a tiny company."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from ghala.contracts.settings import Workspace
from ghala.warehouse.publish import read_published
from ghala_retail.use_cases.marketing.targeting.use_case import Targeting
from tests.conftest import read_json, run_ghala
from tests.end_to_end.conftest import make_company

NAME = "marketing/targeting"
FEEDS = (
    "depots", "customers", "products", "prices", "campaigns", "assignments", "web_", "agent_",
    "agents",
)  # fmt: skip
FIRST, LATER = "2024-04-01", "2024-04-29"
# Three campaigns have matured on the first day: enough to walk the road, too few to prove a gain,
# so that nothing is asked of it.
SHORT = {
    "backtest": {"weeks": 5, "refit_every_weeks": 5, "training_origins": 12},
    "gates": {"metrics": [], "min_origins_won": 0.0},
    "uat": {"shadow_weeks": 1, "max_loss_ratio": 1.5},
    "probes": {"share": 0.5, "max_seed_spread": 0.5},
    "campaign": {"contact_share": 0.2, "sure": 0.0},
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, deliveries: Path) -> Workspace:
    """A company that sends campaigns, with a policy for its few weeks of history."""
    root = make_company(
        tmp_path_factory.mktemp("targeting") / "duka", deliveries, feeds=FEEDS, use_case=NAME
    )
    shipped = Path(inspect.getfile(Targeting)).with_name("policy.yml")
    policy = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    file = root / "policies" / f"{NAME}.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump({**policy, **SHORT}), encoding="utf-8")
    with (root / "ghala.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[people."marketing-lead"]\nroles = ["marketing_approver"]\n')
    return Workspace(root)


def test_whom_to_contact_is_learned_gated_shadowed_approved_listed_and_measured(
    workspace: Workspace,
) -> None:
    def ask(*arguments: str) -> Any:
        where = ("--workspace", str(workspace.root), "--json")
        return read_json(run_ghala(*arguments, *where, GHALA_ACTOR="pipeline"))

    first = ask("run", "--as-of", FIRST, "--allow-late")[NAME]
    assert first["advance"] == {"uat": 1}, first
    assert first["score_if_due"] > 10_000

    later = ask("run", "--as-of", LATER, "--allow-late")[NAME]
    assert later["monitor"]["outcomes"] > 3_000, "only customers drawn by lot have an outcome"
    done = run_ghala(
        "approve", NAME, "1", "-m", "the lots agree", "--as-of", LATER,
        "--workspace", str(workspace.root), GHALA_ACTOR="marketing-lead",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [case] = ask("status")["use_cases"]
    assert (case["predicts"], case["stages"]["production"]["version"]) == ("decisions", 1)

    ask("build", "--as-of", LATER)
    ask("publish", "--as-of", LATER)
    read = read_published(workspace).query
    [said] = read(
        "SELECT count(*) AS customers, count(*) FILTER (WHERE decision > 0) AS contacts,"
        " count(*) FILTER (WHERE decision > 0 AND lot_chance IS NULL) AS listed,"
        " avg(is_held_out) AS held_out, sum(decision * is_held_out) AS disturbed"
        " FROM marts_marketing.targeting_decisions WHERE role = 'champion'"
    )
    assert said["contacts"] <= 0.2 * said["customers"]  # none, where no gain is to be had
    assert 0.08 < said["held_out"] < 0.12
    assert said["disturbed"] == 0
    listed = read("SELECT offer, expected_profit FROM marts_marketing.contact_list")
    assert len(listed) == said["listed"]
    assert all(row["expected_profit"] > 0 for row in listed)
    uplift = read("SELECT * FROM marts_marketing.campaign_uplift")
    assert sum(row["customers"] for row in uplift) == later["monitor"]["outcomes"]

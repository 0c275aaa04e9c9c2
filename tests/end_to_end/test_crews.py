"""Trucks and people of a simulated company go the whole way, to what Operations reads."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ghala.contracts.discovery import use_cases
from ghala.contracts.settings import Workspace
from ghala.web.app import create_app
from tests.conftest import read_json, run_ghala

NAMES = ("operations/fleet", "operations/workforce")
FEEDS = (
    "depots", "customers", "agents", "products", "web_", "agent_", "trips", "tasks", "shifts",
    "calendar",
)  # fmt: skip
FIRST, LATER = "2024-05-13", "2024-05-20"
SHORT = {"weeks": 4, "refit_every_weeks": 4, "training_origins": 6}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, deliveries: Path) -> Workspace:
    """A company of twenty weeks whose policies ask for less history than their owners would."""
    root = tmp_path_factory.mktemp("crews") / "duka"
    chosen = [part for name in NAMES for part in ("--use-case", name)]
    made = run_ghala("init", str(root), "--name", "Duka", "--source", "company", *chosen)
    assert made.returncode == 0, made.stderr
    inbox = root / "inbox" / "company"
    inbox.mkdir(parents=True)
    for file in deliveries.iterdir():
        if file.name.startswith(FEEDS):
            (inbox / file.name).hardlink_to(file)
    for name, found in use_cases(Workspace(root)).items():
        policy = yaml.safe_load((found.folder / "policy.yml").read_text(encoding="utf-8"))
        policy["backtest"] = SHORT
        # Twenty weeks and eight depots prove no gain, so none is asked for.
        policy["gates"] |= {"metrics": [], "min_origins_won": 0.0}
        own = root / "policies" / f"{name}.yml"
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(yaml.safe_dump(policy), encoding="utf-8")
    return Workspace(root)


def test_trucks_and_people_are_trained_gated_shadowed_approved_scored_watched_and_published(
    workspace: Workspace,
) -> None:
    def ask(*arguments: str, by: str = "pipeline") -> Any:
        where = ("--workspace", str(workspace.root), "--json")
        return read_json(run_ghala(*arguments, *where, GHALA_ACTOR=by))

    first = ask("run", "--as-of", FIRST, "--allow-late")
    assert [first[name]["advance"] for name in NAMES] == [{"uat": 1}] * 2, [
        (e["use_case"], e["words"]) for e in ask("history") if e["kind"] == "verdict"
    ]

    later = ask("run", "--as-of", LATER, "--allow-late")
    for name in NAMES:
        assert later[name]["monitor"]["outcomes"] > 50
        ask("approve", name, "1", "-m", "good", "--as-of", LATER, by="approver")
    for case in ask("status")["use_cases"]:
        assert case["stages"]["production"]["version"] == 1
        assert case["skipped"] is None

    client = create_app(Workspace(workspace.root)).test_client()
    for name in NAMES:
        answer = client.get(f"/api/v1/use-cases/{name}/predictions?limit=5").get_json()
        assert (answer["version"], answer["as_of"], len(answer["rows"])) == (1, LATER, 5)

    [build] = sorted(workspace.published.glob("0*"))[-1:]
    marts = {
        mart: duckdb.sql(f"FROM '{build}/marts_operations.{mart}.parquet'").pl()
        for mart in ("fleet_outlook", "fleet_next_day", "manpower", "workforce_roster")
    }
    assert marts["fleet_outlook"].height == 8 * 28
    assert (marts["fleet_outlook"]["trucks"] >= marts["fleet_outlook"]["own_trucks"]).all()
    assert marts["fleet_next_day"]["location_id"].n_unique() == 8
    assert (
        marts["fleet_next_day"]["routed_trucks"] >= marts["fleet_next_day"]["least_trucks"]
    ).all()
    assert marts["manpower"].height == 8 * 4 * 7 * 4
    assert marts["manpower"]["people"].sum() == pytest.approx(
        marts["workforce_roster"]["people"].sum()
    )
    assert marts["workforce_roster"].height == 8 * 2 * 7 * 4
    assert marts["workforce_roster"]["people"].sum() > 0

"""A use case of thirty lines goes the whole way with no other file touched."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ghala.contracts.settings import Workspace
from ghala.web.app import create_app
from ghala_retail.company.simulate import simulate
from ghala_retail.company.world import make_plan
from tests.conftest import read_json, run_ghala

NAME = "operations/returns"
FIRST, LATER = "2024-04-15", "2024-05-20"
FEEDS = ("depots", "customers", "products", "web_", "agent_", "agents", "returns")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A tiny simulated company whose people have just written ``ghala new use-case``."""
    folder = tmp_path_factory.mktemp("returns")
    simulate(make_plan("tiny", "endogenous", seed=1, days=140), folder / "company")
    root = folder / "duka"
    source = ("--source", "company", "--use-case", NAME)
    made = run_ghala("init", str(root), "--name", "Duka", *source)
    assert made.returncode == 0, made.stderr
    delivered = folder / "company" / "inbox" / "company"
    (root / "inbox" / "company").mkdir(parents=True)
    for file in delivered.iterdir():
        if file.name.startswith(FEEDS):
            shutil.move(file, root / "inbox" / "company" / file.name)
    return Workspace(root)


def test_what_is_scaffolded_is_trained_gated_shadowed_approved_scored_watched_and_shown(
    workspace: Workspace,
) -> None:
    def ask(*arguments: str) -> Any:
        where = ("--workspace", str(workspace.root), "--json")
        return read_json(run_ghala(*arguments, *where, GHALA_ACTOR="pipeline"))

    made = ask("new", "use-case", NAME)
    code = (Path(made["folder"]) / "use_case.py").read_text(encoding="utf-8").splitlines()
    assert len(code) <= 35

    first = ask("run", "--as-of", FIRST, "--allow-late")[NAME]
    assert first["advance"] == {"uat": 1}
    assert first["score_if_due"] > 100
    [case] = ask("status")["use_cases"]
    assert (case["accuracy"], case["predicts"], case["skipped"]) == ([], "scores", None)

    later = ask("run", "--as-of", LATER, "--allow-late")[NAME]
    assert later["monitor"]["outcomes"] == first["score_if_due"]
    run_ghala(
        "approve", NAME, "1", "-m", "good", "--as-of", LATER, "--workspace", str(workspace.root),
        GHALA_ACTOR="operations-approver",
    )  # fmt: skip
    [case] = ask("status")["use_cases"]
    assert case["stages"]["production"]["version"] == 1

    client = create_app(Workspace(workspace.root)).test_client()
    answer = client.get(f"/api/v1/use-cases/{NAME}/predictions?limit=5").get_json()
    assert (answer["version"], answer["as_of"], len(answer["rows"])) == (1, LATER, 5)
    assert {"sku", "mean", "last_28", "role", "actual"} <= answer["rows"][0].keys()
    sku = answer["rows"][0]["sku"]
    [row] = client.get(f"/api/v1/use-cases/{NAME}/predictions?sku={sku}").get_json()["rows"]
    assert row["sku"] == sku
    assert client.get(f"/api/v1/use-cases/{NAME}/predictions?skuu=1").status_code == 422
    assert NAME in client.get("/").text

"""A use case of thirty lines, of any kind, goes the whole way with no other file touched."""

from pathlib import Path
from typing import Any

import pytest

from ghala.contracts.settings import Workspace
from ghala.web.app import create_app
from tests.conftest import read_json, run_ghala
from tests.end_to_end.conftest import RETURNS as NAME
from tests.end_to_end.conftest import SALES, make_company

FIRST, LATER = "2024-04-22", "2024-05-27"
OTHERS = {
    "operations/weekly": "forecast",
    "operations/ready": "optimise",
    "marketing/levels": "segment",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, deliveries: Path) -> Workspace:
    """A company whose people are about to write ``ghala new use-case``."""
    root = tmp_path_factory.mktemp("returns") / "duka"
    return Workspace(make_company(root, deliveries, feeds=SALES))


def test_what_is_scaffolded_is_trained_gated_shadowed_approved_scored_watched_and_shown(
    workspace: Workspace,
) -> None:
    def ask(*arguments: str) -> Any:
        where = ("--workspace", str(workspace.root), "--json")
        return read_json(run_ghala(*arguments, *where, GHALA_ACTOR="pipeline"))

    made = ask("new", "use-case", NAME)
    code = (Path(made["folder"]) / "use_case.py").read_text(encoding="utf-8").splitlines()
    assert len(code) <= 35
    for name, kind in OTHERS.items():
        ask("new", "use-case", name, "--kind", kind)

    every = ask("run", "--as-of", FIRST, "--allow-late")
    first = every[NAME]
    for name in OTHERS:  # every kind passes its gates with nothing else written
        assert every[name]["advance"] == {"uat": 1}, (name, every[name])
        assert every[name]["score_if_due"] > 100
    assert first["advance"] == {"uat": 1}
    assert first["score_if_due"] > 100
    [case] = [one for one in ask("status")["use_cases"] if one["name"] == NAME]
    assert (case["accuracy"], case["predicts"], case["skipped"]) == ([], "scores", None)

    every = ask("run", "--as-of", LATER, "--allow-late")
    assert every[NAME]["monitor"]["outcomes"] == first["score_if_due"]
    assert all(every[name]["monitor"]["outcomes"] > 100 for name in OTHERS)
    run_ghala(
        "approve", NAME, "1", "-m", "good", "--as-of", LATER, "--workspace", str(workspace.root),
        GHALA_ACTOR="approver",
    )  # fmt: skip
    [case] = [one for one in ask("status")["use_cases"] if one["name"] == NAME]
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

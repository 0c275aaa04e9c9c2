"""Versions and moments as people type them: wrong ones are a mistake of use, never a bug."""

from pathlib import Path

import pytest
from tests.conftest import read_json, run_ghala

from ghala.contracts.settings import Company, Workspace
from ghala.house import House
from ghala.ledger.book import Note
from ghala.warehouse.workspace import create_workspace

DEMAND = "operations/demand"
HUGE = "99999999999999999999999"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root: Path = tmp_path_factory.mktemp("arguments") / "duka"
    company = Company(name="Duka", demo=True)
    return create_workspace(root, company=company, sources=["company"], use_cases=[DEMAND])


@pytest.mark.parametrize(
    "words",
    [
        ("reproduce", f"{DEMAND}@²"),
        ("reproduce", f"{DEMAND}@{HUGE}"),
        ("reproduce", f"{DEMAND}@0"),
        ("promote", DEMAND, HUGE),
        ("approve", DEMAND, HUGE),
        ("rollback", DEMAND, "--from", HUGE, "--comment", "no"),
    ],
)
def test_a_number_that_is_no_version_is_a_mistake_of_use(
    workspace: Workspace, words: tuple[str, ...]
) -> None:
    done = run_ghala(*words, "--workspace", str(workspace.root))
    assert done.returncode == 2, done.stderr


@pytest.mark.parametrize(
    ("at", "held"),
    [
        ("2024-05-01T00:00Z", 0),
        ("2124-05-01T00:00+03:00", 1),
        ("2124-05-01T00:00", 1),
        ("0001-01-01T00:00+03:00", 0),
    ],
)
def test_a_moment_may_have_a_zone(workspace: Workspace, at: str, held: int) -> None:
    ledger = House(workspace, "Zawadi").ledger
    if not ledger.entries("transition"):
        ledger.append(Note("transition", {"to": "production", "reason": "better"}, DEMAND, 1))

    done = run_ghala("history", "--at", at, "--json", "--workspace", str(workspace.root))

    assert len(read_json(done)["held"]) == held

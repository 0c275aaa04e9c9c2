"""The verbs of a data steward, as someone types them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from filelock import FileLock
from tests.conftest import read_json, run_ghala
from tests.unit.warehouse.conftest import CONTRACT, PRODUCTS, SALES

from ghala.contracts.settings import Company, Workspace
from ghala.ledger.book import Ledger
from ghala.monitoring.health import examine
from ghala.warehouse.workspace import create_workspace

DAY, NEXT = "2024-01-08", "2024-01-09"
LINES = (
    "r1,1,00123,2,10.50,2024-01-05\nr1,2,1E5,many,1.00,2024-01-05\nr1,3,NA,500,1.00,2024-01-05\n"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A shop whose second batch has two refused rows."""
    company = Company(name="Duka", demo=True)
    made = create_workspace(
        tmp_path / "duka", company=company, sources=["shop"], use_cases=["operations/demand"]
    )
    files = {
        "sources/shop/contract.yml": CONTRACT,
        f"inbox/shop/products_{DAY}.csv": PRODUCTS,
        f"inbox/shop/sales_{DAY}.csv": SALES + LINES,
    }
    for name, text in files.items():
        file = made.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    ask(made, "land", "--as-of", DAY)
    return made


def call(workspace: Workspace, *words: str) -> subprocess.CompletedProcess[str]:
    return run_ghala(*words, "--workspace", str(workspace.root))


def ask(workspace: Workspace, *words: str) -> Any:
    return read_json(call(workspace, *words, "--json"))


def test_refused_rows_are_inspected_mended_and_released_and_everything_says_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    counted = ask(workspace, "quarantine", "list")["quarantine"]
    assert {row["reason"]: row["rows"] for row in counted} == {
        "plausible_units": 2, "type:units": 1
    }  # fmt: skip
    [row] = ask(workspace, "quarantine", "show", "--reason", "type:units")["rows"]
    assert row["record"]["units"] == "many"
    fixed = tmp_path / "fixed.csv"
    ask(workspace, "quarantine", "show", "--batch", "2", "--out", str(fixed))
    pl.read_csv(fixed, infer_schema=False).with_columns(units=pl.lit("7")).write_csv(fixed)

    released = ask(
        workspace, "quarantine", "release", "--batch", "2", "--file", str(fixed), "--as", "amina",
        "--as-of", NEXT,
    )  # fmt: skip

    assert (released["released"], released["batch"]["batch_id"]) == (2, "3")
    told = ask(workspace, "history", "--kind", "release")
    assert [(one["actor"], one["words"]) for one in told] == [
        ("amina", "2 rows of shop/sales batch 2 released into batch 3: mended in fixed.csv")
    ]
    counted = ask(workspace, "quarantine", "list")["quarantine"]
    assert all(row["rows"] == row["released"] for row in counted)
    [newest, _] = ask(workspace, "snapshot", "list")["snapshots"]
    assert (newest["files"], newest["is_current"]) == (3, True)
    checks = {
        check["check"]: check["state"]
        for check in examine(workspace, Ledger(workspace.ledger, actor="test"))
    }
    assert {checks[name] for name in ("rows", "landed files", "ledger")} == {"ok"}


def test_the_quarantine_is_read_beside_a_run_and_whole_in_a_narrow_terminal(
    workspace: Workspace,
) -> None:
    long = "a-receipt-whose-number-is-longer-than-the-terminal-is-wide"
    file = workspace.inbox / "shop" / f"sales_{NEXT}.csv"
    lines = f"{long},1,00123,many,1.00,2024-01-05\nr9,1,00123,2,10.50,2024-01-05\n"
    file.write_text(SALES + lines, encoding="utf-8")
    ask(workspace, "land", "--as-of", NEXT)
    chosen = ("--batch", "3", "--workspace", str(workspace.root))
    with FileLock(workspace.state / "pipeline.lock", timeout=0):
        listed = run_ghala("quarantine", "list", *chosen, COLUMNS="40")
        shown = run_ghala("quarantine", "show", *chosen, COLUMNS="40")
        found = read_json(run_ghala("quarantine", "show", *chosen, "--json", COLUMNS="40"))

    assert (listed.returncode, shown.returncode) == (0, 0), listed.stderr + shown.stderr
    assert "…" not in listed.stdout + shown.stdout
    assert (
        f"shop/sales batch 3, sales_{NEXT}.csv row 1: type:units; plausible_units\n" in shown.stdout
    )
    assert f"  receipt: {long}\n" in shown.stdout
    assert found["rows"][0]["record"]["receipt"] == long


def test_a_schema_that_changes_in_mid_history_is_told_at_the_command_line(
    workspace: Workspace,
) -> None:
    inbox = workspace.inbox / "shop"
    renamed = SALES.replace("units", "pieces") + "r9,1,00123,2,10.50,2024-01-05\n"
    (inbox / f"sales_{NEXT}.csv").write_text(renamed, encoding="utf-8")

    refused = call(workspace, "land", "--as-of", NEXT)

    assert refused.returncode == 4
    assert "column 'units' is missing; column 'pieces' is unknown" in refused.stderr
    assert "change the source's contract.yml" in refused.stderr
    listed = ask(workspace, "quarantine", "list")["quarantine"]
    assert {row["batch"] for row in listed} == {2}, "nothing of the file was loaded"

    (inbox / f"sales_{NEXT}.csv").write_text(renamed.replace("pieces", "units"), encoding="utf-8")
    mended = ask(workspace, "land", "--as-of", NEXT)["batches"]
    assert [(one["feed"], one["rows_loaded"]) for one in mended] == [("sales", 1)]


def test_a_release_names_a_file_or_says_why_the_rows_are_right(workspace: Workspace) -> None:
    for words in ((), ("--as-is",), ("--as-is", "--reason", "x", "--file", "f.csv")):
        done = call(workspace, "quarantine", "release", "--batch", "2", *words)
        assert done.returncode == 2
        assert "ghala quarantine show --batch 2 --out fixed.csv" in done.stderr


def test_a_snapshot_is_restored_and_an_unrecorded_file_stops_it(workspace: Workspace) -> None:
    [first] = ask(workspace, "snapshot", "list")["snapshots"]
    (workspace.landing / "shop" / "extra_2024-01-09.csv").write_text("x\n", encoding="utf-8")

    refused = call(workspace, "snapshot", "restore", first["address"][:8])
    assert refused.returncode == 4
    assert "extra_2024-01-09.csv" in refused.stderr
    taken = ask(workspace, "snapshot", "--as-of", NEXT)
    assert taken["files"] == 3
    restored = ask(workspace, "snapshot", "restore", first["commit"][:8], "--as-of", NEXT)
    assert restored["address"] == first["address"]
    assert len(list((workspace.landing / "shop").iterdir())) == 2
    assert ask(workspace, "history", "--kind", "restoration")[0]["words"].startswith("2 landed")


def test_a_source_is_drafted_and_what_is_missing_is_said(workspace: Workspace) -> None:
    till = workspace.root / "samples" / "till"
    till.mkdir(parents=True)
    (till / "sales.csv").write_text(SALES + LINES, encoding="utf-8")

    drafted = ask(workspace, "source", "add", str(till / "sales.csv"))
    missing = call(workspace, "source", "check")

    assert (drafted["source"], drafted["feeds"][0]["entity"]) == ("till", "order_lines")
    assert (workspace.root / "sources/till/contract.yml").is_file()
    assert missing.returncode == 1
    assert "operations/demand needs order_lines: not mapped" in missing.stdout
    found = json.loads(call(workspace, "source", "check", "--json").stdout)
    assert len(found["missing"]) == 4


def test_the_catalog_is_one_page_that_describes_the_models(workspace: Workspace) -> None:
    page = Path(ask(workspace, "catalog")["catalog"])
    text = page.read_text(encoding="utf-8")
    assert "One row per order, line and state in which both were known" in text
    assert "shop__sales" in text


def test_a_source_whose_files_still_say_todo_is_not_finished(workspace: Workspace) -> None:
    contract = workspace.root / "sources/shop/contract.yml"
    contract.write_text(CONTRACT + "# TODO which zone?\n", encoding="utf-8")

    said = call(workspace, "source", "check")

    assert said.returncode == 1
    assert "TODO which zone?" in said.stdout


@pytest.mark.parametrize("step", [("build",), ("monitor", "operations/demand")])
def test_a_step_before_the_first_file_arrived_is_refused(
    workspace: Workspace, step: tuple[str, ...]
) -> None:
    said = call(workspace, *step, "--as-of", "2023-06-01")

    assert said.returncode == 2
    assert f"Nothing had arrived by 2023-06-01; the first file came on {DAY}" in said.stderr


def test_a_new_workspace_says_that_its_source_is_nowhere_yet(tmp_path: Path) -> None:
    made = read_json(
        run_ghala("init", str(tmp_path / "new"), "--source", "completejurney", "--json")
    )

    assert "Did you mean 'completejourney'?" in made["next"]

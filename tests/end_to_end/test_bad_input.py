"""What goes wrong is named, with the next step and the right exit code; nothing is lost."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from ghala.contracts.settings import Workspace
from tests.conftest import COMMAND, read_json, run_ghala
from tests.faults.test_kill import make_workspace


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory, small_year: Path) -> Path:
    """A workspace with ten weeks landed; tests take a copy."""
    workspace = make_workspace(tmp_path_factory.mktemp("landed") / "shop", small_year)
    done = run_ghala("land", "--as-of", "2017-03-06", "--workspace", str(workspace.root))
    assert done.returncode == 0, done.stderr[-3000:]
    return workspace.root


@pytest.fixture
def shop(landed: Path, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(landed, tmp_path / "shop")))


def counts(shop: Workspace) -> dict[str, int]:
    found = read_json(run_ghala("status", "--json", "--workspace", str(shop.root)))
    return {row["feed"]: row["rows_loaded"] for row in found["sources"]}


def land(shop: Workspace, as_of: str = "2017-03-13", *more: str):  # type: ignore[no-untyped-def]
    return run_ghala("land", "--as-of", as_of, "--workspace", str(shop.root), *more)


def test_a_missing_file_is_named_and_the_rest_is_landed(shop: Workspace) -> None:
    (shop.inbox / "completejourney" / "transactions_2017-03-13.parquet").unlink()
    before = counts(shop)
    done = land(shop)
    assert done.returncode == 4
    assert "transactions is overdue on 2017-03-13" in done.stderr
    assert "--allow-late" in done.stderr
    assert counts(shop)["promotions"] > before["promotions"]
    assert land(shop, "2017-03-13", "--allow-late").returncode == 0


def test_a_changed_file_is_refused_and_the_landed_one_stays(shop: Workspace) -> None:
    file = shop.inbox / "completejourney" / "transactions_2017-03-06.parquet"
    before = counts(shop)
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM '{file}' LIMIT 10) TO '{file}.new' (FORMAT parquet)")
    file.with_name(file.name + ".new").replace(file)
    done = land(shop)
    assert done.returncode == 4
    assert "has changed since it was landed" in done.stderr
    assert counts(shop)["transactions"] == before["transactions"]


def test_an_unknown_column_refuses_the_whole_file(shop: Workspace) -> None:
    file = shop.inbox / "completejourney" / "transactions_2017-03-13.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * EXCLUDE (quantity), quantity AS quantety FROM '{file}')"
            f" TO '{file}.new' (FORMAT parquet)"
        )
    file.with_name(file.name + ".new").replace(file)
    before = counts(shop)
    done = land(shop)
    assert done.returncode == 4
    assert "column 'quantity' is missing" in done.stderr
    assert "column 'quantety' is unknown (Did you mean 'quantity'?" in done.stderr
    assert counts(shop)["transactions"] == before["transactions"]
    assert not (shop.landing / "completejourney" / file.name).exists()


def test_landing_twice_is_landing_once(shop: Workspace) -> None:
    before = counts(shop)
    done = land(shop, "2017-03-06", "--json")
    assert read_json(done) == {"batches": []}
    assert counts(shop) == before


def test_too_little_history_is_told_and_not_a_bug(shop: Workspace) -> None:
    run_ghala("build", "--as-of", "2017-03-06", "--workspace", str(shop.root))
    done = run_ghala(
        "train", "operations/demand", "--as-of", "2017-03-06", "--workspace", str(shop.root)
    )
    assert done.returncode == 4
    assert "later --as-of" in done.stderr


def test_a_date_before_the_data_is_told(tmp_path: Path, small_year: Path) -> None:
    workspace = make_workspace(tmp_path / "shop", small_year)
    done = run_ghala("run", "--as-of", "2016-06-06", "--workspace", str(workspace.root))
    assert done.returncode == 2
    assert "No file had arrived by 2016-06-06" in done.stderr


def test_an_unknown_use_case_gets_a_suggestion(shop: Workspace) -> None:
    done = run_ghala("score", "operation/demand", "--workspace", str(shop.root))
    assert done.returncode == 2
    assert "Did you mean 'operations/demand'?" in done.stderr


def test_outside_a_workspace_the_next_step_is_init(tmp_path: Path) -> None:
    done = run_ghala("status", where=tmp_path)
    assert done.returncode == 3
    assert "ghala init" in done.stderr


def test_without_a_git_identity_nothing_is_made(tmp_path: Path) -> None:
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = run_ghala("init", str(tmp_path / "shop"), HOME=str(tmp_path), **nobody)
    assert done.returncode == 3
    assert "git config --global user.name" in done.stderr
    assert not (tmp_path / "shop").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run_ghala("init", str(tmp_path / "file" / "shop"))
    assert done.returncode == 3
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch"], "No such command"),
        (["train"], "Missing argument"),
        (["run", "--as-of", "yesterday"], "is not a date"),
        (["retrain"], "needs --due"),
        (["replay", "--from", "2017-02-01", "--to", "2017-01-01"], "lies before"),
        (["demo", "--weeks", "0"], "greater than or equal to 1"),
    ],
)
def test_a_wrong_call_exits_with_two_and_says_why(arguments: list[str], words: str) -> None:
    done = run_ghala(*arguments)
    assert done.returncode == 2
    assert words in done.stderr.replace("\n", " ")


def test_errors_are_json_when_json_was_asked_for(tmp_path: Path) -> None:
    done = run_ghala("status", "--json", where=tmp_path)
    assert done.returncode == 3
    assert '"next_step"' in done.stdout


def test_the_command_can_be_cut_off_by_a_pipe(shop: Workspace) -> None:
    command = " ".join(shlex.quote(part) for part in [*COMMAND, "history"])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -1"],
        cwd=shop.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "Traceback" not in done.stderr

import subprocess
import sys
from pathlib import Path

from tests.conftest import read_json, run_ghala


def test_a_pack_brings_its_verbs_to_the_command_line(tmp_path: Path) -> None:
    done = run_ghala("simulate", str(tmp_path / "duka"), "--world", "null", "--days", "3", "--json")

    told = read_json(done)
    assert told["last_day"] == "2024-01-03"
    assert told["rows"]["web_orders"] > 100
    assert (tmp_path / "duka" / "inbox" / "company" / "web_orders_2024-01-04.parquet").is_file()
    assert (tmp_path / "duka" / "truth" / "facts.json").is_file()


def test_an_unknown_world_is_a_usage_error_with_the_known_ones(tmp_path: Path) -> None:
    done = run_ghala("simulate", str(tmp_path / "duka"), "--world", "clam")

    assert done.returncode == 2
    assert "Did you mean 'calm'?" in done.stderr
    assert not (tmp_path / "duka").exists()


def test_help_names_the_verb() -> None:
    assert "simulate" in run_ghala("--help").stdout


def test_the_command_line_knows_its_verbs_without_loading_what_they_need() -> None:
    script = (
        "import sys, ghala.cli.verbs; print({'numpy', 'polars', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "set()", done.stderr

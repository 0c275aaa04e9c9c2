"""The main job, on the real data: one model goes the whole way."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ghala.contracts.records import Stage
from ghala.ledger.book import Ledger
from ghala.registry.versions import Registry
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.publish import read_published
from ghala.warehouse.workspace import DEMO_APPROVER, DEMO_SCIENTIST
from ghala_retail.sources.completejourney.deliveries import data_folder
from tests.conftest import COMMAND, run_ghala
from tests.end_to_end.conftest import Demo

NAME = "operations/demand"


def test_a_version_is_trained_gated_shadowed_approved_by_another_and_promoted(demo: Demo) -> None:
    ledger = Ledger(demo.workspace.ledger, actor="test")
    moves = [entry.body["to"] for entry in ledger.entries("transition", NAME, version=1)]
    assert moves == ["staging", "uat", "production"]
    assert next(e.actor for e in ledger.entries("training", NAME)) == DEMO_SCIENTIST
    assert next(e.actor for e in ledger.entries("approval", NAME)) == DEMO_APPROVER
    verdicts = ledger.entries("verdict", NAME, version=1)
    assert {v["gate"].split(":")[0] for v in verdicts[0].body["verdicts"]} == {
        "data_tests", "leakage", "beats_smart_mean", "bias", "coverage",
    }  # fmt: skip


def test_every_row_is_loaded_or_quarantined_with_a_reason(demo: Demo) -> None:
    rows = {(row["feed"]): row for row in demo.ask("status")["sources"]}
    for row in rows.values():
        assert row["rows_landed"] == row["rows_loaded"] + row["rows_quarantined"]
        assert row["benchmark"] is True
    data = data_folder()
    for feed in ("promotions", "transactions"):
        weeks = "WHERE week <= 52" if feed == "transactions" else ""
        counting = duckdb.execute(f"SELECT count(*) FROM '{data}/{feed}.parquet' {weeks}")
        [(published,)] = counting.fetchall()
        assert rows[feed]["rows_landed"] == published
    with DuckDBWarehouse(demo.workspace.warehouse) as warehouse:
        reasons = dict(
            warehouse.rows(
                "SELECT reason, count(*)"
                " FROM (SELECT unnest(reasons) AS reason FROM raw.quarantine) GROUP BY 1"
            )
        )
    assert reasons["duplicate_key"] > 12_000
    assert reasons["merchandise"] > 15_000
    assert reasons["positive_sales"] > 5_000


def test_the_doctor_finds_nothing_wrong(demo: Demo) -> None:
    checks = demo.ask("doctor")["checks"]
    assert [check for check in checks if check["state"] != "ok"] == []


def test_the_landed_files_are_versioned_and_pushed(demo: Demo) -> None:
    root = demo.workspace.root
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert "Land what arrived by 2017-12-25" in log
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert "landing.dvc" in tracked
    assert "landing/" not in tracked
    stored = list((demo.workspace.state / "dvc-remote").rglob("*"))
    landed = list(demo.workspace.landing.glob("*/*"))
    assert sum(file.is_file() for file in stored) >= len(landed)


def test_a_version_knows_its_commit_its_data_and_its_environment(demo: Demo) -> None:
    registry = Registry(demo.workspace)
    run = registry.client.get_run(registry.run_of(NAME, 1))
    for tag in ("git_commit", "data_snapshot", "lock", "features", "rows"):
        assert run.data.tags[f"ghala.{tag}"] not in ("", "none", "uncommitted")
    assert run.data.metrics["sku_chain.mean.wape"] < run.data.metrics["sku_chain.recent_mean.wape"]
    plots = {item.path for item in registry.client.list_artifacts(run.info.run_id, "plots")}
    assert plots == {"plots/backtest_sku_chain.svg", "plots/backtest_category_store.svg"}
    assert registry.client.get_registered_model("operations.demand").aliases["production"]


def test_forecasts_cover_four_weeks_at_both_grains_and_are_in_order(demo: Demo) -> None:
    said = read_published(demo.workspace).query(
        "SELECT grain, horizon, count(*) AS n, bool_and(p10 <= p50 AND p50 <= p90) AS ordered,"
        " min(mean) AS least FROM marts_operations.demand_forecasts"
        " WHERE as_of = '2017-12-25' AND role = 'champion' GROUP BY ALL"
    )
    assert {(row["grain"], row["horizon"]) for row in said} == {
        (grain, horizon) for grain in ("sku_chain", "category_store") for horizon in (1, 2, 3, 4)
    }
    assert all(row["ordered"] and row["least"] >= 0 and row["n"] > 5_000 for row in said)


def test_outcomes_that_came_true_are_matched_and_measured(demo: Demo) -> None:
    [use_case] = demo.ask("status")["use_cases"]
    assert {one["grain"] for one in use_case["accuracy"]} == {"sku_chain", "category_store"}
    assert all(0 < one["loss"] < one["baseline_loss"] * 1.05 for one in use_case["accuracy"])
    assert use_case["next_retrain"]["on"] > "2017-12-25"
    assert (demo.workspace.reports / NAME / "2017-12-25.html").stat().st_size > 100_000


def test_scoring_again_writes_the_same_rows(demo: Demo) -> None:
    def rows() -> pl.DataFrame:
        with DuckDBWarehouse(demo.workspace.warehouse) as warehouse:
            return warehouse.frame(
                "SELECT series, target_week, round(mean, 6) AS mean"
                " FROM platform.operations__demand_predictions"
                " WHERE as_of = '2017-12-25' ORDER BY ALL"
            )

    before = rows()
    demo.ask("score", NAME, "--as-of", "2017-12-25")
    assert rows().equals(before)


def test_the_dbt_docs_are_one_page(demo: Demo) -> None:
    page = Path(demo.ask("build", "--as-of", "2017-12-25", "--docs")["docs"])
    assert "demand_history" in page.read_text(encoding="utf-8")


def test_who_lacks_the_role_or_the_version_is_told_so(demo: Demo) -> None:
    where = ("--workspace", str(demo.workspace.root), "--as-of", "2017-12-25")
    rejected = run_ghala("approve", NAME, "1", *where)
    assert rejected.returncode == 2
    assert "not in uat" in rejected.stderr
    unknown = run_ghala("promote", NAME, "77", *where)
    assert unknown.returncode == 2
    assert "has no version 77" in unknown.stderr


def test_the_champion_was_replaced_by_a_version_retrained_for_a_reason(demo: Demo) -> None:
    ledger = Ledger(demo.workspace.ledger, actor="reader")
    champion = ledger.holder(NAME, Stage.PRODUCTION)
    made = ledger.last("training", NAME, version=champion)

    assert champion is not None
    assert champion > 1
    assert made is not None
    assert any("limit" in reason for reason in made.body["reasons"])


def test_production_is_given_back_once_however_often_one_asks(demo: Demo) -> None:
    where = ("--workspace", str(demo.workspace.root), "--as-of", "2017-12-25")
    back = run_ghala("rollback", NAME, "-m", "try", *where)
    again = run_ghala("rollback", NAME, "-m", "try", *where)

    assert (back.returncode, again.returncode) == (0, 2)
    assert "already given back" in again.stderr


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    done = run_ghala("demo", str(tmp_path))
    assert done.returncode == 3
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "mine"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(scope="module")
def site(demo: Demo):  # type: ignore[no-untyped-def]
    port = free_port()
    command = ["serve", "--port", str(port), "--workspace", str(demo.workspace.root)]
    server = subprocess.Popen([*COMMAND, *command], stderr=subprocess.PIPE)
    url = f"http://127.0.0.1:{port}"
    for _ in range(150):
        try:
            fetch(f"{url}/healthz")
            break
        except OSError:
            time.sleep(0.2)
    yield url
    server.terminate()
    server.wait(20)


def test_the_api_answers_from_the_published_build(site: str) -> None:
    status, body = fetch(f"{site}/healthz")
    assert (status, json.loads(body)["status"]) == (200, "ok")
    status, body = fetch(f"{site}/api/v1/use-cases")
    assert status == 200
    assert NAME in body
    status, body = fetch(f"{site}/api/v1/use-cases/{NAME}/predictions?grain=sku_chain&limit=3")
    answer = json.loads(body)
    assert (status, answer["version"], len(answer["rows"])) == (200, 1, 3)
    assert {"series", "mean", "p10", "p90", "target_week"} <= answer["rows"][0].keys()
    assert fetch(f"{site}/api/v1/use-cases/operations/demnd/predictions")[0] == 404


def test_the_console_shows_stage_accuracy_and_provenance(site: str) -> None:
    status, page = fetch(site)
    assert status == 200
    for words in (NAME, "production", "benchmark", "completejourney", "2017-12-25"):
        assert words in page


def test_a_port_in_use_is_named_before_anything_starts(site: str, demo: Demo) -> None:
    port = site.rpartition(":")[2]
    done = run_ghala("serve", "--port", port, "--workspace", str(demo.workspace.root))
    assert done.returncode == 75
    assert port in done.stderr

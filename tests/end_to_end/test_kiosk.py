"""A small shop walks the whole road: what people see of it, and what can be asked afterwards."""

import hashlib
import json
import math
import re
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ghala import flow, stewardship
from ghala.contracts.discovery import use_case
from ghala.contracts.errors import CheckFailed
from ghala.contracts.policy import Uat
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.features.lineage import group_by_kind
from ghala.features.store import FeatureStore
from ghala.features.training_set import place_of
from ghala.house import House
from ghala.judging import judge_backtest, roll_back_if_due
from ghala.ledger.book import Note
from ghala.monitoring.audit import anchor, read_anchors, standing, verify
from ghala.monitoring.health import examine
from ghala.rehearsal import rehearse
from ghala.training.reproduce import compare_rows, reproduce
from ghala.warehouse import repository
from ghala.warehouse.publish import kept_builds
from ghala.web.app import create_app
from tests.conftest import read_json, run_ghala
from tests.kiosk import FIRST, NAME, SECOND, USE_CASE, walk, write

DAY = timedelta(days=1)
AUTHOR = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return walk(tmp_path_factory.mktemp("kiosk") / "kiosk", AUTHOR)


@pytest.fixture
def house(walked: Workspace, tmp_path: Path) -> House:
    """The shop for one test to change."""
    shutil.copytree(walked.root, tmp_path / "kiosk")
    return House(Workspace(tmp_path / "kiosk"), "amani")


def verdicts_of(house: House) -> dict[str, str]:
    said = house.ledger.entries("verdict", NAME, version=1)
    return {v["gate"]: v["decision"] for entry in said for v in entry.body["verdicts"]}


def test_every_gate_of_the_road_was_asked_and_the_version_is_live(house: House) -> None:
    assert house.ledger.holder(NAME, Stage.PRODUCTION) == 1
    assert set(verdicts_of(house)) == {
        "signature", "data_tests", "leakage", "beats_smart_mean:wape:good", "bias:good",
        "coverage:good", "calibration:good", "stability:good", "slices:region", "fairness:region",
        "shuffled_outcomes", "future_features", "reproducibility", "seeds", "latency", "size",
        "shadow:good",
    }  # fmt: skip
    assert set(verdicts_of(house).values()) == {"pass"}


def test_an_artifact_that_was_poisoned_fails_its_gate_and_nothing_of_it_is_read(
    house: House,
) -> None:
    found = use_case(house.workspace, NAME)
    folder = house.registry.fetch(NAME, 1)
    (folder / "factors.json").write_text('{"0": 9, "1": 9}', encoding="utf-8")

    verdicts = judge_backtest(house, found, version=1, as_of=SECOND)

    assert [(v.gate, v.passed) for v in verdicts] == [("signature", False)]
    assert "is not what the pipeline signed" in verdicts[0].reason


def test_the_doctor_in_depth_reads_all_that_is_kept(house: House) -> None:
    def wrong() -> dict[str, str]:
        found = examine(house.workspace, house.ledger, deep=True)
        return {one["check"]: one["words"] for one in found if one["state"] == "fail"}

    with house.warehouse() as warehouse:
        FeatureStore(house.workspace).materialize(SECOND, ["kiosk_goods"], warehouse=warehouse)
    assert wrong() == {}
    landed = house.workspace.landing / "duka" / f"sales_{SECOND}.csv"
    name = hashlib.md5(landed.read_bytes(), usedforsecurity=False).hexdigest()
    copy = house.workspace.state / "dvc-remote" / "files" / "md5" / name[:2] / name[2:]
    oldest = kept_builds(house.workspace)[0]
    model = house.registry.fetch(NAME, 1) / "factors.json"
    for file in (copy, oldest / "raw.batches.parquet", model):
        file.chmod(0o644)
        file.write_bytes(file.read_bytes()[:-1] + b"!")
    with house.warehouse() as warehouse:
        warehouse.execute("UPDATE features.kiosk_weeks SET units = units + 1")

    found = wrong()

    assert str(copy) in found["every copy of what was landed"]
    assert str(oldest / "raw.batches.parquet") in found["every published build"]
    assert "is not what the pipeline signed" in found["every version's artifact"]
    assert "kiosk_goods" in found["every value kept online"]
    copy.unlink()
    assert f"such as {name}" in wrong()["every copy of what was landed"]


def test_what_was_live_on_a_day_can_be_asked(house: House) -> None:
    def held(at: str) -> dict[str, Any]:
        asked = ("history", "--at", at, "--json", "--workspace", str(house.workspace.root))
        return {row["stage"]: row for row in read_json(run_ghala(*asked))["held"]}

    assert held("2026-04-12") == {}
    assert held(str(FIRST)).keys() == {"uat"}
    live = held("2026-05-01")
    assert live.keys() == {"production"}
    row = live["production"]
    assert (row["version"], row["since"], row["trained_by"]) == (1, str(SECOND), AUTHOR)
    assert held("2001-01-01T00:00") == {}
    assert standing(house.ledger, SECOND)[0]["version"] == 1


def test_a_ledger_whose_tail_was_cut_off_is_noticed(house: House) -> None:
    found = verify(house.workspace, house.ledger)
    assert found["anchors"] == 2
    assert found["anchored_up_to"] == found["entries"]
    _tamper(house, "DELETE FROM entries WHERE kind IN ('run', 'publication') AND number > 30")
    house.ledger.verify()  # the chain alone holds

    with pytest.raises(CheckFailed, match="its tail was cut off") as broken:
        verify(house.workspace, house.ledger)
    assert read_anchors(house.workspace)[0].commit[:12] in broken.value.message
    done = run_ghala("audit", "verify", "--workspace", str(house.workspace.root))
    assert done.returncode == 1


def test_a_ledger_that_was_written_anew_is_noticed(house: House) -> None:
    last = house.ledger.head()
    assert last is not None
    _tamper(house, f"DELETE FROM entries WHERE number = {last.number}")
    house.ledger.append(Note("alert", {"message": "nothing happened"}))
    house.ledger.verify()

    with pytest.raises(CheckFailed, match="the chain was written anew"):
        verify(house.workspace, house.ledger)


def test_a_stage_that_was_set_by_hand_is_noticed(house: House) -> None:
    _tamper(house, "UPDATE holders SET version = 7 WHERE stage = 'production'")

    with pytest.raises(CheckFailed, match="transitions say"):
        verify(house.workspace, house.ledger)


def test_the_head_of_the_chain_is_committed_once(house: House) -> None:
    before = len(read_anchors(house.workspace))
    anchor(house.workspace, house.ledger)
    assert len(read_anchors(house.workspace)) == before
    house.ledger.append(Note("alert", {"message": "one fact more"}))
    anchor(house.workspace, house.ledger)
    assert len(read_anchors(house.workspace)) == before + 1


def test_a_version_is_made_again_from_its_commit_and_its_data(house: House) -> None:
    asked = ("reproduce", f"{NAME}@1", "--json", "--workspace", str(house.workspace.root))
    certificate = read_json(run_ghala(*asked))

    assert certificate["is_reproduced"]
    assert (certificate["same_rows"], certificate["same_bytes"]) == (True, True)
    assert (certificate["largest_difference"], certificate["compared"]) == (0, 72)
    assert certificate["differs"] == []
    text = Path(certificate["certificate"]).read_text(encoding="utf-8")
    assert f"Version 1 of {NAME} could be made again." in text
    assert not list((house.workspace.state / "reproductions").iterdir())
    status = repository.git(house.workspace.root, "status", "--porcelain")
    assert status == "", "the workspace is left as it was"


def test_a_version_trained_from_what_was_not_committed_says_what_differs(house: House) -> None:
    changed = USE_CASE.replace('row["actual"] / row["units_28"]', '0.98 * row["actual"] / 7.0')
    write(house.workspace, {f"use_cases/{NAME}/use_case.py": changed})
    found = use_case(house.workspace, NAME)
    version = flow.train(house, found, SECOND)

    certificate = reproduce(house.workspace, NAME, version)

    assert not certificate.is_reproduced
    assert certificate.same_rows
    assert certificate.largest_difference > 0.1
    assert "model file: factors.json" in certificate.differs
    assert f"not committed when it was trained: use_cases/{NAME}/use_case.py" in certificate.differs
    kept = stewardship.reproduce(house, found, version, as_of=SECOND)
    assert json.loads(Path(kept["certificate"]).with_suffix(".json").read_text("utf-8"))["rows"]


@pytest.mark.parametrize(("factor", "is_same"), [(1 + 1e-13, True), (1 + 1e-6, False)])
def test_sums_in_another_order_are_the_same_rows_and_other_sums_are_not(
    house: House, *, factor: float, is_same: bool
) -> None:
    kept = house.registry.fetch(NAME, 1)
    run = house.registry.client.get_run(house.registry.run_of(NAME, 1)).data
    place = place_of(house.workspace, NAME, run.params["as_of"])
    rows = pl.read_parquet(place / "examples.parquet")
    shutil.rmtree(place)
    again = rows.with_columns(pl.col("units_28") * factor)

    gaps = compare_rows(house.workspace, kept, again, kept_as=run.tags["ghala.training_set"])

    assert list(gaps) == ["units_28"]
    assert (gaps["units_28"] <= 1e-9) is is_same
    assert gaps["units_28"] == pytest.approx(factor - 1, rel=0.01)
    text = rows.with_columns(region=pl.lit("east")).drop("units_7")
    gaps = compare_rows(house.workspace, kept, text, kept_as=run.tags["ghala.training_set"])
    assert gaps == {"region": math.inf, "units_7": math.inf}


def test_other_retrain_rules_are_played_on_the_same_past(house: House) -> None:
    played = rehearse(house, use_case(house.workspace, NAME), as_of=SECOND, weeks=6)
    by_rule = {one.rule: one for one in played}

    assert by_rule["never"].trainings == 1
    assert by_rule["every 1 week"].trainings == 6
    assert by_rule["every 1 week"].fit_seconds > by_rule["never"].fit_seconds
    assert all(one.money and one.money > 0 and one.value_added > 0.3 for one in played)
    assert {one.metric for one in played} == {"wape"}
    assert any("age" in reason for reason in by_rule["every 4 weeks"].reasons)


def test_the_feature_store_and_what_hangs_on_it_are_asked_by_verbs(house: House) -> None:
    root = str(house.workspace.root)
    request = house.workspace.root / "request.csv"
    request.write_text(f"series,as_of\ns3,{SECOND}\nnew,{SECOND}\ns3,{FIRST}\n", encoding="utf-8")

    def ask(*words: str) -> Any:
        return read_json(run_ghala(*words, "--workspace", root, "--json"))

    def kinds(*words: str) -> dict[str, list[str]]:
        return group_by_kind(
            ask("lineage", *words)["reaches" if "--down" in words else "comes from"]
        )

    said = {one["view"]: one for one in ask("features", "list")["views"]}["kiosk_goods"]
    assert (said["entity"], said["features"], said["online"]) == ("series", 2, True)
    assert ask("features", "describe", "kiosk_goods")["features"][0]["feature"] == "units_7"
    wanted = ("--feature", "kiosk_goods.units_28")
    rows = ask("features", "history", str(request), *wanted)["rows"]
    assert [row["series"] for row in rows] == ["s3", "new", "s3"]
    ask("features", "materialize", "--view", "kiosk_goods", "--as-of", str(SECOND))
    online = ask("features", "online", str(request), *wanted, "--as-of", str(SECOND + DAY))
    values = [row["kiosk_goods.units_28"] for row in online["rows"]]
    assert values[:2] == [rows[0]["kiosk_goods.units_28"], None]
    assert [(one["as_of"], one["age_days"]) for one in online["kept"]] == [(str(SECOND), 1)]
    later = ask("features", "online", str(request), *wanted, "--as-of", str(SECOND + 60 * DAY))
    assert {row["kiosk_goods.units_28"] for row in later["rows"]} == {None}

    for column in (
        "core.order_lines.units",
        "core.order_lines.sku",
        "features.kiosk_weeks.known_on",
    ):
        found = kinds(column, "--down")
        assert {"kiosk_goods.units_7", "kiosk_goods.units_28"} <= set(found["feature"]), column
        assert NAME in found["use case"]
        assert "marts_operations.goods_forecasts" in found["mart"]
    above = kinds("kiosk_goods.units_7", "--up")
    assert {"features.kiosk_weeks.series", "core.order_lines.sku"} <= set(above["column"])
    assert any(name.startswith("raw.duka__sales.") for name in above["column"])
    touched = ask("impact-of", "core.order_lines.units")["touches"]
    assert "console_operations" in touched["dashboard"]


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("features describe kiosk_good", "kiosk_goods"),
        ("features history request.csv --feature kiosk_goods.unit_7", "units_7"),
        ("features online request.csv --feature kiosk_good", "kiosk_goods"),
        ("features materialize --view kiosk_good", "kiosk_goods"),
        ("features lineage kiosk_goods.unit_7", "kiosk_goods.units_7"),
        ("lineage kiosk_goods.unit_7", "kiosk_goods.units_7"),
        ("impact-of kiosk_goods.unit_7", "kiosk_goods.units_7"),
        ("policy backtest operations/good", NAME),
    ],
)
def test_an_unknown_name_is_a_mistake_of_usage_for_every_verb_and_the_nearest_is_said(
    house: House, words: str, known: str
) -> None:
    (house.workspace.root / "request.csv").write_text("series,as_of\ns3,2026-04-20\n", "utf-8")
    done = run_ghala(*words.split(), where=house.workspace.root)

    assert done.returncode == 2, done.stderr
    assert f"Did you mean {known!r}" in done.stderr.replace("\n", " ")


def test_retrain_rules_are_compared_by_a_verb(house: House) -> None:
    asked = ("policy", "backtest", NAME, "--weeks", "6", "--as-of", str(SECOND))
    told = read_json(run_ghala(*asked, "--json", "--workspace", str(house.workspace.root)))

    by_rule = {one["rule"]: one for one in told["rules"]}
    assert "upstream changed" not in by_rule, "it reads nobody"
    assert by_rule["data volume"]["trainings"] > 1
    assert all("data volume: " in reason for reason in by_rule["data volume"]["reasons"])


def test_the_uat_pack_shows_both_with_money_and_is_plain_text_to_a_browser(house: House) -> None:
    page = (house.workspace.reports / NAME / "uat-1.html").read_text(encoding="utf-8")

    assert AUTHOR not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert re.search(r"<strong>[\d,]+ KES\s+less</strong>", page)
    assert page.count("<tr><td>good</td><td>s") == 8
    assert "http" not in page
    assert "<script" not in page
    client = create_app(house.workspace).test_client()
    answer = client.get(f"/reports/{NAME}/uat/1")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert client.get(f"/reports/{NAME}/uat/2").status_code == 404
    assert house.ledger.last("pack", NAME, version=1) is not None


def test_production_goes_back_by_itself_when_the_newest_look_says_so(house: House) -> None:
    found = use_case(house.workspace, NAME)
    auto = found.policy.rollback.model_copy(update={"rule": "auto"})
    found.policy = found.policy.model_copy(update={"rollback": auto, "uat": Uat(shadow_weeks=0)})
    assert house.roles(found) == {1: "champion"}
    road, version = house.road(found), flow.train(house, found, SECOND)
    for stage in (Stage.STAGING, Stage.UAT):
        road.record_verdicts(version, [], after=stage, as_of=SECOND)
        road.promote(version, as_of=SECOND)
    assert house.roles(found) == {1: "shadow", 2: "champion"}
    due = {"due": True, "leave": 2, "reasons": ["good: WAPE 40.0% over 2 weeks"]}
    house.ledger.append(Note("monitoring", {"rollback": due}, NAME, 2, SECOND))

    assert roll_back_if_due(house, found, SECOND) == 1
    assert roll_back_if_due(house, found, SECOND) is None
    last = house.ledger.last("transition", NAME)
    assert last is not None
    assert last.body["reason"].startswith("rollback: the policy says so: good: WAPE 40.0%")


def test_a_rollback_is_seen_by_a_server_that_runs_on(house: House) -> None:
    found = use_case(house.workspace, NAME)
    found.policy = found.policy.model_copy(update={"uat": Uat(shadow_weeks=0)})
    client = create_app(house.workspace).test_client()
    road, version = house.road(found), flow.train(house, found, SECOND)
    for stage in (Stage.STAGING, Stage.UAT):
        road.record_verdicts(version, [], after=stage, as_of=SECOND)
        flow.promote(house, found, version, as_of=SECOND)

    def answering() -> set[int]:
        rows = client.get(f"/api/v1/use-cases/{NAME}/predictions").get_json()["rows"]
        return {row["version"] for row in rows}

    assert answering() == {2}
    assert flow.roll_back(house, found, as_of=SECOND, reason="too high") == 1
    assert answering() == {1}


def _tamper(house: House, statement: str) -> None:
    """Change the file as someone would who owns it and takes the triggers away first."""
    house.ledger.engine.dispose()
    with sqlite3.connect(house.workspace.ledger) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)

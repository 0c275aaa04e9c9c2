"""Before a version speaks, what reads it is asked how it would do on what the version says."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ghala import flow
from ghala.contracts.discovery import use_case
from ghala.contracts.policy import Uat
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.history import definitions_hash
from ghala.house import House
from ghala.judging import _judge_downstream, judge_shadow
from ghala.ledger.book import Change, Note
from ghala.registry.versions import RunRecord
from ghala.training.reproduce import bring_predictions
from ghala.warehouse.predictions import match_outcomes, predictions_of
from tests.conftest import read_json, run_ghala
from tests.kiosk import NAME, OUTCOMES, POLICY, SECOND, monday, walk, write

BOXES = "operations/boxes"
THIRD = monday(16)
READER = '''
import polars as pl

from ghala.evaluation.forecast import Forecast


class Boxes(Forecast):
    """As many boxes as goods are forecast."""

    reads = ("operations/goods",)

    def fit(self, examples, *, seed):
        return None

    def predict(self, model, subjects):
        mean = pl.col("goods_mean")
        said = {name: mean for name in ("mean", *self.quantiles, *self.baselines)}
        rivals = {f"smart_mean_{level}": mean for level in self.quantiles}
        return subjects.select(*self.key, "horizon", dispersion=pl.lit(0.1), **said, **rivals)

    def save(self, model, folder):
        (folder / "none.txt").write_text("", encoding="utf-8")

    def load(self, folder):
        return None
'''
SUBJECTS = """
SELECT origins.as_of, 'box' AS grain, said.series, said.horizon, said.target_week,
    said.mean AS goods_mean
FROM origins INNER JOIN marts_operations.goods_forecasts AS said
    ON said.as_of = origins.as_of AND said.role = 'champion'
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Goods in production with a second version in shadow; boxes in production reads them."""
    workspace = walk(tmp_path_factory.mktemp("cascade") / "kiosk", "amani")
    place = f"use_cases/{BOXES}"
    policy = (workspace.root / "use_cases" / NAME / "policy.yml").read_text(encoding="utf-8")
    settings = (workspace.root / "ghala.toml").read_text(encoding="utf-8")
    write(workspace, {
        f"{place}/use_case.py": READER, f"{place}/subjects.sql": SUBJECTS,
        f"{place}/outcomes.sql": OUTCOMES.replace("'good'", "'box'"), f"{place}/policy.yml": policy,
        "ghala.toml": settings.replace(f'"{NAME}"', f'"{NAME}", "{BOXES}"'),
    })  # fmt: skip
    house = House(Workspace(workspace.root), "amani")
    flow.build(house, SECOND)
    goods, boxes = (use_case(house.workspace, name) for name in (NAME, BOXES))
    put_into_production(house, boxes)
    version, road = flow.train(house, goods, SECOND), house.road(goods)
    road.record_verdicts(version, [], after=Stage.STAGING, as_of=SECOND)
    road.promote(version, as_of=SECOND)
    for one in (goods, boxes):
        flow.score(house, one, SECOND)
    return house


def put_into_production(house: House, found: UseCase) -> None:
    model, plots = (house.workspace.state / "made" / name for name in ("model", "plots"))
    for folder in (model, plots):
        folder.mkdir(parents=True)
    found.save(None, model)
    with house.warehouse() as warehouse:
        rows = warehouse.frame(f"SELECT * FROM ({found.subjects_sql}) AS known LIMIT 0"
                               .replace("FROM origins", "FROM (SELECT CURRENT_DATE AS as_of)"
                                        " AS origins"))  # fmt: skip
    rows.write_parquet(model / "reference.parquet")
    version = house.registry.register(found.name, RunRecord({}, {}, {}, model, plots))
    house.ledger.append(Note("training", {"reasons": ["test"]}, found.name, version, SECOND))
    house.ledger.change_stages(
        found.name,
        [Change(Stage.PRODUCTION, version, None)],
        note=Note("transition", {"to": "production", "reason": "test"}, found.name, version),
    )


def judge(house: House) -> dict[str, tuple[bool, str]]:
    goods = use_case(house.workspace, NAME)
    with house.warehouse() as warehouse:
        verdicts = _judge_downstream(house, warehouse, goods, version=2, as_of=THIRD)
    return {verdict.gate: (verdict.passed, verdict.reason) for verdict in verdicts}


def test_what_reads_a_version_is_part_of_its_verdict(house: House) -> None:
    goods, boxes = (use_case(house.workspace, name) for name in (NAME, BOXES))
    [waiting] = judge_shadow(house, goods, version=2, as_of=SECOND)
    assert not waiting.passed
    assert waiting.gate == "shadow", "while nothing has come true there is only to wait"

    flow.land(house, THIRD)
    flow.build(house, THIRD)
    with house.warehouse() as warehouse:
        for one in (goods, boxes):
            match_outcomes(warehouse, one, THIRD)
        before = warehouse.rows(f"SELECT * FROM {predictions_of(goods)} ORDER BY version, series")
    passed, reason = judge(house)[f"downstream:{BOXES}"]
    assert passed, reason
    assert reason.startswith(f"{BOXES} reads it: with its outputs pinball is ")
    with house.warehouse() as warehouse:
        after = warehouse.rows(f"SELECT * FROM {predictions_of(goods)} ORDER BY version, series")
        assert after == before, "nobody ever saw the version as the champion"
        warehouse.execute(
            f"UPDATE {predictions_of(goods)} SET mean = 3 * mean WHERE version = 2"
        )  # goods that cannot be right

    passed, reason = judge(house)[f"downstream:{BOXES}"]
    assert not passed
    assert "at most 1.0% worse with probability 0%" in reason
    gates = {v.gate for v in judge_shadow(house, goods, version=2, as_of=THIRD) if not v.passed}
    assert f"downstream:{BOXES}" in gates


def test_what_was_said_comes_along_when_a_version_that_read_it_is_made_again(
    house: House, tmp_path: Path
) -> None:
    again, goods = Workspace(tmp_path), use_case(house.workspace, NAME)
    boxes = use_case(house.workspace, BOXES)
    shutil.copy(house.workspace.root / "ghala.toml", tmp_path)
    bring_predictions(house.workspace, again, boxes, as_of=SECOND)

    asked = f"SELECT * FROM {predictions_of(goods)} WHERE as_of <= ? ORDER BY version, series"
    with house.warehouse() as here, House(again, "amani").warehouse() as there:
        said = here.rows(asked, [SECOND])
        assert said
        assert there.rows(asked, [SECOND]) == said


def test_what_reads_a_version_that_is_rolled_back_is_trained_and_scored_on_the_one_before(
    house: House, tmp_path: Path
) -> None:
    shutil.copytree(house.workspace.root, tmp_path / "kiosk")
    workspace = Workspace(tmp_path / "kiosk")
    alone = House(workspace, "amani")
    goods = use_case(workspace, NAME)
    with alone.warehouse() as warehouse:
        said = f"SELECT series, mean FROM {predictions_of(goods)} WHERE version = 1 AND as_of = ?"
        before = dict(warehouse.rows(said, [SECOND]))
    goods.policy = goods.policy.model_copy(update={"uat": Uat(shadow_weeks=0)})
    alone.road(goods).record_verdicts(2, [], after=Stage.UAT, as_of=SECOND)
    flow.promote(alone, goods, 2, as_of=SECOND)
    learned = {"features": definitions_hash([]), "upstream": {NAME: 2}, "reasons": ["test"]}
    alone.ledger.append(Note("training", learned, BOXES, 1, SECOND))
    rules = {**POLICY, "retrain": {"upstream_changed": "retrain", "cooldown_weeks": 0}}
    write(workspace, {f"policies/{BOXES}.yml": yaml.safe_dump(rules)})

    def ask(*words: str) -> Any:
        where = ("--as-of", str(SECOND), "--workspace", str(workspace.root), "--json")
        return read_json(run_ghala(*words, *where))

    def boxes_said() -> dict[str, float]:
        ask("score", BOXES)
        table = predictions_of(use_case(workspace, BOXES))
        with alone.warehouse() as warehouse:
            said = f"SELECT series, mean FROM {table} WHERE role = 'champion' AND as_of = ?"
            return dict(warehouse.rows(said, [SECOND]))

    with alone.warehouse() as warehouse:  # what the two versions say must not be one
        warehouse.execute(f"UPDATE {predictions_of(goods)} SET mean = 2 * mean WHERE version = 2")
    doubled = boxes_said()
    assert ask("rollback", NAME, "-m", "too high") == {"use_case": NAME, "production": 1}
    after = boxes_said()

    assert after.keys() == doubled.keys() == before.keys()
    assert all(after[series] < doubled[series] for series in after)
    assert after == pytest.approx(before)
    decision = ask("monitor", BOXES)["decision"]
    assert decision["due"]
    assert f"{NAME} is version 1, it was 2" in "; ".join(decision["reasons"])
    assert alone.ledger.holder(NAME, Stage.PRODUCTION) == 1

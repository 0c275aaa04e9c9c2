"""A team's whole road on real servers: PostgreSQL and S3, from a file to a published forecast."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from ghala import flow, stewardship
from ghala.contracts.errors import TryAgain
from ghala.contracts.records import Stage
from ghala.contracts.settings import Company, Database, Workspace
from ghala.house import House
from ghala.monitoring.health import examine
from ghala.warehouse.publish import read_published
from ghala.warehouse.snapshots import list_snapshots
from ghala.warehouse.workspace import create_workspace
from tests.conftest import run_ghala
from tests.faults.duka import CONTRACT, FIRST, STAGING, sell
from tests.servers import S3, team_of

UNITS = "operations/units"
WEEKS = 9
DAYS = [FIRST + timedelta(weeks=week) for week in (WEEKS - 1, WEEKS)]
USE_CASE = '''
import polars as pl
from tests.mean_model import MeanModel

from ghala.evaluation.forecast import Forecast

SAME = ("p10", "p50", "p90", "naive", "recent_mean", "smart_mean")
SAME += tuple(f"smart_mean_p{n}0" for n in (1, 5, 9))


class Units(MeanModel, Forecast):
    """Every SKU sells what all of them sold on the mean."""

    features = ()

    def predict(self, model, subjects):
        said = super().predict(model, subjects)
        return said.with_columns(
            *(pl.col("mean").alias(name) for name in SAME), dispersion=pl.lit(1.0)
        )
'''
POLICY = """
owner: Tests
unit: operations
backtest: {weeks: 2, refit_every_weeks: 2, training_origins: 4}
gates:
  {metrics: [], max_abs_bias: 10, coverage: [0, 1], min_origins_won: 0, max_calibration_error: 1}
uat: {shadow_weeks: 1, max_loss_ratio: 10}
approval: {rule: auto}
"""
SUBJECTS = """
SELECT DISTINCT
    as_of, 'sku' AS grain, sku AS series, 1 AS horizon,
    CAST(date_trunc('week', as_of) AS DATE) AS target_week
FROM origins
INNER JOIN core.order_lines ON known_on <= as_of
"""
OUTCOMES = """
SELECT
    'sku' AS grain, sku AS series, CAST(date_trunc('week', ordered_on) AS DATE) AS target_week,
    CAST(max(known_on) + 7 AS DATE) AS known_on, -- a week is known when it is over
    -- no two weeks alike, as the probes of a training need it
    CAST(sum(units * EXTRACT(DAY FROM ordered_on)) AS DOUBLE PRECISION) AS actual
FROM core.order_lines
GROUP BY sku, CAST(date_trunc('week', ordered_on) AS DATE)
"""
FILES = {
    "sources/duka/contract.yml": CONTRACT,
    **{f"sources/duka/staging/stg_duka__{name}.sql": sql for name, sql in STAGING.items()},
    "use_cases/operations/units/use_case.py": USE_CASE,
    "use_cases/operations/units/policy.yml": POLICY,
    "use_cases/operations/units/subjects.sql": SUBJECTS,
    "use_cases/operations/units/outcomes.sql": OUTCOMES,
}


@dataclass(frozen=True)
class Team:
    """One machine that has gone the whole road, and another with a clone of its repository."""

    here: House
    there: House


def open_shop(root: Path, s3: S3) -> House:
    made = create_workspace(
        root, company=Company(name="Duka", demo=True), sources=["duka"], use_cases=[UNITS],
        storage=s3.make_storage(),
    )  # fmt: skip
    for name, content in FILES.items():
        file = made.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    git(made.root, "add", "--all")
    git(made.root, "commit", "-qm", "Add the till and what it sells")
    for week in range(WEEKS + 1):
        sell(made, 7 * week)
    return House(made, "amani")


def clone(house: House, target: Path) -> House:
    git(house.workspace.root, "clone", "-q", ".", str(target))
    for key, value in {"user.name": "Zawadi", "user.email": "zawadi@duka.invalid"}.items():
        git(target, "config", key, value)
    return House(Workspace(target), "zawadi")


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True)


def landed(house: House) -> dict[str, bytes]:
    folder = house.workspace.landing
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, postgres_server: str, s3: S3) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("team")
    with team_of(postgres_server, s3):
        del os.environ["GHALA_PROFILE"]  # the workspace's own settings name the profile
        here = open_shop(folder / "here", s3)
        for day in DAYS:
            flow.run(here, day)
        yield Team(here, clone(here, folder / "there"))


def test_a_version_goes_from_a_file_to_a_published_forecast(team: Team) -> None:
    house = team.here
    assert isinstance(house.workspace.ledger, Database)
    refused = [
        verdict["reason"]
        for entry in house.ledger.entries("verdict", UNITS)
        for verdict in entry.body["verdicts"]
        if verdict["decision"] != "pass"
    ]
    assert refused == []
    moves = [entry.body["to"] for entry in house.ledger.entries("transition", UNITS)]
    assert moves == ["staging", "uat", "production"]
    assert house.ledger.last("scoring", UNITS).body == {"roles": {"1": "champion"}, "rows": 9}
    with house.warehouse() as warehouse:
        said = warehouse.rows(
            "SELECT role, count(*) FROM platform.operations__units_predictions"
            " GROUP BY role ORDER BY role"
        )
    assert said == [("champion", 9), ("shadow", 9)]
    build = read_published(house.workspace, verify=True)
    assert build.query("SELECT count(*) AS files FROM raw.batches") == [{"files": WEEKS + 1}]
    assert house.ledger.verify() == len(house.ledger.entries())


def test_nothing_of_a_team_is_kept_on_one_machine_alone(team: Team) -> None:
    state = team.here.workspace.state
    kept = {file.name for file in state.iterdir()}
    assert kept.isdisjoint({"warehouse.duckdb", "ledger.db", "mlflow.db", "dvc-remote"}), kept
    shutil.rmtree(state / "artifacts")

    fetched = team.here.registry.fetch(UNITS, 1)
    assert (fetched / "mean.json").is_file()


def test_another_machine_gets_the_same_bytes_the_same_facts_and_the_same_model(team: Team) -> None:
    here, there = team.here, team.there
    assert landed(there) == {}
    newest = list_snapshots(there.workspace)[0]

    with there.working():
        stewardship.restore_snapshot(there, newest.address, as_of=DAYS[-1])

    assert landed(there) == landed(here)
    assert len(landed(there)) == WEEKS + 1
    assert there.ledger.verify() == here.ledger.verify()
    assert there.ledger.last("restoration").actor == "zawadi"
    assert there.ledger.holder(UNITS, Stage.PRODUCTION) == 1
    assert there.registry.fetch(UNITS, 1).is_relative_to(there.workspace.root)
    states = {one["check"]: one for one in examine(there.workspace, there.ledger)}
    assert [one for one in states.values() if one["state"] == "fail"] == []
    assert "s3://" in states["places"]["words"]


def test_two_machines_do_not_work_at_once(team: Team) -> None:
    with (
        team.here.working(),
        pytest.raises(TryAgain, match="on some machine"),
        team.there.working(),
    ):
        pytest.fail("both are at work")


def test_no_password_is_in_any_file(team: Team, s3: S3) -> None:
    for house in (team.here, team.there):
        files = [file for file in house.workspace.root.rglob("*") if file.is_file()]
        assert [file for file in files if s3.secret.encode() in file.read_bytes()] == []
        assert files


@pytest.mark.parametrize(
    ("variable", "value", "code", "said"),
    [
        ("GHALA_WAREHOUSE_DSN", "postgresql://a:pa55word@127.0.0.1:9/duka", 75, "does not answer"),
        ("GHALA_WAREHOUSE_DSN", "pa55word", 3, "cannot be read"),
        ("GHALA_WAREHOUSE_DSN", "", 3, "GHALA_WAREHOUSE_DSN is not set"),
        ("AWS_SECRET_ACCESS_KEY", "pa55word", 3, "refuses the credentials"),
    ],
)
def test_the_doctor_says_which_server_to_look_at(
    team: Team, *, variable: str, value: str, code: int, said: str
) -> None:
    root = str(team.there.workspace.root)

    done = run_ghala("doctor", "--workspace", root, **{variable: value})

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "→" in done.stderr
    assert "pa55word" not in done.stdout + done.stderr

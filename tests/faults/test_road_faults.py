"""What goes wrong on the road to production, and what is promised then."""

import multiprocessing
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from ghala import flow
from ghala.contracts.discovery import use_case
from ghala.contracts.errors import ConfigurationError, Denied, TryAgain, UsageError
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.house import House
from ghala.ledger.book import Ledger
from ghala.monitoring.audit import verify
from ghala.registry.versions import Registry
from ghala.web.app import create_app
from tests.conftest import run_ghala
from tests.kiosk import FEATURES, NAME, SECOND, monday, set_policy, walk, write

KILLS = 6
THIRD = monday(16)
SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["ghala.flow", "mlflow", "tests.kiosk", "ghala.training.train"])


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return walk(tmp_path_factory.mktemp("kiosk") / "kiosk", "amani")


@pytest.fixture
def house(walked: Workspace, tmp_path: Path) -> House:
    shutil.copytree(walked.root, tmp_path / "kiosk")
    return House(Workspace(tmp_path / "kiosk"), "amani")


def bring_to_uat(house: House) -> tuple[UseCase, int]:
    """A second version, whose gates have all been passed, stands in UAT and need not wait."""
    set_policy(house.workspace, uat={"shadow_weeks": 0, "max_loss_ratio": 1.5})
    found = use_case(house.workspace, NAME)
    version, road = flow.train(house, found, SECOND), house.road(found)
    for stage in (Stage.STAGING, Stage.UAT):
        road.record_verdicts(version, [], after=stage, as_of=SECOND)
    road.promote(version, as_of=SECOND)
    return found, version


def take(root: Path, step: str) -> None:
    """One step, as another process takes it."""
    house = House(Workspace(root), "amani")
    found = use_case(house.workspace, NAME)
    with house.working():
        if step == "train":
            flow.train(house, found, THIRD)
        elif step == "promote":
            flow.promote(house, found, 2, as_of=SECOND)
        else:
            flow.roll_back(house, found, as_of=SECOND, reason="worse", leave=2)


def kill(house: House, step: str, *, seed: int) -> None:
    """Begin a step some times and kill it each time; whoever is in production stays somebody."""
    draw = random.Random(seed)  # noqa: S311 - moments, not secrets
    house.ledger.engine.dispose()
    for _ in range(KILLS):
        process = SPAWN.Process(target=take, args=(house.workspace.root, step))
        process.start()
        process.join(timeout=draw.uniform(0.2, 6.0))
        process.kill()
        process.join()
        assert house.ledger.holder(NAME, Stage.PRODUCTION) in (1, 2)
        verify(house.workspace, house.ledger)


def test_a_training_that_was_killed_leaves_nothing_running_and_no_version_unknown(
    house: House,
) -> None:
    kill(house, "train", seed=1)

    found = use_case(house.workspace, NAME)
    version = flow.train(house, found, THIRD)

    client, name = house.registry.client, NAME.replace("/", ".")
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    running = client.search_runs([experiment.experiment_id], "attributes.status = 'RUNNING'")
    assert list(running) == []
    told = {entry.version for entry in house.ledger.entries("training", NAME)}
    for made in client.search_model_versions(f"name = '{name}'"):
        assert int(made.version) in told or made.tags.get("ghala") == "abandoned"
    assert found.load(house.registry.fetch(NAME, version))


def test_a_promotion_and_a_rollback_that_were_killed_leave_the_old_or_the_new_champion(
    house: House,
) -> None:
    found, version = bring_to_uat(house)
    assert version == 2
    kill(house, "promote", seed=2)
    if house.ledger.holder(NAME, Stage.PRODUCTION) == 1:
        flow.promote(house, found, version, as_of=SECOND)
    with pytest.raises(UsageError, match="is production"):
        flow.promote(house, found, version, as_of=SECOND)

    kill(house, "rollback", seed=3)
    assert flow.roll_back(house, found, as_of=SECOND, reason="worse", leave=2) == 1
    assert house.ledger.holder(NAME, Stage.PRODUCTION) == 1
    aliases = house.registry.client.get_registered_model(NAME.replace("/", ".")).aliases
    assert str(aliases["production"]) == "1"


def rush(root: Path, who: str, *, at: float, won: "multiprocessing.Queue[str]") -> None:
    """Promote past the lock of the pipeline, as from another machine."""
    house = House(Workspace(root), who)
    road = house.road(use_case(house.workspace, NAME))
    while time.monotonic() < at:
        pass
    try:
        won.put(road.promote(2, as_of=SECOND).value)
    except (Denied, UsageError) as error:
        won.put(f"exit {error.exit_code}")


def test_of_two_processes_that_promote_at_once_one_wins(house: House) -> None:
    bring_to_uat(house)
    house.ledger.engine.dispose()
    won: multiprocessing.Queue[str] = SPAWN.Queue()
    at = time.monotonic() + 15
    both = [
        SPAWN.Process(target=rush, args=(house.workspace.root, who), kwargs={"at": at, "won": won})
        for who in ("amani", "baraka")
    ]
    for process in both:
        process.start()
    said = sorted(won.get(timeout=120) for _ in both)
    for process in both:
        process.join()

    assert said[1] == "production"
    assert said[0] in ("exit 2", "exit 5")
    moved = [e for e in house.ledger.entries("transition", NAME) if e.version == 2]
    assert [entry.body["to"] for entry in moved] == ["staging", "uat", "production"]


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process that writes, and does not end."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def test_while_the_ledger_is_locked_nothing_moves_and_one_is_told_to_try_again(
    house: House,
) -> None:
    found, version = bring_to_uat(house)
    house.ledger.engine.dispose()

    @event.listens_for(house.ledger.engine, "connect")
    def _hurry(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 100")

    with locked(house.workspace.ledger), pytest.raises(TryAgain) as told:
        house.road(found).promote(version, as_of=SECOND)

    assert told.value.exit_code == 75
    assert house.ledger.holder(NAME, Stage.PRODUCTION) == 1


def test_while_mlflow_is_locked_production_still_moves_and_the_next_run_sets_the_aliases(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    found, version = bring_to_uat(house)
    with locked(house.workspace.state / "mlflow.db"):
        house.road(found).promote(version, as_of=SECOND)
        house.registry.mirror(house.ledger, NAME)
    assert "The aliases are set by the next run" in caplog.text
    assert house.ledger.holder(NAME, Stage.PRODUCTION) == 2

    house.registry.mirror(house.ledger, NAME)
    aliases = house.registry.client.get_registered_model(NAME.replace("/", ".")).aliases
    assert str(aliases["production"]) == "2"


def test_a_poisoned_artifact_is_refused_and_what_it_said_before_stays(house: House) -> None:
    found = use_case(house.workspace, NAME)
    folder = house.registry.fetch(NAME, 1)
    (folder / "sitecustomize.py").write_text("raise SystemExit", encoding="utf-8")

    with pytest.raises(Denied, match="not what the pipeline signed"):
        flow.score(house, found, SECOND)
    client = create_app(house.workspace).test_client()
    assert client.get(f"/api/v1/use-cases/{NAME}/predictions").status_code == 200


def test_a_feature_that_a_model_needs_and_that_is_gone_is_named(house: House) -> None:
    write(house.workspace, {"features/kiosk.py": FEATURES.replace("(7, 28)", "(7,)")})
    found = use_case(house.workspace, NAME)

    with pytest.raises(ConfigurationError, match="learned from units_28, which is no longer there"):
        flow.score(house, found, SECOND)
    write(house.workspace, {"features/kiosk.py": "pass\n"})
    other = Workspace(house.workspace.root.rename(house.workspace.root.with_name("moved")))
    with pytest.raises(ConfigurationError, match="No feature view 'kiosk_goods'"):
        flow.score(House(other, "amani"), use_case(other, NAME), SECOND)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"gates": {"coverage": [0.9, 0.1]}}, "0 <= low < high <= 1"),
        ({"gates": {"confidense": 0.9}}, "Did you mean 'confidence'"),
        ({"approval": {"rule": "anybody"}}, "one_named_role"),
        ({"retrain": {"max_age_weeks": 2, "cooldown_weeks": 9}}, "cooldown_weeks is longer"),
        ({"rollback": {"rule": True}}, "true or false"),
        ({"uat": {"shadow_weeks": -1}}, "greater than or equal to 0"),
        ({"slices": {"max_ratio": 0.1}}, "greater than or equal to 1"),
        ({"schedule": "when the moon is full"}, "schedule"),
    ],
)
def test_a_policy_that_was_edited_to_nonsense_is_refused_before_anything_moves(
    house: House, section: dict[str, object], words: str
) -> None:
    set_policy(house.workspace, **section)

    with pytest.raises(ConfigurationError, match=words) as refused:
        use_case(house.workspace, NAME)
    assert "policy.yml" in refused.value.next_step
    assert house.ledger.holder(NAME, Stage.PRODUCTION) == 1


def test_with_a_nonsensical_policy_every_verb_says_so_and_predictions_are_still_served(
    house: House,
) -> None:
    client = create_app(house.workspace).test_client()
    set_policy(house.workspace, gates={"confidense": 1})

    done = run_ghala("run", "--as-of", str(THIRD), "--workspace", str(house.workspace.root))
    assert done.returncode == 3
    assert "Did you mean 'confidence'" in done.stderr
    assert client.get(f"/api/v1/use-cases/{NAME}/predictions").status_code == 200


def test_a_registry_without_its_ledger_entry_decides_nothing(house: House) -> None:
    """Someone who sets an alias by hand in MLflow changes nothing that is served."""
    bring_to_uat(house)
    registry = Registry(house.workspace)
    registry.client.set_registered_model_alias(NAME.replace("/", "."), "production", "2")

    assert Ledger(house.workspace.ledger, actor="x").holder(NAME, Stage.PRODUCTION) == 1
    registry.mirror(house.ledger, NAME)
    aliases = registry.client.get_registered_model(NAME.replace("/", ".")).aliases
    assert str(aliases["production"]) == "1"

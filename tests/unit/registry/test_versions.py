from pathlib import Path

import pytest

from ghala.contracts.errors import ConfigurationError, Denied
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.ledger.book import Change, Ledger, Note
from ghala.registry.versions import Registry

from .conftest import DAY, make_record, make_workspace


@pytest.fixture
def registry(stored: Workspace) -> Registry:
    return Registry(stored)


def hold(
    ledger: Ledger, use_case: str, stage: Stage, *, version: int | None, was: int | None
) -> None:
    note = Note("transition", {"to": stage.value}, use_case, version, DAY)
    ledger.change_stages(use_case, [Change(stage, version, was)], note=note)


def aliases(registry: Registry, use_case: str) -> dict[str, int]:
    model = registry.client.get_registered_model(use_case.replace("/", "."))
    return {name: int(version) for name, version in model.aliases.items()}


def test_a_registered_version_is_fetched_whole_with_its_run(
    registry: Registry, tmp_path: Path
) -> None:
    name = "operations/whole"
    first = registry.register(name, make_record(tmp_path / "1", text="first"))
    second = registry.register(name, make_record(tmp_path / "2", text="second"))

    assert (first, second) == (1, 2)
    for version, text in ((1, "first"), (2, "second")):
        folder = registry.fetch(name, version)
        assert (folder / "sku_chain" / "model.txt").read_text(encoding="utf-8") == text
        assert (folder.parent / "plots" / "backtest.svg").is_file()
    run = registry.client.get_run(registry.run_of(name, 1))
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"wape": 0.25}
    assert run.data.tags["ghala.use_case"] == "operations/demand"
    assert registry.parameter(name, 1, "seed") == "7"


def test_a_version_of_which_a_file_was_changed_in_the_store_is_denied(
    registry: Registry, tmp_path: Path
) -> None:
    name = "operations/changed"
    registry.register(name, make_record(tmp_path / "1"))
    (registry.fetch(name, 1) / "sku_chain" / "model.txt").write_text("poison", encoding="utf-8")

    with pytest.raises(Denied, match="is not what the pipeline signed"):
        registry.fetch(name, 1)


def test_a_version_whose_files_are_gone_is_denied_and_one_that_never_was_is_told(
    registry: Registry, tmp_path: Path
) -> None:
    name = "operations/gone"
    registry.register(name, make_record(tmp_path / "1"))
    folder = registry.fetch(name, 1)
    folder.rename(folder.with_name("moved"))

    with pytest.raises(Denied):
        registry.fetch(name, 1)
    with pytest.raises(ConfigurationError, match="no version 9 of operations/gone") as refused:
        registry.fetch(name, 9)
    assert "ghala history" in refused.value.next_step


def test_mlflow_says_what_the_ledger_holds_also_after_someone_moved_an_alias(
    registry: Registry, tmp_path: Path
) -> None:
    name = "operations/mirrored"
    for number in ("1", "2"):
        registry.register(name, make_record(tmp_path / number))
    ledger = Ledger(tmp_path / "ledger.db", actor="amina")
    hold(ledger, name, Stage.PRODUCTION, version=1, was=None)
    hold(ledger, name, Stage.UAT, version=2, was=None)
    registry.mirror(ledger, name)
    assert aliases(registry, name) == {"production": 1, "uat": 2}

    registry.client.set_registered_model_alias("operations.mirrored", "production", "2")
    registry.mirror(ledger, name)
    assert aliases(registry, name) == {"production": 1, "uat": 2}

    hold(ledger, name, Stage.UAT, version=None, was=2)
    hold(ledger, name, Stage.PRODUCTION, version=2, was=1)
    registry.mirror(ledger, name)
    assert aliases(registry, name) == {"production": 2}
    ledger.engine.dispose()


def test_what_a_crash_left_behind_is_closed_and_what_is_recorded_is_left_alone(
    registry: Registry, tmp_path: Path
) -> None:
    name = "operations/crashed"
    for number in ("1", "2"):
        registry.register(name, make_record(tmp_path / number))
    experiment = registry.client.get_experiment_by_name(name).experiment_id
    stuck = registry.client.create_run(experiment).info.run_id
    ledger = Ledger(tmp_path / "ledger.db", actor="amina")
    ledger.append(Note("training", {}, name, 1, DAY))

    assert registry.reap(ledger, name) == 2

    assert registry.client.get_run(stuck).info.status == "KILLED"
    assert registry.client.get_run(registry.run_of(name, 1)).info.status == "FINISHED"
    tags = [registry.client.get_model_version("operations.crashed", n).tags for n in ("1", "2")]
    assert tags == [{}, {"ghala": "abandoned"}]
    ledger.engine.dispose()


def test_a_moved_workspace_reads_its_own_models_and_writes_new_ones_beside_them(
    tmp_path: Path,
) -> None:
    name = "operations/moved"
    old = make_workspace(tmp_path / "old")
    Registry(old).register(name, make_record(tmp_path / "1", text="first"))
    (tmp_path / "old").rename(tmp_path / "new")

    moved = Registry(Workspace(tmp_path / "new"))
    moved.register(name, make_record(tmp_path / "2", text="second"))

    for version, text in ((1, "first"), (2, "second")):
        folder = moved.fetch(name, version)
        assert folder.is_relative_to(tmp_path / "new")
        assert (folder / "sku_chain" / "model.txt").read_text(encoding="utf-8") == text
        run = moved.client.get_run(moved.run_of(name, version))
        assert str(tmp_path / "new") in run.info.artifact_uri
    assert not (tmp_path / "old").exists()

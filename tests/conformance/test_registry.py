"""Versions are kept, signed and fetched alike in folders and on a team's servers."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import create_engine, inspect

from ghala.contracts.errors import ConfigurationError, Denied, TryAgain
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.ledger.book import Change, Ledger, Note
from ghala.registry.signing import SIGNATURE
from ghala.registry.versions import Registry
from tests.servers import S3, team_of
from tests.unit.registry.conftest import DAY, make_record, make_workspace

Replace = Callable[[str, bytes], None]
MODEL = "model/sku_chain/model.txt"


@pytest.fixture(scope="module", params=["folders", "servers"])
def workspace(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    made = make_workspace(tmp_path_factory.mktemp("registry") / "duka")
    with ExitStack() as stack:
        if request.param == "servers":
            servers = [request.getfixturevalue(name) for name in ("postgres_server", "s3")]
            storage = stack.enter_context(team_of(*servers))
            with (made.root / "ghala.toml").open("a", encoding="utf-8") as settings:
                settings.write(
                    "\n[profiles.team.ledger]\ndsn_variable = 'GHALA_WAREHOUSE_DSN'\n"
                    f"[profiles.team.storage]\nurl = '{storage.url}'\n"
                    f"endpoint = '{storage.endpoint}'\n"
                )
        else:
            stack.enter_context(patch.dict(os.environ, {"GHALA_PROFILE": "embedded"}))
        yield Workspace(made.root)


@pytest.fixture
def registry(workspace: Workspace) -> Registry:
    return Registry(workspace)


def replace_artifact(registry: Registry, use_case: str, *, name: str, content: bytes) -> None:
    """Change what is kept, behind the registry's back, and forget any copy of it."""
    run = registry.run_of(use_case, 1)
    storage = registry.workspace.settings.place.storage
    if storage is None:
        (registry.workspace.artifacts / use_case / run / "artifacts" / name).write_bytes(content)
        return
    s3 = S3(
        storage.endpoint or "",
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
    )
    prefix = storage.artifacts.removeprefix(f"s3://{storage.bucket}/")
    key = f"{prefix}/{use_case}/{run}/artifacts/{name}"
    assert s3.client.head_object(Bucket=storage.bucket, Key=key)
    s3.client.put_object(Bucket=storage.bucket, Key=key, Body=content)


def test_a_registered_version_is_fetched_whole_with_its_run(
    registry: Registry, tmp_path: Path
) -> None:
    name = "operations/whole"
    first = registry.register(name, make_record(tmp_path / "1", text="first"))
    second = registry.register(name, make_record(tmp_path / "2", text="second"))

    assert (first, second) == (1, 2)
    for version, text in ((1, "first"), (2, "second"), (1, "first")):
        folder = registry.fetch(name, version)
        assert (folder / "sku_chain" / "model.txt").read_text(encoding="utf-8") == text
        assert (folder.parent / "plots" / "backtest.svg").is_file()
    run = registry.client.get_run(registry.run_of(name, 1))
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"wape": 0.25})
    assert run.info.artifact_uri.startswith("s3://" if registry.artifacts.are_shared else "/")
    assert registry.parameter(name, 1, "seed") == "7"


def test_a_version_that_was_changed_where_it_is_kept_is_denied(
    registry: Registry, tmp_path: Path
) -> None:
    name = "operations/changed"
    registry.register(name, make_record(tmp_path / "1"))
    registry.fetch(name, 1)
    replace_artifact(registry, name, name=MODEL, content=b"poison")

    with pytest.raises(Denied, match="is not what the pipeline signed"):
        registry.fetch(name, 1, afresh=True)


def test_a_copy_that_somebody_changed_is_copied_again(registry: Registry, tmp_path: Path) -> None:
    name = "operations/copied"
    registry.register(name, make_record(tmp_path / "1", text="signed"))
    copy = registry.fetch(name, 1) / "sku_chain" / "model.txt"
    copy.write_text("poison", encoding="utf-8")
    if not registry.artifacts.are_shared:  # it is no copy, and there is no other
        with pytest.raises(Denied):
            registry.fetch(name, 1)
        return

    assert registry.fetch(name, 1) == copy.parents[1]
    assert copy.read_text(encoding="utf-8") == "signed"


def test_a_version_without_its_signature_is_denied(registry: Registry, tmp_path: Path) -> None:
    name = "operations/unsigned"
    registry.register(name, make_record(tmp_path / "1"))
    replace_artifact(registry, name, name=SIGNATURE, content=b"{}")

    with pytest.raises(Denied):
        registry.fetch(name, 1)


def test_mlflow_says_what_the_ledger_holds(registry: Registry, tmp_path: Path) -> None:
    name = "operations/mirrored"
    for number in ("1", "2"):
        registry.register(name, make_record(tmp_path / number))
    stuck = registry.client.get_experiment_by_name(name).experiment_id
    registry.client.create_run(stuck)
    ledger = Ledger(registry.workspace.ledger, actor="amina")
    ledger.append(Note("training", {}, name, 1, DAY))
    note = Note("transition", {"to": "uat"}, name, 1, DAY)
    ledger.change_stages(name, [Change(Stage.UAT, 1, None)], note=note)

    registry.mirror(ledger, name)
    assert registry.reap(ledger, name) == 2, "one run still running, one version not recorded"
    ledger.engine.dispose()

    model = registry.client.get_registered_model("operations.mirrored")
    assert {stage: int(version) for stage, version in model.aliases.items()} == {"uat": 1}


def test_an_unknown_version_is_told(registry: Registry) -> None:
    with pytest.raises(ConfigurationError, match="no version 9 of operations/none"):
        registry.fetch("operations/none", 9)


def test_mlflow_and_the_ledger_share_a_database_and_no_table(workspace: Workspace) -> None:
    _ = Registry(workspace)
    if workspace.settings.place.ledger is None:
        assert (workspace.state / "mlflow.db").is_file()
        return
    engine = create_engine(workspace.tracking_uri)
    found = inspect(engine)
    assert {"experiments", "alembic_version"} <= set(found.get_table_names("mlflow"))
    assert "experiments" not in found.get_table_names("ledger")
    assert found.get_table_names("public") == []
    engine.dispose()


def test_a_version_already_fetched_is_served_while_the_bucket_does_not_answer(
    registry: Registry, tmp_path: Path
) -> None:
    name = "operations/offline"
    registry.register(name, make_record(tmp_path / "1"))
    registry.fetch(name, 1)
    if not registry.artifacts.are_shared:
        return
    settings = registry.workspace.root / "ghala.toml"
    down = re.sub(r"http://127.0.0.1:\d+", "http://127.0.0.1:9", settings.read_text("utf-8"))
    settings.write_text(down, encoding="utf-8")
    cut_off = Registry(Workspace(registry.workspace.root))

    assert cut_off.fetch(name, 1).is_dir()
    with pytest.raises(TryAgain, match="does not answer"):
        cut_off.fetch(name, 1, afresh=True)
    with pytest.raises(TryAgain, match="does not answer"):
        cut_off.register(name, make_record(tmp_path / "2"))

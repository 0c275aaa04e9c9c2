"""Landed files in a bucket, and what is said when the bucket does not answer."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.servers import S3

from ghala.contracts.errors import ConfigurationError, GhalaError, TryAgain
from ghala.contracts.settings import Company, Storage, Workspace
from ghala.warehouse.bucket import require_bucket
from ghala.warehouse.snapshots import (
    current_snapshot,
    find_snapshot,
    restore_snapshot,
    take_snapshot,
)
from ghala.warehouse.workspace import create_workspace


@pytest.fixture
def storage(s3: S3) -> Iterator[Storage]:
    """A folder of a bucket, and an environment that may use it."""
    with patch.dict(os.environ, {**s3.environment, "GHALA_PROFILE": "shared"}):
        yield s3.make_storage()


@pytest.fixture
def workspace(tmp_path: Path, storage: Storage) -> Workspace:
    company = Company(name="Duka", demo=True)
    made = create_workspace(
        tmp_path / "duka", company=company, sources=["company"], use_cases=["operations/demand"]
    )
    with (made.root / "ghala.toml").open("a", encoding="utf-8") as settings:
        settings.write(
            f"[profiles.shared.storage]\nurl = '{storage.url}'\nendpoint = '{storage.endpoint}'\n"
        )
    subprocess.run(["git", "commit", "-qam", "Share the landed files"], cwd=made.root, check=True)
    return Workspace(made.root)


def land(workspace: Workspace, name: str) -> None:
    file = workspace.landing / "shop" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"sku,units\n{name},7\n", encoding="utf-8")


def bytes_of(workspace: Workspace) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in workspace.landing.rglob("*.csv")}


def clone(workspace: Workspace, target: Path) -> Workspace:
    subprocess.run(["git", "clone", "-q", str(workspace.root), str(target)], check=True)
    for key, value in {"user.name": "Baraka", "user.email": "baraka@duka.invalid"}.items():
        subprocess.run(["git", "config", key, value], cwd=target, check=True)
    return Workspace(target)


def held(s3: S3, storage: Storage) -> list[str]:
    prefix = storage.url.removeprefix(f"s3://{storage.bucket}/")
    found = s3.client.list_objects_v2(Bucket=storage.bucket, Prefix=f"{prefix}/")
    return [one["Key"] for one in found.get("Contents", ())]


def refusal(storage: Storage) -> GhalaError:
    with pytest.raises(GhalaError) as refused:
        require_bucket(storage)
    assert refused.value.next_step
    return refused.value


def test_a_clone_gets_exactly_the_landed_bytes_out_of_the_bucket(
    workspace: Workspace, tmp_path: Path
) -> None:
    land(workspace, "sales_2024-01-01.csv")
    land(workspace, "sales_2024-01-02.csv")
    taken = take_snapshot(workspace, "Land")
    there = clone(workspace, tmp_path / "there")

    restore_snapshot(there, find_snapshot(there, taken.address[:8]))

    assert bytes_of(there) == bytes_of(workspace) != {}
    assert not (workspace.state / "dvc-remote").exists(), "the folder is not used any more"


def test_a_clone_that_lands_more_keeps_what_was_landed_elsewhere(
    workspace: Workspace, tmp_path: Path
) -> None:
    land(workspace, "sales_2024-01-01.csv")
    take_snapshot(workspace, "Land")
    there = clone(workspace, tmp_path / "there")

    land(there, "sales_2024-01-02.csv")
    assert take_snapshot(there, "Land more").files == 2

    assert bytes_of(there).keys() == {"sales_2024-01-01.csv", "sales_2024-01-02.csv"}
    assert bytes_of(there).items() > bytes_of(workspace).items()


def test_what_was_kept_in_a_folder_goes_to_the_bucket_with_the_next_snapshot(
    workspace: Workspace, s3: S3, *, storage: Storage, tmp_path: Path
) -> None:
    land(workspace, "sales_2024-01-01.csv")
    with patch.dict(os.environ, {"GHALA_PROFILE": "embedded"}):
        first = take_snapshot(workspace, "Land on one machine")
    assert held(s3, storage) == []

    assert take_snapshot(workspace, "Share it").address == first.address
    there = clone(workspace, tmp_path / "there")
    restore_snapshot(there, find_snapshot(there, first.address))

    assert bytes_of(there) == bytes_of(workspace)


def test_a_landed_file_that_the_bucket_has_lost_is_told_and_nothing_is_recorded(
    workspace: Workspace, s3: S3, *, storage: Storage, tmp_path: Path
) -> None:
    land(workspace, "sales_2024-01-01.csv")
    taken = take_snapshot(workspace, "Land")
    there = clone(workspace, tmp_path / "there")
    for key in held(s3, storage):
        if not key.endswith(".dir"):
            s3.client.delete_object(Bucket=storage.bucket, Key=key)

    with pytest.raises(TryAgain, match="files failed to download") as told:
        restore_snapshot(there, find_snapshot(there, taken.address))
    assert storage.landed in told.value.message
    assert there.commit() == workspace.commit()


def test_no_credentials_are_in_any_file(workspace: Workspace, s3: S3) -> None:
    land(workspace, "sales_2024-01-01.csv")
    take_snapshot(workspace, "Land")

    files = [file for file in workspace.root.rglob("*") if file.is_file()]
    telling = [file for file in files if s3.secret.encode() in file.read_bytes()]
    assert telling == []
    assert files


def test_a_snapshot_without_a_bucket_to_go_to_changes_nothing(workspace: Workspace) -> None:
    land(workspace, "sales_2024-01-01.csv")
    before = workspace.commit()

    with (
        patch.dict(os.environ, {"AWS_SECRET_ACCESS_KEY": "wrong"}),
        pytest.raises(ConfigurationError, match="refuses the credentials"),
    ):
        take_snapshot(workspace, "Land")

    assert current_snapshot(workspace).address == "none"
    assert workspace.commit() == before


def test_a_bucket_that_is_not_there_is_named(storage: Storage) -> None:
    error = refusal(Storage(url="s3://nobodys-bucket", endpoint=storage.endpoint))

    assert isinstance(error, ConfigurationError)
    assert "nobodys-bucket" in error.message


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_credentials_that_are_wrong_are_refused_and_not_shown(
    storage: Storage, variable: str
) -> None:
    with patch.dict(os.environ, {variable: "n0tth1s"}):
        error = refusal(storage)

    assert isinstance(error, ConfigurationError)
    assert "refuses the credentials" in error.message
    assert "n0tth1s" not in error.message + error.next_step


def test_missing_credentials_are_asked_for(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    error = refusal(storage)

    assert isinstance(error, ConfigurationError)
    assert "AWS_ACCESS_KEY_ID" in error.next_step


def test_a_server_that_does_not_answer_can_be_tried_again(storage: Storage) -> None:
    error = refusal(Storage(url=storage.url, endpoint="http://127.0.0.1:9"))

    assert isinstance(error, TryAgain)
    assert "http://127.0.0.1:9" in error.message

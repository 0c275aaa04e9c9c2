import random
import shutil
import subprocess
from pathlib import Path

import pytest

from ghala.contracts.errors import DataRejected, UsageError
from ghala.contracts.settings import Company, Workspace
from ghala.warehouse.manifest import digest
from ghala.warehouse.snapshots import (
    Snapshot,
    current_snapshot,
    find_snapshot,
    is_current,
    list_snapshots,
    restore_snapshot,
    take_snapshot,
)
from ghala.warehouse.workspace import create_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    company = Company(name="Duka", demo=True)
    return create_workspace(
        tmp_path / "duka", company=company, sources=["company"], use_cases=["operations/demand"]
    )


def land(workspace: Workspace, name: str, content: str = "sku\n00123\n") -> Path:
    file = workspace.landing / "shop" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return file


def take(workspace: Workspace, *days: int, message: str = "Land") -> Snapshot:
    for day in days:
        land(workspace, f"sales_2024-01-{day:02d}.csv", f"units\n{day}\n")
    return take_snapshot(workspace, message)


def bytes_of(workspace: Workspace) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in workspace.landing.rglob("*.csv")}


def restore(workspace: Workspace, name: str, **loaded: str) -> Snapshot:
    return restore_snapshot(workspace, find_snapshot(workspace, name), loaded=loaded)


def dirty(workspace: Workspace) -> str:
    return subprocess.run(
        ["git", "status", "--porcelain"], cwd=workspace.root, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip


def flip(file: Path, position: int, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[position % len(content)] ^= 1 << bit
    file.write_bytes(content)


def test_a_snapshot_commits_the_digest_of_every_landed_file(workspace: Workspace) -> None:
    taken = take(workspace, 1, 2)

    file = workspace.landing / "shop" / "sales_2024-01-02.csv"
    manifest = (workspace.root / "landing.sha256").read_text(encoding="utf-8").splitlines()
    assert manifest[1] == f"{digest(file)}  shop/sales_2024-01-02.csv"
    assert (taken.files, len(manifest)) == (2, 2)
    assert is_current(workspace)
    assert dirty(workspace) == ""


def test_snapshots_are_listed_newest_first_with_their_commit(workspace: Workspace) -> None:
    assert list_snapshots(workspace) == []
    first, second = take(workspace, 1, message="Day one"), take(workspace, 2, message="Day two")

    newest, oldest = list_snapshots(workspace)

    assert (newest.address, newest.files, newest.message) == (second.address, 2, "Day two")
    assert (oldest.address, oldest.commit) == (first.address, first.commit)
    assert take_snapshot(workspace, "Nothing new") == second


@pytest.mark.parametrize("by", ["address", "commit"])
def test_a_restored_snapshot_holds_exactly_its_bytes_and_the_newer_one_can_come_back(
    workspace: Workspace, by: str
) -> None:
    first = take(workspace, 1, 2)
    held = bytes_of(workspace)
    second = take(workspace, 3)
    newer = bytes_of(workspace)

    restored = restore(workspace, getattr(first, by)[:10])

    assert (restored.address, restored.files) == (first.address, 2)
    assert bytes_of(workspace) == held
    assert is_current(workspace)
    assert dirty(workspace) == ""
    assert restore(workspace, second.address).address == second.address
    assert bytes_of(workspace) == newer


def test_restore_fetches_from_the_remote_what_the_cache_lost(workspace: Workspace) -> None:
    first = take(workspace, 1)
    held = bytes_of(workspace)
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    shutil.rmtree(workspace.landing / "shop")

    assert restore(workspace, first.address) == current_snapshot(workspace)
    assert bytes_of(workspace) == held


def test_a_landed_file_that_no_snapshot_holds_is_never_lost_to_a_restore(
    workspace: Workspace,
) -> None:
    first = take(workspace, 1)
    take(workspace, 2)
    land(workspace, "sales_2024-01-03.csv")
    before = bytes_of(workspace)

    with pytest.raises(DataRejected, match=r"sales_2024-01-03\.csv") as refused:
        restore(workspace, first.address)

    assert "ghala snapshot" in refused.value.next_step
    assert bytes_of(workspace) == before


@pytest.mark.parametrize("name", ["", "zzz", "0123456789abcdef"])
def test_an_unknown_snapshot_is_told(workspace: Workspace, name: str) -> None:
    take(workspace, 1)
    with pytest.raises(UsageError, match="snapshots begin with") as refused:
        restore(workspace, name)
    assert "ghala snapshot list" in refused.value.next_step


def test_a_landed_file_that_was_changed_is_named_and_nothing_is_recorded(
    workspace: Workspace,
) -> None:
    first = take(workspace, 1, 2)
    land(workspace, "sales_2024-01-01.csv", "units\n999\n")
    land(workspace, "sales_2024-01-03.csv")

    with pytest.raises(DataRejected, match=r"shop/sales_2024-01-01\.csv is not what was landed"):
        take_snapshot(workspace, "Land")

    assert current_snapshot(workspace) == first
    assert dirty(workspace) == ""


def test_a_bit_flipped_anywhere_in_a_landed_file_before_its_snapshot_is_named(
    workspace: Workspace,
) -> None:
    file = land(workspace, "sales_2024-01-01.csv", "units\n" + "1234\n" * 100)
    loaded = {"shop/sales_2024-01-01.csv": digest(file)}
    draw = random.Random(20_240_101)  # noqa: S311 - places, not secrets
    for _ in range(100):
        position, bit = draw.randrange(file.stat().st_size), draw.randrange(8)
        flip(file, position, bit)
        with pytest.raises(DataRejected, match=r"sales_2024-01-01\.csv is not what was landed"):
            take_snapshot(workspace, "Land", loaded=loaded)
        flip(file, position, bit)
    assert current_snapshot(workspace).address == "none"
    assert take_snapshot(workspace, "Land", loaded=loaded).files == 1


def test_a_restored_file_with_a_flipped_bit_is_named_removed_and_can_be_fetched_again(
    workspace: Workspace,
) -> None:
    first = take(workspace, 1)
    held = bytes_of(workspace)
    take(workspace, 2)
    for cached in (workspace.root / ".dvc" / "cache").rglob("*"):
        if cached.is_file() and cached.read_bytes() == held["sales_2024-01-01.csv"]:
            cached.chmod(0o644)
            flip(cached, 7, 1)
            cached.chmod(0o444)  # by this DVC believes that nobody wrote to it
    shutil.rmtree(workspace.root / ".dvc" / "tmp", ignore_errors=True)
    (workspace.landing / "shop" / "sales_2024-01-01.csv").unlink()

    with pytest.raises(DataRejected, match=r"sales_2024-01-01\.csv came back with another"):
        restore(workspace, first.address)
    assert not (workspace.landing / "shop" / "sales_2024-01-01.csv").exists()

    shutil.rmtree(workspace.root / ".dvc" / "cache")
    restore(workspace, first.address)
    assert bytes_of(workspace) == held


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_a_pointer_that_a_crash_cut_short_is_mended(workspace: Workspace, share: float) -> None:
    def cut() -> None:
        pointer = workspace.root / "landing.dvc"
        text = pointer.read_text(encoding="utf-8")
        pointer.write_text(text[: int(len(text) * share)], encoding="utf-8")

    first = take(workspace, 1)
    cut()
    assert current_snapshot(workspace) == first
    second = take(workspace, 2)
    assert [one.files for one in list_snapshots(workspace)] == [2, 1]
    cut()
    assert restore(workspace, first.address).address == first.address
    assert restore(workspace, second.address).address == second.address
    assert dirty(workspace) == ""


def test_a_file_that_was_loaded_with_another_digest_is_not_restored(workspace: Workspace) -> None:
    first = take(workspace, 1)
    with pytest.raises(DataRejected, match="came back with another SHA-256"):
        restore(workspace, first.address, **{"shop/sales_2024-01-01.csv": "0" * 64})


def test_a_landed_file_that_is_gone_comes_back_and_the_new_one_is_recorded(
    workspace: Workspace,
) -> None:
    take(workspace, 1, 2)
    before = bytes_of(workspace)
    (workspace.landing / "shop" / "sales_2024-01-01.csv").unlink()
    land(workspace, "sales_2024-01-03.csv", "units\n3\n")
    assert not is_current(workspace)

    assert take_snapshot(workspace, "Land").files == 3

    assert bytes_of(workspace) == before | {"sales_2024-01-03.csv": b"units\n3\n"}


def test_a_snapshot_commits_nothing_that_someone_is_working_on(workspace: Workspace) -> None:
    readme = workspace.root / "README.md"
    readme.write_text("half a sentence", encoding="utf-8")
    (workspace.root / "notes.txt").write_text("mine", encoding="utf-8")

    take(workspace, 1)

    assert dirty(workspace).splitlines() == [" M README.md", "?? notes.txt"]

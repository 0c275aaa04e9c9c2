"""Snapshots survive a pointer that a crash cut short."""

from datetime import date

import pytest

from ghala.contracts.settings import Workspace
from ghala.warehouse.snapshots import current_snapshot, is_current, take_snapshot

from .duka import open_shop


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = open_shop(tmp_path_factory.mktemp("snapshots") / "duka")
    landed = made.landing / "duka" / f"sales_{date(2026, 3, 2)}.csv"
    landed.parent.mkdir(parents=True)
    landed.write_text("receipt\nr1\n", encoding="utf-8")
    return made


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.6, 0.9])
def test_a_pointer_that_was_cut_short_is_written_again(workspace: Workspace, kept: float) -> None:
    whole = take_snapshot(workspace, "Land")
    pointer = workspace.root / "landing.dvc"
    text = pointer.read_text(encoding="utf-8")
    pointer.write_text(text[: int(len(text) * kept)], encoding="utf-8")

    assert not is_current(workspace)
    assert take_snapshot(workspace, "Land again").address == whole.address
    assert is_current(workspace)
    assert pointer.read_text(encoding="utf-8") == text
    assert current_snapshot(workspace).files == 1

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ghala.contracts.errors import Denied
from ghala.contracts.settings import Workspace
from ghala.registry.signing import sign, verify

from .conftest import make_keys, make_record


@pytest.fixture
def signed(workspace: Workspace, tmp_path: Path) -> tuple[Path, Path]:
    model, signature = make_record(tmp_path / "run").model, tmp_path / "run" / "model.sig"
    sign(workspace, model, signature)
    return model, signature


def change(model: Path) -> None:
    (model / "sku_chain" / "model.txt").write_text("weighty", encoding="utf-8")


def flip_a_bit(model: Path) -> None:
    file = model / "reference.parquet"
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])


def add(model: Path) -> None:
    (model / "sku_chain" / "more.txt").write_text("more", encoding="utf-8")


def add_hidden(model: Path) -> None:
    (model / ".hidden").write_text("more", encoding="utf-8")


def add_what_git_would_own(model: Path) -> None:
    (model / ".git").mkdir()
    (model / ".git" / "model.json").write_text("{}", encoding="utf-8")


def add_a_file_for_git(model: Path) -> None:
    (model / ".gitignore").write_text("*", encoding="utf-8")


def remove(model: Path) -> None:
    (model / "reference.parquet").unlink()


def rename(model: Path) -> None:
    (model / "reference.parquet").rename(model / "reference.pkl")


def swap_for_link(model: Path) -> None:
    (model / "reference.parquet").rename(model.parent / "elsewhere")
    (model / "reference.parquet").symlink_to(model.parent / "elsewhere")


def remove_all(model: Path) -> None:
    shutil.rmtree(model)


def test_a_model_that_is_as_it_was_signed_is_accepted_wherever_it_lies(
    workspace: Workspace, signed: tuple[Path, Path], tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(signed[0], tmp_path / "copy"))
    for model in (signed[0], copied):
        refused = None
        try:
            verify(workspace, model, signed[1])
        except Denied as error:
            refused = error
        assert refused is None, model


@pytest.mark.parametrize(
    "tamper",
    [
        change,
        flip_a_bit,
        add,
        add_hidden,
        add_what_git_would_own,
        add_a_file_for_git,
        remove,
        rename,
        swap_for_link,
        remove_all,
    ],
    ids=lambda tamper: tamper.__name__,
)
def test_a_model_of_which_a_file_was_touched_is_denied(
    workspace: Workspace, signed: tuple[Path, Path], tamper: Callable[[Path], None]
) -> None:
    tamper(signed[0])

    with pytest.raises(Denied, match="is not what the pipeline signed") as denied:
        verify(workspace, *signed)
    assert denied.value.exit_code == 5
    assert "Roll back" in denied.value.next_step


def test_a_model_that_another_key_signed_is_denied(
    workspace: Workspace, signed: tuple[Path, Path], tmp_path: Path
) -> None:
    stranger = Workspace(tmp_path / "stranger")
    make_keys(stranger.keys)
    sign(stranger, *signed)

    with pytest.raises(Denied):
        verify(workspace, *signed)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"not a signature"])
def test_a_model_without_a_whole_signature_is_denied(
    workspace: Workspace, signed: tuple[Path, Path], content: bytes | None
) -> None:
    signed[1].unlink()
    if content is not None:
        signed[1].write_bytes(content)

    with pytest.raises(Denied):
        verify(workspace, *signed)


def test_a_signature_of_another_model_is_denied(
    workspace: Workspace, signed: tuple[Path, Path], tmp_path: Path
) -> None:
    other = make_record(tmp_path / "other", text="other weights").model
    sign(workspace, other, tmp_path / "other.sig")

    with pytest.raises(Denied):
        verify(workspace, signed[0], tmp_path / "other.sig")

"""A new use case is written whole, under a name that can be used, or not at all."""

import tomllib
from pathlib import Path

import pytest

from ghala.contracts.discovery import use_cases
from ghala.contracts.errors import ConfigurationError, UsageError
from ghala.contracts.settings import Workspace
from ghala.warehouse.scaffolding import TEMPLATE, create_use_case

KINDS = sorted(folder.name for folder in (TEMPLATE / "kinds").iterdir())
NAME = "operations/returns"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "ghala.toml").write_text(
        'sources = ["company"]\n# Models to run:\nuse_cases = [\n    "operations/demand",\n]\n'
        '[company]\nname = "Duka"\n[people.zawadi]\nroles = ["operations_approver"]\n',
        encoding="utf-8",
    )
    return Workspace(tmp_path)


def create(workspace: Workspace, name: str = NAME, kind: str = "score") -> dict[str, object]:
    return create_use_case(workspace, name, kind=kind, owner="")


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_use_case_is_found_with_a_valid_policy_and_is_named_in_the_settings(
    workspace: Workspace, kind: str
) -> None:
    said = create(workspace, kind=kind)

    found = use_cases(Workspace(workspace.root))[NAME]
    assert said["next"] == "ghala run"
    assert type(found).__name__ == "Returns"
    assert found.policy.owner == "Operations"
    assert found.policy.approval.role == "operations_approver"
    assert len((found.folder / "use_case.py").read_text(encoding="utf-8").splitlines()) <= 40
    text = (workspace.root / "ghala.toml").read_text(encoding="utf-8")
    assert "# Models to run:" in text
    assert tomllib.loads(text)["use_cases"] == ["operations/demand", NAME]


@pytest.mark.parametrize(
    "listed",
    [
        '[\n    "operations/demand"  # the forecast, weekly [see the wiki]\n]',
        '[\n    "operations/demand",  # the forecast, weekly\n    # more to come\n]',
        "['operations/demand']",
        '["operations/demand",] # all',
    ],
)
def test_the_comments_of_the_list_stay_comments(workspace: Workspace, listed: str) -> None:
    file = workspace.root / "ghala.toml"
    old = '[\n    "operations/demand",\n]'
    file.write_text(file.read_text(encoding="utf-8").replace(old, listed), encoding="utf-8")

    create(Workspace(workspace.root))

    text = file.read_text(encoding="utf-8")
    assert tomllib.loads(text)["use_cases"] == ["operations/demand", NAME]
    assert all(line.partition("#")[2] in text for line in listed.splitlines())


def test_settings_that_cannot_be_written_leave_no_folder(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (workspace.root / "ghala.toml").read_bytes()
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target.name == "ghala.toml":
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        create(workspace)

    assert not (workspace.root / "use_cases" / NAME).exists()
    assert (workspace.root / "ghala.toml").read_bytes() == before


def test_a_role_that_nobody_holds_is_named(workspace: Workspace) -> None:
    assert "finance_approver" in str(create(workspace, "finance/refunds")["next"])


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("returns", "score", "cannot be the name"),
        ("Operations/returns", "score", "cannot be the name"),
        ("operations/../returns", "score", "cannot be the name"),
        ("operations/re-turns", "score", "cannot be the name"),
        (NAME, "scor", "Did you mean 'score'"),
        ("operations/demand", "score", "The pack retail brings"),
    ],
)
def test_a_name_or_a_kind_that_cannot_be_used_is_refused_and_nothing_is_written(
    workspace: Workspace, *, name: str, kind: str, words: str
) -> None:
    before = (workspace.root / "ghala.toml").read_bytes()

    with pytest.raises(UsageError, match=words) as refused:
        create(workspace, name, kind)

    assert refused.value.next_step
    assert [file.name for file in workspace.root.iterdir()] == ["ghala.toml"]
    assert (workspace.root / "ghala.toml").read_bytes() == before


def test_a_folder_that_is_there_is_left_as_it_is(workspace: Workspace) -> None:
    create(workspace)
    mine = workspace.root / "use_cases" / NAME / "use_case.py"
    mine.write_text("mine", encoding="utf-8")

    with pytest.raises(UsageError, match="is there already"):
        create(workspace)
    assert mine.read_text(encoding="utf-8") == "mine"

import os
import stat
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml
from tests.conftest import run_ghala

from ghala.contracts.errors import ConfigurationError
from ghala.contracts.settings import Settings, Workspace
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.publish import publish
from ghala.warehouse.snapshots import take_snapshot
from ghala.warehouse.workspace import (
    DEMO_APPROVER,
    DEMO_SCIENTIST,
    create_workspace,
    read_company,
    read_storage,
)

AWKWARD = 'Duka "Kubwa" \\ Söhne 🛒 {{ 7 * 7 }} {% raw %} \x7f'


@pytest.fixture(autouse=True)
def _git_knows_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.delenv("GHALA_WORKSPACE", raising=False)


@pytest.fixture
def amina(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    config = tmp_path / "gitconfig"
    config.write_text('[user]\n\tname = Amina\n\temail = "amina@shop.example"\n', encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return "Amina"


def make(path: Path, *, name: str = "Duka", currency: str = "KES", demo: bool = False) -> Workspace:
    company = read_company(name, currency=currency, timezone="Africa/Nairobi")
    return create_workspace(
        path,
        company=company.model_copy(update={"demo": demo}),
        sources=["completejourney"],
        use_cases=["operations/demand", "marketing/targeting"],
    )


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()
    }


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("amina")
def test_a_new_workspace_is_one_clean_commit_by_the_one_who_made_it(tmp_path: Path) -> None:
    root = make(tmp_path / "shop").root

    assert git(root, "log", "--format=%an") == "Amina"
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "branch", "--show-current") == "main"
    tracked = set(git(root, "ls-files").splitlines())
    assert {
        "ghala.toml",
        ".gitignore",
        "README.md",
        ".github/CODEOWNERS",
        ".github/pull_request_template.md",
        ".github/workflows/check-in.yml",
        ".github/workflows/pipeline.yml",
        ".pre-commit-config.yaml",
        "requirements.txt",
        "sources/README.md",
        "use_cases/README.md",
        "policies/README.md",
        "notebooks/demand.py",
        "keys/pipeline.pub",
        ".dvc/config",
    } <= tracked
    assert not [name for name in tracked if name.startswith((".ghala/", "inbox/", "published/"))]
    assert not [name for name in tracked if name.endswith((".pem", ".pyc"))]


@pytest.mark.usefixtures("amina")
def test_no_file_of_a_new_workspace_still_shows_the_template(tmp_path: Path) -> None:
    root = make(tmp_path / "shop").root

    for name in git(root, "ls-files").splitlines():
        text = (root / name).read_text(encoding="utf-8")
        assert "cookiecutter" not in name + text, name
        assert "{%" not in text, name
        assert str(tmp_path) not in text, name


@pytest.mark.usefixtures("amina")
def test_landed_files_are_kept_by_dvc_inside_the_workspace_after_it_has_moved(
    tmp_path: Path,
) -> None:
    workspace = make(tmp_path / "shop")
    (workspace.landing / "orders.csv").write_text("id\n1\n", encoding="utf-8")

    snapshot = take_snapshot(workspace, "Land orders")

    assert snapshot.files == 1
    kept = [file for file in (workspace.state / "dvc-remote").rglob("*") if file.is_file()]
    assert kept
    assert git(workspace.root, "status", "--porcelain") == ""


@pytest.mark.usefixtures("amina")
def test_the_private_key_is_closed_to_others_and_matches_the_public_one(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    workspace = make(tmp_path / "shop")
    private, public = workspace.keys / "pipeline.pem", workspace.keys / "pipeline.pub"

    assert stat.S_IMODE(workspace.keys.stat().st_mode) == 0o700
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert (workspace.root / "keys" / "pipeline.pub").read_bytes() == public.read_bytes()
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    assert public.read_bytes() == key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    other = make(tmp_path / "other")
    assert (other.keys / "pipeline.pem").read_bytes() != private.read_bytes()


@pytest.mark.usefixtures("amina")
def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    root = make(tmp_path / "shop").root
    (root / "README.md").write_text("Ours now.\n", encoding="utf-8")
    before = contents(root)

    again = make(tmp_path / "shop", name="Another")

    assert again.root == root
    assert contents(root) == before


@pytest.mark.usefixtures("amina")
def test_any_company_name_survives(tmp_path: Path) -> None:
    workspace = make(tmp_path / "shop", name=AWKWARD)

    content = tomllib.loads((workspace.root / "ghala.toml").read_text(encoding="utf-8"))
    settings = Settings.model_validate(content)
    assert settings.company.name == AWKWARD
    assert settings.use_cases == ("operations/demand", "marketing/targeting")
    assert AWKWARD in (workspace.root / "README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("amina")
def test_the_settings_name_the_maker_as_data_scientist_and_someone_else_as_approver(
    tmp_path: Path,
) -> None:
    people = make(tmp_path / "shop").settings.people

    assert people["Amina"].roles == ("data_scientist",)
    approvers = [who for who, person in people.items() if "operations_approver" in person.roles]
    assert len(approvers) == 1
    assert approvers != ["Amina"]


def test_a_teams_workspace_says_where_its_things_are_and_holds_no_secret(
    tmp_path: Path, amina: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GHALA_PROFILE", raising=False)
    storage = read_storage("s3://duka-warehouse/ghala/", "http://s3.duka.example:8333")
    company = read_company("Duka", currency="KES", timezone="Africa/Nairobi")
    made = create_workspace(
        tmp_path / "duka", company=company, sources=["completejourney"],
        use_cases=["operations/demand"], storage=storage,
    )  # fmt: skip

    assert made.settings.place.storage == storage
    assert made.settings.place.warehouse.engine == "postgres"
    assert made.settings.place.ledger.dsn_variable == "GHALA_WAREHOUSE_DSN"
    for name in ("pipeline", "promote", "monitor"):
        flow = yaml.safe_load((made.root / f".github/workflows/{name}.yml").read_text("utf-8"))
        for job in flow["jobs"].values():
            assert job["env"]["GHALA_WAREHOUSE_DSN"] == "${{ secrets.GHALA_WAREHOUSE_DSN }}"
    check_in = yaml.safe_load((made.root / ".github/workflows/check-in.yml").read_text("utf-8"))
    assert check_in["jobs"]["check-in"]["env"]["GHALA_PROFILE"] == "embedded"


@pytest.mark.parametrize("url", ["duka-warehouse", "s3://", "s3://Duka/x", "s3://a:b@duka/x"])
def test_what_is_no_bucket_is_refused_before_anything_is_made(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_storage(url)
    assert "s3://BUCKET/FOLDER" in refused.value.next_step


def test_an_endpoint_without_storage_is_refused(tmp_path: Path) -> None:
    done = run_ghala("init", str(tmp_path / "duka"), "--endpoint", "https://s3.duka.example")

    assert done.returncode == 2
    assert "--storage s3://" in done.stderr
    assert not (tmp_path / "duka").exists()


def test_without_a_git_identity_nothing_is_made_and_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"user\.name") as refusal:
        make(tmp_path / "shop")

    assert refusal.value.exit_code == 3
    assert "git config --global user.name" in refusal.value.next_step
    assert [entry.name for entry in tmp_path.iterdir()] == ["home"]


def test_a_demo_needs_no_git_identity_and_has_two_people(tmp_path: Path) -> None:
    workspace = make(tmp_path / "shop", demo=True)

    assert git(workspace.root, "log", "--format=%an") == "ghala demo"
    assert workspace.settings.company.demo is True
    assert set(workspace.settings.people) == {DEMO_SCIENTIST, DEMO_APPROVER}


@pytest.mark.usefixtures("amina")
def test_a_demo_leaves_a_known_git_identity_alone(tmp_path: Path) -> None:
    assert git(make(tmp_path / "shop", demo=True).root, "log", "--format=%an") == "Amina"


@pytest.mark.usefixtures("amina")
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"thesis\.tex") as refusal:
        make(folder)

    assert "empty or not there yet" in refusal.value.next_step
    assert contents(folder) == {"thesis.tex": b"years of work"}


@pytest.mark.usefixtures("amina")
def test_a_file_and_the_inside_of_another_workspace_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is a file"):
        make(tmp_path / "notes")

    root = make(tmp_path / "shop").root
    with pytest.raises(ConfigurationError, match="inside the workspace"):
        make(root / "second")


@pytest.mark.usefixtures("amina")
def test_a_place_that_cannot_be_written_is_refused_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "parent").write_text("not a folder", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="cannot be written") as refusal:
        make(tmp_path / "parent" / "shop")

    assert refusal.value.exit_code == 3
    assert "may write to" in refusal.value.next_step


@pytest.mark.usefixtures("amina")
def test_a_wrong_value_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="currency"):
        make(tmp_path / "shop", currency="shillings")

    assert not (tmp_path / "shop").exists()


@pytest.mark.usefixtures("amina")
def test_an_empty_folder_that_someone_stands_in_becomes_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)

    make(Path())

    # Where the shell stands is still the folder of that name, not a deleted one.
    assert Path("ghala.toml").is_file()
    assert git(Path(), "status", "--porcelain") == ""


@pytest.mark.usefixtures("amina")
def test_nothing_is_written_to_the_home_folder_by_the_template_engine(tmp_path: Path) -> None:
    make(tmp_path / "shop")

    assert not [entry for entry in (tmp_path / "home").rglob("*") if "cookiecutter" in entry.name]


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize("moment", ["_render", "_make_keys", "start_versioning", "_move"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_killed_call_leaves_all_or_nothing_and_the_next_one_succeeds(
    tmp_path: Path, moment: str, done: bool
) -> None:
    root = tmp_path / "shops" / "shop [1]"
    script = f"""
import os, signal
from pathlib import Path
from ghala.warehouse import workspace

real = workspace.{moment}

def killed(*arguments, **options):
    if {done}:
        real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

workspace.{moment} = killed
workspace.create_workspace(
    Path({str(root)!r}),
    company=workspace.read_company("Duka", currency="KES", timezone="Africa/Nairobi"),
    sources=["completejourney"], use_cases=["operations/demand"],
)
"""
    killed = run(tmp_path, "-c", script)
    assert killed.returncode == -9, killed.stderr
    assert root.exists() is (moment == "_move" and done)

    workspace = make(root)

    assert git(workspace.root, "log", "--format=%s") == "Start the workspace"
    assert git(workspace.root, "status", "--porcelain") == ""
    assert [entry.name for entry in root.parent.iterdir()] == [root.name]


@pytest.mark.usefixtures("amina")
def test_the_notebook_says_so_when_nothing_is_published(tmp_path: Path) -> None:
    root = make(tmp_path / "shop").root

    shown = run(root, "notebooks/demand.py")

    assert shown.returncode == 0, shown.stderr
    assert "Nothing is published yet" in shown.stdout


@pytest.mark.usefixtures("amina")
def test_the_notebook_shows_the_accuracy_per_week_of_the_published_build(tmp_path: Path) -> None:
    workspace = make(tmp_path / "shop")
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        warehouse.execute("CREATE SCHEMA marts_operations")
        warehouse.execute(
            "CREATE TABLE marts_operations.demand_accuracy AS"
            " SELECT 'sku_chain' AS grain, DATE '2017-06-05' AS target_week, 'champion' AS role,"
            " horizon, units, wape, 0.5 AS wape_smart_mean, 0.01 AS bias"
            " FROM (VALUES (1, 300, 0.20), (2, 100, 0.40)) AS t(horizon, units, wape)"
        )
        publish(workspace, warehouse, as_of=date(2017, 6, 12))

    shown = run(workspace.root, "notebooks/demand.py")

    assert shown.returncode == 0, shown.stderr
    assert "2017-06-05" in shown.stdout
    assert "0.25" in shown.stdout  # (300 × 0.20 + 100 × 0.40) / 400


@pytest.mark.usefixtures("amina")
def test_a_new_workspace_passes_its_own_lint(tmp_path: Path) -> None:
    root = make(tmp_path / "shop").root

    for arguments in (["check", "."], ["format", "--check", "."]):
        done = run(root, "-m", "ruff", *arguments)
        assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("amina")
def test_the_workspaces_own_tests_fail_when_the_settings_name_a_missing_source(
    tmp_path: Path,
) -> None:
    root = make(tmp_path / "shop").root
    only_sources = ["-m", "pytest", "-q", "-k", "source"]
    assert run(root, *only_sources).returncode == 0

    settings = root / "ghala.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('"completejourney"', '"till"'), encoding="utf-8")

    failed = run(root, *only_sources)
    assert failed.returncode == 1
    assert "which is nowhere" in failed.stdout


@pytest.mark.usefixtures("amina")
def test_the_hooks_and_check_in_use_the_same_versions(tmp_path: Path) -> None:
    root = make(tmp_path / "shop").root
    hooks = yaml.safe_load((root / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    pinned = {
        requirement
        for repository in hooks["repos"]
        for hook in repository["hooks"]
        for requirement in hook.get("additional_dependencies", [])
    }

    assert pinned
    assert pinned <= set((root / "requirements-check.txt").read_text(encoding="utf-8").split())

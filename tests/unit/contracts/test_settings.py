from pathlib import Path

import pytest
from sqlalchemy import make_url

from ghala.contracts.address import database_url
from ghala.contracts.errors import ConfigurationError
from ghala.contracts.settings import Engine, Workspace, find_workspace
from ghala.training.reproduce import Rebuilt

from .conftest import SETTINGS


def refusal(root: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refused:
        _ = Workspace(root).settings
    assert refused.value.exit_code == 3
    assert refused.value.next_step
    return refused.value


def test_a_workspace_is_found_from_any_folder_below_it(workspace: Workspace) -> None:
    below = workspace.root / "use_cases" / "finance"

    assert find_workspace(below).root == workspace.root


def test_a_workspace_is_found_from_where_one_stands(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GHALA_WORKSPACE", raising=False)
    monkeypatch.chdir(workspace.root / "use_cases")

    assert find_workspace().root == workspace.root


def test_the_environment_can_name_the_workspace(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GHALA_WORKSPACE", str(workspace.root))

    assert find_workspace().root == workspace.root


def test_outside_of_a_workspace_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not in a ghala workspace") as refused:
        find_workspace(tmp_path)

    assert refused.value.exit_code == 3
    assert "ghala init" in refused.value.next_step
    assert "--workspace" in refused.value.next_step


def test_settings_have_a_zone_a_currency_and_people(workspace: Workspace) -> None:
    settings = workspace.settings

    assert settings.company.currency == "KES"
    assert str(workspace.zone) == "Africa/Nairobi"
    assert settings.people == {}


def test_what_is_not_toml_is_refused_with_its_place(workspace: Workspace) -> None:
    (workspace.root / "ghala.toml").write_text('[company\nname = "Duka"\n', encoding="utf-8")

    said = refusal(workspace.root).message
    assert "ghala.toml is not TOML" in said
    assert "line 1" in said


def test_settings_that_are_no_text_are_refused(workspace: Workspace) -> None:
    (workspace.root / "ghala.toml").write_bytes(b'[company]\nname = "\xff"\n')

    assert "is not TOML" in refusal(workspace.root).message


def test_an_unknown_time_zone_is_refused_with_the_nearest(workspace: Workspace) -> None:
    (workspace.root / "ghala.toml").write_text(
        SETTINGS + 'timezone = "Africa/Nairoby"\n', encoding="utf-8"
    )

    said = refusal(workspace.root).message
    assert "company.timezone" in said
    assert "Did you mean 'Africa/Nairobi'?" in said


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('curency = "KES"', "company.curency"),
        ('currency = "shillings"', "company.currency"),
        ("demo = 7", "company.demo"),
        ("[people.amina]\nrols = []", "people.amina.rols"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(workspace: Workspace, line: str, key: str) -> None:
    (workspace.root / "ghala.toml").write_text(f"{SETTINGS}{line}\n", encoding="utf-8")

    assert key in refusal(workspace.root).message


def test_a_misspelt_key_of_a_person_is_corrected(workspace: Workspace) -> None:
    (workspace.root / "ghala.toml").write_text(
        SETTINGS + "[people.amina]\nrols = []\n", encoding="utf-8"
    )

    assert "Did you mean 'roles'?" in refusal(workspace.root).message


def test_a_workspace_without_sources_is_refused(workspace: Workspace) -> None:
    (workspace.root / "ghala.toml").write_text(
        SETTINGS.replace('["completejourney"]', "[]"), encoding="utf-8"
    )

    assert "ghala.toml: sources" in refusal(workspace.root).message


TEAM = """
[profiles.team.warehouse]
engine = "postgres"
dsn_variable = "DUKA_DSN"
"""


def place_of(workspace: Workspace, more: str = "") -> Engine:
    (workspace.root / "ghala.toml").write_text(SETTINGS + more, encoding="utf-8")
    return Workspace(workspace.root).settings.place.warehouse


def test_the_warehouse_is_a_file_until_a_database_is_named(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GHALA_PROFILE", raising=False)
    own = '[warehouse]\nengine = "postgres"\ndsn_variable = "DUKA_DSN"\n'

    assert place_of(workspace).engine == "duckdb"
    assert place_of(workspace, own).engine == "postgres"
    assert place_of(workspace, TEAM).engine == "duckdb"
    monkeypatch.setenv("GHALA_PROFILE", "team")
    assert place_of(workspace, TEAM).engine == "postgres"


def test_a_profile_that_is_not_described_is_refused_with_the_nearest(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GHALA_PROFILE", "teem")

    with pytest.raises(ConfigurationError, match="Did you mean 'team'") as refused:
        place_of(workspace, TEAM)

    assert refused.value.exit_code == 3


def test_the_address_of_the_database_comes_from_the_environment_only(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GHALA_PROFILE", "team")
    place = place_of(workspace, TEAM)
    monkeypatch.delenv("DUKA_DSN", raising=False)
    with pytest.raises(ConfigurationError, match="DUKA_DSN is not set") as refused:
        _ = place.dsn
    assert "export DUKA_DSN=" in refused.value.next_step

    monkeypatch.setenv("DUKA_DSN", "postgresql://amina:s3cret@db/duka")
    assert place.dsn == "postgresql://amina:s3cret@db/duka"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('[warehouse]\ndsn = "postgresql://amina:s3cret@db/duka"', "unknown key"),
        ('[warehouse]\nengine = "postgres"', "dsn_variable is needed"),
        ('[warehouse]\ndsn_variable = "DUKA_DSN"', "and only with it"),
        ('[warehouse]\nengine = "postgres"\ndsn_variable = "postgresql://a:s3cret@db"', "dsn_var"),
        ('[warehouse]\nengine = "mysql"', "duckdb"),
        ("[profiles.team.warehose]", "Did you mean 'warehouse'"),
    ],
)
def test_a_wrong_place_is_refused_without_showing_a_password(
    workspace: Workspace, lines: str, words: str
) -> None:
    (workspace.root / "ghala.toml").write_text(f"{SETTINGS}{lines}\n", encoding="utf-8")

    said = refusal(workspace.root).message
    assert words in said
    assert "s3cret" not in said


SHARED = (
    TEAM
    + """
[profiles.team.ledger]
dsn_variable = "DUKA_DSN"
[profiles.team.storage]
url = "s3://duka-warehouse/ghala"
"""
)


def rewrite(workspace: Workspace, *, before: str = "", after: str = "") -> Workspace:
    (workspace.root / "ghala.toml").write_text(before + SETTINGS + after, encoding="utf-8")
    return Workspace(workspace.root)


def test_a_profile_is_in_force_by_the_settings_and_another_by_the_environment(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GHALA_PROFILE", raising=False)
    settings = rewrite(workspace, before='profile = "team"\n', after=SHARED).settings
    assert settings.place.warehouse.engine == "postgres"

    monkeypatch.setenv("GHALA_PROFILE", "embedded")
    assert settings.place.warehouse.engine == "duckdb"
    assert settings.place.storage is settings.place.ledger is None


def test_a_team_keeps_ledger_mlflow_and_models_on_its_servers(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = rewrite(workspace, after=SHARED)
    monkeypatch.setenv("DUKA_DSN", "postgresql://amina:s%3Acret@db:5433/duka?sslmode=require")
    monkeypatch.delenv("GHALA_PROFILE", raising=False)
    assert shared.ledger == shared.state / "ledger.db"
    assert shared.tracking_uri.startswith("sqlite:///")

    monkeypatch.setenv("GHALA_PROFILE", "team")
    storage, url = shared.settings.place.storage, make_url(shared.tracking_uri)
    assert (storage.bucket, storage.landed) == ("duka-warehouse", f"{storage.url}/landed")
    assert shared.ledger == shared.settings.place.ledger
    assert (url.username, url.password, url.database) == ("amina", "s:cret", "duka")
    assert url.query["options"] == "-csearch_path=mlflow"
    assert url.query["sslmode"] == "require"
    assert "s:cret" not in str(url)


def test_what_is_trained_again_reaches_the_teams_files_and_nothing_else_of_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GHALA_PROFILE", raising=False)
    shared = rewrite(workspace, before='profile = "team"\n', after=SHARED)

    place = Rebuilt(shared.root, shared.settings.place.storage).settings.place

    assert place.storage == shared.settings.place.storage
    assert (place.warehouse.engine, place.ledger) == ("duckdb", None)


def test_the_options_of_an_address_are_kept_beside_the_schema() -> None:
    url = make_url(database_url("host=/run/pg dbname=duka options=-cjit=off", schema="ledger"))

    assert url.query["options"] == "-cjit=off -csearch_path=ledger"
    assert url.query["host"] == "/run/pg"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('ledger = {dsn_variable = "DUKA_DSN"}', "needs storage"),
        ('ledger = {dsn_varable = "DUKA_DSN"}', "Did you mean 'dsn_variable'"),
        ('storage = {url = "s3://amina:s3cret@duka"}', "storage.url"),
        ('storage = {url = "https://duka.example.com"}', "storage.url"),
        ('storage = {url = "s3://duka", secret_key = "s3cret"}', "unknown key"),
        ('storage = {url = "s3://duka", endpoint = "https://a:s3cret@host"}', "storage.endpoint"),
    ],
)
def test_a_wrong_team_is_refused_without_showing_a_password(
    workspace: Workspace, lines: str, words: str
) -> None:
    rewrite(workspace, after=f"[profiles.team]\n{lines}\n")

    said = refusal(workspace.root).message
    assert words in said
    assert "s3cret" not in said

import json
from pathlib import Path

import pytest
from psycopg2.extensions import make_dsn

from ghala.contracts.errors import TryAgain
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.profile import profile_text, reachable

from .conftest import ON_POSTGRES, Shop, open_shop


@pytest.fixture
def team_shop(tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose warehouse is a database, reached with a password."""
    monkeypatch.setenv("GHALA_TEST_DSN", make_dsn(postgres_dsn, password="s3cret"))  # noqa: S106
    return open_shop(tmp_path / "duka", settings=ON_POSTGRES)


def output_of(workspace: Workspace) -> dict[str, object]:
    found: dict[str, object] = json.loads(profile_text(workspace))["ghala"]["outputs"]["warehouse"]
    return found


def test_dbt_is_told_where_the_file_is(embedded_shop: Shop) -> None:
    found = output_of(embedded_shop.workspace)

    assert (found["type"], found["path"]) == ("duckdb", str(embedded_shop.workspace.warehouse))


def test_dbt_finds_the_database_by_the_parts_of_its_address(
    team_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "GHALA_TEST_DSN", "postgresql://amina:s3cret@db.example:5433/duka?sslmode=require"
    )
    found = output_of(team_shop.workspace)

    assert (found["host"], found["port"], found["dbname"]) == ("db.example", 5433, "duka")
    assert (found["user"], found["sslmode"]) == ("amina", "require")
    assert "s3cret" not in profile_text(team_shop.workspace)


def test_nobody_else_works_in_the_database_while_dbt_builds(team_shop: Shop) -> None:
    with reachable(team_shop.workspace), pytest.raises(TryAgain, match="another pipeline"):
        open_warehouse(team_shop.workspace)

    with open_warehouse(team_shop.workspace) as warehouse:
        assert warehouse.has("raw", "batches")

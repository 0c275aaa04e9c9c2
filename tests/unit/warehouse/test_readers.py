"""Who queries a team's database sees one whole build, and nothing but what was published."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege

from ghala.contracts.errors import ConfigurationError
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.postgres import PostgresWarehouse
from ghala.warehouse.engines.readers import READER
from ghala.warehouse.publish import publish, read_published

START = date(2024, 1, 1)
ROWS = 500
Ask = Callable[[str], list[tuple[Any, ...]]]
WHOLE = (
    "SELECT (SELECT build FROM published.build), count(*), min(one.value), max(one.value),"
    " min(other.value), max(other.value), (SELECT count(*) FROM published_raw.batches)"
    " FROM published_marts_operations.one JOIN published_marts_operations.other USING (id)"
)


@pytest.fixture
def warehouse(postgres_dsn: str) -> Iterator[PostgresWarehouse]:
    with PostgresWarehouse(postgres_dsn) as opened:
        opened.execute(
            f"DO $$ BEGIN CREATE ROLE {READER};"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        opened.execute("CREATE SCHEMA marts_operations")
        yield opened


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "duka")


@contextmanager
def reader(dsn: str, isolation: str = "READ COMMITTED") -> Iterator[Ask]:
    """Someone with the reader's role and a session of their own."""
    with closing(psycopg2.connect(dsn)) as session, session.cursor() as cursor:
        session.set_session(isolation_level=isolation, autocommit=isolation == "READ COMMITTED")
        cursor.execute(f"SET ROLE {READER}")

        def ask(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return cursor.fetchall()

        yield ask


def publish_value(workspace: Workspace, warehouse: PostgresWarehouse, value: int) -> None:
    for name, kind in (("one", "TABLE"), ("other", "VIEW")):
        warehouse.execute(f"DROP {kind} IF EXISTS marts_operations.{name}")
        warehouse.execute(
            f"CREATE {kind} marts_operations.{name} AS"
            f" SELECT id, {value} AS value FROM generate_series(1, {ROWS}) AS made (id)"
        )
    publish(workspace, warehouse, as_of=START + timedelta(days=value))


def test_a_reader_during_publications_always_sees_one_whole_build(
    workspace: Workspace, warehouse: PostgresWarehouse, postgres_dsn: str
) -> None:
    publish_value(workspace, warehouse, 1)
    writer = Thread(
        target=lambda: [publish_value(workspace, warehouse, value) for value in range(2, 12)]
    )
    seen = []
    with reader(postgres_dsn) as ask:
        writer.start()
        while writer.is_alive():
            seen += ask(WHOLE)
        writer.join()
        seen += ask(WHOLE)
        assert ask("SELECT build, as_of FROM published.build") == [(11, START + timedelta(days=11))]

    assert seen == [(build, ROWS, build, build, build, build, 0) for build, *_ in seen]
    builds = [build for build, *_ in seen]
    assert builds == sorted(builds)
    assert len(set(builds)) > 5, "the reader looked between most publications"


def test_what_is_read_in_one_transaction_is_one_build_and_nobody_waits(
    workspace: Workspace, warehouse: PostgresWarehouse, postgres_dsn: str
) -> None:
    publish_value(workspace, warehouse, 1)
    warehouse.execute("SET lock_timeout = '1ms'")
    with reader(postgres_dsn, "REPEATABLE READ") as ask:
        first = ask("SELECT min(value), max(value) FROM published_marts_operations.one")
        for value in (2, 3):
            publish_value(workspace, warehouse, value)
        later = ask("SELECT min(value), max(value) FROM published_marts_operations.other")

        assert first == later == [(1, 1)]
        assert ask(WHOLE) == [(1, ROWS, 1, 1, 1, 1, 0)]


def test_a_reader_may_read_what_was_published_and_nothing_else(
    workspace: Workspace, warehouse: PostgresWarehouse, postgres_dsn: str
) -> None:
    publish_value(workspace, warehouse, 1)

    for refused in (
        "SELECT * FROM marts_operations.one",
        "SELECT * FROM raw.batches",
        "SELECT * FROM raw.quarantine",
        "SELECT * FROM platform.facts",
        "DELETE FROM published_marts_operations.one RETURNING 1",
        "CREATE TABLE published.mine AS SELECT 1",
    ):
        with reader(postgres_dsn) as ask, pytest.raises(InsufficientPrivilege):
            ask(refused)


def test_a_mart_with_another_column_is_shown_with_it_and_one_that_is_gone_is_not_shown(
    workspace: Workspace, warehouse: PostgresWarehouse, postgres_dsn: str
) -> None:
    publish_value(workspace, warehouse, 1)
    warehouse.execute("ALTER TABLE marts_operations.one ADD COLUMN name VARCHAR DEFAULT 'new'")
    warehouse.execute("DROP VIEW marts_operations.other")
    publish(workspace, warehouse, as_of=START)

    with reader(postgres_dsn) as ask:
        assert ask("SELECT DISTINCT name FROM published_marts_operations.one") == [("new",)]
    assert not warehouse.has("published_marts_operations", "other")


def test_a_mart_whose_columns_change_is_whole_to_who_began_before_and_keeps_readers_views(
    workspace: Workspace, warehouse: PostgresWarehouse, postgres_dsn: str
) -> None:
    publish_value(workspace, warehouse, 1)
    warehouse.execute("CREATE VIEW public.ids AS SELECT id FROM published_marts_operations.one")
    with reader(postgres_dsn, "REPEATABLE READ") as ask:
        assert ask("SELECT build FROM published.build") == [(1,)]
        warehouse.execute("DROP TABLE marts_operations.one")
        warehouse.execute(
            "CREATE TABLE marts_operations.one AS SELECT 'new' AS name, CAST(id AS BIGINT) AS id2,"
            " id FROM generate_series(1, 3) AS made (id)"
        )
        publish(workspace, warehouse, as_of=START)

        assert ask("SELECT count(id) FROM published_marts_operations.one") == [(ROWS,)]
    with reader(postgres_dsn) as ask:
        assert ask("SELECT * FROM published_marts_operations.one ORDER BY id LIMIT 1") == [
            (1, "new", 1)
        ]
    assert warehouse.scalar("SELECT count(*) FROM public.ids") == 3


def test_what_a_readers_own_view_needs_is_named_when_it_would_be_gone(
    workspace: Workspace, warehouse: PostgresWarehouse, postgres_dsn: str
) -> None:
    publish_value(workspace, warehouse, 1)
    warehouse.execute("CREATE VIEW public.own AS SELECT value FROM published_marts_operations.one")
    warehouse.execute("ALTER TABLE marts_operations.one DROP COLUMN value")

    with pytest.raises(ConfigurationError, match=r"view own depends on .*one") as refused:
        publish(workspace, warehouse, as_of=START)

    assert "Drop" in refused.value.next_step
    assert read_published(workspace, verify=True).number == 1
    with reader(postgres_dsn) as ask:
        assert ask(WHOLE) == [(1, ROWS, 1, 1, 1, 1, 0)]


def test_a_publication_that_fails_halfway_changes_nothing_for_anyone(
    workspace: Workspace, warehouse: PostgresWarehouse, postgres_dsn: str
) -> None:
    publish_value(workspace, warehouse, 1)

    def die(*_given: object) -> None:
        raise SystemExit("killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ghala.warehouse.engines.readers._let_read", die)
        with pytest.raises(SystemExit):
            publish_value(workspace, warehouse, 2)

    assert read_published(workspace, verify=True).number == 1
    with reader(postgres_dsn) as ask:
        assert ask(WHOLE) == [(1, ROWS, 1, 1, 1, 1, 0)]
    publish_value(workspace, warehouse, 3)
    with reader(postgres_dsn) as ask:
        assert ask(WHOLE)[0][1:] == (ROWS, 3, 3, 3, 3, 0)

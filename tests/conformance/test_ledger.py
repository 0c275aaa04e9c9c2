"""The ledger keeps its promises in a file and in the team's database alike."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

import psycopg2
import pytest
from psycopg2.extensions import make_dsn
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ghala.contracts.errors import (
    CheckFailed,
    ConfigurationError,
    Denied,
    GhalaError,
    TryAgain,
)
from ghala.contracts.records import Stage
from ghala.contracts.settings import Database
from ghala.ledger import databases
from ghala.ledger.book import GENESIS, Change, Ledger, Note
from tests.servers import GUARDED, empty_database

DAY = date(2024, 1, 8)
DEMAND = "operations/demand"
ROUNDS = 20
VARIABLE = "DUKA_DSN"
WRONG = "s3cret"
Place = Path | Database


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: str) -> Iterator[Place]:
    if request.param == "sqlite":
        yield tmp_path / "state" / "ledger.db"
        return
    with empty_database(postgres_server) as address, patch.dict(os.environ, {VARIABLE: address}):
        yield Database(dsn_variable=VARIABLE)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with opened(place, "amina") as book:
        yield book


@contextmanager
def opened(place: Place, actor: str) -> Iterator[Ledger]:
    book = Ledger(place, actor=actor)
    yield book
    book.engine.dispose()


def write(ledger: Ledger, count: int) -> None:
    ledger.append(*(Note("alert", {"message": f"number {n}"}, DEMAND) for n in range(count)))


def promote(ledger: Ledger, version: int, *, expected: int | None) -> None:
    note = Note("transition", {"to": "production", "reason": "test"}, DEMAND, version, DAY)
    ledger.change_stages(DEMAND, [Change(Stage.PRODUCTION, version, expected)], note=note)


def test_a_fact_comes_back_as_it_was_written(ledger: Ledger) -> None:
    body = {
        "figure": 0.1 + 0.2, "day": DAY, "words": "0 Ünïcode → \u0000 '\" \\",
        "nothing": None, "nested": {"b": [1, 2.5], "a": True},
    }  # fmt: skip
    ledger.append(Note("training", body, DEMAND, 1, DAY, "training:1"))

    [entry] = ledger.entries()
    assert entry.body == {**body, "day": "2024-01-08"}
    assert list(entry.body["nested"]) == ["b", "a"]
    assert (entry.number, entry.previous, entry.as_of) == (1, GENESIS, DAY)
    assert entry.recorded_at.tzinfo is None
    assert ledger.find("training:1").number == ledger.last("training", DEMAND).number == 1
    assert ledger.verify() == 1


def test_a_figure_that_is_no_number_is_written_as_none(ledger: Ledger) -> None:
    ledger.append(Note("monitoring", {"wape": float("nan"), "bias": float("inf")}, DEMAND))

    assert ledger.last("monitoring").body == {"wape": None, "bias": None}
    assert ledger.verify() == 1


def test_a_key_that_is_written_twice_is_one_fact(ledger: Ledger) -> None:
    ledger.append(Note("run", {"try": 1}, key="run:2024-01-08"))
    ledger.append(Note("run", {"try": 2}, key="run:2024-01-08"), Note("alert", {"message": "x"}))

    assert [entry.body for entry in ledger.entries("run")] == [{"try": 1}]
    assert ledger.verify() == 2


def test_facts_written_together_are_written_all_or_none(ledger: Ledger) -> None:
    with pytest.raises(TypeError):
        ledger.append(Note("alert", {"message": "first"}), Note("alert", {(1, 2): "no key"}))

    assert ledger.entries() == []


@pytest.mark.parametrize(
    "statement", ["UPDATE entries SET actor = 'x'", "DELETE FROM entries WHERE number = 2"]
)
def test_the_database_itself_refuses_to_change_or_remove_a_fact(
    ledger: Ledger, statement: str
) -> None:
    write(ledger, 3)

    with (
        pytest.raises(DBAPIError, match="append-only"),
        ledger.engine.execution_options(writing=True).begin() as connection,
    ):
        connection.execute(text(statement))
    assert ledger.verify() == 3


def test_a_fact_changed_behind_the_ledgers_back_is_found(ledger: Ledger) -> None:
    write(ledger, 5)
    unguarded = {
        "sqlite": "DROP TRIGGER entries_no_update",
        "postgresql": "DROP TRIGGER entries_are_kept ON entries",
    }
    with ledger.engine.execution_options(writing=True).begin() as connection:
        connection.execute(text(unguarded[ledger.engine.dialect.name]))
        connection.execute(text("UPDATE entries SET actor = 'someone' WHERE number = 4"))

    with pytest.raises(CheckFailed, match="broken at entry 4:"):
        ledger.verify()


def test_a_move_on_what_no_longer_holds_is_denied_and_leaves_no_trace(ledger: Ledger) -> None:
    promote(ledger, 1, expected=None)
    with pytest.raises(Denied, match="version 1 holds production by now, not None"):
        promote(ledger, 2, expected=None)

    assert ledger.holder(DEMAND, Stage.PRODUCTION) == 1
    assert [entry.version for entry in ledger.entries("transition")] == [1]


def _race(
    place: Place, *, version: int, barrier: Barrier, outcomes: "multiprocessing.Queue[Any]"
) -> None:
    """One of two processes that promote at the same moment, round after round."""
    with opened(place, f"racer {version}") as ledger:
        for turn in range(ROUNDS):
            expected = ledger.holder(DEMAND, Stage.PRODUCTION)
            barrier.wait(timeout=30)
            try:
                promote(ledger, 2 * turn + version, expected=expected)
                outcomes.put((turn, version, "won"))
            except Denied as denied:
                outcomes.put((turn, version, f"exit {denied.exit_code}"))
            barrier.wait(timeout=30)


def run_race(place: Place) -> list[tuple[int, int, str]]:
    """Two processes that share nothing but the ledger's own file or database."""
    context = multiprocessing.get_context("spawn")
    barrier, outcomes = context.Barrier(2), context.Queue()
    racers = [
        context.Process(
            target=_race,
            args=(place,),
            kwargs={"version": version, "barrier": barrier, "outcomes": outcomes},
        )
        for version in (1, 2)
    ]
    for racer in racers:
        racer.start()
    said = [outcomes.get(timeout=60) for _ in range(2 * ROUNDS)]
    for racer in racers:
        racer.join(timeout=30)
    return said


def test_two_promotions_at_once_never_both_win_and_the_loser_is_denied(
    place: Place, ledger: Ledger
) -> None:
    race = run_race(place)

    winners = []
    for turn in range(ROUNDS):
        said = {version: words for at, version, words in race if at == turn}
        assert sorted(said.values()) == ["exit 5", "won"], turn
        winners += [2 * turn + version for version, words in said.items() if words == "won"]
    assert [entry.version for entry in ledger.entries("transition")] == winners
    assert ledger.holder(DEMAND, Stage.PRODUCTION) == winners[-1]
    assert ledger.verify() == ROUNDS


def test_facts_of_many_writers_that_open_it_at_once_all_arrive_on_one_chain(place: Place) -> None:
    def work() -> None:
        with opened(place, "writer") as book:
            for _ in range(10):
                write(book, 1)

    writers = [Thread(target=work) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    with opened(place, "reader") as book:
        assert book.verify() == 40


def test_readers_do_not_wait_for_a_writer(ledger: Ledger) -> None:
    write(ledger, 1)
    with ledger.engine.execution_options(writing=True).begin():
        assert ledger.verify() == 1


@pytest.fixture
def database(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv(VARIABLE, postgres_dsn)
    return Database(dsn_variable=VARIABLE)


def test_one_pipeline_at_a_time_works_on_a_ledger_that_machines_share(database: Database) -> None:
    with opened(database, "here") as here, opened(database, "there") as there:
        with here.claimed():
            with pytest.raises(TryAgain, match="on some machine"), there.claimed():
                pytest.fail("both are at work")
            write(there, 1)  # a person may still approve
        with there.claimed():
            pass


def test_a_writer_that_is_held_up_for_too_long_can_try_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "PATIENCE", "100ms")
    with opened(database, "here") as here, opened(database, "there") as there:
        with (
            here.engine.execution_options(writing=True).begin(),
            pytest.raises(TryAgain, match="lock timeout") as busy,
        ):
            write(there, 1)
        assert busy.value.exit_code == 75
        write(there, 1)
        assert there.verify() == 1


def test_the_ledger_keeps_to_its_own_schema(database: Database) -> None:
    with opened(database, "amina") as book, book.engine.connect() as connection:
        tables = connection.execute(
            text(
                "SELECT table_schema, table_name FROM information_schema.tables"
                " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
        ).all()
    assert sorted(map(tuple, tables)) == [
        ("ledger", "alembic_version"), ("ledger", "entries"), ("ledger", "holders"),
    ]  # fmt: skip


def refusal(address: str) -> GhalaError:
    with (
        patch.dict(os.environ, {VARIABLE: address}),
        pytest.raises(GhalaError) as refused,
    ):
        Ledger(Database(dsn_variable=VARIABLE), actor="amina")
    assert WRONG not in refused.value.message + refused.value.next_step
    assert refused.value.next_step
    return refused.value


def test_a_server_that_does_not_answer_can_be_tried_again() -> None:
    error = refusal("postgresql://amina:s3cret@127.0.0.1:9/duka")

    assert isinstance(error, TryAgain)
    assert "duka on 127.0.0.1 does not answer" in error.message


def test_a_database_that_is_not_there_is_named(postgres_server: str) -> None:
    error = refusal(make_dsn(postgres_server, dbname="nobodys", password=WRONG))

    assert isinstance(error, ConfigurationError)
    assert 'database "nobodys" does not exist' in error.message


def test_a_wrong_password_is_refused_and_not_shown(postgres_dsn: str) -> None:
    with closing(psycopg2.connect(postgres_dsn)) as server, server.cursor() as cursor:
        server.autocommit = True
        cursor.execute(f"DROP ROLE IF EXISTS {GUARDED}")
        cursor.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'right'")

    error = refusal(make_dsn(postgres_dsn, user=GUARDED, password=WRONG))

    assert isinstance(error, ConfigurationError)
    assert f'password authentication failed for user "{GUARDED}"' in error.message


def test_a_user_without_the_right_to_make_the_ledger_is_told(postgres_dsn: str) -> None:
    with closing(psycopg2.connect(postgres_dsn)) as server, server.cursor() as cursor:
        server.autocommit = True
        cursor.execute("DROP ROLE IF EXISTS ghala_test_reader")
        cursor.execute("CREATE ROLE ghala_test_reader LOGIN")

    error = refusal(make_dsn(postgres_dsn, user="ghala_test_reader"))

    assert isinstance(error, ConfigurationError)
    assert "permission denied for database" in error.message

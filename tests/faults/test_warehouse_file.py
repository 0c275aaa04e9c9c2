"""The warehouse file under kills, flipped bits and many writers, and logs that cannot be written.

Run as a program (``churn FILE``, ``write FILE`` or ``land WORKSPACE``) it forks processes that do
so, and prints what came of it as JSON.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ghala.contracts.errors import DataRejected, TryAgain
from ghala.contracts.settings import Workspace
from ghala.ledger.book import Ledger
from ghala.warehouse.build import build
from ghala.warehouse.engines import duckdb
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.landing import land

from .duka import BAD, FIRST, ROWS, Worker, open_shop, sell

ROOT = Path(__file__).parents[2]
SEED = 20260302
KILLS, FLIPS, WRITERS, TURNS = 40, 30, 8, 10
BATCH, EVERY = 20_000, 3
"""Rows of a batch, and after how many batches the file is tidied up."""
LAST = FIRST + timedelta(days=WRITERS - 1)


def run(what: str, place: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.test_warehouse_file", what, str(place)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_file_killed_while_it_is_tidied_up_holds_every_committed_batch_whole(
    tmp_path: Path,
) -> None:
    file = tmp_path / "warehouse.duckdb"
    told = run("churn", file)

    with DuckDBWarehouse(file) as warehouse:
        held = warehouse.rows("SELECT batch, count(*) FROM raw.sold GROUP BY batch ORDER BY batch")
        noted = [batch for (batch,) in warehouse.rows("SELECT batch FROM raw.noted ORDER BY batch")]
    assert held == [(batch, BATCH) for batch in noted]
    assert set(told["committed"]) <= set(noted)
    assert len(noted) - len(told["committed"]) <= KILLS, "one may be in that could not be told"
    assert told["amid_tidying"] > KILLS / 8, "the kills hit something else"


def test_a_bit_that_flips_in_the_warehouse_file_is_an_error_that_says_how_to_go_on(
    tmp_path: Path,
) -> None:
    file = tmp_path / "warehouse.duckdb"
    query = "SELECT count(*), sum(a), sum(hash(b)) FROM raw.sold"
    with DuckDBWarehouse(file) as warehouse:
        warehouse.execute(
            "CREATE TABLE raw.sold AS SELECT range AS a, 'x' || range * 7919 % 100003 AS b"
            " FROM range(200000)"
        )
        true = warehouse.rows(query)
    whole, refused = file.read_bytes(), list[DataRejected]()
    dice = random.Random(SEED)  # noqa: S311 - no secret
    for _ in range(FLIPS):
        flipped = bytearray(whole)
        flipped[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        file.write_bytes(flipped)
        try:
            with DuckDBWarehouse(file) as warehouse:
                assert warehouse.rows(query) == true, "a number that is silently wrong"
        except DataRejected as error:
            refused.append(error)
    assert len(refused) > FLIPS / 2, "most of the file's bytes are in use"
    assert all(f"The warehouse {file} is damaged" in one.message for one in refused)
    assert all("Move the file away, then `ghala land`" in one.next_step for one in refused)


def test_of_eight_writers_each_gets_its_turns_and_no_row_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    told = run("write", file)

    assert told["ended"] == [0] * WRITERS
    with DuckDBWarehouse(file) as warehouse:
        rows = warehouse.rows("SELECT writer, turn FROM raw.turns ORDER BY writer, turn")
    assert rows == [(writer, turn) for writer in range(WRITERS) for turn in range(TURNS)]


def test_who_waits_too_long_for_the_file_is_told_who_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb, "PATIENCE", 0.3)
    file = tmp_path / "warehouse.duckdb"
    holding = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{holding}; sys.stdin.read()", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        begun = time.monotonic()
        with pytest.raises(TryAgain) as refused:
            DuckDBWarehouse(file)
        waited = time.monotonic() - begun
        holder.stdin.close()

    assert refused.value.exit_code == 75
    assert f"in use by process {holder.pid}" in refused.value.message
    assert 0.3 <= waited < 10


def test_of_eight_landings_at_once_every_file_comes_in_once(tmp_path: Path) -> None:
    workspace = open_shop(tmp_path / "duka")
    for day in range(WRITERS):
        sell(workspace, day)
    told = run("land", workspace.root)

    assert told["ended"] == [0] * WRITERS
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        batches = warehouse.rows(
            "SELECT file, rows_in, rows_quarantined FROM raw.batches ORDER BY 1"
        )
        assert warehouse.scalar("SELECT count(*) FROM raw.duka__sales") == WRITERS * (ROWS - BAD)
    assert [one[1:] for one in batches] == [(ROWS, BAD)] * WRITERS
    ledger = Ledger(workspace.ledger, actor="test")
    assert len(ledger.entries("batch")) == WRITERS
    ledger.verify()
    ledger.engine.dispose()


def test_where_no_log_can_be_written_the_build_goes_on(tmp_path: Path) -> None:
    workspace = open_shop(tmp_path / "duka")
    sell(workspace, 0)
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        list(land(workspace, warehouse, FIRST))
    logs = workspace.state / "dbt" / "logs"
    logs.mkdir(parents=True)
    (logs / "dbt.log").symlink_to("/dev/full")

    made = build(workspace)

    assert made.failures == ()
    assert (logs / "dbt.log").is_symlink(), "its log went somewhere else"
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        assert warehouse.rows("FROM marts_operations.duka_lines")[0][0] == ROWS - BAD


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(70)
        os._exit(0)
    return child


def _churn(file: Path) -> dict[str, Any]:
    """Kill a process that commits batches and tidies the file up, at random instants."""
    committed, amid = list[int](), 0
    dice = random.Random(SEED)  # noqa: S311 - no secret
    for _ in range(KILLS):
        reading, writing = os.pipe()
        child = _fork(lambda told=writing: _commit(file, told))
        os.close(writing)
        with os.fdopen(reading) as told:
            said: list[str] = []
            for _ in range(dice.randrange(1, 2 * EVERY + 2)):
                said.append(told.readline())
            time.sleep(dice.uniform(0, 0.02))
            os.kill(child, signal.SIGKILL)
            said += told.readlines()
        os.waitpid(child, 0)
        words = [word for word in said if word.endswith("\n")]
        committed += [int(word) for word in words if word.strip().isdigit()]
        amid += words[-1:] == ["tidying\n"]
    return {"committed": committed, "amid_tidying": amid}


def _commit(file: Path, told: int) -> None:
    with DuckDBWarehouse(file) as warehouse:
        warehouse.execute("CREATE TABLE IF NOT EXISTS raw.sold (batch INTEGER, units BIGINT)")
        warehouse.execute("CREATE TABLE IF NOT EXISTS raw.noted (batch INTEGER)")
        while True:
            for _ in range(EVERY):
                with warehouse.transaction():
                    batch = warehouse.scalar("SELECT coalesce(max(batch), 0) + 1 FROM raw.noted")
                    warehouse.execute(
                        "INSERT INTO raw.sold SELECT $batch, hash(range) % 1000 FROM range($rows)",
                        {"batch": batch, "rows": BATCH},
                    )
                    warehouse.execute("INSERT INTO raw.noted VALUES (?)", [batch])
                os.write(told, f"{batch}\n".encode())
            os.write(told, b"tidying\n")
            warehouse.execute("CHECKPOINT")
            os.write(told, b"tidied\n")


def _write(file: Path) -> dict[str, Any]:
    """Eight processes that each open the file, add a row and close it, ten times."""
    return {"ended": _together(lambda writer: _take_turns(file, writer))}


def _take_turns(file: Path, writer: int) -> None:
    for turn in range(TURNS):
        _again(lambda turn=turn: _add(file, writer, turn))


def _add(file: Path, writer: int, turn: int) -> None:
    with DuckDBWarehouse(file) as warehouse, warehouse.transaction():
        warehouse.execute("CREATE TABLE IF NOT EXISTS raw.turns (writer INTEGER, turn INTEGER)")
        warehouse.execute("INSERT INTO raw.turns VALUES (?, ?)", [writer, turn])


def _land(root: Path) -> dict[str, Any]:
    """Eight processes that land the same files, each again until it is let in."""
    worker = Worker(Workspace(root))
    return {"ended": _together(lambda _: _again(lambda: worker.do("land", LAST)))}


def _again(work: Callable[[], object]) -> None:
    """Do what the error says: the same once more, for a minute."""
    until = time.monotonic() + 60
    while True:
        try:
            work()
            return
        except TryAgain:
            if time.monotonic() > until:
                raise
        time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - no secret


def _together(work: Callable[[int], None]) -> list[int]:
    children = [_fork(lambda writer=writer: work(writer)) for writer in range(WRITERS)]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


if __name__ == "__main__":
    doing = {"churn": _churn, "write": _write, "land": _land}[sys.argv[1]]
    print(json.dumps(doing(Path(sys.argv[2]))))

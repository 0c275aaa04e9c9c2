"""Kills amid landing, building and publishing: afterwards every row is there once, per engine."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from select import select
from typing import Any

import psycopg2
import pytest

from ghala.contracts.settings import Workspace
from ghala.ledger.book import Ledger
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import verify_landing
from ghala.warehouse.publish import read_published
from ghala.warehouse.snapshots import current_snapshot
from tests.conformance.test_engines import profile
from tests.servers import ENGINES

from .duka import BAD, FIRST, ROWS, open_shop, sell

LANDS = 25
KILLS = {
    "duckdb": {"land": LANDS, "build": 11, "publish": 14},
    "postgres": {"land": LANDS, "build": 3, "publish": 6},
}
DAYS = LANDS + 2
LAST = FIRST + timedelta(days=DAYS - 1)
ROOT = Path(__file__).parents[2]
TABLES = ("raw.duka__sales", "raw.quarantine", "raw.batches", "core.order_lines",
          "core.sku_location_week", "marts_operations.duka_lines")  # fmt: skip
Contents = dict[str, list[tuple[Any, ...]]]


class Shop:
    """The shop at work in a process that can be killed at any instant."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.is_built = process, True
        self.said("ready")

    def said(self, word: str) -> int:
        """Wait for the process's word and return the number after it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().split()
        assert line, "the worker's parent ended"
        assert line[0] == word, line
        return int(line[1]) if len(line) > 1 else 0

    def begin(self, step: str, day: int) -> int:
        """Start a step and return the process id of who does it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{step} {FIRST + timedelta(days=day)}\n")
        self.process.stdin.flush()
        return self.said("begun")

    def do(self, step: str, day: int) -> float:
        """Do a step undisturbed and return its seconds."""
        begun = time.monotonic()
        self.begin(step, day)
        assert self.said("ended") == 0, step
        return time.monotonic() - begun

    def kill(self, step: str, day: int, *, after: float) -> float | None:
        """Start a step and kill it; the seconds it took if it had ended before, else None.

        Half a build would not be published, so it is built to its end first.
        """
        if step == "publish" and not self.is_built:
            self.do("build", day)
            self.is_built = True
        worker = self.begin(step, day)
        assert self.process.stdout is not None
        begun = time.monotonic()
        select([self.process.stdout], [], [], after)
        took = time.monotonic() - begun
        with suppress(ProcessLookupError):  # it had ended
            os.kill(worker, signal.SIGKILL)
        code = self.said("ended")
        assert code in (0, -signal.SIGKILL), f"{step} ended with {code}"
        self.is_built = code == 0 if step == "build" else self.is_built
        return took if code == 0 else None


@contextmanager
def at_work(workspace: Workspace) -> Iterator[Shop]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.duka", str(workspace.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        yield Shop(process)
        assert process.stdin is not None
        process.stdin.close()


def contents(workspace: Workspace) -> Contents:
    with open_warehouse(workspace) as warehouse:
        return {name: sorted(warehouse.rows(f"SELECT * FROM {name}"), key=str) for name in TABLES}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Contents, dict[str, float]]:
    """What a shop that no one disturbs holds, on DuckDB, and how long its steps take."""
    workspace = open_shop(tmp_path_factory.mktemp("calm") / "duka")
    with at_work(workspace) as shop:
        sell(workspace, 0)
        shop.do("all", 0)  # the first build parses everything
        seconds: dict[str, float] = {}
        for day in range(1, DAYS):
            sell(workspace, day)
            if day in (1, DAYS - 1):
                seconds = {step: shop.do(step, day) for step in ("land", "build", "publish")}
    return contents(workspace), seconds


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[str]:
    """The engine that holds the warehouse."""
    with profile(request.param, postgres_server):
        yield request.param


def test_after_many_kills_every_row_is_where_an_undisturbed_shop_has_it(
    tmp_path: Path, calm: tuple[Contents, dict[str, float]], engine: str
) -> None:
    expected, seconds = calm[0], dict(calm[1])
    workspace = open_shop(tmp_path / "duka")
    draw = random.Random(50)  # noqa: S311 - moments, not secrets
    steps = [step for step, times in KILLS[engine].items() for _ in range(times)]
    draw.shuffle(steps)
    killed, day = 0, 0
    sell(workspace, day)
    with at_work(workspace) as shop:
        shop.do("all", day)
        for step in steps:
            if step == "land":
                day += 1
                sell(workspace, day)
            ended = shop.kill(step, day, after=draw.uniform(0, 0.9 * seconds[step]))
            if ended is None:
                killed += 1
            else:  # the machine is faster now than when the steps were timed
                seconds[step] = min(seconds[step], ended)
            if engine == "postgres":
                _look_into_the_database()
        sell(workspace, DAYS - 1)
        shop.do("all", DAYS - 1)

    assert killed >= 0.8 * len(steps), "most kills came in time"
    _assert_whole(workspace)
    found = contents(workspace)
    if engine == "postgres":
        assert _look_into_the_database() == DAYS * (ROWS - BAD)
    for name in TABLES:
        assert found[name] == expected[name], name


def _look_into_the_database() -> int:
    """The lines that someone else in the database reads: those of the build's own batches."""
    with closing(psycopg2.connect(os.environ["GHALA_WAREHOUSE_DSN"])) as session:
        cursor = session.cursor()
        cursor.execute(
            "SELECT (SELECT lines FROM published_marts_operations.duka_lines),"
            " (SELECT sum(rows_loaded) FROM published_raw.batches)"
        )
        [(lines, loaded)] = cursor.fetchall()
    assert lines == loaded
    return int(lines)


def _assert_whole(workspace: Workspace) -> None:
    good = ROWS - BAD
    with open_warehouse(workspace) as warehouse:
        batches = warehouse.rows(
            "SELECT file, rows_in, rows_loaded, rows_quarantined FROM raw.batches ORDER BY file"
        )
        assert batches == [
            (f"sales_{FIRST + timedelta(days=n)}.csv", ROWS, good, BAD) for n in range(DAYS)
        ]
        assert warehouse.scalar("SELECT count(*) FROM core.order_lines") == DAYS * good
        assert verify_landing(workspace, warehouse) == []
    assert not list(workspace.landing.rglob(".*")), "nothing half-copied is left"
    told = [entry.key for entry in Ledger(workspace.ledger, actor="test").entries("batch")]
    assert sorted(key for key in told if key) == [f"batch:duka/{file}" for file, *_ in batches]
    assert current_snapshot(workspace).files == DAYS
    published = read_published(workspace, verify=True)
    assert published.as_of == LAST
    assert published.query("SELECT lines FROM marts_operations.duka_lines") == [
        {"lines": DAYS * good}
    ]


def test_a_reader_during_landing_building_and_publishing_sees_one_whole_build(
    tmp_path: Path,
) -> None:
    workspace = open_shop(tmp_path / "duka")
    seen: list[tuple[int, int]] = []
    with at_work(workspace) as shop:
        sell(workspace, 0)
        shop.do("all", 0)
        for day in range(1, 4):
            sell(workspace, day)
            shop.begin("all", day)
            while read_published(workspace).as_of < FIRST + timedelta(days=day):
                seen.append(_look(workspace))
                time.sleep(0.02)  # leave the writer a share of the processor
            seen.append(_look(workspace))
            assert shop.said("ended") == 0

    numbers = [number for number, _ in seen]
    assert numbers == sorted(numbers), "no reader sees an older build after a newer one"
    assert {lines for _, lines in seen} == {(ROWS - BAD) * days for days in range(1, 5)}
    assert len(seen) > 50, "readers never waited"


def _look(workspace: Workspace) -> tuple[int, int]:
    """The build's number and its lines, which must be the lines of its own batches."""
    published = read_published(workspace, verify=True)
    [row] = published.query(
        "SELECT (SELECT lines FROM marts_operations.duka_lines) AS lines,"
        " (SELECT sum(rows_loaded) FROM raw.batches) AS loaded"
    )
    assert row["lines"] == row["loaded"]
    return published.number, row["lines"]

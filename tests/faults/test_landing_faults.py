"""Landing where there is no room, and landing twice at once."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from shutil import disk_usage, rmtree, which
from tempfile import mkdtemp

import pytest

from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.landing import land as land_files
from tests.conftest import COMMAND, run_ghala

from .duka import BAD, FIRST, ROWS, open_shop, sell

ROOT = Path(__file__).parents[2]
LARGE = 100_000
MANY = (LARGE, LARGE - BAD, BAD)
DAY = f"{FIRST.replace(day=20)}"
ALONE = (
    ["unshare", "--map-root-user", "--mount"],
    ["unshare", "--mount"],
    ["sudo", "-n", "-E", "unshare", "--mount"],
)
MOUNT = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs"]
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk in memory, not a place for secrets
LIMITED = (
    "import resource, sys; limit = int(sys.argv.pop(1));"
    " resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit));"
    " from ghala.cli.main import main; main()"
)


def land(workspace: Workspace) -> list[str]:
    return ["land", "--as-of", DAY, "--workspace", str(workspace.root)]


def counts(workspace: Workspace) -> list[tuple[int, int, int]]:
    """Rows in, loaded and quarantined of each batch; the tables must hold as many."""
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        found = warehouse.rows(
            "SELECT rows_in, rows_loaded, rows_quarantined FROM raw.batches ORDER BY batch"
        )
        assert warehouse.rows(
            "SELECT (SELECT count(*) FROM raw.duka__sales), (SELECT count(*) FROM raw.quarantine)"
        ) == [(sum(one[1] for one in found), sum(one[2] for one in found))]
    return [(one[0], one[1], one[2]) for one in found]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A shop that has landed one day."""
    made = open_shop(tmp_path / "duka")
    sell(made, 0)
    with DuckDBWarehouse(made.warehouse) as warehouse:
        list(land_files(made, warehouse, date.fromisoformat(DAY)))
    return made


@pytest.mark.parametrize("room", [1_000_000, 3_500_000], ids=["the copy", "the commit"])
def test_where_files_may_not_grow_nothing_is_landed_and_it_is_said_why(
    workspace: Workspace, room: int
) -> None:
    """The file has 3 MB and its rows need 5: one limit stops the copy, the other the commit."""
    sell(workspace, 1, rows=LARGE)
    refused = subprocess.run(
        [sys.executable, "-c", LIMITED, str(room), *land(workspace)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 75, refused.stderr
    assert "no room left" in refused.stderr
    assert "Free some space" in refused.stderr
    assert "bug" not in refused.stderr
    assert counts(workspace) == [(ROWS, ROWS - BAD, BAD)]
    assert not list(workspace.landing.rglob(".*"))

    again = run_ghala(*land(workspace), "--json")
    assert again.returncode == 0, again.stderr
    assert counts(workspace) == [(ROWS, ROWS - BAD, BAD), MANY]


def test_on_a_full_disk_nothing_is_landed_and_it_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    """A disk of 40 MB in memory, mounted in a namespace of its own, or a container's small one."""
    alone, disk = find_small_disk(tmp_path)
    done = subprocess.run(
        [*alone, sys.executable, "-m", "tests.faults.test_landing_faults", str(disk)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if disk != tmp_path:
        rmtree(disk)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["error"] for one in told["refused"]] == ["TryAgain"] * 3
    assert all("no room left" in one["message"] for one in told["refused"])
    assert all(one["counts"] == [[ROWS, ROWS - BAD, BAD]] for one in told["refused"])
    assert told["counts"] == [[ROWS, ROWS - BAD, BAD], list(MANY)]


def find_small_disk(folder: Path) -> tuple[list[str], Path]:
    """Who may mount one, and where; else the shared memory, which a container has little of."""
    for alone in ALONE:
        if which(alone[0]) is None:
            continue
        tried = [*alone, *MOUNT, str(folder)]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return alone, folder
    assert disk_usage(SHARED_MEMORY).total < 1e9, "nobody may mount a small disk on this machine"
    return [], Path(mkdtemp(dir=SHARED_MEMORY))


def _land_on_a_small_disk(root: Path) -> dict[str, object]:
    """Fill a disk up to three amounts of room, land each time, then make room and land."""
    from ghala.contracts.errors import TryAgain, full_disk

    if root.parent != SHARED_MEMORY:
        subprocess.run([*MOUNT, str(root)], check=True)
    made, ballast, refused = open_shop(root / "duka"), root / "ballast", []

    def attempt() -> None:
        with DuckDBWarehouse(made.warehouse) as warehouse:
            list(land_files(made, warehouse, date.fromisoformat(DAY)))

    sell(made, 0)
    attempt()
    sell(made, 1, rows=LARGE)
    for room in (200_000, 1_500_000, 4_000_000):
        ballast.unlink(missing_ok=True)
        ballast.write_bytes(b"." * (disk_usage(root).free - room))
        try:
            attempt()
        except (TryAgain, OSError) as error:
            said = error if isinstance(error, TryAgain) else full_disk(error)
            ballast.unlink()
            refused.append(
                {"error": type(said).__name__, "message": str(said), "counts": counts(made)}
            )
    ballast.unlink(missing_ok=True)
    attempt()
    return {"refused": refused, "counts": counts(made)}


def test_of_two_landings_at_once_the_second_is_told_to_try_again(workspace: Workspace) -> None:
    sell(workspace, 1, rows=LARGE)
    with subprocess.Popen(
        [*COMMAND, *land(workspace), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as first:
        _wait_until_copied(workspace)
        os.kill(first.pid, signal.SIGSTOP)  # in the middle of its work
        second = run_ghala(*land(workspace), "--json")
        os.kill(first.pid, signal.SIGCONT)
        told, _ = first.communicate()

    assert second.returncode == 75
    assert "Another run is at work" in json.loads(second.stdout)["error"]
    assert first.returncode == 0
    # The first day was landed without telling the ledger, which now learns of both.
    assert [batch["rows_in"] for batch in json.loads(told)["batches"]] == [ROWS, LARGE]
    assert counts(workspace) == [(ROWS, ROWS - BAD, BAD), MANY]
    third = run_ghala(*land(workspace), "--json")
    assert json.loads(third.stdout)["batches"] == []


def _wait_until_copied(workspace: Workspace) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if list(workspace.landing.rglob(f"*{FIRST + timedelta(days=1)}*")):
            return
        time.sleep(0.001)
    raise AssertionError("the first landing never began")


if __name__ == "__main__":
    print(json.dumps(_land_on_a_small_disk(Path(sys.argv[1]))))

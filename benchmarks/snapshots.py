"""Does a snapshot stay fast when twenty sources have delivered a file a day for two years?

    python benchmarks/snapshots.py FOLDER [--sources 20] [--days 730]

Makes a workspace in FOLDER whose landing holds that many files, takes a snapshot of it and, of one
more day, a second one; brings the first back and then the second, and compares every byte. All
landed files are one object of DVC: a directory with a list of digests, not a pointer per file.
Prints a table and writes JSON beside.
"""

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from ghala.contracts.settings import Company, Workspace
from ghala.warehouse.snapshots import find_snapshot, restore_snapshot, take_snapshot
from ghala.warehouse.workspace import create_workspace

RESULTS = Path(__file__).parent / "results"
START = date(2024, 1, 1)
SIZE = 4096
"""Bytes of a file: DVC's work is per file, that of the digests per byte."""


def land_day(workspace: Workspace, sources: int, day: int) -> None:
    """Put one file per source into the landing."""
    for source in range(sources):
        content = random.Random(f"{source}-{day}").randbytes(SIZE)  # noqa: S311
        folder = workspace.landing / f"source_{source:02d}"
        folder.mkdir(exist_ok=True)
        (folder / f"feed_{START + timedelta(days=day)}.csv").write_bytes(content)


def contents(workspace: Workspace) -> str:
    """One digest over every landed file and its name."""
    whole = hashlib.sha256()
    for file in sorted(workspace.landing.rglob("*.csv")):
        whole.update(file.relative_to(workspace.landing).as_posix().encode() + file.read_bytes())
    return whole.hexdigest()


def timed(step: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds, and seconds of processor time of this process."""
    wall, processor = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(folder: Path, *, sources: int, days: int) -> dict[str, tuple[float, float]]:
    """The seconds of every step; what comes back is what was there."""
    workspace = create_workspace(
        folder / "workspace", company=Company(name="Bench", demo=True), sources=["company"],
        use_cases=["operations/demand"],
    )  # fmt: skip
    for day in range(days):
        land_day(workspace, sources, day)
    held, found = [contents(workspace)], {}
    found["snapshot of the history"] = timed(lambda: take_snapshot(workspace, "History"))
    first = find_snapshot(workspace, workspace.commit())
    land_day(workspace, sources, days)
    held.append(contents(workspace))
    found["snapshot of one more day"] = timed(lambda: take_snapshot(workspace, "One more day"))
    second = find_snapshot(workspace, workspace.commit())
    found["restore the first"] = timed(lambda: restore_snapshot(workspace, first))
    assert contents(workspace) == held[0], "the first snapshot came back with other bytes"
    found["restore the second"] = timed(lambda: restore_snapshot(workspace, second))
    assert contents(workspace) == held[1], "the second snapshot came back with other bytes"
    return found


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sources", type=int, default=20)
    parser.add_argument("--days", type=int, default=730)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True)
    found = measure(chosen.folder, sources=chosen.sources, days=chosen.days)
    print(f"{chosen.sources * chosen.days:,} files; every byte came back")
    for name, (wall, processor) in found.items():
        print(f"{name:26} {wall:6.1f} s, of the processor {processor:6.1f} s")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "snapshots.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

"""How long do landing, building and one more day take at the size of a company?

    python benchmarks/warehouse.py FOLDER --size small|full [--days 730]

Simulates a company (once; an existing folder is used again), then runs `ghala land` and
`ghala build` over all but its last day, the same SQL by hand in one DuckDB session, and one more
day. Each command runs in a process of its own; memory is the largest resident size of that process
as the kernel accounts for it. Prints a table and writes JSON beside.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb

from ghala.warehouse.contract import arrival

RESULTS = Path(__file__).parent / "results"
GHALA = Path(sys.executable).with_name("ghala")
START = date(2024, 1, 1)


def measure(*arguments: str) -> tuple[float, float]:
    """Wall seconds and peak GB of one run of the command."""
    begun = time.perf_counter()
    process = subprocess.Popen([GHALA, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"ghala {' '.join(arguments)} failed"
    return time.perf_counter() - begun, usage.ru_maxrss / 1e6


def deliver(exports: Path, inbox: Path, *, first: date | None, last: date) -> int:
    """Put the files that arrived in a span of days into the inbox; returns how many."""
    inbox.mkdir(parents=True, exist_ok=True)
    files = 0
    for file in exports.iterdir():
        came = arrival(file)
        if came is not None and came <= last and (first is None or came >= first):
            os.link(file, inbox / file.name)
            files += 1
    return files


def by_hand(workspace: Path) -> float:
    """Seconds that the statements of dbt's models and tests take, one by one in one session."""
    target = workspace / ".ghala" / "dbt" / "target"
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    done = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    copy = workspace / ".ghala" / "by-hand" / "warehouse.duckdb"  # the statements name the database
    copy.parent.mkdir()
    shutil.copy2(workspace / ".ghala" / "warehouse.duckdb", copy)
    with duckdb.connect(str(copy)) as session:
        for schema in {node["schema"] for node in manifest["nodes"].values()}:
            session.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            session.execute(f"CREATE SCHEMA {schema}")
        session.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        begun = time.perf_counter()
        for result in done:
            if result["unique_id"] not in manifest["nodes"]:
                continue  # an exposure has no statement
            node, sql = manifest["nodes"][result["unique_id"]], result["compiled_code"]
            if node["resource_type"] == "test":
                session.execute(sql).fetchall()
            else:
                kind = "VIEW" if node["config"]["materialized"] == "view" else "TABLE"
                session.execute(f'CREATE {kind} {node["schema"]}."{node["alias"]}" AS {sql}')
        seconds = time.perf_counter() - begun
    shutil.rmtree(copy.parent)
    return seconds


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--days", type=int, default=730)
    chosen = parser.parse_args()
    simulated, workspace = chosen.folder / "company", chosen.folder / "workspace"
    result: dict[str, float] = {"cores": os.cpu_count() or 0}
    if not simulated.is_dir():
        options = ("--size", chosen.size, "--seed", "1", "--days", str(chosen.days))
        result["simulate (s)"], result["simulate (GB)"] = measure(
            "simulate", str(simulated), *options
        )
    shutil.rmtree(workspace, ignore_errors=True)
    measure("init", str(workspace), "--source", "company")
    if chosen.size == "full":
        with (workspace / "ghala.toml").open("a", encoding="utf-8") as settings:
            settings.write("\n[warehouse]\nmemory_gb = 7\n")
    exports, inbox = simulated / "inbox" / "company", workspace / "inbox" / "company"
    last = START + timedelta(days=chosen.days)
    before, where = last - timedelta(days=1), ("--workspace", str(workspace))
    result["files of the history"] = deliver(exports, inbox, first=None, last=before)
    for name, arguments in {
        "land the history": ("land", "--as-of", str(before), "--allow-late"),
        "build": ("build", "--as-of", str(before)),
    }.items():
        result[f"{name} (s)"], result[f"{name} (GB)"] = measure(*arguments, *where)
    result["the same SQL by hand (s)"] = by_hand(workspace)
    result["build / by hand"] = result["build (s)"] / result["the same SQL by hand (s)"]
    result["files of one more day"] = deliver(exports, inbox, first=last, last=last)
    for name in ("land", "build"):
        result[f"one more day: {name} (s)"], _ = measure(
            name, "--as-of", str(last), *where, *(["--allow-late"] if name == "land" else [])
        )
    for name, figure in result.items():
        print(f"{name:35} {figure:10.2f}")
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"warehouse_{chosen.size}.json"
    file.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

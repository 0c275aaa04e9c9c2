"""What does it take to train and score every use case of a company?

    python benchmarks/use_cases.py WORKSPACE --as-of 2025-12-01 [--only UNIT/NAME ...]

WORKSPACE is built (benchmarks/warehouse.py leaves one). Each use case is trained with
`ghala train`: its training set, the backtest, the probes and the version that is registered. Then
that version is scored as if it stood in UAT. Both run in a process of their own, in the order in
which the use cases read each other. Prints wall seconds and the largest resident size of each
process, writes JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ghala.contracts.discovery import use_cases
from ghala.contracts.settings import find_workspace
from ghala.house import House
from ghala.warehouse.entities import find_obstacles

RESULTS = Path(__file__).parent / "results"
GHALA = Path(sys.executable).with_name("ghala")


@dataclass(frozen=True)
class Cost:
    """What one process took, and what it printed."""

    seconds: float
    processor: float
    peak_gb: float
    said: str


def measure(*command: str | Path) -> Cost:
    """Run a command to its end."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{command} failed"
    spent = usage.ru_utime + usage.ru_stime
    return Cost(time.perf_counter() - begun, spent, usage.ru_maxrss / 1e6, said)


def score(workspace: Path, name: str, *, version: int, as_of: date) -> int:
    """Score one version as a shadow; the rows that were written."""
    from ghala.serving.scoring import score as score_version

    house = House(find_workspace(workspace), "benchmark")
    with house.warehouse() as warehouse:
        use_case = use_cases(house.workspace)[name]
        roles = {version: "shadow"}
        return score_version(house.workspace, warehouse, use_case, roles=roles, as_of=as_of)


def main() -> None:
    """Train and score each use case, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--version", type=int, help="score this version of the one in --only")
    chosen = parser.parse_args()
    if chosen.version:
        print(score(chosen.workspace, *chosen.only, version=chosen.version, as_of=chosen.as_of))
        return
    workspace = find_workspace(chosen.workspace)
    skipped = find_obstacles(workspace)
    costs: dict[str, dict[str, float]] = {}
    day = str(chosen.as_of)
    print(f"{'use case':26} {'train s':>9} {'GB':>6} {'score s':>9} {'GB':>6} {'rows':>11}")
    for name in use_cases(workspace):
        if name in skipped or (chosen.only and name not in chosen.only):
            continue
        where = ("--as-of", day, "--workspace", str(chosen.workspace))
        trained = measure(GHALA, "train", name, *where, "--json")
        version = str(json.loads(trained.said)["version"])
        again = (str(chosen.workspace), "--as-of", day, "--only", name, "--version", version)
        scored = measure(sys.executable, __file__, *again)
        costs[name] = {
            "train (s)": trained.seconds,
            "train, processor (s)": trained.processor,
            "train (GB)": trained.peak_gb,
            "score (s)": scored.seconds,
            "score, processor (s)": scored.processor,
            "score (GB)": scored.peak_gb,
            "rows": int(scored.said),
        }
        print(
            f"{name:26} {trained.seconds:9.1f} {trained.peak_gb:6.2f}"
            f" {scored.seconds:9.1f} {scored.peak_gb:6.2f} {int(scored.said):11,}",
            flush=True,
        )
    seconds = sum(cost["train (s)"] + cost["score (s)"] for cost in costs.values())
    print(f"{'in all':26} {seconds:9.1f} s")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "use_cases.json").write_text(json.dumps(costs, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

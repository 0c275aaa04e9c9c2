"""How long and how large is the demonstration, and how long does `ghala --help` take?

    python benchmarks/demo.py FOLDER [--weeks 12]

Runs both as a user would, each in a process of its own, and prints wall seconds and the largest
resident memory of the process as the kernel accounts for it. Writes JSON beside.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
GHALA = Path(sys.executable).with_name("ghala")


def measure(*arguments: str) -> tuple[float, float]:
    """Wall seconds and peak GB of one run of the command."""
    begun = time.perf_counter()
    process = subprocess.Popen([GHALA, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    assert os.waitstatus_to_exitcode(status) == 0, "the command failed"
    return seconds, usage.ru_maxrss / 1e6


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--weeks", default="12")
    chosen = parser.parse_args()
    helps = [measure("--help")[0] for _ in range(11)][1:]
    seconds, peak = measure("demo", chosen.folder, "--weeks", chosen.weeks)
    result = {
        "ghala --help, median of 10 (s)": statistics.median(helps),
        f"ghala demo --weeks {chosen.weeks}, wall (s)": seconds,
        f"ghala demo --weeks {chosen.weeks}, peak memory (GB)": peak,
        "cores": os.cpu_count() or 0,
    }
    for name, figure in result.items():
        print(f"{name:45} {figure:8.2f}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "demo.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

"""How long does it take to simulate a company, and how much memory and disk?

    python benchmarks/simulate.py FOLDER [--sizes tiny small full] [--days N]

Runs the command as a user would, each size in a process of its own, and prints wall seconds, the
largest resident memory of the process as the kernel accounts for it, and what was written. Writes
JSON beside.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
COMMAND = [sys.executable, "-c", "from ghala.cli.main import main; main()"]


def measure(folder: Path, size: str, days: str | None) -> dict[str, Any]:
    """Simulate once."""
    target = folder / size
    asked = ["simulate", str(target), "--size", size, "--json"]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, *asked, *(["--days", days] if days else [])], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    assert os.waitstatus_to_exitcode(status) == 0, "the command failed"
    rows = json.loads(told)["rows"]
    files = [file for file in target.rglob("*") if file.is_file()]
    return {
        "size": size,
        "orders (M)": (rows["web_orders"] + rows["agent_orders"]) / 1e6,
        "lines (M)": (rows["web_lines"] + rows["agent_lines"]) / 1e6,
        "rows (M)": sum(rows.values()) / 1e6,
        "files": len(files),
        "disk (GB)": sum(file.stat().st_size for file in files) / 1e9,
        "wall (s)": seconds,
        "processor time (s)": usage.ru_utime + usage.ru_stime,
        "peak memory (GB)": usage.ru_maxrss / 1e6,
    }


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", nargs="+", default=["tiny", "small", "full"])
    parser.add_argument("--days")
    chosen = parser.parse_args()
    results = [measure(chosen.folder, size, chosen.days) for size in chosen.sizes]
    for name in results[0]:
        cells = (
            f"{one[name]:>12}" if isinstance(one[name], str | int) else f"{one[name]:12.2f}"
            for one in results
        )
        print(f"{name:20}" + "".join(cells))
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"cores": os.cpu_count(), "runs": results}, indent=1)
    (RESULTS / "simulate.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

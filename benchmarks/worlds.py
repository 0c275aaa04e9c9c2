"""Simulated companies to judge models on: simulated, landed and built once, then used again.

    python benchmarks/worlds.py FOLDER --size small --world endogenous --seeds 1 2 3 4 5

Each is a folder SIZE-WORLD-SEED with the workspace, whose warehouse is built from all its days, and
the truth beside it, which only benchmarks read.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl

GHALA = Path(sys.executable).with_name("ghala")
START = date(2024, 1, 1)
LAST = START + timedelta(days=730)
"""The day on which everything of the two years has arrived."""


@dataclass(frozen=True)
class Company:
    """One simulated company: what its systems exported, and what is true."""

    folder: Path

    @property
    def workspace(self) -> Path:
        """The workspace with its built warehouse."""
        return self.folder / "workspace"

    def truth(self, name: str) -> pl.DataFrame:
        """A table of the truth, e.g. ``elasticities``."""
        return pl.read_parquet(self.folder / "company" / "truth" / f"{name}.parquet")

    def warehouse(self) -> duckdb.DuckDBPyConnection:
        """The built warehouse, to read."""
        file = self.workspace / ".ghala" / "warehouse.duckdb"
        return duckdb.connect(str(file), read_only=True)


def prepare(folder: Path, *, size: str, world: str, seed: int) -> Company:
    """The company of a size, world and seed; made when it is not there yet."""
    company = Company(folder / f"{size}-{world}-{seed}")
    done = company.folder / "ready"
    if done.exists():
        return company
    exports = company.folder / "company"
    _ghala("simulate", exports, "--size", size, "--world", world, "--seed", seed, "--days", 730)
    if not company.workspace.exists():
        _ghala("init", company.workspace, "--source", "company")
    inbox = company.workspace / "inbox" / "company"
    inbox.mkdir(parents=True, exist_ok=True)
    for file in (exports / "inbox" / "company").iterdir():
        if not (inbox / file.name).exists():
            os.link(file, inbox / file.name)
    where = ("--workspace", company.workspace, "--as-of", LAST)
    _ghala("land", "--allow-late", *where)
    _ghala("build", *where)
    done.touch()
    return company


def _ghala(*arguments: object) -> None:
    subprocess.run([GHALA, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Prepare what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world", default="endogenous")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    chosen = parser.parse_args()
    for seed in chosen.seeds:
        company = prepare(chosen.folder, size=chosen.size, world=chosen.world, seed=seed)
        print(company.folder, flush=True)


if __name__ == "__main__":
    main()

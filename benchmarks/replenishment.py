"""What does operations/replenishment save beside rules that are tuned as well as it is?

    python benchmarks/replenishment.py FOLDER --size small --seeds 1 2 3 4 5

The policy, the textbook's (normal safety stock and EOQ) and weeks of cover are tuned by living
through the first year and judged by living through the second: holding, ordering and lost sales in
KES, by what was wanted of each SKU in each depot as far as its shelf lets that be known. A draw of
depots is judged, all of their SKUs. All three see the same weekly features; no forecast of
operations/demand was made in those years, so the policy too works from the warehouse's history. The
companies are only read. Prints every seed, writes JSON.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from depots import write
from ghala.contracts import clock
from ghala.contracts.discovery import use_case
from ghala.contracts.settings import Workspace
from ghala.features.examples import Request, read_examples
from ghala.features.history import views_of
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.predictions import create_tables
from ghala_retail.use_cases.operations.replenishment.replay import arrange, live
from ghala_retail.use_cases.operations.replenishment.rules import Levels
from ghala_retail.use_cases.operations.replenishment.use_case import LEVELS, Replenishment
from worlds import prepare

FIRST, CUT, LAST = date(2024, 3, 4), date(2025, 1, 6), date(2025, 12, 8)
SETTLED = date(2025, 12, 29)
SETTINGS = """sources = ["company"]
use_cases = ["operations/demand", "operations/replenishment"]
[company]
name = "benchmark"
timezone = "Africa/Nairobi"
"""


@contextmanager
def opened(company: Path) -> Iterator[tuple[Workspace, DuckDBWarehouse]]:
    """A warehouse of its own that sees what a company has built, which is only read."""
    with TemporaryDirectory() as place:
        root = Path(place)
        (root / "ghala.toml").write_text(SETTINGS, encoding="utf-8")
        workspace = Workspace(root)
        with DuckDBWarehouse(root / "warehouse.duckdb", memory_limit="3GB") as warehouse:
            create_tables(warehouse, use_case(workspace, "operations/demand"))
            file = company / ".ghala" / "warehouse.duckdb"
            warehouse.execute(f"ATTACH '{file}' AS company (READ_ONLY)")
            built = warehouse.rows(
                "SELECT table_schema || '.' || table_name FROM information_schema.tables"
                " WHERE table_catalog = 'company' AND table_schema IN ('core', 'features')"
            )
            for schema in ("core", "features"):
                warehouse.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            for (name,) in built:
                warehouse.execute(f"CREATE VIEW {name} AS FROM company.{name}")
            yield workspace, warehouse


def judge(company: Path, *, share: float) -> dict[str, Any]:
    """What each policy cost in the second year, tuned on the first."""
    with opened(company) as (workspace, warehouse):
        found = use_case(workspace, "operations/replenishment")
        assert isinstance(found, Replenishment)
        request = Request(clock.every(FIRST, LAST, 7), caps={"": share})
        rows = read_examples(
            warehouse, found, views=views_of(workspace, found), request=request, as_of=SETTLED
        )
    begun = time.perf_counter()
    past = rows.filter(pl.col("as_of") < CUT, pl.col("known_on") <= CUT)
    model = found.fit(past, seed=found.policy.seed)
    seconds = time.perf_counter() - begun
    said = found.judge(model, rows.filter(pl.col("as_of") >= CUT))
    world, weeks = arrange(said, seed=found.policy.seed), said["as_of"].n_unique()
    figures: dict[str, Any] = {"cells": world.cells, "depots": said["location_id"].n_unique()}
    for who in (found.answer, *found.baselines):
        levels = Levels(*(said[f"{who}_{level}"].to_numpy() for level in LEVELS))
        lived = live(world, levels, found.policy.costs)
        figures |= {
            f"{who}.{part}": float(getattr(lived, part).sum()) / weeks
            for part in ("cost", "held", "ordered", "missed")
        }
        figures[f"{who}.fill"] = 1 - float(lived.lost_units.sum() / said["actual"].sum())
    for who in found.baselines:
        figures[f"below.{who}"] = 1 - figures["decision.cost"] / figures[f"{who}.cost"]
    return {**figures, "fit_seconds": seconds}


def main() -> None:
    """Judge every seed and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world", default="endogenous")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--share", type=float, default=0.5, help="of the depots, judged")
    chosen = parser.parse_args()
    rows = []
    for seed in chosen.seeds:
        company = prepare(chosen.folder, size=chosen.size, world=chosen.world, seed=seed)
        rows.append({"seed": seed, **judge(company.workspace, share=chosen.share)})
        print(rows[-1], flush=True)
    write(f"replenishment-{chosen.size}-{chosen.world}", rows)


if __name__ == "__main__":
    main()

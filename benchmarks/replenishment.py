"""What does operations/replenishment save beside rules that are tuned as well as it is?

    python benchmarks/replenishment.py FOLDER --size small --seeds 1 2 3 4 5

The policy, the textbook's (normal safety stock and EOQ) and weeks of cover are tuned by living
through the first year and judged by living through the second: holding, ordering and lost sales in
KES, by what was wanted of each SKU in each depot as far as its shelf lets that be known. All three
see the same weekly features; no forecast of operations/demand was made in those years, so the
policy too works from the warehouse's history. Prints every seed, writes JSON.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path

import polars as pl

from depot_demand import RESULTS, summarise
from ghala.contracts import clock
from ghala.contracts.discovery import use_case
from ghala.contracts.settings import Workspace
from ghala.features.examples import Request, find_caps, read_examples
from ghala.features.history import find_views, pick_views
from ghala.warehouse.engines.opening import open_warehouse
from ghala_retail.use_cases.operations.replenishment.replay import arrange, live
from ghala_retail.use_cases.operations.replenishment.rules import Levels
from ghala_retail.use_cases.operations.replenishment.use_case import LEVELS, Replenishment
from worlds import prepare

FIRST, CUT, LAST = date(2024, 3, 4), date(2025, 1, 6), date(2025, 12, 8)


def judge(workspace: Workspace) -> dict[str, float]:
    """What each policy cost in the second year, tuned on the first."""
    found = use_case(workspace, "operations/replenishment")
    assert isinstance(found, Replenishment)
    views = pick_views(find_views(workspace), found.features)
    with open_warehouse(workspace) as warehouse:
        caps = find_caps(warehouse, found, origin=LAST, most=found.policy.backtest.most_subjects)
        request = Request(clock.every(FIRST, LAST, 7), 1.0, date.min, caps)
        as_of = date(2025, 12, 29)
        rows = read_examples(warehouse, found, views=views, request=request, as_of=as_of)
    begun = time.perf_counter()
    model = found.fit(rows.filter(pl.col("as_of") < CUT), seed=found.policy.seed)
    figures = {"fit_seconds": time.perf_counter() - begun}
    said = found.judge(model, rows.filter(pl.col("as_of") >= CUT))
    world, weeks = arrange(said, seed=found.policy.seed), said["as_of"].n_unique()
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
    return figures


def main() -> None:
    """Judge every seed and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world", default="endogenous")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    chosen = parser.parse_args()
    found = []
    for seed in chosen.seeds:
        company = prepare(chosen.folder, size=chosen.size, world=chosen.world, seed=seed)
        workspace = Workspace(company.workspace.resolve())
        found.append({"seed": seed, **judge(workspace)})
        print(json.dumps(found[-1], indent=1), flush=True)
    print(summarise(pl.DataFrame(found).unpivot(index="seed", variable_name="figure")))
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"size": chosen.size, "world": chosen.world, "seeds": found}, indent=1)
    (RESULTS / "replenishment.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

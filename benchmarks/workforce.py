"""How much does planning people by operations/workforce save, and how much work stays undone?

    python benchmarks/workforce.py FOLDER --size small --world endogenous --seeds 1 2 3 4 5
    python benchmarks/workforce.py FOLDER --workspace WORKSPACE

The companies of FOLDER (benchmarks/worlds.py) are planned on every Monday from 2025-07-07 to
2025-12-15 for the week that begins, by fits of 2025-07-07 and 2025-09-29 on what was known then.
Wages of those who come and the price of work left undone are counted on the work that then came up,
beside two fixed shifts per task at the mean and 15 %, the same with a floor crew that does every
task, and staffing for the peak. The same weeks are planned once more as if undone work were dearer,
and counted at its real price: how many hours less are left undone, and what each of them costs.

With --workspace one fit and one scoring of that company are timed instead.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from depots import examples_of, folds, opened, peak_gb, write
from ghala.contracts.discovery import use_case
from ghala_retail.use_cases.operations.workforce.use_case import Model, Workforce
from worlds import prepare

Learned = tuple[Model, pl.DataFrame]
"""A model, and the weeks after those that it has learned from."""

FIRST, LAST, REFIT_WEEKS = date(2025, 7, 7), date(2025, 12, 22), 12
LEARNED = 18
DEARER = (6_000.0, 24_000.0)
"""KES an hour of undone work."""
RIVALS = ("decision", "crew_two_shifts", "two_shifts", "peak")


def judge(company: Path) -> dict[str, Any]:
    """The figures of one company."""
    with opened(company) as (workspace, warehouse):
        found = use_case(workspace, "operations/workforce")
        assert isinstance(found, Workforce)
        weeks = LEARNED + (LAST - FIRST).days // 7
        days = [FIRST + timedelta(weeks=n - LEARNED) for n in range(weeks)]
        examples = examples_of(workspace, warehouse, found, days=days)
    weeks_of: list[Learned] = []
    for start, end in folds(FIRST, LAST, weeks=REFIT_WEEKS):
        past = examples.filter((pl.col("as_of") < start) & (pl.col("known_on") <= start))
        model = found.fit(past, seed=found.policy.seed)
        weeks_of.append((model, examples.filter(pl.col("as_of").is_between(start, end, "left"))))
    said = pl.concat(found.judge(model, ahead) for model, ahead in weeks_of)
    cost = {who: float(found.losses(said, "cost", who=who).sum()) for who in RIVALS}
    undone = {who: float(found.undone_hours(said, said[who]).sum()) for who in RIVALS}
    rows = {
        "depot_weeks": said.select("location_id", "as_of").n_unique(),
        "work_hours": float(said["actual"].sum()),
        **{f"cost_m_{who}": value / 1e6 for who, value in cost.items()},
        **{f"undone_hours_{who}": value for who, value in undone.items()},
        **{f"saved_on_{who}": 1 - cost["decision"] / cost[who] for who in RIVALS[1:]},
        "infeasible_share": float(said["infeasible"].is_not_null().mean()),
    }
    for price in DEARER:
        dear = plan_dearer(found, price, weeks_of)
        own = float(found.losses(dear, "cost", who="decision").sum())
        rows[f"cost_m_at_{price:.0f}"] = own / 1e6
        rows[f"saved_on_peak_at_{price:.0f}"] = 1 - own / cost["peak"]
        left = found.undone_hours(dear, dear["decision"])
        rows[f"undone_hours_at_{price:.0f}"] = float(left.sum())
    for crew in ("floor", "road"):
        mine = said.filter(pl.col("crew") == crew)
        own, rival = (
            found.losses(mine, "cost", who=who).sum() for who in ("decision", "two_shifts")
        )
        rows[f"saved_on_two_shifts_{crew}"] = 1 - own / rival
    return rows


def plan_dearer(found: Workforce, price: float, weeks: Sequence[Learned]) -> pl.DataFrame:
    """The same weeks, planned as if an hour of undone work cost ``price``."""
    policy = found.policy
    labour = policy.labour.model_copy(update={"undone_kes_per_hour": price})
    found.policy = policy.model_copy(update={"labour": labour})
    said = pl.concat(found.judge(model, ahead) for model, ahead in weeks)
    found.policy = policy
    return said


def time_once(company: Path) -> dict[str, Any]:
    """One fit and one scoring on the newest Monday, in seconds, with the largest memory."""
    begun, spent = time.perf_counter(), time.process_time()
    with opened(company) as (workspace, warehouse):
        found = use_case(workspace, "operations/workforce")
        made = time.perf_counter()
        newest = LAST - timedelta(weeks=1)
        days = [newest - timedelta(weeks=n) for n in range(26, -1, -1)]
        examples = examples_of(workspace, warehouse, found, days=days)
    read = time.perf_counter()
    model = found.fit(examples.filter(pl.col("known_on") <= newest), seed=found.policy.seed)
    fitted = time.perf_counter()
    asked = examples.filter(pl.col("as_of") == newest).drop("actual", "known_on")
    said = found.ask(model, asked)
    scored = time.perf_counter()
    return {
        "examples": examples.height, "scored": said.height,
        "tables_s": made - begun, "read_s": read - made, "fit_s": fitted - read,
        "score_s": scored - fitted, "processor_s": time.process_time() - spent,
        "peak_gb": peak_gb(),
    }  # fmt: skip


def main() -> None:
    """Judge every seed, or time one company."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world", default="endogenous")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--workspace", type=Path)
    chosen = parser.parse_args()
    if chosen.workspace:
        write("workforce-timed", [time_once(chosen.workspace)])
        return
    rows = []
    for seed in chosen.seeds:
        company = prepare(chosen.folder, size=chosen.size, world=chosen.world, seed=seed)
        rows.append({"seed": seed, **judge(company.workspace)})
        print(rows[-1], flush=True)
    write(f"workforce-{chosen.size}-{chosen.world}", rows)


if __name__ == "__main__":
    main()

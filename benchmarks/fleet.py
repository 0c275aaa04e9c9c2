"""How much does booking trucks by operations/fleet save, and how close are routes to the bound?

    python benchmarks/fleet.py FOLDER --size small --world endogenous --seeds 1 2 3 4 5
    python benchmarks/fleet.py FOLDER --workspace WORKSPACE

The companies of FOLDER (benchmarks/worlds.py) are asked on every fourth day from 2025-07-07 to
2025-12-02, by fits of 2025-07-07 and 2025-09-29 on what was known then, for the 28 days ahead.

- cost: what own, contract and spot trucks cost on the trips that then went out, KES a depot-day,
  beside a fleet for 19 of 20 days (p95), the mean of the last four same weekdays, and the truth
  told beforehand. Own trucks are paid by all of them alike; `booked` leaves them out.
- routes: trucks and kilometres for the orders of the day before, on every 56th day, beside the
  sweep and the least number of trucks that the day's litres and stops fit into.

With --workspace one fit and one scoring of that company are timed instead.
"""

import argparse
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from depots import examples_of, folds, opened, peak_gb, write
from ghala.contracts.discovery import use_case
from ghala.contracts.use_case import UseCase
from worlds import prepare

FIRST, LAST, REFIT_WEEKS = date(2025, 7, 7), date(2025, 12, 2), 12
LEARNED = 18 * 7
RIVALS = ("decision", "weekday_mean", "p95_fleet")


def judge(company: Path) -> dict[str, Any]:
    """The figures of one company."""
    parts, routed = [], []
    with opened(company) as (workspace, warehouse):
        found = use_case(workspace, "operations/fleet")
        days = [FIRST - timedelta(days=n) for n in range(LEARNED, 0, -1)]
        days += [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days)]
        examples = examples_of(workspace, warehouse, found, days=days)
    for start, end in folds(FIRST, LAST, weeks=REFIT_WEEKS):
        past = examples.filter(
            pl.col("as_of").is_between(start - timedelta(days=LEARNED), start, closed="left")
            & (pl.col("known_on") <= start)
        )
        model = found.fit(past, seed=found.policy.seed)
        asked = [FIRST + timedelta(days=n) for n in range(0, (LAST - FIRST).days, 4)]
        for day in (one for one in asked if start <= one < end):
            ahead = examples.filter(pl.col("as_of") == day)
            if (day - FIRST).days % 56:
                ahead = ahead.with_columns(drops=pl.lit(None, dtype=pl.String))
            said = found.judge(model, ahead)
            parts.append(said)
            routed.append(said.filter(pl.col("routes").is_not_null()))
    return figures(found, pl.concat(parts), pl.concat(routed))


def figures(found: UseCase, said: pl.DataFrame, routed: pl.DataFrame) -> dict[str, Any]:
    """Costs a depot-day, and trucks and kilometres of the routes."""
    own = (said["own_trucks"] * said["own_rate"]).mean()
    cost = {who: found.losses(said, "cost", who=who).mean() for who in RIVALS}
    cost["told"] = found.cost(said, said["actual"].cast(pl.Float64)).mean()
    near = said.filter((pl.col("day") - pl.col("as_of")).dt.total_days() < 7)
    gain = 1 - found.losses(near, "cost", who="decision").mean() / (
        found.losses(near, "cost", who="p95_fleet").mean()
    )
    sums = routed.select("least_trucks", "sweep_trucks", "routed_trucks", "routed_km").sum()
    least, swept, laid, km = (float(value) for value in sums.row(0))
    inside = (said["actual"] >= said["p10"]) & (said["actual"] <= said["p90"])
    return {
        "depot_days": said.height,
        **{f"cost_{who}": float(value) for who, value in cost.items()},
        "saved_on_p95": 1 - cost["decision"] / cost["p95_fleet"],
        "saved_on_p95_first_week": float(gain),
        "saved_on_p95_booked": 1 - (cost["decision"] - own) / (cost["p95_fleet"] - own),
        "saved_on_weekday_mean": 1 - cost["decision"] / cost["weekday_mean"],
        "trips_inside_p10_p90": float(inside.mean()),
        "routed_days": routed.height,
        "trucks_over_bound": laid / least - 1,
        "sweep_over_bound": swept / least - 1,
        "km_a_truck": km / laid,
        "drops_left": float(routed["drops_left"].sum()),
    }


def time_once(company: Path) -> dict[str, Any]:
    """One fit and one scoring on the newest day, in seconds, with the largest memory."""
    begun = time.perf_counter()
    spent = time.process_time()
    with opened(company) as (workspace, warehouse):
        found = use_case(workspace, "operations/fleet")
        made = time.perf_counter()
        days = [LAST - timedelta(days=n) for n in range(LEARNED + 56, -1, -1)]
        examples = examples_of(workspace, warehouse, found, days=days)
    read = time.perf_counter()
    model = found.fit(examples.filter(pl.col("known_on") <= LAST), seed=found.policy.seed)
    fitted = time.perf_counter()
    newest = examples.filter(pl.col("as_of") == LAST).drop("actual", "known_on")
    said = found.ask(model, newest)
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
        write("fleet-timed", [time_once(chosen.workspace)])
        return
    rows = []
    for seed in chosen.seeds:
        company = prepare(chosen.folder, size=chosen.size, world=chosen.world, seed=seed)
        rows.append({"seed": seed, **judge(company.workspace)})
        print(rows[-1], flush=True)
    write(f"fleet-{chosen.size}-{chosen.world}", rows)


if __name__ == "__main__":
    main()

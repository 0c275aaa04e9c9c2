"""How good is operations/demand on The Complete Journey, and at what is it not?

    python benchmarks/demand.py FOLDER [--displays]

The 8 last full weeks (2017-10-30 to 2017-12-24), every origin whose horizon of 1 to 4 weeks reaches
into them, a fit at each origin on what was known there. Series: at least 26 weeks with sales by
the first origin (2017-10-09); the judged weeks had no say in it, nor in the choice between the
smart mean, boosting and their average. Prints a table and writes JSON beside it.
"""

import argparse
import json
import shutil
import time
from datetime import date
from pathlib import Path

import polars as pl

from ghala import flow
from ghala.contracts import clock
from ghala.contracts.discovery import load_module, sources, use_case
from ghala.contracts.settings import Company, Workspace
from ghala.contracts.use_case import UseCase
from ghala.evaluation.bootstrap import relative_gain
from ghala.evaluation.metrics import bias, coverage, wape
from ghala.features.examples import Request, read_examples
from ghala.features.history import find_views, pick_views
from ghala.warehouse.workspace import create_workspace

FIRST, LAST = date(2017, 10, 30), date(2017, 12, 18)
ORIGINS = clock.every(date(2017, 10, 9), LAST, 7)
AS_OF = date(2017, 12, 25)
RESULTS = Path(__file__).parent / "results"


def prepare(folder: Path, *, displays: bool) -> Workspace:
    """A workspace with the whole year landed and built; an earlier one is used again."""
    if (folder / "ghala.toml").is_file():
        return Workspace(folder.resolve())
    company = Company(name="benchmark", currency="USD", timezone="America/New_York", demo=True)
    workspace = create_workspace(
        folder, company=company, sources=["completejourney"], use_cases=["operations/demand"]
    )
    if displays:
        with (workspace.root / "ghala.toml").open("a", encoding="utf-8") as settings:
            settings.write("\n[variables]\ndisplays_planned = true\n")
        workspace = Workspace(workspace.root)
    source = sources(workspace)["completejourney"]
    load_module(source / "deliveries.py").deliver(workspace.inbox / "completejourney")
    house = flow.House(workspace, "benchmark")
    flow.land(house, AS_OF)
    flow.build(house, AS_OF)
    shutil.rmtree(workspace.inbox)
    return workspace


def forecast(workspace: Workspace, found: UseCase) -> pl.DataFrame:
    """The forecasts of every origin for the judged weeks, each by a model fitted there."""
    views = pick_views(find_views(workspace), found.features)
    origins = clock.every(date(2017, 2, 27), LAST, 7)
    request = Request(origins, found.policy.backtest.training_share, ORIGINS[0])
    with flow.House(workspace, "benchmark").warehouse() as warehouse:
        examples = read_examples(warehouse, found, views=views, request=request, as_of=AS_OF)
    parts = []
    for origin in ORIGINS:
        begun = time.perf_counter()
        known = examples.filter((pl.col("as_of") < origin) & (pl.col("known_on") <= origin))
        model = found.fit(known, seed=found.policy.seed)
        chosen = {grain: one.chosen for grain, one in model.items()}
        parts.append(found.judge(model, examples.filter(pl.col("as_of") == origin)))
        print(f"{origin}  {chosen}  {time.perf_counter() - begun:.0f} s", flush=True)
    return pl.concat(parts).filter(pl.col("target_week").is_between(FIRST, LAST))


def eligible(workspace: Workspace, *, by: date) -> pl.DataFrame:
    """Series with at least 26 weeks of sales known by a day."""
    with flow.House(workspace, "benchmark").warehouse() as warehouse:
        return warehouse.frame(
            "SELECT grain, series FROM features.demand_sales"
            " WHERE week < $by AND week >= '2017-01-02' GROUP BY ALL HAVING count(*) >= 26",
            {"by": by},
        )


def measure(judging: UseCase, rows: pl.DataFrame, *, seed: int) -> dict[str, float]:
    """Every figure of one set of forecasts.

    ``gain.same level`` compares the two when both are scaled to what was sold: WAPE rewards a
    forecast that is too low.
    """
    actual = rows["actual"].to_numpy()
    found = {"series": float(rows["series"].n_unique()), "forecasts": float(rows.height)}
    for name in ("mean", "smart_mean", "recent_mean", "naive"):
        found[f"wape.{name}"] = wape(actual, rows[name].to_numpy())
        found[f"bias.{name}"] = bias(actual, rows[name].to_numpy())
    pairs = rows.select(
        "series",
        loss=judging.losses(rows, "wape", who="mean"),
        rival=judging.losses(rows, "wape", who="recent_mean"),
    )
    gain = relative_gain(pairs, confidence=0.9, seed=seed)
    found |= {"gain": gain.estimate, "gain.low": gain.low, "gain.high": gain.high}
    same = {n: rows[n].to_numpy() * (actual.sum() / rows[n].sum()) for n in ("mean", "recent_mean")}
    found["gain.same level"] = 1 - wape(actual, same["mean"]) / wape(actual, same["recent_mean"])
    for level, name in ((0.1, "p10"), (0.5, "p50"), (0.9, "p90")):
        for who in ("", "smart_mean_"):
            gap = actual - rows[who + name].to_numpy()
            loss = (level * gap).clip(min=0) + ((level - 1) * gap).clip(min=0)
            found[f"pinball.{level}.{who or 'model'}"] = float(loss.mean())
    found["coverage"] = coverage(rows)
    return found


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--displays", action="store_true", help="count displays as planned too")
    chosen = parser.parse_args()
    workspace = prepare(chosen.folder, displays=chosen.displays)
    found = use_case(workspace, "operations/demand")
    forecasts = forecast(workspace, found)
    result = {}
    for rule, by in (("known at the first origin", ORIGINS[0]), ("known at the end", AS_OF)):
        rows = forecasts.join(eligible(workspace, by=by), on=["grain", "series"], how="semi")
        for (grain,), part in rows.group_by("grain", maintain_order=True):
            result[f"{grain}, series {rule}"] = measure(found, part, seed=found.policy.seed)
            for (horizon,), ahead in part.group_by("horizon", maintain_order=True):
                result[f"{grain}, series {rule}, horizon {horizon}"] = measure(found, ahead, seed=0)
            for (week,), then in part.sort("target_week").group_by(
                "target_week", maintain_order=True
            ):
                result[f"{grain}, series {rule}, week {week}"] = measure(found, then, seed=0)
    report(result, RESULTS / f"demand{'_displays' if chosen.displays else ''}.json")


def report(result: dict[str, dict[str, float]], file: Path) -> None:
    """Print the table and write JSON."""
    columns = (
        "series",
        "gain",
        "gain.low",
        "gain.high",
        "gain.same level",
        "wape.mean",
        "wape.recent_mean",
        "wape.smart_mean",
        "bias.mean",
        "coverage",
    )
    print("| set | " + " | ".join(columns) + " | pinball 0.1/0.5/0.9 (smart mean) |")
    print("|---" * (len(columns) + 2) + "|")
    for name, figures in result.items():
        pinball = " ".join(
            f"{figures[f'pinball.{q}.model']:.3f} ({figures[f'pinball.{q}.smart_mean_']:.3f})"
            for q in (0.1, 0.5, 0.9)
        )
        cells = " | ".join(
            f"{figures[c]:.0f}" if c == "series" else f"{figures[c]:.4f}" for c in columns
        )
        print(f"| {name} | {cells} | {pinball} |")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

"""How good is operations/demand in the depots of a simulated company, of which the truth is known?

    python benchmarks/depot_demand.py FOLDER --size small --seeds 1 2 3 4 5
    python benchmarks/depot_demand.py FOLDER --workspace WORKSPACE

At three origins of the second year a fit on what was known there forecasts every SKU of some depots
and every day of them, for four weeks. A SKU is judged by what customers wanted, there or not,
beside seasonal naive, the mean of four weeks, the smart mean, with --rivals statsforecast's AutoETS
and CrostonSBA on a draw of series (no dependency: pip install statsforecast), and the oracle: what
the simulator itself expects of each SKU and week before anyone has visited. A day of a depot is
judged by what it sold. Prints every seed, writes JSON.

With --workspace one fit of every grain and one scoring of that company are timed instead.
"""

import argparse
import time
from copy import copy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from depot_truth import true_demand
from depots import peak_gb, write
from ghala.contracts import clock
from ghala.contracts.discovery import use_case
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.evaluation.intervals import fit_dispersion, quantiles
from ghala.evaluation.metrics import bias, coverage, pinball, wape
from ghala.evaluation.paths import Shocks, draw_paths
from ghala.features.examples import Request, find_caps, read_examples, read_subjects
from ghala.features.history import find_views, pick_views
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.opening import open_warehouse
from worlds import LAST, prepare

ORIGINS = (date(2025, 6, 30), date(2025, 9, 1), date(2025, 11, 17))
WEEKS = [origin + timedelta(weeks=step) for origin in ORIGINS for step in range(4)]
LEVELS = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
BASELINES = ("smart_mean", "recent_mean", "seasonal_naive")
NEW_WEEKS = 8
MOST = 4_000
"""Subjects of a day that are learned from; the policy's number for a year and a half takes 4 GB."""
RIVALS = 200
PATHS = 200
Floats = NDArray[np.float64]


def learn(
    found: UseCase, warehouse: Warehouse, views: list[Any], *, last: date, most: int | None
) -> pl.DataFrame:
    """The examples that fits up to a day learn from, with so many subjects of a grain and day."""
    rule = found.policy.backtest
    first = min(ORIGINS[0], last) - timedelta(weeks=rule.training_origins + rule.weeks)
    caps = find_caps(warehouse, found, origin=last, most=most)
    days = clock.every(first, last - timedelta(days=7), 7)
    request = Request(days, rule.training_share, last, caps)
    return read_examples(warehouse, found, views=views, request=request, as_of=last)


def known_at(examples: pl.DataFrame, found: UseCase, origin: date) -> pl.DataFrame:
    """Those of them that a fit at an origin sees."""
    rule = found.policy.backtest
    oldest = origin - timedelta(weeks=rule.training_origins + rule.weeks)
    return examples.filter(pl.col("known_on") <= origin, pl.col("as_of") >= oldest)


def within(found: UseCase, depots: list[str]) -> UseCase:
    """The use case, asked about some depots only."""
    names = ", ".join(f"'{name}'" for name in depots)
    sql = f"SELECT * FROM ({found.subjects_sql}) AS known WHERE location_id IN ({names})"
    some = copy(found)
    some.__class__ = type("Some", (type(found),), {"subjects_sql": sql})
    return some


def forecast(workspace: Workspace, *, depots: int) -> tuple[pl.DataFrame, float]:
    """The forecasts of every origin, each by a model fitted there; and the seconds of a fit."""
    found = use_case(workspace, "operations/demand")
    views = pick_views(find_views(workspace), found.features)
    parts, seconds = [], []
    with open_warehouse(workspace, to_read=True) as warehouse:
        examples = learn(found, warehouse, views, last=ORIGINS[-1], most=MOST)
        known = warehouse.frame(
            "SELECT location_id FROM core.locations WHERE location_kind = 'depot' ORDER BY 1"
        )["location_id"].to_list()
        some = within(found, known[:: max(len(known) // depots, 1)][:depots])
        for origin in ORIGINS:
            begun = time.perf_counter()
            model = found.fit(known_at(examples, found, origin), seed=found.policy.seed)
            seconds.append(time.perf_counter() - begun)
            asked = read_subjects(warehouse, some, views=views, request=Request([origin]))
            kept = asked.select("category", "sku", "location_id", "age_weeks")
            parts.append(found.ask(model, asked).hstack(kept))
        before = warehouse.frame(
            "SELECT grain, series, CAST(week + 364 AS DATE) AS target_week, units AS seasonal_naive"
            " FROM features.demand_history"
        )
        sold = warehouse.frame(
            "SELECT series, week AS target_week, settled AS sold"
            " FROM features.demand_history WHERE grain = 'location_day'"
        )
    keys = ["grain", "series", "target_week"]
    said = pl.concat(parts).join(before, on=keys, how="left", maintain_order="left")
    filled = pl.col("seasonal_naive").fill_null(pl.col("recent_mean"))
    said = said.join(sold, on=keys[1:], how="left", maintain_order="left")
    return said.with_columns(seasonal_naive=filled), float(np.mean(seconds))


def losses(actual: Floats, mean: Floats) -> dict[str, float]:
    """WAPE, RMSE, relative bias and pinball with the dispersion that fits these rows best."""
    mean = np.maximum(mean, 0.02)
    fitted = fit_dispersion(actual, mean, seed=1)
    said = {name: quantiles(level, mean, fitted) for name, level in LEVELS.items()}
    return {
        "wape": wape(actual, mean),
        "rmse": float(np.sqrt(((actual - mean) ** 2).mean())),
        "bias": bias(actual, mean),
        "pinball": mean_pinball(actual, said),
    }


def mean_pinball(actual: Floats, said: dict[str, Floats]) -> float:
    """The mean pinball loss over the three quantiles."""
    return float(np.mean([pinball(actual, said[q], level).mean() for q, level in LEVELS.items()]))


def own_quantiles(rows: pl.DataFrame, actual: Floats) -> dict[str, float]:
    """Pinball and coverage of the intervals as they were forecast."""
    said = {name: rows[name].to_numpy() for name in LEVELS}
    covers = coverage(rows.with_columns(actual=pl.Series(actual)))
    return {"pinball_as_said": mean_pinball(actual, said), "coverage": covers}


def judge_skus(rows: pl.DataFrame) -> dict[str, float]:
    """SKUs in depots against what was wanted; how much of the way to the oracle is gone."""
    actual = rows["wanted"].to_numpy()
    # The oracle leaves out what full pantries keep at home: its total is set right.
    right = pl.col("oracle") * (pl.col("wanted").sum() / pl.col("oracle").sum())
    rows = rows.with_columns(oracle=right)
    found = {who: losses(actual, rows[who].to_numpy()) for who in ("mean", *BASELINES, "oracle")}
    figures = flat(found) | own_quantiles(rows, actual)
    for name in ("wape", "rmse", "pinball"):
        naive, oracle = found["seasonal_naive"][name], found["oracle"][name]
        for who in ("mean", "smart_mean"):
            figures[f"{who}.gap_closed.{name}"] = (naive - found[who][name]) / (naive - oracle)
    new = rows.filter(pl.col("age_weeks") <= NEW_WEEKS)
    for who in ("mean", "smart_mean", "recent_mean", "oracle"):
        wanted, said = new["wanted"].to_numpy(), new[who].to_numpy()
        figures |= {f"new.{who}.wape": wape(wanted, said), f"new.{who}.bias": bias(wanted, said)}
    return figures | judge_depots(rows)


def flat(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Figures by who and what."""
    return {f"{who}.{name}": value for who, one in found.items() for name, value in one.items()}


def judge_depots(rows: pl.DataFrame) -> dict[str, float]:
    """How often 80 % of the joint paths hold what was wanted of a depot's week, and of a category
    of it; and how far the sum of the means is from it."""
    figures: dict[str, float] = {}
    for name, keys in {
        "depot": ["location_id"],
        "depot_category": ["location_id", "category"],
    }.items():
        inside, errors, wanted = [], [], []
        for _, cell in rows.group_by([*keys, "target_week"], maintain_order=True):
            parts = ("everywhere", "location", "category", "level")
            shocks = Shocks(*(float(cell[f"shock_{part}"][0]) for part in parts))
            totals = draw_paths(cell, shocks, seed=1, paths=PATHS).sum(axis=0)
            low, high = np.quantile(totals, [0.1, 0.9])
            inside.append(low <= cell["wanted"].sum() <= high)
            errors.append(abs(cell["mean"].sum() - cell["wanted"].sum()))
            wanted.append(cell["wanted"].sum())
        figures[f"{name}.paths_coverage"] = float(np.mean(inside))
        figures[f"{name}.wape"] = float(np.sum(errors) / np.sum(wanted))
    return figures


def judge_days(rows: pl.DataFrame) -> dict[str, float]:
    """Days of depots against what they sold."""
    actual = rows["sold"].to_numpy()
    found = {who: losses(actual, rows[who].to_numpy()) for who in ("mean", *BASELINES)}
    figures = flat(found) | own_quantiles(rows, actual)
    return {f"day.{name}": value for name, value in figures.items()}


def judge(said: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """Figures of a seed over all its origins."""
    skus = said.filter(pl.col("grain") == "sku_location").join(
        truth, on=["sku", "location_id", "target_week"], how="left", maintain_order="left"
    ).with_columns(pl.col("wanted", "oracle").fill_null(0.0))  # fmt: skip
    days = said.filter(pl.col("grain") == "location_day", pl.col("sold").is_not_null())
    here = truth.filter(pl.col("location_id").is_in(skus["location_id"].unique().implode()))
    share = float(skus["wanted"].sum() / here["wanted"].sum())
    return {"share_forecast": share} | judge_skus(skus) | judge_days(days)


def rivals(workspace: Workspace, said: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """statsforecast on a draw of series, beside the model on the same ones."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS, CrostonSBA

    rows = said.filter(pl.col("grain") == "sku_location").join(
        truth, on=["sku", "location_id", "target_week"], how="left"
    ).with_columns(pl.col("wanted").fill_null(0.0))  # fmt: skip
    drawn = rows["series"].unique().sort().sample(RIVALS, seed=1)
    rows = rows.filter(pl.col("series").is_in(drawn.implode()))
    with open_warehouse(workspace, to_read=True) as warehouse:
        history = warehouse.frame(
            "SELECT series AS unique_id, week AS ds, units AS y FROM features.demand_history"
            " WHERE grain = 'sku_location'"
        ).filter(pl.col("unique_id").is_in(drawn.implode()))
    models = {"AutoETS": AutoETS(season_length=1), "CrostonSBA": CrostonSBA()}
    parts, seconds = [], dict.fromkeys(models, 0.0)
    for origin in ORIGINS:
        past = history.filter(pl.col("ds") < origin).to_pandas()
        both = None
        for name, model in models.items():
            begun = time.perf_counter()
            made = StatsForecast([model], freq="W-MON").forecast(df=past, h=4)
            seconds[name] += (time.perf_counter() - begun) / len(ORIGINS)
            made = pl.from_pandas(made.reset_index(drop=True))
            both = made if both is None else both.join(made, on=["unique_id", "ds"])
        parts.append(both.with_columns(
            pl.lit(origin).alias("as_of"), pl.col("ds").cast(pl.Date).alias("target_week"),
            pl.col("unique_id").alias("series"),
        ))  # fmt: skip
    rows = rows.join(pl.concat(parts), on=["series", "as_of", "target_week"])
    actual = rows["wanted"].to_numpy()
    found = {who: losses(actual, rows[who].to_numpy()) for who in ("mean", "smart_mean", *models)}
    figures = {f"drawn.{name}": value for name, value in flat(found).items()}
    return figures | {f"drawn.{name}.seconds": value for name, value in seconds.items()}


def time_once(root: Path) -> dict[str, Any]:
    """One fit of every grain and one scoring on the last day, in seconds, with the peak memory."""
    workspace = Workspace(root.resolve())
    found = use_case(workspace, "operations/demand")
    views = pick_views(find_views(workspace), found.features)
    figures, model, clocks = {}, {}, [time.perf_counter()]

    def lap(name: str) -> None:
        clocks.append(time.perf_counter())
        figures[f"{name}_s"], figures[f"{name}_peak_gb"] = clocks[-1] - clocks[-2], peak_gb()

    with open_warehouse(workspace, to_read=True) as warehouse:
        most = found.policy.backtest.most_subjects
        examples = known_at(learn(found, warehouse, views, last=LAST, most=most), found, LAST)
        lap("read_examples")
        for (grain,), rows in examples.group_by("grain", maintain_order=True):
            figures[f"fit_{grain}_examples"] = rows.height
            model |= found.fit(rows, seed=found.policy.seed)
            lap(f"fit_{grain}")
        del examples, rows
        asked = read_subjects(warehouse, found, views=views, request=Request([LAST]))
        lap("read_subjects")
    said = found.ask(model, asked)
    lap("score")
    return figures | {"scored": said.height, "processor_s": time.process_time()}


def main() -> None:
    """Judge every seed, or time one company."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world", default="endogenous")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--depots", type=int, default=5, help="how many are judged")
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--workspace", type=Path)
    chosen = parser.parse_args()
    if chosen.workspace:
        write("depot_demand_time", [time_once(chosen.workspace)])
        return
    found = []
    for seed in chosen.seeds:
        company = prepare(chosen.folder, size=chosen.size, world=chosen.world, seed=seed)
        truth = true_demand(company, WEEKS, size=chosen.size, world=chosen.world, seed=seed)
        workspace = Workspace(company.workspace.resolve())
        said, seconds = forecast(workspace, depots=chosen.depots)
        figures = judge(said, truth) | {"fit_seconds": seconds}
        if chosen.rivals:
            figures |= rivals(workspace, said, truth)
        found.append({"seed": seed, **figures})
        print(found[-1], flush=True)
    write("depot_demand", found)


if __name__ == "__main__":
    main()

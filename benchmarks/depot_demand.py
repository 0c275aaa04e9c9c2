"""How good is operations/demand in the depots of a simulated company, of which the truth is known?

    python benchmarks/depot_demand.py FOLDER --size small --seeds 1 2 3 4 5

At three origins of the second year a fit on what was known there forecasts every SKU in every depot
for four weeks. Judged by what customers wanted, sold or not, beside seasonal naive, the smart mean,
with --rivals statsforecast's AutoETS and CrostonSBA on a draw of series (no dependency:
pip install statsforecast), and the oracle: what the simulator itself expects of each SKU and week
before anyone has visited. Prints every seed, writes JSON.
"""

import argparse
import json
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala.contracts import clock
from ghala.contracts.discovery import use_case
from ghala.contracts.settings import Workspace
from ghala.evaluation.intervals import fit_dispersion, quantiles
from ghala.evaluation.metrics import coverage
from ghala.evaluation.paths import Shocks, draw_paths
from ghala.features.examples import Request, find_caps, read_examples, read_subjects
from ghala.features.history import find_views, pick_views
from ghala.warehouse.engines.opening import open_warehouse
from ghala_retail.company.assortment import NO_PURCHASE
from ghala_retail.company.business import Business
from ghala_retail.company.business import Company as Simulated
from ghala_retail.company.demand import CHOICES, STOCKS_UP
from ghala_retail.company.visits import MOST
from ghala_retail.company.world import make_plan
from worlds import START, Company, prepare

ORIGINS = (date(2025, 6, 30), date(2025, 9, 1), date(2025, 11, 17))
FIRST = date(2024, 10, 7)
LEVELS = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
RIVALS = 2_000
RESULTS = Path(__file__).parent / "results"
Floats = NDArray[np.float64]


class Oracle:
    """What is wanted of each SKU in each depot, and what was to be expected of it."""

    BINS = 6

    def __init__(self, made: Simulated) -> None:
        self.made = made
        needs, bulk = made.demand._needs, made.demand._bulk
        self.units = (1 + (1 - needs).sum(axis=1)) * (1 + (1 - bulk).sum(axis=1))
        weight = made.customers.price_weight
        self.edges = np.quantile(weight, np.linspace(0, 1, self.BINS + 1)[1:-1])
        self.bin = np.searchsorted(self.edges, weight)
        self.segments = len(needs)

    def expect(self, business: Business) -> Floats:
        """Units by depot and SKU that a day was to bring, whoever came."""
        made, shelf, day = self.made, business.shelf, business.day
        visits, weight = self._visits(business)
        felt = 1 + made.plan.shock("price_sensitivity", day.day)
        edges = made.demand._subcategories(day)
        share = np.diff(edges - np.arange(len(edges))[:, None], axis=1, prepend=0.0)
        outside = NO_PURCHASE * made.assortment.sub_total + made.competitors.pull()
        liking, burden = shelf.liking.astype(float), shelf.burden.astype(float)
        units = np.zeros_like(liking)
        for segment in range(visits.shape[1]):
            for place in range(self.BINS):
                here = np.exp(liking - weight[segment, place] * felt * burden)
                total = here.reshape(len(here), -1, CHOICES).sum(axis=2) + outside[segment]
                rate = visits[:, segment, place, None] * share[segment] * self.units[segment]
                units += here * np.repeat(rate / total, CHOICES, axis=1)
        return units * np.where(shelf.promotion >= 0, 1 + STOCKS_UP, 1.0)

    def _visits(self, business: Business) -> tuple[Floats, Floats]:
        """Expected visits by depot, segment and price weight, and the mean weight of each."""
        made, day = self.made, business.day
        crowd, customers = made.crowd, made.customers
        who = np.arange(customers.known(day.day))
        who = who[customers.until[who] > day.day]
        agent, depot = customers.agent_on(who, day.day), customers.depot[who]
        if day.is_travel:
            depot = np.where(crowd._travels[who], customers.home[who], depot)
        factor = (
            crowd._season(day, who) * made.marketing.effect[who] * business.shelf.traffic[depot]
        )
        factor = factor * crowd._channel(day, agent, depot=depot)
        chance = np.minimum(customers.rate[who] * np.minimum(factor, MOST), 1.0)
        shape = (made.depots.count, self.segments, self.BINS)
        segment, place = customers.segment[who], self.bin[who]
        cell = np.ravel_multi_index((depot, segment, place), shape)
        visits = np.bincount(cell, chance, np.prod(shape)).reshape(shape)
        kind = np.ravel_multi_index((segment, place), shape[1:])
        heads = np.bincount(kind, chance, np.prod(shape[1:]))
        weight = np.bincount(kind, chance * customers.price_weight[who], np.prod(shape[1:]))
        return visits, (weight / np.maximum(heads, 1e-12)).reshape(shape[1:])


def true_demand(company: Company, *, size: str, world: str, seed: int) -> pl.DataFrame:
    """Units wanted and expected by SKU, depot and judged week; simulated once, then kept."""
    file = company.folder / "wanted.parquet"
    if file.exists():
        return pl.read_parquet(file)
    plan = make_plan(size, world, seed=seed, days=None)
    made = Simulated(plan)
    oracle, weeks = Oracle(made), _weeks()
    shape = (len(weeks), made.depots.count, made.assortment.count)
    wanted, expected = np.zeros(shape), np.zeros(shape)
    for business in made.days():
        monday = START + timedelta(days=7 * (business.day.day // 7))
        if monday not in weeks:
            continue
        week, wishes = weeks.index(monday), business.wishes
        np.add.at(wanted[week], (wishes.needs.depot, wishes.sku), wishes.units)
        expected[week] += oracle.expect(business)
    week, depot, sku = (axis.ravel() for axis in np.indices(shape))
    frame = pl.DataFrame({
        "target_week": pl.Series(weeks).gather(week), "location_id": made.depots.ids[depot],
        "sku": made.assortment.ids[sku], "wanted": wanted.ravel(), "oracle": expected.ravel(),
    })  # fmt: skip
    frame = frame.filter(pl.col("wanted") + pl.col("oracle") > 0)
    frame.write_parquet(file)
    return frame


def _weeks() -> list[date]:
    return [origin + timedelta(days=7 * step) for origin in ORIGINS for step in range(4)]


def forecast(workspace: Workspace) -> tuple[pl.DataFrame, float]:
    """The forecasts of every origin, each by a model fitted there; and the seconds of a fit."""
    found = use_case(workspace, "operations/demand")
    views = pick_views(find_views(workspace), found.features)
    rule, parts, seconds = found.policy.backtest, [], []
    with open_warehouse(workspace) as warehouse:
        caps = find_caps(warehouse, found, origin=ORIGINS[-1], most=rule.most_subjects)
        days = clock.every(FIRST, ORIGINS[-1] - timedelta(days=7), 7)
        request = Request(days, 1.0, date.min, caps)
        known = read_examples(warehouse, found, views=views, request=request, as_of=ORIGINS[-1])
        for origin in ORIGINS:
            begun = time.perf_counter()
            oldest = origin - timedelta(weeks=rule.training_origins + rule.weeks)
            learned = known.filter(pl.col("known_on") <= origin, pl.col("as_of") >= oldest)
            model = found.fit(learned, seed=found.policy.seed)
            seconds.append(time.perf_counter() - begun)
            print(origin, {g: (m.chosen, m.scores, m.level, m.shocks) for g, m in model.items()})
            asked = read_subjects(warehouse, found, views=views, request=Request([origin]))
            parts.append(
                found.ask(model, asked).hstack(asked.select("category", "sku", "location_id"))
            )
        before = warehouse.frame(
            "SELECT grain, series, week + 364 AS target_week, units AS seasonal_naive"
            " FROM features.demand_history"
        )
    said = pl.concat(parts).join(
        before.with_columns(pl.col("target_week").cast(pl.Date)),
        on=["grain", "series", "target_week"], how="left", maintain_order="left",
    )  # fmt: skip
    filled = pl.col("seasonal_naive").fill_null(pl.col("recent_mean"))
    return said.with_columns(seasonal_naive=filled), float(np.mean(seconds))


def losses(actual: Floats, mean: Floats) -> dict[str, float]:
    """WAPE, RMSE, relative bias and pinball; each with the dispersion that fits it best."""
    mean = np.maximum(mean, 0.02)
    fitted = fit_dispersion(actual, mean, seed=1)
    pinball = []
    for level in LEVELS.values():
        gap = actual - quantiles(level, mean, fitted)
        pinball.append(np.maximum(level * gap, (level - 1) * gap).mean())
    return {
        "wape": float(np.abs(actual - mean).sum() / actual.sum()),
        "rmse": float(np.sqrt(((actual - mean) ** 2).mean())),
        "bias": float(mean.sum() / actual.sum() - 1),
        "pinball": float(np.mean(pinball)),
    }


def judge(said: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """Figures of a seed over all its origins."""
    rows = said.filter(pl.col("grain") == "sku_location").join(
        truth, on=["sku", "location_id", "target_week"], how="left", maintain_order="left"
    ).with_columns(pl.col("wanted", "oracle").fill_null(0.0))  # fmt: skip
    # The oracle leaves out what campaigns and full pantries do to some: its total is set right.
    right = pl.col("oracle") * (pl.col("wanted").sum() / pl.col("oracle").sum())
    rows, actual = rows.with_columns(oracle=right), rows["wanted"].to_numpy()
    found = {
        who: losses(actual, rows[who].to_numpy())
        for who in ("mean", "smart_mean", "recent_mean", "seasonal_naive", "oracle")
    }
    figures = {f"{who}.{name}": value for who, one in found.items() for name, value in one.items()}
    for name in ("wape", "rmse", "pinball"):
        naive, oracle = found["seasonal_naive"][name], found["oracle"][name]
        for who in ("mean", "smart_mean"):
            figures[f"{who}.gap_closed.{name}"] = (naive - found[who][name]) / (naive - oracle)
    figures["coverage"] = coverage(rows.with_columns(actual=pl.col("wanted")))
    return figures | depots(rows)


def depots(rows: pl.DataFrame) -> dict[str, float]:
    """How often 80 % of the paths of a depot's week hold what its customers wanted."""
    inside, errors = [], []
    for (_, _), cell in rows.group_by("location_id", "target_week", maintain_order=True):
        shocks = Shocks(*(float(cell[f"shock_{n}"][0]) for n in (
            "everywhere", "location", "category", "level",
        )))  # fmt: skip
        totals = draw_paths(cell, shocks, seed=1, paths=200).sum(axis=0)
        low, high = np.quantile(totals, [0.1, 0.9])
        inside.append(low <= cell["wanted"].sum() <= high)
        errors.append(abs(cell["mean"].sum() / cell["wanted"].sum() - 1))
    return {"depot.coverage": float(np.mean(inside)), "depot.wape": float(np.mean(errors))}


def rivals(workspace: Workspace, said: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """statsforecast on a draw of series, beside the model on the same ones."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS, CrostonSBA

    rows = said.filter(pl.col("grain") == "sku_location").join(
        truth, on=["sku", "location_id", "target_week"], how="left"
    ).with_columns(pl.col("wanted").fill_null(0.0))  # fmt: skip
    drawn = rows["series"].unique().sort().sample(RIVALS, seed=1)
    rows = rows.filter(pl.col("series").is_in(drawn.implode()))
    with open_warehouse(workspace) as warehouse:
        history = warehouse.frame(
            "SELECT series AS unique_id, week AS ds, units AS y FROM features.demand_history"
            " WHERE grain = 'sku_location'"
        ).filter(pl.col("unique_id").is_in(drawn.implode()))
    parts = []
    for origin in ORIGINS:
        past = history.filter(pl.col("ds") < origin).to_pandas()
        made = StatsForecast([AutoETS(season_length=1), CrostonSBA()], freq="W-MON").forecast(
            df=past, h=4
        )
        parts.append(pl.from_pandas(made.reset_index(drop=True)).with_columns(
            pl.lit(origin).alias("as_of"), pl.col("ds").cast(pl.Date).alias("target_week"),
            pl.col("unique_id").alias("series"),
        ))  # fmt: skip
    both = rows.join(pl.concat(parts), on=["series", "as_of", "target_week"])
    actual = both["wanted"].to_numpy()
    return {
        f"drawn.{who}.{name}": value
        for who in ("mean", "AutoETS", "CrostonSBA")
        for name, value in losses(actual, both[who].to_numpy()).items()
    }


def main() -> None:
    """Judge every seed and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world", default="endogenous")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--rivals", action="store_true")
    chosen = parser.parse_args()
    found = []
    for seed in chosen.seeds:
        company = prepare(chosen.folder, size=chosen.size, world=chosen.world, seed=seed)
        truth = true_demand(company, size=chosen.size, world=chosen.world, seed=seed)
        workspace = Workspace(company.workspace.resolve())
        said, seconds = forecast(workspace)
        figures = judge(said, truth) | {"fit_seconds": seconds}
        if chosen.rivals:
            figures |= rivals(workspace, said, truth)
        found.append({"seed": seed, **figures})
        print(json.dumps(found[-1], indent=1), flush=True)
    table = pl.DataFrame(found).unpivot(index="seed", variable_name="figure")
    print(summarise(table))
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"size": chosen.size, "world": chosen.world, "seeds": found}, indent=1)
    (RESULTS / "depot_demand.json").write_text(text, encoding="utf-8")


def summarise(table: pl.DataFrame) -> str:
    """Each figure: mean and 90 % interval over seeds (Student's t), and every seed."""
    from scipy import stats

    lines = []
    for (name,), rows in table.group_by("figure", maintain_order=True):
        values = rows["value"].to_numpy()
        reach = 0.0
        if len(values) > 1:
            error = values.std(ddof=1) / np.sqrt(len(values))
            reach = float(stats.t.ppf(0.95, len(values) - 1) * error)
        each = " ".join(f"{value:.4f}" for value in values)
        mean = values.mean()
        lines.append(f"{name:32} {mean:.4f} ({mean - reach:.4f} to {mean + reach:.4f})  {each}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

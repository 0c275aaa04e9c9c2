"""How good are the elasticities and prices of finance/pricing, beside what is true?

    python benchmarks/pricing.py WORLDS --size small --world endogenous --seeds 1 2 3 4 5

WORLDS is a folder of simulated companies (``benchmarks/worlds.py``). For each seed: one fit on the
two years, one decision for every SKU and zone on the last Monday. Elasticities are compared with
the true ones by SKU and zone; a cell is dense when at most a tenth of its weeks are without a sale.
Prices are judged by the true demand curve, under the same guardrails for the oracle and every rule:
the share of the oracle's gain over keeping today's prices. Prints every seed, then the mean with
its 90 % interval over seeds, and writes JSON.

The truth says of each SKU and zone the elasticity, the best price factor and what that adds. The
demand between these is taken for that of a choice among alternatives (logit) through all three.
"""

import argparse
import json
import resource
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from ghala.contracts.discovery import packs
from ghala.contracts.policy import read_policy
from ghala_retail.use_cases.finance.pricing.choice import offer_prices
from ghala_retail.use_cases.finance.pricing.offers import describe_offers, make_offers
from ghala_retail.use_cases.finance.pricing.use_case import Pricing
from worlds import Company, prepare

Floats = NDArray[np.float64]

AS_OF = date(2025, 12, 29)
RESULTS = Path(__file__).parent / "results"
DENSE = 0.10
RULES = ("decision", "cost_plus", "multiplier", "match_competitor", "keep")
_NUDGE = np.log(1.01)
_CROWDS = np.linspace(-0.4, 0.9, 66)


def pricing() -> Pricing:
    """The use case as the pack ships it."""
    found = Pricing()
    found.name = "finance/pricing"
    found.folder = packs()["retail"] / "use_cases" / "finance" / "pricing"
    found.policy = read_policy(found.folder / "policy.yml", Pricing.rules)
    return found


def read(found: Pricing, warehouse: duckdb.DuckDBPyConnection) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The examples of the two years, and the subjects of the last Monday."""
    days = [AS_OF - timedelta(weeks=back) for back in range(104, -1, -1)]
    warehouse.execute(
        "CREATE TEMP TABLE origins AS SELECT unnest($d::DATE[]) AS as_of", {"d": days}
    )
    subjects = warehouse.sql(f"SELECT * FROM ({found.subjects_sql}) ORDER BY as_of, sku, zone").pl()
    outcomes = warehouse.sql(found.outcomes_sql).pl()
    known = outcomes.filter(pl.col("known_on") <= AS_OF)
    examples = subjects.join(known, on=["as_of", "sku", "zone"], maintain_order="left")
    return examples, subjects.filter(pl.col("as_of") == AS_OF)


def judge(company: Company) -> dict[str, Any]:
    """Every figure of one company."""
    found, begun = pricing(), time.perf_counter()
    with company.warehouse() as warehouse:
        examples, subjects = read(found, warehouse)
    read_in = time.perf_counter() - begun
    begun = time.perf_counter()
    model = found.fit(examples, seed=found.policy.seed)
    said = found.predict(model, subjects)
    fitted_in = time.perf_counter() - begun
    cells = subjects.select("sku", "zone").hstack(said)
    cells = cells.join(_traits(examples, model.cells, model.skus), on=["sku", "zone"])
    cells = cells.join(
        company.truth("elasticities").rename({"units": "wanted", "elasticity": "true"}),
        on=["sku", "zone"],
    )
    figures = {"cells": cells.height, "hold": float((cells["action"] == "hold").mean())}
    for name, part in (("all", cells), ("dense", cells.filter(pl.col("zeros") <= DENSE))):
        figures |= {f"{name}.{key}": value for key, value in _closeness(part).items()}
    figures |= _gains(found, model, subjects=subjects, cells=cells)
    figures |= {
        "seconds.read": read_in, "seconds.fit_and_score": fitted_in,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }  # fmt: skip
    return figures


def _traits(examples: pl.DataFrame, cells: pl.DataFrame, skus: pl.DataFrame) -> pl.DataFrame:
    """By SKU and zone: the slope at the mean price, the mean cost, how often nothing is sold."""
    seen = examples.group_by("sku", "zone").agg(
        zeros=(pl.col("actual") == 0).mean(), mean_cost=pl.col("unit_cost").mean(),
        vat_rate=pl.col("vat_rate").last(),
    )  # fmt: skip
    own = skus.select("sku", "slope", "variance", "listed_slope")
    return seen.join(own, on="sku").join(
        cells.select("sku", "zone", "mean_price", "mean_discount"), on=["sku", "zone"]
    )


def _closeness(cells: pl.DataFrame) -> dict[str, float]:
    """Bias, error, rank and coverage of the elasticities, at the mean price of the two years."""
    error = (cells["slope"] - cells["true"]).to_numpy()
    spread = cells["variance"].sqrt().to_numpy()
    listed = (cells["listed_slope"] - cells["true"]).to_numpy()
    return {
        "cells": float(len(error)),
        "bias": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "rho": float(stats.spearmanr(cells["slope"], cells["true"]).statistic),
        "coverage": float((np.abs(error) <= 1.645 * spread).mean()),
        "listed_bias": float(listed.mean()),
        "listed_rmse": float(np.sqrt((listed**2).mean())),
    }


def _gains(
    found: Pricing, model: Any, *, subjects: pl.DataFrame, cells: pl.DataFrame
) -> dict[str, float]:
    """The share of the oracle's gain that each rule gets, and the oracle's of the margin."""
    subjects = subjects.join(cells, on=["sku", "zone"], how="semi", maintain_order="left")
    cells = subjects.select("sku", "zone").join(cells, on=["sku", "zone"], maintain_order="left")
    known = describe_offers(model, subjects.with_columns(test_factor=cells["test_factor"]))
    offers, _ = make_offers(known, found.policy.prices)
    prices, fits = offer_prices(offers, found.policy.prices)
    curve = Curve(cells)
    today = curve.profit(offers.price[:, None])[:, 0]
    best = np.where(fits, curve.profit(prices), -np.inf).max(axis=1)
    oracle = np.where(fits.any(axis=1), best, today) - today
    gains = {rule: curve.profit(cells[rule].to_numpy()[:, None])[:, 0] - today for rule in RULES}
    total = float(oracle.sum())
    return {
        "oracle_gain_of_margin": total / float(today.sum()),
        **{f"captured.{rule}": float(gain.sum()) / total for rule, gain in gains.items()},
        "worst_of_margin": float((gains["decision"] / np.maximum(today, 1e-9)).min()),
        "wrong_sign": float((gains["decision"][cells["action"] == "change"] < 0).mean()),
    }


class Curve:
    """True demand and profit a week by price, for every SKU and zone."""

    def __init__(self, cells: pl.DataFrame) -> None:
        def column(name: str) -> Floats:
            return cells[name].to_numpy().astype(float)

        self.mean, self.units = column("mean_price"), column("wanted") / 104
        self.kept = (1 - column("mean_discount")) / (1 + column("vat_rate"))
        self.cost = column("unit_cost")
        best, gain = column("best_price_factor"), column("gain_share_of_revenue")
        revenue, cost = self.mean * self.kept, column("mean_cost")
        self.crowd = np.zeros(len(best))
        miss = np.full(len(best), np.inf)
        for crowd in _CROWDS:
            steep = -column("true") * _NUDGE / 0.01 / (1 - crowd)
            added = _demand(best, steep, crowd) * (revenue * best - cost) - (revenue - cost)
            off = np.abs(added / revenue - gain)
            self.crowd = np.where(off < miss, crowd, self.crowd)
            miss = np.minimum(off, miss)
        self.steep = -column("true") * _NUDGE / 0.01 / (1 - self.crowd)

    def profit(self, prices: Floats) -> Floats:
        """Cells x prices."""
        factor = prices / self.mean[:, None]
        demand = _demand(factor, self.steep[:, None], self.crowd[:, None])
        margin = prices * self.kept[:, None] - self.cost[:, None]
        return self.units[:, None] * demand * margin


def _demand(factor: Floats, steep: Floats, crowd: Floats | float) -> Floats:
    here = np.exp(-steep * (factor - 1))
    return here / (1 - crowd + crowd * here)


def summarise(found: list[dict[str, Any]]) -> dict[str, tuple[float, float, float]]:
    """Mean and 90 % interval (Student) of each figure over seeds."""
    out = {}
    for name in found[0]:
        values = np.array([one[name] for one in found], float)
        half = 0.0
        if len(values) > 1:
            half = stats.t.ppf(0.95, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        out[name] = (float(values.mean()), float(values.mean() - half), float(values.mean() + half))
    return out


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world", default="endogenous")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    chosen = parser.parse_args()
    found = []
    for seed in chosen.seeds:
        company = prepare(chosen.worlds, size=chosen.size, world=chosen.world, seed=seed)
        found.append(judge(company))
        print(
            f"seed {seed}: " + ", ".join(f"{k} {v:.3f}" for k, v in found[-1].items()), flush=True
        )
    print("\n| figure | mean | 90 % interval | by seed |\n|---|---|---|---|")
    summary = summarise(found)
    for name, (mean, low, high) in summary.items():
        seeds = " ".join(f"{one[name]:.3f}" for one in found)
        print(f"| {name} | {mean:.3f} | {low:.3f} to {high:.3f} | {seeds} |")
    file = RESULTS / f"pricing-{chosen.size}-{chosen.world}.json"
    file.parent.mkdir(exist_ok=True)
    result = {"seeds": dict(zip(map(str, chosen.seeds), found, strict=True)), "summary": summary}
    file.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

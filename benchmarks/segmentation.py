"""How well are the planted segments of simulated companies found, and what else would find them?

    python benchmarks/segmentation.py WORLDS --seeds 1 2 3 4 5 --null-seeds 1 2 3
    python benchmarks/segmentation.py --rates 5
    python benchmarks/segmentation.py --full FOLDER
    python benchmarks/segmentation.py --workspace FOLDER --day 2017-09-18

WORLDS is what benchmarks/worlds.py made. Customers as they were known on 2025-09-29, labelled by a
fit of that day; stability is against the fit of four weeks before. Beside it, on the same
customers: k-means on raw recency, frequency and money, k-means on shares of habits (both told how
many segments there are), named RFM rules, and a ceiling: the same mixture told the true segment of
half of the customers, judged on the others. Expected orders are compared with those of the 13 weeks
that followed. With --rates planted parameters of BG/NBD are fitted; with --full one company is
fitted and scored, with seconds and memory. With --workspace a built workspace is judged on a day.
"""

import argparse
import json
import resource
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

from ghala.contracts.policy import read_policy
from ghala.evaluation.metrics import rand_index
from ghala.evaluation.segment import SegmentPolicy
from ghala.features.examples import Request, read_examples, read_subjects
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala_retail.features.lifetime import customer_lifetime
from ghala_retail.use_cases.marketing.segmentation import use_case as module
from ghala_retail.use_cases.marketing.segmentation.buying import fit_buying
from ghala_retail.use_cases.marketing.segmentation.habits import (
    Mixture,
    _chances,
    count_items,
)
from ghala_retail.use_cases.marketing.segmentation.use_case import Segmentation
from worlds import Company

AS_OF = date(2025, 9, 29)
BEFORE = timedelta(weeks=4)
WEEKS = 13
KNOWN = 10
"""Orders from which a customer's habits are called known."""
RESULTS = Path(__file__).parent / "results"


class Reader(DuckDBWarehouse):
    """A warehouse that is only read; what is kept between queries stays in memory."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, memory: str = "2GB") -> None:
        self.connection = connection
        spill = Path(tempfile.gettempdir()) / "ghala-spill"  # never beside what is only read
        connection.execute(f"SET memory_limit = '{memory}'; SET temp_directory = '{spill}'")


def make() -> Segmentation:
    """The use case with its own policy."""
    made = Segmentation()
    made.name, made.folder = "marketing/segmentation", Path(module.__file__).parent
    made.policy = read_policy(made.folder / "policy.yml", SegmentPolicy)
    return made


def read_day(
    warehouse: Reader, found: Segmentation, day: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers of a day and of four weeks before with what they paid next, and orders to come."""
    end = day + timedelta(weeks=WEEKS)
    request = Request([day - BEFORE, day])
    rows = read_examples(warehouse, found, views=[customer_lifetime], request=request, as_of=end)
    came = warehouse.frame(
        "SELECT customer_id, count(DISTINCT order_id) AS came FROM core.order_lines"
        " WHERE ordered_on >= ? AND ordered_on < ? AND superseded_on IS NULL AND NOT is_cancelled"
        " GROUP BY customer_id",
        [day, end],
    )
    warehouse.close()
    return rows, came


def judge_segments(
    said: pl.DataFrame, rows: pl.DataFrame, planted: pl.Series, *, model: module.Model
) -> dict[str, float]:
    """Adjusted Rand index with the planted segments, of the model and of its peers."""
    known, sure = rows["orders"] >= KNOWN, said["certainty"] >= 0.8
    counts = count_items(rows["habits"], model.mixture.items)
    rivals = {
        "kmeans_rfm": cluster(rows.select("idle_days", "orders", "spend").to_numpy()),
        "kmeans_habits": cluster(share_out(counts, model.mixture.items)),
        "rfm_rules": said["rfm_segment"],
    }
    half = np.random.default_rng(0).random(rows.height) < 0.5
    other = ~pl.Series(half)
    told = tell(counts, planted, model.mixture.items, half=half)
    figures = {
        "ari_known": rand_index(said["segment"].filter(known), planted.filter(known)),
        "ari_all": rand_index(said["segment"], planted),
        "ari_sure": rand_index(said["segment"].filter(sure), planted.filter(sure)),
        "share_known": float(known.mean()),  # type: ignore[arg-type]
        "share_sure": float(sure.mean()),  # type: ignore[arg-type]
        "ceiling_known": rand_index(told.filter(other & known), planted.filter(other & known)),
        "ceiling_all": rand_index(told.filter(other), planted.filter(other)),
    }
    for name, labels in rivals.items():
        figures[f"{name}_known"] = rand_index(labels.filter(known), planted.filter(known))
    return figures


def cluster(values: np.ndarray) -> pl.Series:
    """Six clusters by k-means on scaled columns, as many as were planted."""
    scaled = StandardScaler().fit_transform(np.nan_to_num(values))
    sample = np.random.default_rng(0).permutation(len(scaled))[:50_000]
    return pl.Series(KMeans(6, n_init=5, random_state=0).fit(scaled[sample]).predict(scaled))


def share_out(counts: np.ndarray, items: tuple[str, ...]) -> np.ndarray:
    """Counts as shares within their kind, without the places."""
    kinds = np.array([item.partition(":")[0] for item in items])
    parts = [counts[:, kinds == kind] for kind in sorted(set(kinds) - {"place"})]
    return np.hstack([part / np.maximum(part.sum(1, keepdims=True), 1) for part in parts])


def tell(
    counts: np.ndarray, planted: pl.Series, items: tuple[str, ...], *, half: np.ndarray
) -> pl.Series:
    """Labels by the same mixture when it is told the truth about half of the customers."""
    truth = planted.cast(pl.Categorical).to_physical().to_numpy()
    certain = np.eye(truth.max() + 1, dtype=np.float32)[truth[half]]
    best = Mixture(items, _chances(counts[half].T @ certain, items), certain.mean(0))
    return pl.Series(best.belongs(counts).argmax(1))


def judge_orders(
    said: pl.DataFrame, rows: pl.DataFrame, came: pl.DataFrame, *, model: module.Model
) -> dict[str, float]:
    """Errors of the orders expected of 13 weeks, beside the hiatus rule and a constant rate."""
    frame = rows.select("customer_id", "orders", "age_days", "idle_days").with_columns(
        bg_nbd=said["orders_13w"],
        rate=pl.col("orders") * 7 * WEEKS / pl.col("age_days").clip(lower_bound=7 * WEEKS),
    )
    active = pl.col("idle_days") <= model.hiatus_days
    frame = frame.join(came, on="customer_id", how="left").with_columns(
        pl.col("came").fill_null(0), hiatus=pl.when(active).then(pl.col("rate")).otherwise(0.0)
    )
    figures = {}
    for name in ("bg_nbd", "hiatus", "rate"):
        error = frame[name] - frame["came"]
        figures[f"mae_{name}"] = float(error.abs().mean())  # type: ignore[arg-type]
        figures[f"total_{name}"] = float(error.sum() / frame["came"].sum())
    return figures


def judge_day(warehouse: Reader, day: date, *, truth: pl.DataFrame | None) -> dict[str, float]:
    """Every figure of one company on one day; those on planted segments where they are known."""
    found = make()
    rows, came = read_day(warehouse, found, day)
    now, then = rows.filter(as_of=day), rows.filter(as_of=day - BEFORE)
    begun = time.perf_counter()
    model = found.fit(now, seed=found.policy.seed)
    seconds = time.perf_counter() - begun
    said = found.judge(model, now, before=found.fit(then, seed=found.policy.seed))
    losses = {
        f"loss_{who}": float(found.losses(said, "squared_error", who=who).to_numpy().mean())
        for who in ("segment", "rfm", "hiatus")
    }
    figures = {
        **found.figures(said), "customers": float(now.height), "fit_seconds": seconds,
        "gain_over_rfm": 1 - losses["loss_segment"] / losses["loss_rfm"],
        **judge_orders(said, now, came, model=model),
    }  # fmt: skip
    if truth is None:
        return figures
    planted = now.join(truth, on="customer_id", how="left", maintain_order="left")["segment"]
    return figures | judge_segments(said, now, planted, model=model)


def judge_world(company: Company) -> dict[str, float]:
    """Every figure of one simulated company."""
    truth = company.truth("customers").select(pl.col("customer_id").cast(pl.String), "segment")
    return judge_day(Reader(company.warehouse()), AS_OF, truth=truth)


def judge_workspace(folder: Path, day: date) -> None:
    """Print every figure of a workspace whose segments nobody knows."""
    file = folder / ".ghala" / "warehouse.duckdb"
    warehouse = Reader(duckdb.connect(str(file), read_only=True))
    for name, value in judge_day(warehouse, day, truth=None).items():
        print(f"{name}: {value:.4g}")


def judge_rates(seeds: int, customers: int = 400_000) -> None:
    """Planted parameters of BG/NBD against those that are fitted."""
    planted = {"r": 0.9, "alpha": 12.0, "a": 0.8, "b": 3.0}
    for seed in range(1, seeds + 1):
        again, last, age = live(customers, planted, seed=seed)
        begun = time.perf_counter()
        found = vars(fit_buying(again, last, age))
        said = "  ".join(f"{k} {v:.3f} ({v / planted[k] - 1:+.1%})" for k, v in found.items())
        print(f"seed {seed}: {said}  {time.perf_counter() - begun:.1f} s", flush=True)


def live(count: int, planted: dict[str, float], *, seed: int) -> tuple[np.ndarray, ...]:
    """Orders again, last and age in whole weeks, of customers of a BG/NBD world."""
    random = np.random.default_rng(seed)
    age = random.integers(26, 104, count).astype(float)
    rate = random.gamma(planted["r"], 1 / planted["alpha"], count)
    leaves = random.beta(planted["a"], planted["b"], count)
    now, last, again, alive = (
        np.zeros(count),
        np.zeros(count),
        np.zeros(count),
        np.ones(count, bool),
    )
    while alive.any():
        now = now + np.where(alive, random.exponential(1, count) / rate, 0)
        came = alive & (now <= age)
        again, last = again + came, np.where(came, now, last)
        alive = came & (random.random(count) >= leaves)
    return again, np.round(last), age


def measure_full(folder: Path) -> None:
    """One fit and one scoring of every customer, with the time of each step and the memory."""
    found, begun = make(), time.perf_counter()
    warehouse = Reader(Company(folder).warehouse(), memory="2GB")
    day = Request([date(2025, 12, 29)])
    rows = read_subjects(warehouse, found, views=[customer_lifetime], request=day)
    warehouse.close()
    steps = {"read": time.perf_counter()}
    model = found.fit(rows, seed=found.policy.seed)
    steps["fit"] = time.perf_counter()
    found.predict(model, rows)
    steps["score"] = time.perf_counter()
    for name, ended in steps.items():
        print(f"{name}: {ended - begun:.0f} s")
        begun = ended
    spent = resource.getrusage(resource.RUSAGE_SELF)
    processor = spent.ru_utime + spent.ru_stime
    print(f"{rows.height:,} customers, {len(model.names)} segments, {processor:.0f} processor s,"
          f" {spent.ru_maxrss / 1e6:.1f} GB at most")  # fmt: skip


def main() -> None:
    """Print every seed, then the mean with its 90 % interval."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", type=Path, nargs="?")
    parser.add_argument("--size", default="small")
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--null-seeds", type=int, nargs="*", default=[])
    parser.add_argument("--rates", type=int, default=0)
    parser.add_argument("--full", type=Path)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--day", type=date.fromisoformat, default=AS_OF)
    chosen = parser.parse_args()
    judge_rates(chosen.rates)
    if chosen.full:
        measure_full(chosen.full)
    if chosen.workspace:
        judge_workspace(chosen.workspace, chosen.day)
    for world, seeds in (("endogenous", chosen.seeds), ("null", chosen.null_seeds)):
        found = []
        for seed in seeds:
            company = Company(chosen.worlds / f"{chosen.size}-{world}-{seed}")
            found.append({"seed": float(seed), **judge_world(company)})
            said = "  ".join(f"{name} {value:.4g}" for name, value in found[-1].items())
            print(f"{world} {said}", flush=True)
        report(found, world)


def report(found: list[dict[str, float]], world: str) -> None:
    """The mean of every figure over the seeds, with a 90 % interval of the mean (t)."""
    if not found:
        return
    from scipy.stats import t

    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"segmentation-{world}.json"
    file.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for name in found[0]:
        values = np.array([one[name] for one in found])
        half = 0.0
        if len(values) > 1:
            half = t.ppf(0.95, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
        print(f"{world} {name}: {values.mean():.4g} ± {half:.2g}")


if __name__ == "__main__":
    main()

"""Whom to contact, judged by the truth of simulated companies.

    python benchmarks/targeting.py FOLDER --size small --world endogenous --seeds 1 2 3 4 5
    python benchmarks/targeting.py FOLDER --size small --world null --seeds 1 2 3
    python benchmarks/targeting.py FOLDER --company COMPANY   # one fit and score at full size

The model learns from lots that have matured by 2025-12-08 and decides for the customers whom that
day's campaign drew: a fifth of all, by lot. Each decision is priced by the truth: the customer's
visits, days until the last one, uplift type, agent's chance to pass an offer on, and what orders of
the customer's segment earn. Profits are shares of an oracle's, which reads the type off the truth.
That type is drawn by lot and leaves few traces, so a second yardstick knows all but the type: the
shares of types among customers like this one, and what the customer did in past campaigns.

Each seed is judged once and kept in benchmarks/results/; remove its file to judge it again.

With --peers the learners of scikit-uplift are beside it: `pip install scikit-uplift`.
"""

import argparse
import json
import resource
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from ghala.contracts.policy import read_policy
from ghala.features.examples import Request, read_examples, read_subjects
from ghala.features.history import pick_views
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala_retail.features.customer import campaign_response, customer
from ghala_retail.use_cases.marketing.targeting.budget import Limits, choose
from ghala_retail.use_cases.marketing.targeting.fitting import ROWS, fit_outcome, read_past
from ghala_retail.use_cases.marketing.targeting.inputs import FEATURES, as_table
from ghala_retail.use_cases.marketing.targeting.learners import LEARNERS
from ghala_retail.use_cases.marketing.targeting.model import Expected, TargetingModel
from ghala_retail.use_cases.marketing.targeting.use_case import Targeting, TargetingPolicy
from worlds import START, Company, prepare

Floats = NDArray[np.float64]

DECIDED = date(2025, 12, 8)
CAMPAIGN_DAYS = 14
SHARE = 0.20
RESULTS = Path(__file__).parent / "results"
VIEWS = pick_views({view.name: view for view in (customer, campaign_response)}, FEATURES)
DECISIONS = ("model", *LEARNERS, "rule", "response", "everyone", "nobody")


class ReadOnly(DuckDBWarehouse):
    """A built warehouse that nobody may change; what does not fit in memory goes to ``spill``."""

    def __init__(self, company: Company, spill: Path) -> None:
        self.path = company.workspace / ".ghala" / "warehouse.duckdb"
        settings = {
            "memory_limit": "2500MB", "temp_directory": str(spill), "threads": 1,
            "preserve_insertion_order": False,
        }  # fmt: skip
        self.connection = duckdb.connect(str(self.path), read_only=True, config=settings)


def make_use_case() -> Targeting:
    """Targeting as it ships, with a fifth of the customers as its budget."""
    import ghala_retail.use_cases.marketing.targeting.use_case as home

    made = Targeting()
    made.name, made.folder = "marketing/targeting", Path(home.__file__).parent
    policy = read_policy(made.folder / "policy.yml", TargetingPolicy)
    rule = policy.campaign.model_copy(update={"contact_share": SHARE})
    made.policy = policy.model_copy(update={"campaign": rule})
    return made


def read_lots(company: Company, use_case: Targeting, spill: Path) -> pl.DataFrame:
    """The newest lots before the decision, enough for one fit, and those of the day itself."""
    with ReadOnly(company, spill) as warehouse:
        campaigns = warehouse.rows(
            "SELECT starts_on, count(*) FROM core.campaign_exposures JOIN core.campaigns"
            " USING (source, campaign_id) GROUP BY 1 ORDER BY 1 DESC"
        )
        days, rows = [DECIDED], 0
        for day, drawn in campaigns:
            if day + timedelta(days=28) <= DECIDED and rows < ROWS:
                days, rows = [*days, day], rows + drawn
        return read_examples(
            warehouse, use_case, views=VIEWS, request=Request(days),
            as_of=DECIDED + timedelta(days=28),
        )  # fmt: skip


class Truth:
    """What each of the customers would do, as the simulator has it; money in KES."""

    def __init__(self, company: Company, rows: pl.DataFrame) -> None:
        facts = json.loads((company.folder / "company/truth/facts.json").read_text("utf-8"))
        people = company.truth("customers").with_columns(pl.col("customer_id").cast(pl.String))
        agents = company.truth("agents").with_columns(pl.col("agent_id").cast(pl.String))
        known = rows.select("customer_id", "agent_id", "contacted_orders", "contacted_days").join(
            people, on="customer_id", how="left", maintain_order="left"
        ).join(agents, on="agent_id", how="left", maintain_order="left")  # fmt: skip
        self.kinds: dict[str, float] = facts["uplift_effects"]
        if facts["world"]["is_uniform"]:
            self.kinds = dict.fromkeys(self.kinds, 0.0)
        days = company.truth("days").filter(
            pl.col("day").is_between(DECIDED, DECIDED + timedelta(days=CAMPAIGN_DAYS - 1))
        ).sum()  # fmt: skip
        visits, orders, margin = (days[n][0] for n in ("visits", "orders", "margin_kes"))
        alive = known["last_day"] > (DECIDED - START).days
        skill = known["skill"].clip(upper_bound=1.6).fill_null(1.0)
        rate = (known["visits_a_day"] * skill * alive).to_numpy().astype(np.float64)
        self.orders = rate * (orders / visits) * _season(company, visits)
        self.relays = known["relays"].fill_null(1.0).to_numpy().astype(np.float64)
        self.effect = known["uplift_type"].replace_strict(self.kinds).to_numpy()
        worth = _worth(company, known["segment"])
        self.margin = worth * (margin / orders) / np.average(worth, weights=self.orders)
        self.likely = self._likely(known)

    def _likely(self, known: pl.DataFrame) -> Floats:
        """The effect that someone expects who knows all but the lot that drew the type."""
        often = known["visits_a_day"] > 0.03
        groups = known.select(pl.struct("segment", often.alias("often")).rank("dense")).to_series()
        place = groups.to_numpy() - 1
        expected = self.orders / CAMPAIGN_DAYS * known["contacted_days"].fill_null(0).to_numpy()
        done = known["contacted_orders"].fill_null(0).to_numpy()
        chances = []
        for kind, effect in self.kinds.items():
            share = np.bincount(place, known["uplift_type"].to_numpy() == kind)
            prior = (share / np.bincount(place))[place]
            moved = 1 + self.relays * effect
            chances.append(prior * moved**done * np.exp(-expected * (moved - 1)))
        weights = np.array(chances)
        mean: Floats = np.array(list(self.kinds.values())) @ weights / weights.sum(axis=0)
        return mean

    def value(self, discount: Floats, contact_cost: Floats, effect: Floats) -> Floats:
        """What each offer adds for each customer, one column per offer."""
        more = (self.orders * self.relays * effect)[:, None]
        all_orders = self.orders[:, None] + more
        return more * self.margin[:, None] - all_orders * discount - contact_cost


def _season(company: Company, visits: float) -> float:
    """Days of the campaign, each counted by how many more visit than by their own rates."""
    people = company.truth("customers")
    with company.warehouse() as warehouse:
        agents = warehouse.sql(
            "SELECT CAST(customer_id AS BIGINT) AS customer_id,"
            " CAST(agent_id AS BIGINT) AS agent_id FROM core.customer_history"
            f" WHERE registered_on < DATE '{DECIDED}' AND valid_to IS NULL"
            " AND superseded_on IS NULL"
        )
        registered = pl.DataFrame(agents.to_arrow_table())
    skills = company.truth("agents").select("agent_id", "skill")
    known = registered.join(people, on="customer_id").join(skills, on="agent_id", how="left")
    alive = known.filter(pl.col("last_day") > (DECIDED - START).days)
    rates = alive["visits_a_day"] * alive["skill"].clip(upper_bound=1.6).fill_null(1.0)
    return float(visits / rates.sum())


def _worth(company: Company, segments: pl.Series) -> Floats:
    """What an order of each customer's segment costs the customer, on average."""
    with company.warehouse() as warehouse:
        spent = pl.DataFrame(
            warehouse.sql(
                "SELECT CAST(customer_id AS BIGINT) AS customer_id, count(DISTINCT order_id) AS n,"
                " CAST(sum(revenue) AS DOUBLE) AS revenue FROM core.order_lines"
                " WHERE superseded_on IS NULL AND NOT is_cancelled AND customer_id IS NOT NULL"
                " AND ordered_on >= DATE '2025-06-01' GROUP BY 1"
            ).to_arrow_table()
        )
    sums = spent.join(company.truth("customers"), on="customer_id").group_by("segment").agg(
        pl.col("revenue").sum() / pl.col("n").sum()
    )  # fmt: skip
    return segments.replace_strict(
        dict(sums.iter_rows()), return_dtype=pl.Float64
    ).to_numpy()  # fmt: skip


def expect_by_learner(
    examples: pl.DataFrame, asked: pl.DataFrame, model: TargetingModel, *, seed: int
) -> dict[str, Expected]:
    """What every learner expects, fitted on the same lots and with the same money."""
    from dataclasses import replace

    _, past = read_past(examples)
    outcome = fit_outcome(past.lots, seed=seed)
    said = {}
    for name, learner in LEARNERS.items():
        parts = learner.fit(past.lots, outcome, seed=seed)
        said[name] = replace(model, learner=name, parts=parts).expect(asked)
    return said


def ask_peers(examples: pl.DataFrame, asked: pl.DataFrame) -> dict[str, tuple[Floats, float]]:
    """Uplift of scikit-uplift's learners with LightGBM, and the seconds of each."""
    from sklift.models import ClassTransformation, SoloModel, TwoModels

    _, past = read_past(examples)
    lots, table = past.lots, as_table(asked)
    make: Callable[[], Any] = partial(
        lgb.LGBMClassifier, n_estimators=120, learning_rate=0.06, num_leaves=15,
        min_child_samples=400, colsample_bytree=0.6, reg_lambda=10.0, max_bin=63, n_jobs=1,
        verbose=-1, random_state=1,
    )  # fmt: skip
    peers = {
        "sklift SoloModel": lambda: SoloModel(make()),
        "sklift TwoModels": lambda: TwoModels(make(), make()),
        "sklift ClassTransformation": lambda: ClassTransformation(make()),
    }
    said = {}
    for name, build in peers.items():
        begun = perf_counter()
        fitted = build().fit(lots.asked.table, lots.ordered, lots.contacted)
        said[name] = np.asarray(fitted.predict(table), dtype=np.float64), perf_counter() - begun
    return said


def judge(company: Company, spill: Path, *, peers: bool) -> dict[str, Any]:
    """Fit, decide and price every policy by the truth."""
    use_case, begun = make_use_case(), perf_counter()
    lots = read_lots(company, use_case, spill)
    examples = lots.filter(pl.col("as_of") < DECIDED)
    asked = lots.filter((pl.col("as_of") == DECIDED) & (pl.col("is_held_out") == 0))
    read = perf_counter()
    model = use_case.fit(examples, seed=use_case.policy.seed)
    fitted = perf_counter()
    said = use_case.predict(model, asked)
    found: dict[str, Any] = {
        "lots": min(examples.height, ROWS), "asked": asked.height, "chosen": model.chosen,
        "seconds": {"read": read - begun, "fit": fitted - read,
                    "score": perf_counter() - fitted},
        "found": model.found,
    }  # fmt: skip
    expected = expect_by_learner(examples, asked, model, seed=use_case.policy.seed)
    others = ask_peers(examples, asked) if peers else {}
    found["peer_seconds"] = {name: seconds for name, (_, seconds) in others.items()}
    truth = Truth(company, asked)
    decisions = {name: said[name].to_numpy() for name in ("rule", "response", "everyone", "nobody")}
    decisions["model"] = said["decision"].to_numpy()
    for kind, numbers in _offer_sets(model).items():
        found[kind] = _price(
            model, truth, expected, numbers=numbers, peers=others,
            decisions=decisions if kind == "all offers" else {},
        )  # fmt: skip
    return found


def _offer_sets(model: TargetingModel) -> dict[str, list[int]]:
    dear = max(range(len(model.offers)), key=lambda n: model.offers[n].contact_cost)
    return {"all offers": list(range(len(model.offers))), model.offers[dear].name + " only": [dear]}


def _price(
    model: TargetingModel, truth: Truth, expected: dict[str, Expected], *, numbers: list[int],
    peers: dict[str, tuple[Floats, float]], decisions: dict[str, Floats],
) -> dict[str, Any]:  # fmt: skip
    """KES per 1,000 customers of each policy by the truth, and the share contacted."""
    offers = [model.offers[n] for n in numbers]
    discount = np.array([offer.discount for offer in offers])
    contact = np.array([offer.contact_cost for offer in offers])
    value = truth.value(discount, contact, truth.effect)
    limits = Limits(int(SHARE * len(value)))
    first = expected[next(iter(expected))]
    spent = np.zeros_like(value)
    taken = {name: choose(said.value[:, numbers], spent, limits) for name, said in expected.items()}
    for name, (uplift, _) in peers.items():
        worth = uplift[:, None] * (first.margin[:, None] - discount)
        taken[name] = choose(worth - first.without[:, None] * discount - contact, spent, limits)
    taken |= {name: decision.astype(np.int64) for name, decision in decisions.items()}
    taken["all but the lot"] = choose(truth.value(discount, contact, truth.likely), spent, limits)
    taken["oracle"] = choose(value, spent, limits)
    rows = np.arange(len(value))
    profit = {
        name: float(np.where(who > 0, value[rows, np.maximum(who, 1) - 1], 0.0).mean() * 1000)
        for name, who in taken.items()
    }
    return {"profit": profit, "contacted": {n: float((who > 0).mean()) for n, who in taken.items()}}


def show(results: dict[int, dict[str, Any]]) -> None:
    """Every seed's profit as a share of both yardsticks, with mean and 90 % interval."""
    for kind in (key for key in next(iter(results.values())) if "offers" in key or "only" in key):
        print(f"\n{kind}: profit as a share of the oracle's, per seed; mean and 90 % interval")
        for yardstick in ("oracle", "all but the lot"):
            print(f"  of {yardstick}:")
            for name in next(iter(results.values()))[kind]["profit"]:
                shares = [
                    found[kind]["profit"][name] / found[kind]["profit"][yardstick]
                    if found[kind]["profit"][yardstick] else 0.0
                    for found in results.values()
                ]  # fmt: skip
                told = " ".join(f"{share:7.3f}" for share in shares)
                contacted = np.mean([found[kind]["contacted"][name] for found in results.values()])
                print(f"    {name:28s} {told}   {interval(shares)}   contacts {contacted:.1%}")
    for seed, found in results.items():
        seconds = {name: round(value, 1) for name, value in found["seconds"].items()}
        print(f"seed {seed}: {found['lots']:,} lots, used {found['chosen']}, {seconds}")


def interval(values: list[float]) -> str:
    """Mean and the 90 % interval of Student's t."""
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return "one seed"
    half = float(stats.t.ppf(0.95, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
    return f"{mean:.3f} ({mean - half:.3f} to {mean + half:.3f})"


def measure_full(company: Company, spill: Path) -> dict[str, float]:
    """Seconds and peak memory of one fit and of one scoring of every customer."""
    use_case, begun = make_use_case(), perf_counter()
    lots = read_lots(company, use_case, spill)
    examples = lots.filter(pl.col("as_of") < DECIDED)
    del lots
    read = perf_counter()
    model = use_case.fit(examples, seed=use_case.policy.seed)
    fitted = perf_counter()
    del examples
    with ReadOnly(company, spill) as warehouse:
        subjects = read_subjects(warehouse, use_case, views=VIEWS, request=Request([DECIDED]))
    asked = perf_counter()
    said = use_case.predict(model, subjects)
    return {
        "customers": subjects.height, "contacted": float((said["decision"] > 0).mean()),
        "read_lots_s": read - begun, "fit_s": fitted - read, "read_subjects_s": asked - fitted,
        "score_s": perf_counter() - asked,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }  # fmt: skip


def main() -> None:
    """Judge what is asked for and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world", default="endogenous")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--peers", action="store_true", help="scikit-uplift beside it")
    parser.add_argument("--company", type=Path, help="measure one fit and score of it instead")
    parser.add_argument("--spill", type=Path, default=Path("build/spill"))
    chosen = parser.parse_args()
    if chosen.company:
        figures = measure_full(Company(chosen.company), chosen.spill)
        print(json.dumps(figures, indent=1))
        return
    results = {}
    for seed in chosen.seeds:
        place = RESULTS / f"targeting-{chosen.size}-{chosen.world}-{seed}.json"
        if not place.exists():
            company = prepare(chosen.folder, size=chosen.size, world=chosen.world, seed=seed)
            found = judge(company, chosen.spill, peers=chosen.peers)
            place.parent.mkdir(exist_ok=True)
            place.write_text(json.dumps(found, indent=1), encoding="utf-8")
        results[seed] = json.loads(place.read_text(encoding="utf-8"))
    show(results)


if __name__ == "__main__":
    main()

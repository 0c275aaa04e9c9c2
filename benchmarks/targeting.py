"""Whom to contact, judged by the truth of simulated companies.

    python benchmarks/targeting.py FOLDER --size small --world endogenous --seeds 1 2 3 4 5
    python benchmarks/targeting.py FOLDER --size small --world null --seeds 1 2 3
    python benchmarks/targeting.py FOLDER --company COMPANY   # one fit and score at full size

The model learns from lots that have matured by 2025-12-08 and decides for the customers whom that
day's campaign drew: a fifth of all, by lot. Each decision is priced by the truth: the customer's
visits, days until the last one, uplift type, agent's chance to pass an offer on, and what orders of
the customer's segment earn. Profits are shares of an oracle's, which reads the type off the truth.
Whom an offer puts off is drawn by lot and leaves few traces, so a second yardstick knows all but
that.

Whether off-policy estimates can be trusted is shown beside it: what the lots of that day say of the
campaign's own offer, given to the customers whom the model would choose for it and to everyone,
next to what the truth says of the same customers. Seconds are of the processor.

Each seed is judged once and kept in benchmarks/results/; remove its file to judge it again.

With --peers the learners of scikit-uplift are beside it: `pip install scikit-uplift`.
"""

import argparse
import json
import resource
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from time import process_time
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
from ghala_retail.company.marketing import EFFECTS, uplift_types
from ghala_retail.features.customer import campaign_response, customer
from ghala_retail.use_cases.marketing.targeting.budget import Limits, choose
from ghala_retail.use_cases.marketing.targeting.fitting import ROWS, read_past
from ghala_retail.use_cases.marketing.targeting.inputs import FEATURES, as_table
from ghala_retail.use_cases.marketing.targeting.learners import LEARNERS, Usual, expect_orders
from ghala_retail.use_cases.marketing.targeting.model import Expected, TargetingModel
from ghala_retail.use_cases.marketing.targeting.use_case import Targeting, TargetingPolicy
from ghala_retail.use_cases.marketing.targeting.value import Log, estimate, profits
from worlds import START, Company, prepare

Floats = NDArray[np.float64]

DECIDED = date(2025, 12, 8)
CAMPAIGN_DAYS = 14
SHARE = 0.20
RESULTS = Path(__file__).parent / "results"
VIEWS = pick_views({view.name: view for view in (customer, campaign_response)}, FEATURES)


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
        responses = _responses(company)
        known = rows.select("customer_id", "agent_id")
        for table, key in ((people, "customer_id"), (agents, "agent_id"),
                           (responses, "customer_id")):  # fmt: skip
            known = known.join(table, on=key, how="left", maintain_order="left")
        self.is_uniform = facts["world"]["is_uniform"]
        days = company.truth("days").filter(
            pl.col("day").is_between(DECIDED, DECIDED + timedelta(days=CAMPAIGN_DAYS - 1))
        ).sum()  # fmt: skip
        visits, orders, margin = (days[n][0] for n in ("visits", "orders", "margin_kes"))
        alive = known["last_day"] > (DECIDED - START).days
        skill = known["skill"].clip(upper_bound=1.6).fill_null(1.0)
        rate = (known["visits_a_day"] * skill * alive).to_numpy().astype(np.float64)
        self.orders = rate * (orders / visits) * _season(company, visits)
        self.relays = known["relays"].fill_null(1.0).to_numpy().astype(np.float64)
        self.effect = EFFECTS[known["uplift_type"].to_physical().to_numpy()]
        worth = _worth(company, known["segment"])
        self.margin = worth * (margin / orders) / np.average(worth, weights=self.orders)
        self.likely = self._likely(known)

    def _likely(self, known: pl.DataFrame) -> Floats:
        """The effect that someone expects who knows all but whom an offer puts off."""
        if self.is_uniform:
            return self.effect
        put_off, none = known["is_put_off"].mean(), np.zeros(known.height, bool)
        kinds = uplift_types(
            known["missed_visits"].to_numpy(), known["price_weight"].to_numpy(), put_off=none
        )
        mean: Floats = (1 - put_off) * EFFECTS[kinds] + put_off * EFFECTS[-1]
        return mean

    def value(self, discount: Floats, contact_cost: Floats, effect: Floats) -> Floats:
        """What each offer adds for each customer, one column per offer."""
        more = (self.orders * self.relays * effect)[:, None]
        all_orders = self.orders[:, None] + more
        return more * self.margin[:, None] - all_orders * discount - contact_cost


def _responses(company: Company) -> pl.DataFrame:
    """How the customers whom that day's campaign drew would respond to it."""
    with company.warehouse() as warehouse:
        found = warehouse.execute(
            f"SELECT campaign_id FROM core.campaigns WHERE starts_on = DATE '{DECIDED}'"
        ).fetchone()
    assert found is not None, f"no campaign starts on {DECIDED}"
    return company.truth("responses").filter(pl.col("campaign_id") == found[0]).with_columns(
        pl.col("customer_id").cast(pl.String)
    )  # fmt: skip


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
    """What every learner expects alone, fitted on the same lots and with the same money."""
    _, past = read_past(examples)
    outcome = lgb.Booster(model_str=model.outcome)
    usual = Usual(*(expect_orders(outcome, past.lots.asked, side) for side in (0.0, 1.0)))
    said = {}
    for name, learner in LEARNERS.items():
        parts = model.parts.get(name) or learner.fit(past.lots, usual, seed=seed)
        alone = replace(model, weights={name: 1.0}, parts={name: parts})
        said[name] = alone.expect(asked)
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
        begun = process_time()
        fitted = build().fit(lots.asked.table, lots.orders > 0, lots.contacted)
        said[name] = np.asarray(fitted.predict(table), dtype=np.float64), process_time() - begun
    return said


def judge(company: Company, spill: Path, *, peers: bool) -> dict[str, Any]:
    """Fit, decide and price every policy by the truth."""
    use_case, begun = make_use_case(), process_time()
    lots = read_lots(company, use_case, spill)
    examples = lots.filter(pl.col("as_of") < DECIDED)
    asked = lots.filter((pl.col("as_of") == DECIDED) & (pl.col("is_held_out") == 0))
    read = process_time()
    model = use_case.fit(examples, seed=use_case.policy.seed)
    fitted = process_time()
    said = use_case.predict(model, asked)
    found: dict[str, Any] = {
        "lots": min(examples.height, ROWS), "asked": asked.height, "chosen": model.chosen,
        "seconds": {"read": read - begun, "fit": fitted - read,
                    "score": process_time() - fitted},
        "found": model.found,
    }  # fmt: skip
    expected = expect_by_learner(examples, asked, model, seed=use_case.policy.seed)
    others = ask_peers(examples, asked) if peers else {}
    found["peer_seconds"] = {name: seconds for name, (_, seconds) in others.items()}
    truth = Truth(company, asked)
    found["check"] = check(model, truth, asked, expected=model.expect(asked))
    found["weights"] = model.weights
    decisions = {name: said[name].to_numpy() for name in ("rule", "response", "everyone", "nobody")}
    decisions["model"] = said["decision"].to_numpy()
    for kind, numbers in _offer_sets(model).items():
        found[kind] = _price(
            model, truth, expected, numbers=numbers, peers=others,
            decisions=decisions if kind == "all offers" else {},
        )  # fmt: skip
    return found


def check(
    model: TargetingModel, truth: Truth, asked: pl.DataFrame, *, expected: Expected
) -> dict[str, dict[str, float]]:
    """KES per customer that the campaign's own offer adds, by the day's lots and by the truth."""
    names = ("lot_contacted", "lot_propensity", "lot_contact_cost", "lot_discount", "actual")
    known = asked.select(pl.col(names).cast(pl.Float64)).to_dict(as_series=False)
    contacted, chance, contact_cost, discount, earned = (np.array(known[n]) for n in names)
    place = [offer.name for offer in model.offers].index(asked["lot_offer"][0])
    ones = np.ones(asked.height)
    log = Log(ones, contacted, chance, contact_cost, earned, expected.earned_without,
              expected.earned[:, place])  # fmt: skip
    adds = truth.value(discount[:1], contact_cost[:1], truth.effect)[:, 0]
    worth = expected.value[:, [place]]
    limits = Limits(int(SHARE * asked.height))
    said = {}
    for name, who in (("the model's", choose(worth, worth * 0, limits)), ("everyone", ones)):
        gain = profits(log, who.astype(np.float64)) - profits(log, ones * 0)
        said[name] = {**asdict(estimate(gain, np.arange(len(gain)), confidence=0.9)),
                      "truth": float((adds * (who > 0)).mean())}  # fmt: skip
    left = contacted == 0
    said["left in peace, all they earn"] = {
        "mean": float(earned[left].mean()),
        "truth": float((truth.orders * truth.margin)[left].mean()),
    }
    return said


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
    print(
        "\nKES per customer that one day's campaign adds: by its lots (90 % interval), by the truth"
    )
    for seed, found in results.items():
        for name, value in found["check"].items():
            width = f" ({value['low']:.2f} to {value['high']:.2f})" if "low" in value else ""
            print(f"  seed {seed} {name}: {value['mean']:.2f}{width}; {value['truth']:.2f}")
    for seed, found in results.items():
        seconds = {name: round(value, 1) for name, value in found["seconds"].items()}
        print(f"seed {seed}: {found['lots']:,} lots, used {found['chosen']}, processor {seconds}")
        weights = {name: round(value, 2) for name, value in found["weights"].items()}
        said = {name: round(value["mean"], 2) for name, value in found["found"].items()}
        print(f"  weights {weights}; profit on customers held back {said}")
        print(f"  sure that the blend pays: {found['found']['blend']['sure']:.3f}")


def interval(values: list[float]) -> str:
    """Mean and the 90 % interval of Student's t."""
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return "one seed"
    half = float(stats.t.ppf(0.95, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
    return f"{mean:.3f} ({mean - half:.3f} to {mean + half:.3f})"


def measure_full(company: Company, spill: Path) -> dict[str, float]:
    """Seconds and peak memory of one fit and of one scoring of every customer."""
    use_case, begun = make_use_case(), process_time()
    lots = read_lots(company, use_case, spill)
    examples = lots.filter(pl.col("as_of") < DECIDED)
    del lots
    read = process_time()
    model = use_case.fit(examples, seed=use_case.policy.seed)
    fitted = process_time()
    del examples
    with ReadOnly(company, spill) as warehouse:
        subjects = read_subjects(warehouse, use_case, views=VIEWS, request=Request([DECIDED]))
    asked = process_time()
    said = use_case.predict(model, subjects)
    return {
        "customers": subjects.height, "contacted": float((said["decision"] > 0).mean()),
        "read_lots_s": read - begun, "fit_s": fitted - read, "read_subjects_s": asked - fitted,
        "score_s": process_time() - asked,
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

"""Does an offer per segment earn more than one best offer for all, judged on later campaigns?

    python benchmarks/positioning.py WORLDS --seeds 1 2 3 4 5 --null-seeds 1 2 3

WORLDS is what benchmarks/worlds.py made. Customers are labelled by a segmentation fitted on
2024-09-30, every twelve weeks. Offers are chosen on 2025-06-30 from the campaigns that were known,
and judged by every campaign that started afterwards: what it earned per customer drawn over those
held out by lot, in KES, per segment. The error of one company adds up those of the campaigns.

Each seed is judged once and kept in benchmarks/results/; remove its file to judge it again.
"""

import argparse
import json
import re
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from scipy.stats import t

from ghala.contracts.policy import read_policy
from ghala.evaluation.optimise import OptimisePolicy
from ghala.features.examples import Request, read_subjects
from ghala.warehouse.predictions import replace_predictions
from ghala_retail.features.lifetime import customer_lifetime
from ghala_retail.use_cases.marketing.positioning import use_case as module
from ghala_retail.use_cases.marketing.positioning.use_case import Positioning
from segmentation import Reader
from segmentation import make as make_segmentation
from worlds import Company

LABELLED = [date(2024, 9, 30) + timedelta(weeks=12 * n) for n in range(6)]
DECIDED = date(2025, 6, 30)
RESULTS = Path(__file__).parent / "results"


def make() -> Positioning:
    """The use case with its own policy."""
    made = Positioning()
    made.name, made.folder = "marketing/positioning", Path(module.__file__).parent
    made.policy = read_policy(made.folder / "policy.yml", OptimisePolicy)
    return made


def open_beside(company: Company, folder: Path) -> Reader:
    """A warehouse of our own that shows the company's core, which is only read."""
    connection = duckdb.connect(str(folder / "beside.duckdb"))
    file = company.workspace / ".ghala" / "warehouse.duckdb"
    connection.execute(f"ATTACH '{file}' AS company (READ_ONLY)")
    for schema in ("core", "platform", "marts_marketing"):
        connection.execute(f"CREATE SCHEMA {schema}")
    tables = connection.execute(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_catalog = 'company' AND table_schema = 'core'"
    ).fetchall()
    for (name,) in tables:
        connection.execute(f"CREATE VIEW core.{name} AS SELECT * FROM company.core.{name}")
    return Reader(connection)


def label(warehouse: Reader) -> None:
    """What a segmentation of the first day calls the customers of every day."""
    found, model = make_segmentation(), None
    for day in LABELLED:
        rows = read_subjects(warehouse, found, views=[customer_lifetime], request=Request([day]))
        model = model or found.fit(rows, seed=found.policy.seed)
        said = found.ask(model, rows)
        said = said.with_columns(version=pl.lit(1), role=pl.lit("champion"))
        replace_predictions(warehouse, found, said, as_of=day)


def count_effects(warehouse: Reader, found: Positioning) -> None:
    """The mart of campaign effects, as dbt would make it."""
    sql = (found.folder / "marts" / "campaign_effects.sql").read_text(encoding="utf-8")
    sql = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"core.\1", sql)
    sql = sql.replace("{{ said }}", "platform.marketing__segmentation_predictions")
    sql = re.sub(r"\{[{%].*?[%}]\}", "", sql, flags=re.DOTALL)
    warehouse.execute(f"CREATE TABLE marts_marketing.campaign_effects AS {sql}")


def judge_world(company: Company) -> dict[str, float]:
    """What the decisions of one day earned over one offer for all, per customer drawn."""
    found = make()
    with tempfile.TemporaryDirectory() as place:
        warehouse = open_beside(company, Path(place))
        label(warehouse)
        count_effects(warehouse, found)
        rows = read_subjects(warehouse, found, views=[], request=Request([DECIDED]))
        later = warehouse.frame(
            "SELECT segment, 'offer:' || offer AS item, effect, error"
            " FROM marts_marketing.campaign_effects WHERE starts_on >= ?",
            [DECIDED],
        )
        warehouse.close()
    model = found.fit(rows.with_columns(actual=pl.lit(0.0), known_on=pl.lit(DECIDED)), seed=1)
    said = found.ask(model, rows)
    offers = said.filter(kind="offer")
    for row in offers.sort("segment", "item").iter_rows(named=True):
        print(f"  {row['segment'][:44]:44} {row['item']:20} {row['customers']:>8,.0f}"
              f"  {row['effect']:+7.2f} [{row['effect_low']:+.2f}, {row['effect_high']:+.2f}]"
              f"  {row['decision']:.0f} (one for all: {row['one_offer']:.0f})")  # fmt: skip
    return {
        "segments": float(offers["segment"].n_unique()), "spread": model["spread"],
        "inertia": float(said["inertia"][0]), "stability": float(said["stability"][0]),
        **earn(offers, later),
    }  # fmt: skip


def earn(offers: pl.DataFrame, later: pl.DataFrame) -> dict[str, float]:
    """Off-policy value per customer: of the decisions, of one offer for all, and the gain."""
    shares = pl.col("customers") / pl.col("customers").sum().over("item")
    judged = later.group_by("segment", "item").agg(
        effect=pl.col("effect").mean(), error=(pl.col("error") ** 2).sum().sqrt() / pl.len()
    )
    both = offers.with_columns(share=shares).drop("effect").join(judged, on=["segment", "item"])
    figures = {}
    for name, weight in (
        ("own", pl.col("decision")),
        ("one", pl.col("one_offer")),
        ("gain", pl.col("decision") - pl.col("one_offer")),
    ):
        parts = both.select(
            value=weight * pl.col("share") * pl.col("effect"),
            error=weight * pl.col("share") * pl.col("error"),
        )
        figures[name] = float(parts["value"].sum())
        figures[f"{name}_error"] = float((parts["error"] ** 2).sum() ** 0.5)
    return figures


def main() -> None:
    """Print every seed, then the mean with its 90 % interval."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--null-seeds", type=int, nargs="*", default=[])
    chosen = parser.parse_args()
    for world, seeds in (("endogenous", chosen.seeds), ("null", chosen.null_seeds)):
        found = []
        for seed in seeds:
            name = f"{chosen.size}-{world}-{seed}"
            file = RESULTS / f"positioning-{name}.json"
            if not file.exists():
                RESULTS.mkdir(exist_ok=True)
                judged = judge_world(Company(chosen.worlds / name))
                file.write_text(json.dumps(judged), encoding="utf-8")
            found.append({"seed": float(seed), **json.loads(file.read_text(encoding="utf-8"))})
            said = "  ".join(f"{name} {value:.3g}" for name, value in found[-1].items())
            print(f"{world} {said}", flush=True)
        for name in found[0] if found else ():
            values = np.array([one[name] for one in found])
            half = 0.0
            if len(values) > 1:
                half = t.ppf(0.95, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
            print(f"{world} {name}: {values.mean():.3g} ± {half:.2g}")
        if found:
            file = RESULTS / f"positioning-{world}.json"
            file.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

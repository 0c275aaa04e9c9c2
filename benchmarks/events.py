"""Are events worth what marketing/events says, and is its calendar worth more than simpler ones?

    python benchmarks/events.py WORLDS --seeds 1 2 3 4 5 --null-seeds 1

WORLDS is what benchmarks/worlds.py made. The response is fitted on what was known on 2025-06-30 and
asked about every event that began later and ended in October: how many units, and KES of margin
without VAT, it would add, from the usual sales of its own SKUs on the day it began. The truth is
the simulator's: the chances of every choice with and without the event, what was stored up and not
bought later because of it, and who came for the front page.

Calendars are planned on 2025-09-29 for the fourth to seventh week ahead, by the use case, greedily,
and as the events of the same weeks a year before (on the SKUs that the use case would choose). Each
is then lived through by the same customers with the same needs, for those weeks and two more, and
what its events added is counted by the same truth. Capacity is first what trips show, then a half
and a quarter of what the free calendar would load on a location in a week, so that it binds.

Each seed is judged once and kept in benchmarks/results/; remove its file to judge it again.
"""

import argparse
import copy
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from depots import RESULTS, write
from event_tables import opened
from ghala.contracts.policy import read_policy
from ghala.features.examples import Request, read_examples, read_subjects
from ghala_retail.company.business import Company as Simulated
from ghala_retail.company.lift import COLUMNS, PromotionOracle
from ghala_retail.company.marketing import REPLANNED, Event
from ghala_retail.company.world import make_plan
from ghala_retail.use_cases.marketing.events import use_case as module
from ghala_retail.use_cases.marketing.events.calendar import Calendar, plan, plan_greedily
from ghala_retail.use_cases.marketing.events.effects import draw_effects, draw_noise
from ghala_retail.use_cases.marketing.events.offers import Offers, list_offers, pick_occasions
from ghala_retail.use_cases.marketing.events.response import Response
from ghala_retail.use_cases.marketing.events.rounds import carried
from ghala_retail.use_cases.marketing.events.use_case import Events, EventsPolicy
from segmentation import Reader
from worlds import START, Company

DECIDED, JUDGED_UNTIL = date(2025, 6, 30), date(2025, 10, 31)
PLANNED = date(2025, 9, 29)
FIRST = PLANNED + timedelta(weeks=3)
WEEKS, WEEKS_AFTER = 4, 2
DRAWS = 2000
QUANTILES = (0.05, 0.95)
CAPACITIES = {"": None, "half_": 0.5, "quarter_": 0.25}

RAN = """
SELECT
    effects.promotion_id, effects.category, max(effects.event) AS event,
    max(effects.depth) AS depth, max(effects.featured) AS featured,
    sum(own_base * own_usual / own_due) AS units,
    sum(own_revenue * own_usual / own_due) AS revenue,
    sum(own_margin * own_usual / own_due) AS margin,
    max(shelves.other_margin) AS other_margin, max(baskets.margin) AS basket_margin
FROM features.event_effects AS effects
INNER JOIN (
    SELECT monday, category, max(other_margin) AS other_margin
    FROM features.event_shelves GROUP BY monday, category
) AS shelves
    ON shelves.monday = CAST(date_trunc('week', effects.starts_on) AS DATE)
    AND shelves.category = effects.category
INNER JOIN (
    SELECT monday, sum(other_margin * units) / sum(units) AS margin
    FROM features.event_shelves GROUP BY monday
) AS baskets ON baskets.monday = shelves.monday
WHERE effects.starts_on > ? AND effects.ends_on <= ? AND own_due > 0
GROUP BY effects.promotion_id, effects.category
ORDER BY effects.promotion_id
"""
LAST_YEAR = """
SELECT DISTINCT products.category, plans.event, plans.location_id, plans.starts_on,
    CAST(plans.discount_share AS DOUBLE) AS depth, plans.is_featured
FROM core.promotion_plans AS plans
INNER JOIN core.products AS products USING (source, sku)
WHERE NOT plans.is_cancelled AND plans.superseded_on IS NULL
    AND plans.starts_on BETWEEN CAST(? AS DATE) - 364 AND CAST(? AS DATE) - 358
"""


def make() -> Events:
    """The use case with its own policy."""
    made = Events()
    made.name, made.folder = "marketing/events", Path(module.__file__).parent
    made.policy = read_policy(made.folder / "policy.yml", EventsPolicy)
    return made


def read_past(warehouse: Reader, found: Events) -> pl.DataFrame:
    """What was asked and what then happened, by the day of the calendars."""
    weeks = found.policy.backtest.training_origins
    origins = [PLANNED - timedelta(weeks=n) for n in range(weeks)]
    return read_examples(warehouse, found, views=[], request=Request(origins), as_of=PLANNED)


def foresee(response: Response, events: pl.DataFrame) -> pl.DataFrame:
    """What was expected of each event, with the interval, in units and KES."""
    noise, rows = draw_noise(DRAWS), []
    for row, log_lift in enumerate(zip(*response.log_lifts(events), strict=True)):
        one = events[row]
        effects = draw_effects(
            response, noise, category=one["category"][0], event=one["event"][0], log_lift=log_lift
        )
        margin = effects.gains(one, depth=one["depth"][0], featured=one["featured"][0])[0]
        units = effects.kept * one["units"][0]
        rows.append({
            "promotion_id": one["promotion_id"][0], "units": units.mean(), "margin": margin.mean(),
            **dict(zip(("units_low", "units_high"), np.quantile(units, QUANTILES), strict=True)),
            **dict(zip(("margin_low", "margin_high"), np.quantile(margin, QUANTILES), strict=True)),
            "switching": effects.switched.mean(),
            "earlier": (effects.taken - effects.switched).mean(),
        })  # fmt: skip
    return pl.DataFrame(rows)


def judge_response(company: Company, warehouse: Reader, response: Response) -> dict[str, float]:
    """Expectations of events beside what was true of them."""
    told = foresee(response, warehouse.frame(RAN, [DECIDED, JUDGED_UNTIL]))
    true = company.truth("promotions").with_columns(
        added=pl.col("gross_lift_units") + pl.col("stored_units")
    )
    both = told.join(true, on="promotion_id").with_columns(
        true_units=pl.col("added") - pl.col("switched_units") - pl.col("pulled_forward_units"),
        true_margin=pl.col("incremental_margin_kes"),
    )
    added = float(both["added"].sum())
    figures: dict[str, float] = {"events": float(both.height)}
    for name in ("units", "margin"):
        low, high, said, actual = (
            both[one].to_numpy() for one in (f"{name}_low", f"{name}_high", name, f"true_{name}")
        )
        figures |= {
            f"{name}_covered": float(((actual >= low) & (actual <= high)).mean()),
            f"{name}_below": float((actual < low).mean()),
            f"{name}_rank": float(spearmanr(said, actual)[0]),
            f"{name}_slope": float(np.polyfit(said, actual, 1)[0]) if said.std() > 0 else 0.0,
        }
    share = {"switching": "switched_units", "earlier": "pulled_forward_units"}
    for name, column in share.items() if added > 0 else ():
        figures[f"{name}_said"] = float(np.average(both[name], weights=both["added"]))
        figures[f"{name}_true"] = float(both[column].sum()) / added
    is_loss = both["true_margin"] < 0
    return figures | {
        "losing_share": float(is_loss.mean()),
        "losing_told": float(((both["margin"] < 0) == is_loss).mean()),
    }


def compare(
    warehouse: Reader, found: Events, response: Response, *, base: Simulated
) -> dict[str, float]:
    """What calendars add by the truth, KES; capacity as it is, and where it binds."""
    cells = read_subjects(warehouse, found, views=[], request=Request([PLANNED]))
    rules, asked = found.policy.plan.rules, found.policy.plan.asked
    free = pick_occasions(list_offers(response, cells, asked))
    load = carried(free, plan(free, rules)).mean(axis=1, keepdims=True)
    figures = {"last_year": live(_last_year(warehouse, cells), base)}
    for name, share in CAPACITIES.items():
        offers = (
            free if share is None else replace(free, room=np.repeat(share * load, WEEKS, axis=1))
        )
        made = {"planned": plan(offers, rules), "greedy": plan_greedily(offers, rules)}
        for who, calendar in made.items():
            same = who == "greedy" and np.array_equal(calendar.runs, made["planned"].runs)
            figures[f"{name}{who}_expected"] = calendar.worth(offers, rules)
            figures[f"{name}{who}"] = (
                figures[f"{name}planned"] if same
                else live(_events_of(offers, calendar, cells), base)
            )  # fmt: skip
        planned, greedy = figures[f"{name}planned"], figures[f"{name}greedy"]
        figures[f"{name}over_greedy"] = planned / greedy - 1 if greedy else 0.0
    return figures


def _events_of(offers: Offers, calendar: Calendar, cells: pl.DataFrame) -> list[tuple[date, Event]]:
    skus = dict(cells.select("category", "skus").unique("category").iter_rows())
    return [
        (
            one["target_week"],
            Event(
                one["event"], one["category"], frozenset(skus[one["category"]].split(",")),
                frozenset(np.array(offers.locations)[calendar.runs[row]]), one["depth"],
                one["featured"] > 0,
            ),
        )
        for row, one in enumerate(offers.events.iter_rows(named=True))
        if calendar.runs[row].any()
    ]  # fmt: skip


def _last_year(warehouse: Reader, cells: pl.DataFrame) -> list[tuple[date, Event]]:
    skus, events = dict(cells.select("category", "skus").unique("category").iter_rows()), []
    for week in cells["target_week"].unique().sort():
        ran = warehouse.frame(LAST_YEAR, [week, week])
        keys = ["category", "event", "starts_on", "depth", "is_featured"]
        for (category, event, _, depth, featured), rows in ran.group_by(keys, maintain_order=True):
            if category in skus:
                there, goods = frozenset(rows["location_id"]), frozenset(skus[category].split(","))
                events.append((week, Event(event, category, goods, there, depth, featured)))
    return events


def live(events: Sequence[tuple[date, Event]], base: Simulated) -> float:
    """KES of margin that the events of a calendar add, in a company with endless stock."""
    company, begin = copy.deepcopy(base), (FIRST - START).days
    for week in range(begin // 7, begin // 7 + WEEKS):
        starting = [event for at, event in events if (at - START).days // 7 == week]
        company.marketing.replan(week, starting)
    oracle = PromotionOracle(company)
    for business in company.days(since=begin):
        oracle.see(business)
        if business.day.day + 1 == begin + 7 * (WEEKS + WEEKS_AFTER):
            break
    return float(oracle.sums[COLUMNS.index("incremental_margin_kes"), REPLANNED:].sum())


def simulated(world: str, size: str, seed: int) -> Simulated:
    """The company behind the exports, on the eve of the first week that is planned."""
    company = Simulated(make_plan(size, world, seed=seed))
    company.stock.is_endless = True
    company.skip_to((FIRST - START).days)
    return company


def judge(company: Company, base: Simulated) -> dict[str, float]:
    """All figures of one company."""
    begun, found = time.process_time(), make()
    with opened(company) as warehouse:
        past = read_past(warehouse, found)
        early = found.fit(past.filter(pl.col("known_on") <= DECIDED), seed=1)
        figures = judge_response(company, warehouse, early)
        figures |= compare(warehouse, found, found.fit(past, seed=1), base=base)
    return figures | {"processor_s": time.process_time() - begun}


def main() -> None:
    """Judge every seed of both worlds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", type=Path)
    parser.add_argument("--size", default="small")
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument("--null-seeds", type=int, nargs="*", default=[])
    chosen = parser.parse_args()
    for world, seeds in (("endogenous", chosen.seeds), ("null", chosen.null_seeds)):
        rows: list[dict[str, Any]] = []
        for seed in seeds:
            name = f"{chosen.size}-{world}-{seed}"
            file = RESULTS / f"events-{name}.json"
            if not file.exists():
                base = simulated(world, chosen.size, seed)
                RESULTS.mkdir(exist_ok=True)
                file.write_text(json.dumps(judge(Company(chosen.worlds / name), base)), "utf-8")
            rows.append({"seed": seed, **json.loads(file.read_text("utf-8"))})
        if rows:
            write(f"events-{chosen.size}-{world}", rows)


if __name__ == "__main__":
    main()

"""Sees everything that happens to the company, and writes down the truth."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ghala_retail.company import operations
from ghala_retail.company.assortment import CATEGORIES
from ghala_retail.company.business import Business, Company
from ghala_retail.company.draws import Array
from ghala_retail.company.lift import COLUMNS, PromotionOracle
from ghala_retail.company.marketing import EFFECTS, UPLIFT_TYPES, Response
from ghala_retail.company.oracle import PriceOracle
from ghala_retail.company.people import SEGMENTS
from ghala_retail.company.truth import write_facts, write_table

LARGE = 500_000
"""From this many customers on, the oracle of prices looks at one day a week."""


class Witness:
    """Adds up the truth day by day."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.prices = PriceOracle(company.assortment, company.depots)
        self.promotions = PromotionOracle(company)
        self._days: list[dict[str, Any]] = []
        self._lost: list[Array] = []
        self._campaigns: dict[int, Array] = {}
        self._responses: dict[str, Response] = {}

    def see(self, business: Business) -> None:
        """Add a day."""
        day = business.day.day
        large = self.company.plan.size.customers >= LARGE
        if not large or day % 7 == day // 7 % 7:
            self.prices.see(business.choices, business.shelf, cost=self.company.prices.cost)
        self.promotions.see(business)
        self._see_lost(business)
        self._see_campaign(business)
        self._see_day(business)

    def _see_lost(self, business: Business) -> None:
        wishes = business.wishes
        lost = np.flatnonzero(~wishes.was_served)
        cell = wishes.needs.depot[lost] * self.company.assortment.count + wishes.sku[lost]
        found, place = np.unique(cell, return_inverse=True)
        units = np.bincount(place, wishes.units[lost], minlength=len(found))
        instead = wishes.units[lost] * (wishes.substitute[lost] >= 0)
        instead = np.bincount(place, instead, minlength=len(found))
        day = np.full(len(found), business.day.day)
        self._lost.append(np.column_stack([day, found, units, instead]).astype(np.int64))

    def _see_campaign(self, business: Business) -> None:
        found = self.company.marketing.campaign(business.day.day)
        if found is None:
            return
        effect = self.company.marketing.effect
        sums = self._campaigns.setdefault(found.number, np.zeros(3))
        felt = effect[business.visits.customer].astype(float)
        sums[2] += (1 - 1 / felt).sum()
        if business.day.day == found.start:
            who, contacted = self.company.marketing.assign(found)
            sums[0], sums[1] = contacted.sum(), (effect[who] != 1).sum()
            self._responses[found.id] = self.company.marketing.response

    def _see_day(self, business: Business) -> None:
        wishes, sales = business.wishes, business.sales
        lost = ~wishes.was_served
        self._days.append(
            {
                "day": business.day.date,
                "visits": len(business.visits),
                "needs": len(business.choices.needs),
                "needs_met_at_home": len(business.stored),
                "wanted_units": int(wishes.units.sum()),
                "lost_units": int(wishes.units[lost].sum()),
                "substituted_units": int(wishes.units[wishes.substitute >= 0].sum()),
                "orders": len(sales.order),
                "cancelled_orders": int((business.after.cancelled_on >= 0).sum()),
                "lines": len(sales.sku),
                "units": int(sales.units.sum()),
                "revenue_kes": float((sales.price * sales.units - sales.discount).sum()),
                "margin_kes": float(sales.margin.sum()),
            }
        )

    def announce(self, folder: Path) -> None:
        """Write the plan before the first day: who finds it knows what the folder is for."""
        write_facts(folder, self._facts([]))

    def write(self, folder: Path, faults: list[dict[str, Any]]) -> None:
        """Write every table and the facts."""
        company = self.company
        write_table(folder, "elasticities", self.prices.elasticities())
        write_table(folder, "segment_elasticities", self.prices.segment_elasticities())
        write_table(folder, "days", pl.DataFrame(self._days))
        write_table(folder, "lost_demand", self._lost_demand())
        write_table(folder, "promotions", self._promotions())
        write_table(folder, "campaigns", self._campaign_table())
        write_table(folder, "responses", self._response_table())
        write_table(folder, "skus", self._skus())
        write_table(folder, "customers", self._customers())
        agents = company.agents
        columns = {"skill": agents.skill, "relays": agents.relays, "left_on_day": agents.left}
        numbers = pl.DataFrame({"agent_id": np.arange(agents.count) + 1})
        write_table(folder, "agents", numbers.with_columns(pl.DataFrame(columns)))
        write_facts(folder, self._facts(faults))

    def _lost_demand(self) -> pl.DataFrame:
        company = self.company
        day, cell, units, instead = np.concatenate(self._lost).T
        depot, sku = np.divmod(cell, company.assortment.count)
        return pl.DataFrame(
            {
                "sku": company.assortment.ids[sku],
                "depot_id": company.depots.ids[depot],
                "day": pl.Series([company.plan.date(n) for n in range(company.plan.days)])[day],
                "lost_units": units,
                "substituted_units": instead,
            }
        )

    def _promotions(self) -> pl.DataFrame:
        weeks = range(self.company.plan.days // 7 + 1)
        known = {p.number: p for week in weeks for p in self.company.marketing.planned(week)}
        sums = self.promotions.sums
        numbers = np.array([n for n in known if n < sums.shape[1]], dtype=np.int64)
        table = pl.DataFrame(
            {
                "promotion_id": [known[int(n)].id for n in numbers],
                "event": [known[int(n)].event for n in numbers],
                "category": [CATEGORIES[known[int(n)].category].name for n in numbers],
                "appeal": [known[int(n)].appeal for n in numbers],
            },
            schema={
                "promotion_id": pl.String,
                "event": pl.String,
                "category": pl.String,
                "appeal": pl.Float64,
            },
        )
        columns = zip(COLUMNS, sums[:, numbers], strict=True)
        return table.with_columns(pl.Series(name, values) for name, values in columns)

    def _campaign_table(self) -> pl.DataFrame:
        rows = sorted(self._campaigns.items())
        return pl.DataFrame(
            {
                "campaign_id": [f"C{number + 1:04}" for number, _ in rows],
                "contacts": [float(sums[0]) for _, sums in rows],
                "moved_customers": [float(sums[1]) for _, sums in rows],
                "extra_visits": [float(sums[2]) for _, sums in rows],
            },
            schema={"campaign_id": pl.String, "contacts": pl.Float64,
                    "moved_customers": pl.Float64, "extra_visits": pl.Float64},
        )  # fmt: skip

    def _response_table(self) -> pl.DataFrame:
        kinds = pl.Enum(UPLIFT_TYPES)
        none = pl.DataFrame(schema={"campaign_id": pl.String, "customer_id": pl.Int64,
                                    "missed_visits": pl.Float32, "uplift_type": kinds})  # fmt: skip
        return pl.concat(
            [none]
            + [
                pl.DataFrame(
                    {
                        "customer_id": who.customer + 1,
                        "missed_visits": who.missed.astype(np.float32),
                        "uplift_type": pl.Series(np.array(UPLIFT_TYPES)[who.kind], dtype=kinds),
                    }
                ).select(pl.lit(campaign).alias("campaign_id"), pl.all())
                for campaign, who in self._responses.items()
            ]
        )

    def _skus(self) -> pl.DataFrame:
        made = self.company.assortment
        return pl.DataFrame(
            {
                "sku": made.ids,
                "attraction": made.attraction,
                "elasticity_at_reference": made.elasticity,
                "slope": made.slope,
                "reference_price_kes": made.reference,
                "first_list_price_kes": made.list_price,
                "first_cost_kes": made.cost,
            }
        )

    def _customers(self) -> pl.DataFrame:
        who = self.company.customers
        return pl.DataFrame(
            {
                "customer_id": np.arange(who.count) + 1,
                "segment": np.array([s.name for s in SEGMENTS])[who.segment],
                "is_put_off": who.is_put_off,
                "price_weight": who.price_weight,
                "visits_a_day": who.rate,
                "observes_ramadan": who.observes,
                "last_day": who.until.astype(np.int32),
            }
        )

    def _facts(self, faults: list[dict[str, Any]]) -> dict[str, Any]:
        plan = self.company.plan
        shocks = [
            {"name": s.name, "start": str(plan.date(s.start)), "size": s.size,
             "end": str(plan.date(min(s.end, plan.days)))}
            for s in plan.world.shocks if s.start < plan.days
        ]  # fmt: skip
        return {
            "plan": {**asdict(plan.size), "seed": plan.seed, "simulated_days": plan.days},
            "world": {"kappa": plan.world.kappa, "is_uniform": plan.world.is_uniform},
            "shocks": shocks,
            "faults": faults,
            "uplift_effects": dict(zip(UPLIFT_TYPES, EFFECTS.tolist(), strict=True)),
            "lines_an_hour": dict(zip(operations.TASKS, operations.RATES.tolist(), strict=False)),
            "speed_kmh_by_zone": operations.SPEED_KMH.tolist(),
            "absent_share": operations.ABSENT,
        }

"""operations/replenishment: what to order for each depot, and the least order to ask for."""

from dataclasses import fields
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from ghala.contracts.use_case import NUMBER, TEXT
from ghala.evaluation.optimise import Optimise, OptimisePolicy
from ghala_retail.use_cases.operations.replenishment.lead_time import draw_orders, look_ahead
from ghala_retail.use_cases.operations.replenishment.model import Ordering, load, save, tune
from ghala_retail.use_cases.operations.replenishment.replay import INPUTS, arrange, live, order
from ghala_retail.use_cases.operations.replenishment.rules import Cycles, Levels, join_orders
from ghala_retail.use_cases.operations.replenishment.terms import Costs, describe

LEVELS = tuple(one.name for one in fields(Levels))


class ReplenishmentPolicy(OptimisePolicy):
    """The rules of ordering, with what things cost."""

    costs: Costs = Costs()


class Replenishment(Optimise):
    """Units to order now of each SKU in a depot: up to a level, when the position is low enough."""

    policy: ReplenishmentPolicy
    entity = ("sku", "location_id")
    horizon_days = 14
    features = ("replenishment_pace", "demand_forecast", "sku_location_stock")
    watched = ("wanted_4", "wanted_8", "wanted_26", "closing", "lead_days", "price", "unit_cost")
    baselines = ("textbook", "cover")
    needs = (
        "order_lines", "products", "suppliers", "purchase_orders", "receipts", "stock_days",
        "prices",
    )  # fmt: skip
    reads = ("operations/demand",)
    optional = reads
    is_tuned_only = True  # service levels; what will be wanted is forecast
    drawn_by = ("location_id",)
    kept: ClassVar[dict[str, str]] = {
        "supplier_id": TEXT,
        **dict.fromkeys(INPUTS, NUMBER),
        **{
            f"{policy}_{level}": NUMBER
            for policy in ("decision", "textbook", "cover")
            for level in LEVELS
        },
        "service": NUMBER, "cycle_weeks": NUMBER, "moq_wanted": NUMBER, "moq_cost_year": NUMBER,
        "order_p10": NUMBER, "order_p90": NUMBER,
    }  # fmt: skip
    rules = ReplenishmentPolicy

    def fit(self, examples: pl.DataFrame, *, seed: int) -> Ordering:
        """Tune the policy, and those that it must beat, by living through the past."""
        costs = self.policy.costs
        return tune(look_ahead(describe(examples, costs)), costs, seed=seed)

    def predict(self, model: Ordering, subjects: pl.DataFrame) -> pl.DataFrame:
        """What to order now by each policy, with the levels behind it."""
        costs = self.policy.costs
        rows = look_ahead(describe(subjects, costs))
        cycles = join_orders(rows, costs)
        reasons = _refuse(rows, cycles)
        low, high = draw_orders(rows, seed=self.policy.seed)
        said = rows.with_columns(
            infeasible=reasons, cycle_weeks=cycles.weeks, moq_wanted=cycles.wanted,
            moq_cost_year=cycles.excess, service=model.service_of(rows, cycles, costs),
            order_p10=low, order_p90=high,
        )  # fmt: skip
        for name, levels in model.levels(rows, cycles, costs).items():
            units = np.where(reasons.is_null().to_numpy(), _order_now(rows, levels), 0.0)
            of = {f"{name}_{level}": getattr(levels, level) for level in LEVELS}
            said = said.with_columns(**{name: units}, **of)
        return said

    def save(self, model: Ordering, folder: Path) -> None:
        """Write JSON."""
        save(model, folder)

    def load(self, folder: Path) -> Ordering:
        """Read it."""
        return load(folder)

    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """Holding, ordering and lost sales of each week, in KES, of the policy named ``decision``.

        The policy lives through all weeks of ``rows`` from the stock of the first one on.
        """
        levels = Levels(*(rows[f"{decision.name}_{one}"].to_numpy() for one in LEVELS))
        world = arrange(rows, seed=self.policy.seed)
        return pl.Series("cost", live(world, levels, self.policy.costs).cost)


def _order_now(rows: pl.DataFrame, levels: Levels) -> np.ndarray:
    """What the policy orders from the position that is there."""
    group = rows.select(pl.struct("as_of", "supplier_id", "location_id").rank("dense") - 1)
    return order(
        {name: rows[name].to_numpy() for name in INPUTS},
        levels,
        row=np.arange(rows.height),
        position=(rows["closing"] + rows["on_order"]).to_numpy(),
        group=group.to_series().to_numpy().astype(np.int64),
    )


def _refuse(rows: pl.DataFrame, cycles: Cycles) -> pl.Series:
    """Why a supplier's least order cannot be placed; null where it can."""
    known = rows.select("supplier_id", "moq_units", room=pl.Series(cycles.room))
    return known.select(
        pl.when((pl.col("room") > 0) & (pl.col("moq_units") > pl.col("room"))).then(
            pl.format(
                "the least order of {} ({} units) is more than the depot sells in a year and"
                " before it is too old ({} units)",
                "supplier_id", pl.col("moq_units").cast(pl.Int64), pl.col("room").cast(pl.Int64),
            )
        )
    ).to_series()  # fmt: skip

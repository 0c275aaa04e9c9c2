"""finance/pricing: the price of each SKU in each zone, to change or to hold."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from ghala.contracts.records import Verdict
from ghala.contracts.use_case import NUMBER, TEXT
from ghala.evaluation.optimise import Optimise
from ghala.evaluation.verdicts import make_verdict
from ghala_retail.use_cases.finance.pricing import model as fitted
from ghala_retail.use_cases.finance.pricing.choice import choose_prices, simple_rules
from ghala_retail.use_cases.finance.pricing.model import PricingModel
from ghala_retail.use_cases.finance.pricing.offers import describe_offers, make_offers
from ghala_retail.use_cases.finance.pricing.panel import factor_of, make_panel
from ghala_retail.use_cases.finance.pricing.rules import PricingPolicy
from ghala_retail.use_cases.finance.pricing.testing import plan_tests

_ASSOCIATIONAL = "associational only: no randomised test has moved a price"


class Pricing(Optimise):
    """List prices with VAT, their elasticities with intervals, and which prices to test next.

    A decision is judged by the weeks in which a randomised test moved the price of the SKU and
    zone: what they sold beside what was expected says how demand would have followed it.
    """

    policy: PricingPolicy
    rules: ClassVar[type[PricingPolicy]] = PricingPolicy
    entity = ("sku", "zone")
    horizon_days = 7
    needs = ("order_lines", "products")
    baselines = ("cost_plus", "multiplier", "match_competitor", "keep")
    watched = ("price", "unit_cost", "competitor_price", "promoted_share", "discount_share")
    kept: ClassVar[dict[str, str]] = {
        "price_now": NUMBER, "unit_cost": NUMBER, "elasticity": NUMBER, "elasticity_low": NUMBER,
        "elasticity_high": NUMBER, "cross_elasticity": NUMBER, "evidence": TEXT, "action": TEXT,
        "reason": TEXT, "gain": NUMBER, "probability": NUMBER, "units": NUMBER,
        "kept_share": NUMBER, "test_arm": TEXT, "test_factor": NUMBER, "next_arm": TEXT,
        "next_factor": NUMBER, "next_block": TEXT, "detectable": NUMBER,
    }  # fmt: skip

    def fit(self, examples: pl.DataFrame, *, seed: int) -> PricingModel:
        """Learn elasticities; nothing in it is drawn, so the seed changes nothing."""
        return fitted.fit(make_panel(examples, self.policy.tests.arms))

    def predict(self, model: PricingModel, subjects: pl.DataFrame) -> pl.DataFrame:
        """Choose a price for every subject, beside what simpler policies would charge."""
        rule, tests = self.policy.prices, self.policy.tests
        arm = factor_of(subjects, tests.arms)
        known = describe_offers(model, subjects.with_columns(test_factor=arm))
        offers, typical = make_offers(known, rule)
        choice = choose_prices(offers, rule)
        said = known.select(
            "price_now", "unit_cost", "cross_elasticity", "test_arm", "test_factor", "units",
            evidence=pl.lit("randomised" if model.is_causal else "associational"),
            elasticity=offers.slope,
            elasticity_low=offers.slope - 1.645 * offers.spread,
            elasticity_high=offers.slope + 1.645 * offers.spread,
            kept_share=offers.kept,
            decision=choice.price,
            gain=choice.gain,
            probability=choice.probability,
            reason=pl.Series(choice.reason),
            infeasible=pl.Series(choice.broken, dtype=pl.String),
        )  # fmt: skip
        if not model.is_causal:
            said = _hold(said)
        moved = (pl.col("decision") - pl.col("price_now")).abs() > 1e-9
        said = said.with_columns(
            action=pl.when(moved).then(pl.lit("change")).otherwise(pl.lit("hold"))
        )
        rivals = known["competitor_price"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        simple = simple_rules(offers, rule, rivals=rivals, typical=typical)
        cells = known.select(
            "as_of", "sku", "zone", "category", "units",
            can_test=(pl.col("price_now") > 0) & (pl.col("units") > 0),
        )  # fmt: skip
        planned = plan_tests(cells, tests, model.shocks, seed=self.policy.seed)
        return said.hstack(simple).hstack(planned)

    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """What the goods of the tested weeks cost, less what the decision would have added, in KES.

        Of a decision only randomised tests say what it would have done. In a tested week, sales
        above what was expected, over the change of the price, are an unbiased draw of how demand
        follows it (weighted by the arms' chances: Horvitz & Thompson 1952), to first order within
        the few per cent that prices move. The week stands for as many as were not drawn; all others
        count nothing, under any policy.
        """
        moved = self.policy.tests.moved
        tested = pl.col("test_factor") - 1
        square = sum(step**2 for step in moved) / len(moved)
        drawn = self.policy.tests.share * len(moved) / len(self.policy.tests.arms)
        move = decision / rows["price_now"] - 1
        earned = decision * rows["kept_share"] - rows["unit_cost"]
        today = rows["price_now"] * rows["kept_share"] - rows["unit_cost"]
        slope = (pl.col("actual") - pl.col("units")) * tested / square
        gain = earned * (pl.col("units") + slope * move) - today * pl.col("units")
        spent = pl.col("unit_cost") * pl.col("units") - gain
        counted = (tested != 0) & (pl.col("price_now") > 0) & pl.col("unit_cost").is_not_null()
        told = pl.when(counted).then(spent / drawn).otherwise(0.0)
        return rows.select(cost=told.fill_nan(0.0).fill_null(0.0))["cost"]

    def figures(self, rows: pl.DataFrame) -> dict[str, float]:
        """Also the share of prices that are held, and the randomised weeks that judge the rest."""
        return {
            **super().figures(rows),
            "hold_share": float((rows["action"] == "hold").mean() or 0.0),  # type: ignore[arg-type]
            "tested_weeks": float((rows["test_factor"] != 1).sum()),
        }

    def checks(self, rows: pl.DataFrame) -> list[Verdict]:
        """Also that prices were moved by lot: without it elasticities are associations."""
        weeks = self.figures(rows)["tested_weeks"]
        words = (
            f"{weeks:,.0f} weeks of SKUs under randomised price tests judge the decisions."
            if weeks
            else "No price was moved by lot: elasticities are associations, and no price may follow"
            " from them. Run the tests that the plan proposes."
        )
        figures = {"tested_weeks": weeks}
        return [
            *super().checks(rows),
            make_verdict("randomised", words, passed=weeks > 0, figures=figures),
        ]

    def save(self, model: PricingModel, folder: Path) -> None:
        """Write Parquet and JSON."""
        fitted.save(model, folder)

    def load(self, folder: Path) -> PricingModel:
        """Read what ``save`` wrote."""
        return fitted.load(folder)


def _hold(said: pl.DataFrame) -> pl.DataFrame:
    """The same answers with every price held: what is only associated moves no price."""
    return said.with_columns(
        decision=pl.col("price_now"),
        gain=pl.lit(0.0),
        probability=pl.lit(0.0),
        reason=pl.lit(_ASSOCIATIONAL),
        infeasible=pl.lit(None, pl.String),
    )

"""marketing/targeting: whom to contact, with which offer, within a budget."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from ghala.contracts.use_case import NUMBER, TEXT
from ghala.evaluation.optimise import Optimise, OptimisePolicy
from ghala_retail.use_cases.marketing.targeting import fitting
from ghala_retail.use_cases.marketing.targeting.budget import choose
from ghala_retail.use_cases.marketing.targeting.inputs import FEATURES
from ghala_retail.use_cases.marketing.targeting.model import (
    EVERYONE,
    SIMPLE,
    Expected,
    TargetingModel,
    decide_simply,
    load,
    save,
)
from ghala_retail.use_cases.marketing.targeting.value import (
    Log,
    estimate,
    profits,
    weighted_profits,
)

_CONFIDENCE = 0.90
_LEFT_OUT = {
    "nobody": "no gain is proven",
    "rule": "not a frequent customer who slips away",
    "response": "expected to order less than others",
}
"""Why a simple policy leaves out a customer whom a contact might move."""


class Campaign(BaseModel):
    """How much a campaign may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contact_share: float = Field(0.20, ge=0, le=1, description="of the customers, at most")
    spend_per_customer: float | None = Field(
        None, ge=0, description="of all customers, on contacts and discounts; null is no limit"
    )
    max_recent_contacts: int = Field(
        3, ge=1, description="in eight weeks; who had as many is left in peace"
    )
    sure: float = Field(
        0.95,
        ge=0,
        lt=1,
        description="probability with which contacting must beat contacting no one; 0 for a trial",
    )


class TargetingPolicy(OptimisePolicy):
    """The rules of targeting."""

    campaign: Campaign = Campaign()


class Targeting(Optimise):
    """The offer for each customer in the coming week's campaign; 0 is none.

    Learns from customers whom lots contacted or held out; judged by what its choices would have
    earned on them.
    """

    policy: TargetingPolicy
    rules = TargetingPolicy
    entity = ("customer_id",)
    horizon_days = 28
    features = FEATURES
    learned = ("orders",)
    needs = ("order_lines", "customers", "campaigns", "campaign_exposures", "prices")
    baselines = ("simple", *SIMPLE, EVERYONE)
    watched = (
        "orders_30d", "orders_90d", "orders_365d", "spend_90d", "discount_90d", "days_since_order",
        "basket_90d", "agent_share_365d", "contacted_orders", "spared_orders",
    )  # fmt: skip
    kept: ClassVar[dict[str, str]] = {
        "offer": TEXT,
        "reason": TEXT,
        "agent_id": TEXT,
        "value": NUMBER,
        "uplift": NUMBER,
        "margin": NUMBER,
        "is_held_out": NUMBER,
        "lot_offer": NUMBER,
        "lot_contacted": NUMBER,
        "lot_chance": NUMBER,
        "lot_contact_cost": NUMBER,
        "expected_without": NUMBER,
        "expected_with": NUMBER,
    }

    def fit(self, examples: pl.DataFrame, *, seed: int) -> TargetingModel:
        """Learn from the lots of campaigns that have matured."""
        return fitting.fit(examples, self._rules, seed=seed)

    def predict(self, model: TargetingModel, subjects: pl.DataFrame) -> pl.DataFrame:
        """The offer for each customer, beside those of simpler policies; same rows, same order."""
        expected = model.expect(subjects)
        limits = self._rules.limits(subjects.height)
        held_out = subjects["is_held_out"].to_numpy() == 1
        weary = subjects["recent_contacts"].to_numpy() >= self.policy.campaign.max_recent_contacts
        may_not = held_out | weary
        simple = {
            name: model.best_offer * ~held_out
            * decide_simply(name, subjects, expected, contacts=limits.contacts)
            for name in (*SIMPLE, EVERYONE)
        }  # fmt: skip
        if model.chosen in SIMPLE:
            decision = simple[model.chosen] * ~may_not
        else:
            value = np.where(may_not[:, None], -np.inf, expected.value)
            decision = choose(value, expected.cost, limits).astype(np.float64)
        return subjects.select("agent_id", "is_held_out").with_columns(
            decision=pl.Series(decision, dtype=pl.Float64),
            simple=pl.Series(simple[model.simple], dtype=pl.Float64),
            infeasible=pl.lit(None, dtype=pl.String),
            **{name: pl.Series(taken, dtype=pl.Float64) for name, taken in simple.items()},
            **_explain(model, expected, decision, held_out=held_out, weary=weary),
            **_lots(model, expected, subjects),
        )

    def save(self, model: TargetingModel, folder: Path) -> None:
        """Write LightGBM's text and JSON."""
        save(model, folder)

    def load(self, folder: Path) -> TargetingModel:
        """Read what ``save`` wrote."""
        return load(folder)

    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """Minus the doubly robust profit of a decision per customer, from the customers' lots."""
        return pl.Series(-profits(_log(rows), decision.to_numpy()))

    def figures(self, rows: pl.DataFrame) -> dict[str, float]:
        """Profit over contacting no one, per customer, with its interval; and without any model."""
        log, decision = _log(rows), rows["decision"].to_numpy()
        nothing = np.zeros(rows.height)
        relay = rows.select(pl.coalesce("agent_id", pl.concat_str(pl.lit("c"), "customer_id")))
        cluster = relay.to_series().rank("dense").to_numpy().astype(np.int64) - 1
        gain = estimate(
            profits(log, decision) - profits(log, nothing), cluster, confidence=_CONFIDENCE
        )
        plain = weighted_profits(log, decision) - weighted_profits(log, nothing)
        return {
            **super().figures(rows),
            "profit": gain.mean,
            "profit_low": gain.low,
            "profit_high": gain.high,
            "profit_without_model": float(plain.mean()),
            "contacted_share": float((decision > 0).mean()),
        }

    @property
    def _rules(self) -> fitting.Rules:
        rule = self.policy.campaign
        return fitting.Rules(rule.contact_share, rule.spend_per_customer, rule.sure)


def _explain(
    model: TargetingModel, expected: Expected, decision: np.ndarray, *, held_out: np.ndarray,
    weary: np.ndarray,
) -> dict[str, Any]:  # fmt: skip
    """The offer in words, why, and what is expected of it (of the best one where there is none)."""
    taken = decision > 0
    rows = np.arange(len(decision))
    place = np.where(taken, decision - 1, expected.value.argmax(axis=1)).astype(np.int64)
    value = expected.value[rows, place]
    names = np.array(["none", *(offer.name for offer in model.offers)])
    reason = np.select(
        [held_out, weary, taken, value <= 0],
        ["held out of every campaign", "contacted often enough lately", f"by {model.chosen}",
         "not worth a contact"],
        default=_LEFT_OUT.get(model.chosen, "beyond the budget"),
    )  # fmt: skip
    return {
        "offer": pl.Series(names[decision.astype(np.int64)], dtype=pl.String),
        "reason": pl.Series(reason, dtype=pl.String),
        "value": pl.Series(value, dtype=pl.Float64),
        "uplift": pl.Series(expected.effect[rows, place], dtype=pl.Float64),
        "margin": pl.Series(expected.margin, dtype=pl.Float64),
    }


def _lots(model: TargetingModel, expected: Expected, subjects: pl.DataFrame) -> dict[str, Any]:
    """The lot that a campaign drew for the customer, and what is expected under its offer."""
    numbers = {offer.name: float(n) for n, offer in enumerate(model.offers, start=1)}
    offer = subjects["lot_offer"].replace_strict(numbers, default=None, return_dtype=pl.Float64)
    place = offer.fill_null(1.0).to_numpy().astype(np.int64) - 1
    with_it = expected.earned[np.arange(len(place)), place]
    lots = subjects.select(pl.col("lot_contacted", "lot_propensity", "lot_contact_cost"))
    contacted, chance, contact_cost = (column.cast(pl.Float64) for column in lots)
    return {
        "lot_offer": offer,
        "lot_contacted": contacted,
        "lot_chance": chance,
        "lot_contact_cost": contact_cost,
        "expected_without": pl.Series(expected.earned_without, dtype=pl.Float64),
        "expected_with": pl.Series(with_it, dtype=pl.Float64),
    }


def _log(rows: pl.DataFrame) -> Log:
    """The lots of predictions that came true; an offer that is not known is no one's choice."""
    names = ("lot_contacted", "lot_chance", "lot_contact_cost", "actual", "expected_without",
             "expected_with")  # fmt: skip
    columns = rows.select(pl.col(names).cast(pl.Float64).fill_null(0.0))
    return Log(rows["lot_offer"].fill_null(-1.0).to_numpy(), *(c.to_numpy() for c in columns))

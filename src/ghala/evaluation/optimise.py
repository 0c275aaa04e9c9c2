"""Optimise: a decision per entity, judged by what it cost beside simpler policies."""

from abc import abstractmethod
from typing import Literal

import polars as pl
from pydantic import Field

from ghala.contracts.policy import Gates, Policy
from ghala.contracts.records import Verdict
from ghala.contracts.use_case import NUMBER, TEXT, UseCase
from ghala.evaluation.verdicts import make_verdict


class OptimiseGates(Gates):
    """What decisions must reach in the backtest."""

    metrics: tuple[Literal["cost"], ...] = ("cost",)
    max_infeasible_share: float = Field(
        0.0, ge=0, lt=1, description="of the decisions that break a constraint"
    )


class OptimisePolicy(Policy):
    """The rules of an optimised decision."""

    gates: OptimiseGates = OptimiseGates()


class Optimise(UseCase):
    """A decision per entity.

    Predictions carry ``decision`` (how much, in the unit of the use case), one column per baseline
    policy, and ``infeasible``: which constraint the decision breaks, null when none.
    """

    policy: OptimisePolicy
    rules = OptimisePolicy
    answer = "decision"
    metrics = ("cost",)
    headline = "cost"
    decisive = "cost"
    money = "cost"
    noun = "decisions"

    @property
    def columns(self) -> dict[str, str]:
        """The decision, those of the baseline policies, and what makes it infeasible."""
        return {**dict.fromkeys((self.answer, *self.baselines), NUMBER), "infeasible": TEXT}

    @abstractmethod
    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """What a decision cost each row, given ``actual``: realised or simulated, in money.

        ``rows`` hold the predictions, the columns that are ``kept``, and ``actual``.
        """

    def losses(self, rows: pl.DataFrame, metric: str, *, who: str) -> pl.Series:
        """The cost of the decision that ``who`` took."""
        return self.cost(rows, rows[who])

    def figures(self, rows: pl.DataFrame) -> dict[str, float]:
        """The share of decisions that break a constraint."""
        return {"infeasible_share": rows["infeasible"].count() / max(rows.height, 1)}

    def checks(self, rows: pl.DataFrame) -> list[Verdict]:
        """Decisions can be carried out; the constraints most often broken are named."""
        limit = self.policy.gates.max_infeasible_share
        share = self.figures(rows)["infeasible_share"]
        broken = rows["infeasible"].drop_nulls().value_counts(sort=True)["infeasible"].head(3)
        named = f" ({'; '.join(broken)})" if len(broken) else ""
        words = f"{share:.1%} of the decisions are infeasible{named}; {limit:.1%} is allowed."
        figures = {"infeasible_share": share}
        return [make_verdict("feasible", words, passed=share <= limit, figures=figures)]

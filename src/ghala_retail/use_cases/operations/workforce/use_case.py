"""operations/workforce: how many people a depot plans for each task and shift of the week."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from ghala.contracts.use_case import NUMBER, TEXT
from ghala.evaluation.optimise import Optimise, OptimisePolicy
from ghala_retail.use_cases.operations.outlook import (
    UNITS_AHEAD,
    Floats,
    Outlook,
    blend,
    calendar_design,
    fit_amounts,
    ratio_of,
    weeks_ahead,
)
from ghala_retail.use_cases.operations.workforce.crews import (
    CREWS,
    KEY,
    Terms,
    roster,
    simple_rules,
)
from ghala_retail.use_cases.operations.workforce.rostering import HOURS, Law

Model = dict[str, Outlook]
"""What days bring to each crew."""


class Labour(BaseModel):
    """What the law allows and what work costs; the company's and the law's numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    week_hours: float = Field(52.0, gt=8, le=60, description="most hours of a person in a week")
    week_days: int = Field(6, ge=1, le=7, description="most days of a person in a week")
    short_share: float = Field(0.5, ge=0, le=1, description="most short shifts, of all shifts")
    productive: float = Field(0.9, gt=0.2, le=1, description="share of a shift that is worked")
    undone_kes_per_hour: float = Field(
        1500.0, gt=0, description="cost of an hour of work that is not done in its shift"
    )
    fixed_shift_slack: float = Field(
        0.15, ge=0, le=2, description="above the mean, in the rule of two fixed shifts"
    )

    @property
    def terms(self) -> Terms:
        """The same, as the roster takes it."""
        law = Law(self.week_hours, self.week_days, self.short_share)
        return Terms(self.productive, self.undone_kes_per_hour, self.fixed_shift_slack, law)


class WorkforcePolicy(OptimisePolicy):
    """The rules of the workforce."""

    labour: Labour = Labour()


class Workforce(Optimise):
    """People per depot, task and shift of the coming seven days; a part is a share of one's time.

    Each crew's week is planned by a mixed-integer program against the distribution of the work.
    """

    policy: WorkforcePolicy
    rules = WorkforcePolicy
    entity = ("location_id", "task", "shift")
    target = ("day",)
    horizon_days = 1
    features = (
        "depot_work",
        "depot_task",
        "depot_staff",
        "depot_weekday_trips.same_units_28d",
        *UNITS_AHEAD,
    )
    watched = ("same_hours_28d", "task_hours_7d", "absence", "wage")
    baselines = ("crew_two_shifts", "two_shifts", "peak")
    reads = ("operations/demand",)
    optional = ("operations/demand",)
    needs = ("tasks", "shifts", "orders", "trips", "locations")
    kept: ClassVar[dict[str, str]] = {
        "crew": TEXT, **dict.fromkeys(
            ("expected_hours", "spread", "wage", "absence", "full_starting", "short_starting",
             "staff", "needed", "covered"), NUMBER,
        ),
    }  # fmt: skip

    def fit(self, examples: pl.DataFrame, *, seed: int) -> Model:
        """Learn what days bring to the floor and to the road; nothing is drawn at random.

        Raises:
            ValueError: no hours of work are known.
        """
        known = examples.filter(pl.col("same_hours_182d").is_not_null())
        if known.is_empty():
            raise ValueError("no wave of work of any depot is known")
        crews = known.with_columns(_crew()).partition_by("crew", as_dict=True)
        return {str(crew): _fit_crew(rows) for (crew,), rows in crews.items()}

    def predict(self, model: Model, subjects: pl.DataFrame) -> pl.DataFrame:
        """The cheapest roster of each crew and week, beside what simpler rules plan."""
        terms = self.policy.labour.terms
        asked = subjects.unique(KEY, keep="first", maintain_order=True)
        rows = _forecast(model, asked.with_columns(_crew()))
        said = simple_rules(roster(rows, terms), terms)
        said = said.select(
            *KEY, "crew", "two_shifts", "crew_two_shifts", "peak", "spread", "wage", "absence",
            "full_starting", "short_starting", "staff", "needed", "covered",
            decision="people", expected_hours="hours", infeasible=_infeasible(),
        )  # fmt: skip
        return subjects.select(KEY).join(said, on=KEY, how="left", maintain_order="left")

    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """KES: wages of those who come, and the price of the work that they leave."""
        came = HOURS * (1 - rows["absence"]) * decision
        undone = self.undone_hours(rows, decision)
        return came * rows["wage"] + undone * self.policy.labour.undone_kes_per_hour

    def undone_hours(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """Hours of work that so many people leave undone."""
        done = HOURS * self.policy.labour.productive * (1 - rows["absence"]) * decision
        return (rows["actual"] - done).clip(lower_bound=0.0)

    def save(self, model: Model, folder: Path) -> None:
        """Write JSON."""
        content = {crew: asdict(outlook) for crew, outlook in model.items()}
        (folder / "model.json").write_text(json.dumps(content, indent=1), encoding="utf-8")

    def load(self, folder: Path) -> Model:
        """Read what ``save`` wrote."""
        content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return {
            crew: Outlook(tuple(one["mean"]), tuple(one["spread"])) for crew, one in content.items()
        }


def _crew() -> pl.Expr:
    return pl.col("task").replace_strict(CREWS, return_dtype=pl.String).alias("crew")


def _fit_crew(rows: pl.DataFrame) -> Outlook:
    rows = rows.filter(pl.Series(_base(rows) > 0.01))
    actual = rows["actual"].cast(pl.Float64).to_numpy()
    return fit_amounts(_base(rows), _design(rows), weeks_ahead(rows), actual=actual)


def _base(rows: pl.DataFrame) -> Floats:
    return blend(rows, [f"same_hours_{n}d" for n in (28, 56, 182)], (0.5, 0.3, 0.2))


def _design(rows: pl.DataFrame) -> Floats:
    return calendar_design(rows, ratio_of(4 * rows["task_hours_7d"], rows["task_hours_28d"]))


def _forecast(model: Model, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with mean and spread of the hours, and with wage and absence wherever unknown."""
    base, design, weeks = _base(rows), _design(rows), weeks_ahead(rows)
    hours, spread = np.zeros(rows.height), np.ones(rows.height)
    for crew, outlook in model.items():
        mine = (rows["crew"] == crew).to_numpy()
        centre, width = outlook.at(base[mine], design[mine], weeks[mine])
        width = np.clip(width, 0.02, 1.0)
        hours[mine], spread[mine] = centre, width
    hours = np.where(base > 0, hours, 0.0)
    return rows.with_columns(
        hours=pl.Series(hours), spread=pl.Series(spread), usual=pl.Series(base),
        peak=pl.col("peak_hours_182d").fill_null(0.0),
        wage=pl.col("wage").fill_null(pl.col("wage").median()).fill_null(_WAGE),
        absence=pl.col("absence").fill_null(0.0).clip(0.0, 0.9),
        workers=pl.col("workers_28d").fill_null(0),
    )  # fmt: skip


_WAGE = 165.0
"""KES an hour, where no wage of anybody is known: about what a depot's casual worker gets."""


def _infeasible() -> pl.Expr:
    """Which constraint a plan breaks, how much lacks, and how far the best partial plan gets."""
    lacking = pl.format(
        "{} people lack: the week takes {} ({}), {} are there; the plan covers {} % of its hours",
        pl.col("lacking").cast(pl.Int64), pl.col("needed").cast(pl.Int64), "binding",
        pl.col("staff").cast(pl.Int64), (100 * pl.col("covered")).round(0).cast(pl.Int64),
    )  # fmt: skip
    return (
        pl.when(pl.col("usual").sum().over("as_of", "location_id") <= 0)
        .then(pl.lit("no work of this depot is known for 182 days: record its waves and trips"))
        .when(pl.col("staff").is_null())
        .then(pl.lit("nobody was planned here for 28 days: the plan says who would be needed"))
        .when(pl.col("lacking") > 0)
        .then(lacking)
    )

"""operations/fleet: how many trucks a depot books for each day, and who drives where tomorrow."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from scipy.stats import norm

from ghala.contracts.use_case import NUMBER
from ghala.evaluation.optimise import Optimise, OptimisePolicy
from ghala_retail.use_cases.operations.fleet.charging import STEPS, book, charge_for_more
from ghala_retail.use_cases.operations.fleet.counting import (
    Counting,
    Shift,
    as_json,
    from_json,
    learn,
)
from ghala_retail.use_cases.operations.fleet.drops import HIRES, Floats
from ghala_retail.use_cases.operations.fleet.tomorrow import ROUTED, lay_routes
from ghala_retail.use_cases.operations.outlook import (
    UNITS_AHEAD,
    Outlook,
    blend,
    calendar_design,
    fit_counts,
    ratio_of,
    weeks_ahead,
)

_MOST = 80
"""More trucks than any depot has."""


class Working(BaseModel):
    """How long trucks work; the company's and the law's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shift_hours: float = Field(12.0, gt=1, le=24, description="from leaving the depot to return")
    door_minutes: float = Field(5.0, gt=0, le=120, description="that a truck stands at a door")
    open_hours: float = Field(13.0, gt=1, le=24, description="from departure until doors close")

    @property
    def shift(self) -> Shift:
        """The same, in hours."""
        return Shift(self.door_minutes / 60, self.shift_hours, self.open_hours)


class FleetPolicy(OptimisePolicy):
    """The rules of the fleet."""

    working: Working = Working()


@dataclass(frozen=True)
class Model:
    """What a truck-load is, and how many of them a day brings."""

    counting: Counting
    outlook: Outlook


class Fleet(Optimise):
    """Trucks that a depot commits to for a day: its own and those on contract; spot fills up.

    The number on contract is the newsvendor's: a truck more is booked as long as the chance that it
    is needed times what a spot truck costs is above what a contract truck costs.
    """

    policy: FleetPolicy
    rules = FleetPolicy
    entity = ("location_id",)
    target = ("day",)
    horizon_days = 1
    features = ("depot_trips", "depot_weekday_trips", *UNITS_AHEAD)
    watched = ("same_stops_28d", "same_volume_28d", "same_units_28d", "depot_stops_7d")
    baselines = ("weekday_mean", "p95_fleet")
    reads = ("operations/demand",)
    optional = ("operations/demand",)
    needs = ("trips", "tasks", "orders", "locations")
    kept: ClassVar[dict[str, str]] = {
        "own": NUMBER, "contract": NUMBER, "spot": NUMBER, "expected": NUMBER,
        **dict.fromkeys(("p10", "p50", "p90"), NUMBER), "own_trucks": NUMBER,
        **{f"{hire}_rate": NUMBER for hire in HIRES}, **dict.fromkeys(STEPS, NUMBER), **ROUTED,
    }  # fmt: skip

    def fit(self, examples: pl.DataFrame, *, seed: int) -> Model:
        """Learn what a truck-load is from trips and solved days, then what days bring."""
        shift = self.policy.working.shift
        counting = learn(examples, shift=shift, seed=seed)
        rows = examples.filter(pl.col("trips_91d") > 0)
        base, design = _base(rows, counting, shift), _design(rows)
        count = rows["actual"].cast(pl.Float64).to_numpy()
        return Model(counting, fit_counts(base, design, weeks_ahead(rows), count=count))

    def predict(self, model: Model, subjects: pl.DataFrame) -> pl.DataFrame:
        """How many trucks to book for each day, what they cost, and routes for the newest day."""
        shift = self.policy.working.shift
        base = _base(subjects, model.counting, shift)
        centre, spread = model.outlook.at(base, _design(subjects), weeks_ahead(subjects))
        centre = np.where(base > 0, centre, 0.0)
        chance = _chance_of_more(centre, spread)
        own = subjects["own_trucks"].fill_null(0).cast(pl.Float64).to_numpy()
        booked = book(chance, own, model.counting.day_rate)
        charges = charge_for_more(chance, own, model.counting.day_rate)
        beyond = np.arange(_MOST) >= booked[:, None]
        wants = {name: _least(chance, 1 - level) for name, level in
                 (("p10", 0.1), ("p50", 0.5), ("p90", 0.9))}  # fmt: skip
        rates = {f"{hire}_rate": rate
                 for hire, rate in zip(HIRES, model.counting.day_rate, strict=True)}  # fmt: skip
        said = subjects.select(
            decision=pl.Series(booked), own=pl.Series(own), contract=pl.Series(booked - own),
            spot=pl.Series((chance * beyond).sum(axis=1)),
            expected=pl.Series(chance.sum(axis=1)), own_trucks=pl.Series(own),
            weekday_mean=np.ceil(pl.Series(_usual(subjects))),
            p95_fleet=pl.col("p95_trips").fill_null(0.0).ceil(),
            infeasible=pl.when(pl.col("trips_91d").fill_null(0) <= 0).then(pl.lit(_UNKNOWN)),
            **{name: pl.Series(values) for name, values in wants.items()},
            **{name: pl.lit(rate) for name, rate in rates.items()},
            **{name: pl.Series(values) for name, values in charges.items()},
        )  # fmt: skip
        return lay_routes(said, subjects, counting=model.counting, shift=shift)

    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """KES a day: own trucks stand there, those on contract are paid, spot fills what lacks."""
        own = rows["own_trucks"]
        contract = (decision - own).clip(lower_bound=0.0)
        lacking = (rows["actual"] - own - contract).clip(lower_bound=0.0)
        paid = own * rows["own_rate"] + contract * rows["contract_rate"]
        return paid + lacking * rows["spot_rate"]

    def save(self, model: Model, folder: Path) -> None:
        """Write JSON."""
        content = {"counting": as_json(model.counting), "outlook": asdict(model.outlook)}
        (folder / "model.json").write_text(json.dumps(content, indent=1), encoding="utf-8")

    def load(self, folder: Path) -> Model:
        """Read what ``save`` wrote."""
        content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        outlook = Outlook(*(tuple(content["outlook"][name]) for name in ("mean", "spread")))
        return Model(from_json(content["counting"]), outlook)


_UNKNOWN = "no trip of this depot is known for 91 days: record its trips, or plan it by hand"


def _base(subjects: pl.DataFrame, counting: Counting, shift: Shift) -> Floats:
    """Truck-loads of the depot's recent days of the same weekday."""
    stops, litres = (
        blend(subjects, [f"same_{name}_{n}d" for n in (28, 56, 182)], (0.5, 0.3, 0.2))
        for name in ("stops", "volume")
    )
    return counting.loads(stops, litres, where=subjects["location_id"], shift=shift)


def _design(subjects: pl.DataFrame) -> Floats:
    return calendar_design(
        subjects, ratio_of(subjects["depot_stops_7d"], subjects["depot_stops_28d"])
    )


def _usual(subjects: pl.DataFrame) -> Floats:
    return blend(subjects, ["same_trips_28d"], [1.0])


def _chance_of_more(centre: Floats, spread: Floats) -> Floats:
    """Per row and number of trucks 0, 1, 2, ...: the chance that more than that are needed."""
    trucks = np.log(np.maximum(np.arange(_MOST), 0.02))
    with np.errstate(divide="ignore"):
        middle = np.log(centre)[:, None]
    return np.asarray(norm.sf((trucks - middle) / spread[:, None]))


def _least(chance: Floats, level: float) -> Floats:
    return np.asarray((chance > level).sum(axis=1), dtype=np.float64)

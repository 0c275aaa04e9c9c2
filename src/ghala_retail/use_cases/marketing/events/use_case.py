"""marketing/events: which events to run: what, when, where and how deep."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from ghala.contracts.use_case import NUMBER, TEXT
from ghala.evaluation.optimise import Optimise, OptimisePolicy
from ghala_retail.use_cases.marketing.events.calendar import (
    Calendar,
    Rules,
    find_blocked,
    plan_greedily,
)
from ghala_retail.use_cases.marketing.events.effects import Array
from ghala_retail.use_cases.marketing.events.offers import (
    Asked,
    Offers,
    list_offers,
    pick_occasions,
)
from ghala_retail.use_cases.marketing.events.response import Response, fit_response
from ghala_retail.use_cases.marketing.events.rounds import Agreement, agree

_CELL = ("category", "location_id", "target_week")


class PlanRules(BaseModel):
    """The rules of the calendar."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    depths: tuple[float, ...] = Field((0.05, 0.10, 0.15, 0.20, 0.30), min_length=1)
    max_events_a_week: int = Field(3, ge=0)
    min_events_a_week: int = Field(0, ge=0)
    front_pages_a_week: int = Field(1, ge=0)
    cool_down_weeks: int = Field(2, ge=0, description="weeks between two events of a category")
    budget_kes: float = Field(5e6, ge=0, description="discount given away in a week, without VAT")
    cost_of_an_event_kes: float = Field(0, ge=0)
    min_probability: float = Field(
        0.80, ge=0.5, lt=1, description="that an event earns more than it costs"
    )

    @property
    def asked(self) -> Asked:
        """Which events may be planned."""
        return Asked(self.depths, self.cost_of_an_event_kes, self.min_probability)

    @property
    def rules(self) -> Rules:
        """What a calendar may not break."""
        return Rules(
            self.max_events_a_week, self.min_events_a_week, self.front_pages_a_week,
            self.cool_down_weeks, self.budget_kes, self.cost_of_an_event_kes,
        )  # fmt: skip


class EventsPolicy(OptimisePolicy):
    """The rules of an optimised decision, and those of the calendar."""

    plan: PlanRules = PlanRules()


class Events(Optimise):
    """A depth of discount for each category, location and week; 0 is no event.

    ``actual`` is the margin that the event which ran there added, and the cost of a decision what
    it left on the table: the gain of an event that it did not want, or the loss of one that it did.
    """

    policy: EventsPolicy
    rules = EventsPolicy
    entity = ("category", "location_id")
    target = ("target_week",)
    horizon_days = 42
    baselines = ("last_year", "greedy", "none")
    needs = ("promotion_plans", "prices", "products", "lines")
    hears = ("operations/fleet",)  # yesterday's word, so that it may read demand, which reads this
    watched = ("units", "revenue", "margin", "litres", "load_litres")
    learned = (
        "event", "depth", "featured", "own_usual", "own_units", "own_expected", "own_base",
        "own_earned", "own_revenue", "own_margin", "own_controls", "rest_units", "rest_expected",
        "rest_base", "rest_controls", "after_units", "after_expected", "after_lift",
    )  # fmt: skip
    kept: ClassVar[dict[str, str]] = {
        "event": TEXT, "featured": NUMBER, "skus": TEXT, "gain": NUMBER, "gain_low": NUMBER,
        "gain_high": NUMBER, "probability": NUMBER, "lift": NUMBER, "switching": NUMBER,
        "pull_forward": NUMBER, "units": NUMBER, "discount_kes": NUMBER, "litres": NUMBER,
        "trucks_kes": NUMBER, "rounds": NUMBER, "blocked": TEXT,
    }  # fmt: skip

    def fit(self, examples: pl.DataFrame, *, seed: int) -> Response:
        """Learn what events do from those that ran."""
        return fit_response(examples)

    def predict(self, model: Response, subjects: pl.DataFrame) -> pl.DataFrame:
        """Plan the weeks ahead of each ``as_of``; same rows, same order."""
        keys = ("as_of", *_CELL)
        once = subjects.unique(keys, keep="first", maintain_order=True)
        parts = [
            self._plan_day(model, cells) for _, cells in once.group_by("as_of", maintain_order=True)
        ]
        planned = pl.concat(parts) if parts else pl.DataFrame()
        known = subjects.select(*keys, "skus", "last_year")
        joined = known.join(planned, on=keys, how="left", maintain_order="left")
        runs = pl.col("decision") > 0
        return joined.with_columns(skus=pl.when(runs).then("skus"))

    def _plan_day(self, model: Response, cells: pl.DataFrame) -> pl.DataFrame:
        asked = self.policy.plan
        likely = pick_occasions(list_offers(model, cells, asked.asked))
        agreed = agree(likely, asked.rules)
        calendar, price = agreed.calendar, agreed.price
        simple = plan_greedily(likely.charged(price), asked.rules)
        chosen = _rows_of(likely, calendar, price)
        best = _rows_of(likely, _wishes(likely), price).with_columns(
            blocked=pl.Series(_say_blocked(likely, asked.rules, agreed), dtype=pl.String)
        )
        greedy = _rows_of(likely, simple, price).select(*_CELL, greedy="depth")
        found = (
            cells.select("as_of", *_CELL)
            .join(chosen.rename({"depth": "decision"}), on=_CELL, how="left", maintain_order="left")
            .join(greedy, on=_CELL, how="left", maintain_order="left")
            .join(best.select(*_CELL, "blocked"), on=_CELL, how="left", maintain_order="left")
        )
        short = dict(zip(likely.weeks, calendar.missing, strict=True))
        lacks = cells["target_week"].replace_strict(short, return_dtype=pl.Int64)
        return found.with_columns(
            pl.col("decision", "greedy").fill_null(0.0),
            pl.when(pl.col("decision").is_null()).then(pl.col("blocked")).alias("blocked"),
            none=pl.lit(0.0),
            rounds=pl.lit(float(agreed.rounds)),
            infeasible=pl.when(lacks > 0).then(
                pl.format(
                    "events a week: {} of {} are missing", lacks, pl.lit(asked.min_events_a_week)
                )
            ),
            switching=_share(model, cells),
            pull_forward=pl.lit(model.pull_forward.mean),
        )

    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """What a decision left on the table, KES; nothing is known of where no event ran."""
        actual = rows["actual"]
        return actual.clip(lower_bound=0.0) - actual * (decision > 0).cast(pl.Float64)

    def save(self, model: Response, folder: Path) -> None:
        """Write the response to events; the calendar follows from it."""
        model.save(folder)

    def load(self, folder: Path) -> Response:
        """Read the response to events."""
        return Response.load(folder)


def _rows_of(offers: Offers, calendar: Calendar, price: Array) -> pl.DataFrame:
    """One row per category, location and week in which an event runs; KES a litre for trucks."""
    event, place = np.nonzero(calendar.runs)
    at = event, place
    where = np.array(offers.locations, dtype=object)[place].tolist()
    return offers.events[event].select(
        "category", "target_week", "event", "depth", "featured", "probability", "lift",
        location_id=pl.Series(where, dtype=pl.String),
        gain=offers.gain[at], gain_low=offers.low[at], gain_high=offers.high[at],
        units=offers.units[at], discount_kes=offers.discount[at], litres=offers.litres[at],
        trucks_kes=offers.litres[at] * price[place, offers.week[event]],
    )  # fmt: skip


def _wishes(offers: Offers) -> Calendar:
    """The best event of each category, location and week if there were no rules."""
    runs = np.zeros_like(offers.gain, bool)
    groups = offers.events.select(pl.struct("category", "target_week").rank("dense")).to_series()
    for group in groups.unique().sort():
        mine = np.flatnonzero(groups.to_numpy() == group)
        best = offers.gain[mine].argmax(axis=0)
        runs[mine[best], np.arange(len(offers.locations))] = offers.gain[mine].max(axis=0) > 0
    return Calendar(runs, ())


def _say_blocked(offers: Offers, rules: Rules, agreed: Agreement) -> list[str | None]:
    said = find_blocked(offers.charged(agreed.price), rules, agreed.calendar)
    dear = (said == "") & (offers.gain > 0) & (offers.charged(agreed.price).gain <= 0)
    said[dear & ~agreed.calendar.runs] = "trucks: they cost more than it adds"
    wished = _wishes(offers).runs
    return [str(text) or None for text in said[np.nonzero(wished)]]


def _share(model: Response, cells: pl.DataFrame) -> pl.Series:
    return cells["category"].map_elements(
        lambda name: model.share_of(name).mean, return_dtype=pl.Float64
    )

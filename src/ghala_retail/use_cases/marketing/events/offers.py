"""What each event that could be planned would earn, cost and carry, in each location."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.use_cases.marketing.events.charges import Charges, read_charges
from ghala_retail.use_cases.marketing.events.effects import (
    Array,
    Effects,
    draw_effects,
    draw_noise,
)
from ghala_retail.use_cases.marketing.events.response import Response

_QUANTILES = (0.05, 0.95)


@dataclass(frozen=True)
class Offers:
    """Events that could be planned, one row each, in every location of one planning day.

    Arrays are by event and location: ``gain`` (KES of margin without VAT), ``discount`` (KES given
    away), ``litres`` (that the location carries more than usual) and ``units`` (that the company
    would not have sold).

    Attributes:
        events: ``category, target_week, event, depth, featured, probability`` and the expected lift
            and shares.
        locations: the locations, in the order of the arrays.
        weeks: the weeks to plan, in order.
        room: litres that each location can carry beyond its usual load; infinite where unknown.
        charges: what trucks charge for litres beyond the usual load.
    """

    events: pl.DataFrame
    locations: tuple[str, ...]
    weeks: tuple[object, ...]
    gain: Array
    low: Array
    high: Array
    discount: Array
    litres: Array
    units: Array
    room: Array
    charges: Charges

    @property
    def week(self) -> NDArray[np.int64]:
        """The place of each event's week in ``weeks``."""
        place = {week: n for n, week in enumerate(self.weeks)}
        return np.array([place[w] for w in self.events["target_week"]], dtype=np.int64)

    def charged(self, price: Array) -> "Offers":
        """The same with what trucks ask for a litre, by location and week, taken off the gains."""
        asked = self.litres * price[:, self.week].T
        return replace(self, gain=self.gain - asked)

    def keep(self, mask: NDArray[np.bool_]) -> "Offers":
        """The events under a mask."""
        return Offers(
            self.events.filter(mask), self.locations, self.weeks, self.gain[mask], self.low[mask],
            self.high[mask], self.discount[mask], self.litres[mask], self.units[mask], self.room,
            self.charges,
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Which events may be listed: how deep, what one costs, and how sure its gain must be."""

    depths: Sequence[float]
    cost_kes: float
    min_probability: float


def list_offers(response: Response, cells: pl.DataFrame, asked: Asked) -> Offers:
    """The occasions, depths and places in the catalogue that probably earn more than they cost.

    ``cells`` hold one row per category, location and week. The probability is that of the sum over
    all locations in which the event is expected to earn anything.
    """
    locations = tuple(cells["location_id"].unique().sort().to_list())
    weeks = tuple(cells["target_week"].unique().sort().to_list())
    events = _list_events(cells, asked.depths)
    units, weekly = pl.col("units"), "target_week"
    basket = (pl.col("other_margin") * units).sum().over(weekly) / units.sum().over(weekly)
    priced = cells.with_columns(basket_margin=basket)
    shelves = dict(priced.group_by(["category", "target_week"], maintain_order=True))
    place = {name: n for n, name in enumerate(locations)}
    arrays = {name: np.zeros((events.height, len(locations))) for name in _MEASURES}
    probability = np.zeros(events.height)
    noise = draw_noise()
    log_lift, spread = response.log_lifts(events)
    keys = events.select("category", "target_week", "event", "depth", "featured").iter_rows()
    for row, (category, week, event, depth, featured) in enumerate(keys):
        shelf, mine = shelves[category, week], (log_lift[row], spread[row])
        effects = draw_effects(response, noise, category=category, event=event, log_lift=mine)
        gains = effects.gains(shelf, depth=depth, featured=featured)
        worthy = gains[gains.mean(axis=1) > 0]
        probability[row] = (worthy.sum(axis=0) > asked.cost_kes).mean()
        if probability[row] >= asked.min_probability:
            where = [place[name] for name in shelf["location_id"]]
            for name, values in _weigh(shelf, effects, gains=gains, depth=depth).items():
                arrays[name][row, where] = values
    said = events.with_columns(probability=probability, lift=np.exp(log_lift + spread**2 / 2))
    likely = probability >= asked.min_probability
    return Offers(
        said, locations, weeks, **arrays, room=_room(cells, locations, weeks),
        charges=read_charges(cells, locations, weeks),
    ).keep(likely)  # fmt: skip


def pick_occasions(offers: Offers) -> Offers:
    """Of the occasions for one event of a category, week, depth and page the most rewarding."""
    worth = np.where(offers.gain > 0, offers.gain, 0.0).sum(axis=1)
    kinds = ["category", "target_week", "depth", "featured"]
    best = offers.events.select(kinds).with_columns(worth=pl.Series(worth)).select(
        pl.col("worth").rank("ordinal", descending=True).over(kinds) == 1
    )  # fmt: skip
    return offers.keep(best.to_series().to_numpy())


_MEASURES = ("gain", "low", "high", "discount", "litres", "units")


def _list_events(cells: pl.DataFrame, depths: Sequence[float]) -> pl.DataFrame:
    occasions = cells.select(
        "category", "target_week", event=pl.col("occasions").str.split(",")
    ).unique(["category", "target_week"], keep="first")
    return (
        occasions.explode("event")
        .filter(pl.col("event") != "")
        .join(pl.DataFrame({"depth": list(depths)}), how="cross")
        .join(pl.DataFrame({"featured": [0.0, 1.0]}), how="cross")
        .sort("category", "target_week", "event", "depth", "featured")
    )


def _weigh(
    shelf: pl.DataFrame, effects: Effects, *, gains: Array, depth: float
) -> dict[str, Array]:
    """What the event does, by location of a shelf."""
    low, high = np.quantile(gains, _QUANTILES, axis=1)
    return {
        "gain": gains.mean(axis=1),
        "low": low,
        "high": high,
        "discount": effects.sold.mean() * depth * shelf["revenue"].to_numpy(),
        "litres": effects.carried.mean() * shelf["litres"].to_numpy(),
        "units": effects.kept.mean() * shelf["units"].to_numpy(),
    }


def _room(cells: pl.DataFrame, locations: Sequence[str], weeks: Sequence[object]) -> Array:
    """By location and week; infinite where the capacity is unknown."""
    room = np.full((len(locations), len(weeks)), np.inf)
    known = cells.filter(pl.col("capacity_litres").is_not_null()).unique(
        ["location_id", "target_week"], keep="first", maintain_order=True
    )
    for name, week, load, most in known.select(
        "location_id", "target_week", "load_litres", "capacity_litres"
    ).iter_rows():
        room[locations.index(name), weeks.index(week)] = max(most - (load or 0.0), 0.0)
    return room

"""What each event that could be planned would earn, cost and carry, in each location."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.use_cases.marketing.events.response import Response

Array = NDArray[np.float64]
DRAWS = 400
_QUANTILES = (0.05, 0.95)


@dataclass(frozen=True)
class Offers:
    """Events that could be planned, one row each, in every location of one planning day.

    Arrays are by event and location: ``gain`` (KES of margin without VAT), ``discount`` (KES given
    away), ``litres`` (more than usual) and ``units`` (that the company would not have sold).

    Attributes:
        events: ``category, target_week, event, depth, featured, probability`` and the expected lift
            and shares.
        locations: the locations, in the order of the arrays.
        weeks: the weeks to plan, in order.
        room: litres that each location can carry beyond its usual load; infinite where unknown.
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

    def keep(self, mask: NDArray[np.bool_]) -> "Offers":
        """The events under a mask."""
        return Offers(
            self.events.filter(mask), self.locations, self.weeks, self.gain[mask], self.low[mask],
            self.high[mask], self.discount[mask], self.litres[mask], self.units[mask], self.room,
        )  # fmt: skip


def list_offers(
    response: Response, cells: pl.DataFrame, *, depths: Sequence[float], cost: float
) -> Offers:
    """Every occasion, depth and place in the catalogue, for each category and week of ``cells``.

    ``cells`` hold one row per category, location and week. The probability is that of earning more
    than an event costs, over all locations in which it is expected to earn anything.
    """
    locations = tuple(cells["location_id"].unique().sort().to_list())
    weeks = tuple(cells["target_week"].unique().sort().to_list())
    events = _list_events(cells, depths)
    shelves = {
        key: part for key, part in cells.group_by(["category", "target_week"], maintain_order=True)
    }
    place = {name: n for n, name in enumerate(locations)}
    arrays = {name: np.zeros((events.height, len(locations))) for name in _MEASURES}
    probability = np.zeros(events.height)
    noise = np.random.default_rng(0).standard_normal((4, DRAWS))  # common to all events
    log_lift, spread = response.log_lifts(events)
    for row, (category, week, depth) in enumerate(
        events.select("category", "target_week", "depth").iter_rows()
    ):
        shelf = shelves[(category, week)]
        drawn = _draw(response, category, noise=noise, log_lift=(log_lift[row], spread[row]))
        where = [place[name] for name in shelf["location_id"]]
        found, gains = _weigh(shelf, drawn, depth=depth)
        for name, values in found.items():
            arrays[name][row, where] = values
        total = gains[found["gain"] > 0].sum(axis=0)
        probability[row] = (total > cost).mean()
    said = events.with_columns(probability=probability, lift=np.exp(log_lift + spread**2 / 2))
    return Offers(said, locations, weeks, **arrays, room=_room(cells, locations, weeks))


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


@dataclass(frozen=True)
class _Drawn:
    """Draws of what an event may do."""

    lift: Array
    taken: Array
    """The share of what it adds that is switched or bought earlier."""
    mix: Array


def _draw(
    response: Response, category: str, *, noise: Array, log_lift: tuple[float, float]
) -> _Drawn:
    switching, earlier = response.share_of(category), response.pull_forward
    taken = (switching.mean + switching.sd * noise[1]).clip(0, 1)
    taken += (earlier.mean + earlier.sd * noise[2]).clip(0, 1)
    return _Drawn(
        np.exp(log_lift[0] + log_lift[1] * noise[0]),
        taken.clip(0, 1),
        response.mix.mean + response.mix.sd * noise[3],
    )


def _weigh(shelf: pl.DataFrame, drawn: _Drawn, *, depth: float) -> tuple[dict[str, Array], Array]:
    """What the event does in each location of a shelf, and the draws of its gain."""
    units, revenue, margin, litres, other = (
        shelf[name].to_numpy()[:, None]
        for name in ("units", "revenue", "margin", "litres", "other_margin")
    )
    more = drawn.lift - 1
    earned = drawn.lift * (revenue * (drawn.mix - depth) + margin)
    gains = earned - margin - drawn.taken * more * units * np.nan_to_num(other)
    low, high = np.quantile(gains, _QUANTILES, axis=1)
    found = {
        "gain": gains.mean(axis=1),
        "low": low,
        "high": high,
        "discount": (drawn.lift * revenue * depth).mean(axis=1),
        "litres": (more * litres).mean(axis=1),
        "units": ((1 - drawn.taken) * more * units).mean(axis=1),
    }
    return found, gains


def _room(
    cells: pl.DataFrame, locations: Sequence[str], weeks: Sequence[object]
) -> Array:
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

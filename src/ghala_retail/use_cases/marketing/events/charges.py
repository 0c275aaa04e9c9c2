"""What trucks charge for litres beyond a location's usual load, as operations/fleet said last.

It is a convex curve: the first truck-load is cheap where own trucks stand idle, later ones cost
what a contract truck does. More litres are taken to need trucks in the proportion in which the
usual ones do, and to be spread over the days of the week.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Array = NDArray[np.float64]

KNOTS = np.array([0.0, 1.0, 2.0, 4.0])
"""Truck-loads more a day at which the charge is told; beyond, the last slope goes on."""
_DAYS = 7


@dataclass(frozen=True)
class Charges:
    """The curves of one planning day, by location and week; arrays of litres have their shape.

    Attributes:
        loads: truck-loads a day that a litre more in the week takes; 0 where fleet said nothing.
        slopes: KES a day of a truck-load more, between the knots.
    """

    loads: Array
    slopes: Array

    def of_events(self, week: NDArray[np.int64]) -> "Charges":
        """The curves that events meet, by event and location; the place of each event's week."""
        return Charges(self.loads[:, week].T, self.slopes[:, week].swapaxes(0, 1))

    def of(self, litres: Array) -> Array:
        """KES that so many litres more cost."""
        trucks = litres * self.loads
        edges = np.append(KNOTS[1:-1], np.inf)
        parts = np.clip(trucks[..., None], KNOTS[:-1], edges) - KNOTS[:-1]
        return np.asarray(_DAYS * (parts * self.slopes).sum(axis=-1))

    def price(self, litres: Array) -> Array:
        """KES of the next litre beyond so many."""
        part = np.searchsorted(KNOTS[1:-1], litres * self.loads, side="right")
        slope = np.take_along_axis(self.slopes, part[..., None], axis=-1)[..., 0]
        return np.asarray(_DAYS * slope * self.loads)


def read_charges(cells: pl.DataFrame, locations: Sequence[str], weeks: Sequence[object]) -> Charges:
    """The curves that the subjects carry; free where fleet has not spoken of a location."""
    loads = np.zeros((len(locations), len(weeks)))
    slopes = np.zeros((*loads.shape, len(KNOTS) - 1))
    told = cells.filter(
        pl.all_horizontal(pl.col("trucks", "one_more", "two_more", "four_more").is_not_null()),
        pl.col("load_litres") > 0,
    ).unique(["location_id", "target_week"], keep="first", maintain_order=True)
    names = ("location_id", "target_week", "load_litres", "trucks")
    for name, week, usual, trucks, *curve in told.select(
        *names, "one_more", "two_more", "four_more"
    ).iter_rows():
        at = locations.index(name), weeks.index(week)
        loads[at] = trucks / usual
        slopes[at] = np.diff([0.0, *curve]) / np.diff(KNOTS)
    return Charges(loads, slopes)

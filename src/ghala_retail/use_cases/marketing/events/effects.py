"""Draws of what one event may do, and of what that means for a shelf."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.use_cases.marketing.events.response import Response, Share

Array = NDArray[np.float64]
DRAWS = 400
UNKNOWNS = 6
"""Numbers that are drawn for each event."""
HALO = Share(0.16, 0.08)
"""Units of other categories that come with a unit of lift (Ailawadi et al. 2006): whom the front
page draws fills a basket. Sales of one company hardly tell it: depots vary by more from week to
week."""


@dataclass(frozen=True)
class Effects:
    """Draws of what one event may do.

    Attributes:
        bustle: how much more than usual would be sold without it.
        lift: what its SKUs sell over what they would without it.
        switched: the share of what it adds that the rest of the shelf loses.
        taken: the share that is switched or bought earlier.
        mix: what a unit earns beyond the mean of its SKUs, as a share of its price.
        halo: units of other categories that come with a unit of lift, if it is on the front page.
    """

    bustle: Array
    lift: Array
    switched: Array
    taken: Array
    mix: Array
    halo: Array

    def gains(self, shelf: pl.DataFrame, *, depth: float, featured: float) -> Array:
        """Draws of the margin that the event adds, one row per row of a shelf; KES."""
        units, revenue, margin, other, basket = (
            np.nan_to_num(shelf[name].to_numpy())[:, None]
            for name in ("units", "revenue", "margin", "other_margin", "basket_margin")
        )
        earned = self.lift * (revenue * (self.mix - depth) + margin)
        beside = featured * self.halo * basket - self.taken * other
        return np.asarray(self.bustle * (earned - margin + (self.lift - 1) * units * beside))

    @property
    def carried(self) -> Array:
        """Units that are carried more, over the usual."""
        return self.bustle * (1 - self.switched) * (self.lift - 1)

    @property
    def kept(self) -> Array:
        """Units that the company would never have sold, over the usual."""
        return self.bustle * (1 - self.taken) * (self.lift - 1)

    @property
    def sold(self) -> Array:
        """Units sold at the discount, over the usual."""
        return self.bustle * self.lift


def draw_noise(draws: int = DRAWS) -> Array:
    """Normal numbers, the same for all events, so that plans are compared on the same futures."""
    return np.random.default_rng(0).standard_normal((UNKNOWNS, draws))


def draw_effects(
    response: Response, noise: Array, *, category: str, event: str, log_lift: tuple[float, float]
) -> Effects:
    """What an event may do, by its category, its kind and mean and deviation of its log lift."""
    switching, earlier = response.share_of(category), response.pull_forward
    bustle = response.bustle_of(event)
    switched = (switching.mean + switching.sd * noise[1]).clip(0, 1)
    before = (earlier.mean + earlier.sd * noise[2]).clip(0, 1)
    return Effects(
        np.exp(bustle.mean + bustle.sd * noise[4]),
        np.exp(log_lift[0] + log_lift[1] * noise[0]),
        switched,
        (switched + before).clip(0, 1),
        response.mix.mean + response.mix.sd * noise[3],
        (HALO.mean + HALO.sd * noise[5]).clip(0, None),
    )

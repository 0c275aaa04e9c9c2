"""What demand would have been at other prices, from the choices themselves.

For every need the chance of each SKU is known. It is worked out again for the same needs at each
price of a grid, so that the difference is the effect of the price and no chance.
"""

import numpy as np
import polars as pl

from ghala_retail.company.assortment import CHOICES, Assortment
from ghala_retail.company.calendar import ZONES
from ghala_retail.company.demand import Choices, Needs, Shelf
from ghala_retail.company.draws import Array
from ghala_retail.company.people import SEGMENTS, Depots

GRID = np.array([0.6, 0.7, 0.8, 0.9, 1.0, 1.01, 1.1, 1.2, 1.35, 1.5])
NOW, NUDGED = 4, 5
"""Places of today's price, and of one per cent more, in the grid."""


class PriceOracle:
    """Sums up what would be bought of each SKU at each price, all other prices as they are."""

    def __init__(self, assortment: Assortment, depots: Depots) -> None:
        self.assortment, self.depots = assortment, depots
        self.by_zone = np.zeros((len(GRID), len(ZONES), assortment.count))
        self.by_segment = np.zeros((2, len(SEGMENTS), assortment.count))
        self.earned = np.zeros((2, len(ZONES), assortment.count))
        """Revenue without VAT, and cost, of what is bought at today's price."""

    def see(self, choices: Choices, shelf: Shelf, *, cost: Array) -> None:
        """Add a day."""
        needs, count = choices.needs, self.assortment.count
        here, total = weights_of(choices)
        cell = needs.sub[:, None] * CHOICES + np.arange(CHOICES)
        zone = self.depots.zone[needs.depot][:, None] * count + cell
        felt = rows_of(shelf.burden, needs) + self.assortment.slope[cell]
        felt = needs.weight[:, None] * felt
        units = needs.units[:, None]
        for place, factor in enumerate(GRID):
            there = here * np.exp(-felt * (factor - 1))
            bought = units * there / (total - here + there)
            self.by_zone[place] += _sum(zone, bought, self.by_zone[place].shape)
            if place in (NOW, NUDGED):
                segment = needs.segment[:, None].astype(np.int64) * count + cell
                shape = self.by_segment[0].shape
                self.by_segment[place - NOW] += _sum(segment, bought, shape)
            if place == NOW:
                net = rows_of(shelf.price * (1 - shelf.discount), needs)
                net = net / (1 + self.assortment.vat[cell])
                self.earned[0] += _sum(zone, bought * net, self.earned[0].shape)
                self.earned[1] += _sum(zone, bought * cost[cell], self.earned[1].shape)

    def elasticities(self) -> pl.DataFrame:
        """By SKU and zone: the elasticity at today's prices and the factor that earns most."""
        units = self.by_zone[NOW]
        factor, gain = self._best()
        zone, sku = np.nonzero(units > 0)
        return pl.DataFrame(
            {
                "sku": self.assortment.ids[sku],
                "zone": np.array(ZONES)[zone],
                "units": units[zone, sku],
                "elasticity": _elasticity(units, self.by_zone[NUDGED])[zone, sku],
                "best_price_factor": factor[zone, sku],
                "gain_share_of_revenue": gain[zone, sku],
            }
        )

    def segment_elasticities(self) -> pl.DataFrame:
        """By SKU and segment: the elasticity at today's prices."""
        units = self.by_segment[0]
        segment, sku = np.nonzero(units > 0)
        return pl.DataFrame(
            {
                "sku": self.assortment.ids[sku],
                "segment": np.array([s.name for s in SEGMENTS])[segment],
                "units": units[segment, sku],
                "elasticity": _elasticity(units, self.by_segment[1])[segment, sku],
            }
        )

    def _best(self) -> tuple[Array, Array]:
        """The price factor that earns most, and what it adds as a share of today's revenue."""
        fine = np.linspace(GRID[0], GRID[-1], 181)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(self.by_zone)
            revenue, cost = self.earned / self.by_zone[NOW]
            profits = np.stack([
                np.exp(_between(logs, at)) * (revenue * at - cost) for at in (*fine, 1.0)
            ])  # fmt: skip
            best = np.nan_to_num(profits[:-1]).argmax(axis=0)
            top = np.take_along_axis(profits, best[None], axis=0)[0]
            gain = (top - profits[-1]) / self.earned[0]
        return fine[best], np.nan_to_num(gain)


def _between(logs: Array, at: float) -> Array:
    """Demand on a log scale between the points of the grid: a parabola through three of them."""
    places = [place for place in range(len(GRID)) if place != NUDGED]
    grid = GRID[places]
    middle = int(np.clip(np.abs(grid - at).argmin(), 1, len(grid) - 2))
    x = grid[middle - 1 : middle + 2]
    y = [logs[places[middle + step]] for step in (-1, 0, 1)]
    weights = [np.prod([(at - x[k]) / (x[j] - x[k]) for k in range(3) if k != j]) for j in range(3)]
    found: Array = sum(weight * value for weight, value in zip(weights, y, strict=True))
    return found


def _elasticity(units: Array, nudged: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.log(nudged / units) / np.log(GRID[NUDGED])
    return found


def weights_of(choices: Choices) -> tuple[Array, Array]:
    """Of each SKU, and of all that a need could fall on, going without included."""
    here = np.exp(choices.utility.astype(float))
    total = here.sum(axis=1) + np.exp(choices.outside.astype(float))
    return here, total[:, None]


def rows_of(shelf: Array, needs: Needs) -> Array:
    """What the shelf says of each SKU of each need's subcategory."""
    by_sub = shelf.reshape(len(shelf), -1, CHOICES)
    rows: Array = by_sub[needs.depot, needs.sub]
    return rows


def _sum(cells: Array, values: Array, shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape))
    total: Array = np.bincount(cells.ravel(), values.ravel(), minlength=size).reshape(shape)
    return total

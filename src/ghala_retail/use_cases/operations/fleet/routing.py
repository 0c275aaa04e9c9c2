"""Routes of one depot's day: searched for, and by the sweep that dispatchers do by hand."""

from functools import lru_cache

import numpy as np

from ghala_retail.use_cases.operations.fleet.drops import (
    Drops,
    Floats,
    Plan,
    Trucks,
    Whole,
    distances,
    hours_of,
    length,
    matrix,
    out_of_reach,
    read_drops,
)
from ghala_retail.use_cases.operations.fleet.solver import search


@lru_cache(maxsize=1024)
def solve_text(text: str, trucks: Trucks, seed: int) -> Plan:
    """The plan for the drops of a text; a day that was solved is not solved again."""
    return solve(read_drops(text, most_litres=trucks.litres), trucks, seed=seed)


def solve(drops: Drops, trucks: Trucks, *, seed: int) -> Plan:
    """The cheapest routes found for trucks of three hires, within their shifts.

    What cannot be served within a shift is left and named. The search starts from the sweep's
    routes, which stand where it finds nothing better.
    """
    simple = sweep(drops, trucks)
    found = search(drops, trucks, simple, seed=seed) if simple.routes else None
    if found is None or _cost(found, trucks) > _cost(simple, trucks):
        return simple
    return found


def sweep(drops: Drops, trucks: Trucks) -> Plan:
    """Fill one truck after the other going around the depot; in each, the nearest drop is next."""
    away, left = distances(drops, trucks), out_of_reach(drops, trucks)
    order = np.argsort(np.arctan2(drops.y, drops.x))
    order = order[~np.isin(order, left)]
    routes: list[tuple[int, ...]] = []
    while len(order):
        fits = int((np.cumsum(drops.litres[order]) <= trucks.litres + 1e-9).sum())
        size = max(min(fits, trucks.stops), 1)
        route = _nearest_next(order[:size], away)
        while hours_of(route, away, trucks) > trucks.shift_hours and size > 1:
            size -= 1
            route = _nearest_next(order[:size], away)
        routes.append(route)
        order = order[size:]
    km = sum(length(route, away) for route in routes)
    return Plan(tuple(routes), _hires(len(routes), trucks), km, left)


def sector_radii(drops: Drops, trucks: int) -> float:
    """How far trucks drive that share the drops evenly by direction, in radii of the disc."""
    away, order = matrix(drops), np.argsort(np.arctan2(drops.y, drops.x))
    parts = np.array_split(order, min(trucks, len(drops)))
    return sum(length(_nearest_next(part, away), away) for part in parts)


def _hires(count: int, trucks: Trucks) -> tuple[int, ...]:
    """Own trucks go first, then those on contract."""
    own, contract, _ = trucks.available
    return tuple(0 if i < own else 1 if i < own + contract else 2 for i in range(count))


def _cost(plan: Plan, trucks: Trucks) -> float:
    return sum(trucks.day_rate[hire] for hire in plan.hires) + plan.km * trucks.km_rate


def _nearest_next(drops: Whole, away: Floats) -> tuple[int, ...]:
    """A tour from the depot that always goes on to the nearest drop."""
    ahead, here, tour = drops + 1, 0, []
    while len(ahead):
        nearest = int(np.argmin(away[here, ahead]))
        here = int(ahead[nearest])
        tour.append(here - 1)
        ahead = np.delete(ahead, nearest)
    return tuple(tour)

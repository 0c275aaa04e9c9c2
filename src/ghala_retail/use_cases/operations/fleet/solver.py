"""One depot's day as PyVRP sees it: whole metres, seconds and decilitres."""

from typing import Any

import numpy as np

from ghala_retail.use_cases.operations.fleet.drops import Drops, Plan, Trucks, Whole, distances

ITERATIONS = 250
"""Of the search for one day; a number and not a time, so that the same day gets the same routes."""

_METRES, _SECONDS, _DECILITRES = 1000, 3600, 10


def search(drops: Drops, trucks: Trucks, start: Plan, *, seed: int) -> Plan | None:
    """The best plan found from ``start`` on, for the drops that it serves; None when none is found.

    Iterated local search on a heterogeneous fleet with shifts and opening hours (Wouda, Lan and
    Kool 2024).
    """
    import pyvrp
    from pyvrp.stop import MaxIterations

    kept = np.setdiff1d(np.arange(len(drops)), start.left)
    hires = _hires(trucks, len(kept))
    data = _data(drops, trucks, kept, hires=hires)
    kinds = {hire: kind for kind, (hire, _) in enumerate(hires)}
    place = {int(drop): visit for visit, drop in enumerate(kept)}
    first = [
        pyvrp.Route(data, [place[drop] for drop in route], kinds[hire])
        for route, hire in zip(start.routes, start.hires, strict=True)
    ]
    best = pyvrp.solve(
        data,
        MaxIterations(ITERATIONS),
        seed=seed,
        collect_stats=False,
        initial_solution=pyvrp.Solution(data, first),
    ).best
    if not best.is_feasible():
        return None
    routes = tuple(
        tuple(int(kept[visit.idx]) for visit in route if visit.is_client())
        for route in best.routes()
    )
    used = tuple(hires[route.vehicle_type()][0] for route in best.routes())
    return Plan(routes, used, best.distance() / _METRES, start.left)


def _data(drops: Drops, trucks: Trucks, kept: Whole, *, hires: list[tuple[int, int]]) -> Any:
    import pyvrp

    inside = np.concatenate([[0], kept + 1])
    metres = np.rint(distances(drops, trucks) * _METRES).astype(np.int64)[np.ix_(inside, inside)]
    seconds = np.rint(metres / _METRES / trucks.speed_kmh * _SECONDS).astype(np.int64)
    door, closes = (int(h * _SECONDS) for h in (trucks.door_hours, trucks.open_hours))
    litres = np.rint(drops.litres[kept] * _DECILITRES).astype(int).tolist()
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0.0, 0.0)] * len(inside),
        clients=[
            pyvrp.Client(place + 1, delivery=[size, 1], service_duration=door, tw_late=closes)
            for place, size in enumerate(litres)
        ],
        depots=[pyvrp.Depot(0)],
        vehicle_types=[
            pyvrp.VehicleType(
                count,
                capacity=[int(np.ceil(trucks.litres * _DECILITRES)), trucks.stops],
                fixed_cost=int(trucks.day_rate[hire] / trucks.km_rate * _METRES),
                shift_duration=int(trucks.shift_hours * _SECONDS),
            )
            for hire, count in hires
        ],
        distance_matrices=[metres],
        duration_matrices=[seconds],
    )


def _hires(trucks: Trucks, drops: int) -> list[tuple[int, int]]:
    """Which hires there are, and how many of each; spot trucks are found as long as one pays."""
    own, contract, _ = trucks.available
    return [(hire, n) for hire, n in enumerate((own, contract, drops)) if n > 0]

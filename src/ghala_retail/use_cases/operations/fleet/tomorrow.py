"""Routes for the drops that are known: those of the newest day that is asked about.

Earlier days were driven, and later ones have no drops yet.
"""

import json
from typing import Any

import polars as pl

from ghala.contracts.use_case import NUMBER, TEXT, WHOLE
from ghala_retail.use_cases.operations.fleet.counting import Counting, Shift
from ghala_retail.use_cases.operations.fleet.drops import (
    HIRES,
    Plan,
    capacity_bound,
    read_drops,
)
from ghala_retail.use_cases.operations.fleet.routing import solve_text, sweep

ROUTED = {
    "drops_known": WHOLE, "size_known": NUMBER, "least_trucks": WHOLE, "sweep_trucks": WHOLE,
    "routed_trucks": WHOLE, "routed_km": NUMBER, "drops_left": WHOLE, "routes": TEXT,
}  # fmt: skip
"""What is said of the routes: drops, trucks by the bound, by the sweep and by the routes laid."""

_SEED = 1


def lay_routes(
    said: pl.DataFrame, subjects: pl.DataFrame, *, counting: Counting, shift: Shift
) -> pl.DataFrame:
    """What was said, with the routes of the newest day; a drop out of reach makes it infeasible."""
    newest = subjects["as_of"].max()
    rows = [
        _lay(one, counting=counting, shift=shift) if one["as_of"] == newest and one["drops"] else {}
        for one in subjects.select("as_of", "location_id", "drops", "size_known")
        .with_columns(said["own", "contract"])
        .iter_rows(named=True)
    ]
    kinds = {NUMBER: pl.Float64, TEXT: pl.String, WHOLE: pl.Int64}
    schema = {name: kinds[kind] for name, kind in ROUTED.items()}
    laid = pl.DataFrame([{**dict.fromkeys(ROUTED), **row} for row in rows], schema=schema)
    late = pl.format(
        "{} drops cannot be reached within a shift; the routes serve the others", "drops_left"
    )
    return said.hstack(laid).with_columns(
        infeasible=pl.coalesce("infeasible", pl.when(pl.col("drops_left") > 0).then(late))
    )


def _lay(one: dict[str, Any], *, counting: Counting, shift: Shift) -> dict[str, Any]:
    available = (int(one["own"]), int(one["contract"]), 0)
    trucks = counting.trucks(one["location_id"], available=available, shift=shift)
    drops = read_drops(one["drops"], most_litres=trucks.litres)
    plan = solve_text(one["drops"], trucks, _SEED)
    return {
        "drops_known": len(drops),
        "size_known": one["size_known"],
        "least_trucks": capacity_bound(drops, trucks),
        "sweep_trucks": len(sweep(drops, trucks).routes),
        "routed_trucks": len(plan.routes),
        "routed_km": plan.km,
        "drops_left": len(plan.left),
        "routes": _write(plan, one["drops"], most_litres=trucks.litres),
    }


def _write(plan: Plan, text: str, *, most_litres: float) -> str:
    """The routes as JSON: the hire of each truck, and the places in the order of their visits."""
    names = []
    for one in text.split():
        place, size = one.split(":")
        names += [place] * max(-int(-float(size) // most_litres), 1)
    routes = [
        {"hire": HIRES[hire], "stops": [names[drop] for drop in route]}
        for hire, route in zip(plan.hires, plan.routes, strict=True)
    ]
    return json.dumps(routes, separators=(",", ":"))

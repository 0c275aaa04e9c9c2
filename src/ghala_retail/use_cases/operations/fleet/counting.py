"""How many truck-loads a day is, from its stops and litres: learned from trips and solved days.

The formula is Daganzo's (1984): a truck drives to its stops and back, and from stop to stop a
distance that falls with the square root of their density. What it leaves open is fitted on days
that were solved, so that it says what good routes need, and not what routes need on paper.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ghala_retail.use_cases.operations.fleet.drops import HIRES, Floats, Trucks, read_drops
from ghala_retail.use_cases.operations.fleet.routing import sector_radii, solve_text

SOLVED_DAYS = 48
"""At most so many past days are solved in a fit, spread over the depots."""
USUAL_RATE = {"own": 1.0, "contract": 1.7, "spot": 2.7}
"""A day's rate over that of an own truck, for a hire that has not been used."""

_SPEED = (5.0, 80.0)
_RADIUS = (0.5, 400.0)


@dataclass(frozen=True)
class Depot:
    """What was learned of a depot: the radius of its disc, and how fast its trucks drive."""

    radius_km: float
    speed_kmh: float


@dataclass(frozen=True)
class Counting:
    """What was learned of trucks; the fields of ``Trucks`` that all depots share.

    Attributes:
        stem: kilometres of a truck that do not depend on its stops, in radii.
        between: kilometres from stop to stop, in radii, times the square root of the stops.
        fill: litres that need a truck's room, per litre: parts do not fill trucks to the brim.
    """

    litres: float
    stops: int
    day_rate: tuple[float, float, float]
    km_rate: float
    stem: float
    between: float
    fill: float
    depots: dict[str, Depot]

    def loads(
        self, stops: Floats, litres: Floats, *, where: Iterable[str], shift: "Shift"
    ) -> Floats:
        """Truck-loads of days with so many stops and litres; not yet rounded up to trucks."""
        known = [self.depots.get(name) or self.usual for name in where]
        radius = np.array([one.radius_km for one in known])
        speed = np.array([one.speed_kmh for one in known])
        work = stops * shift.door_hours + self.between * np.sqrt(stops) * radius / speed
        left = np.maximum(shift.shift_hours - self.stem * radius / speed, 0.5)
        most = np.maximum(litres * self.fill / self.litres, stops / self.stops)
        return np.asarray(np.maximum(most, work / left))

    @property
    def usual(self) -> Depot:
        """What is taken for a depot of which no trip is known: the median of the others."""
        found = list(self.depots.values()) or [Depot(20.0, 30.0)]
        return Depot(
            float(np.median([one.radius_km for one in found])),
            float(np.median([one.speed_kmh for one in found])),
        )

    def trucks(self, depot: str, *, available: tuple[int, int, int], shift: "Shift") -> Trucks:
        """The trucks of a depot."""
        here = self.depots.get(depot) or self.usual
        return Trucks(
            self.litres, self.stops, here.radius_km, here.speed_kmh, shift.door_hours,
            shift.shift_hours, shift.open_hours, available, self.day_rate, self.km_rate,
        )  # fmt: skip


@dataclass(frozen=True)
class Shift:
    """Hours at a door, of a truck's shift, and during which doors are open."""

    door_hours: float
    shift_hours: float
    open_hours: float


def learn(examples: pl.DataFrame, *, shift: Shift, seed: int) -> Counting:
    """Learn what trucks carry, cost and drive, then solve some past days and calibrate on them.

    Raises:
        ValueError: no trip of any depot is known.
    """
    newest = examples.sort("as_of").unique("location_id", keep="last", maintain_order=True)
    newest = newest.filter(pl.col("trips_91d") > 0)
    if newest.is_empty():
        raise ValueError("no trip of any depot is known")
    day_rate, km_rate = _rates(newest)
    plain = Counting(
        litres=float(newest["most_volume_l"].cast(pl.Float64).max() or 1.0),  # type: ignore[arg-type]
        stops=int(newest["most_stops"].cast(pl.Float64).max() or 1),  # type: ignore[arg-type]
        day_rate=day_rate, km_rate=km_rate, stem=1.3, between=1.3, fill=1.0, depots={},
    )  # fmt: skip
    days = _pick_days(examples)
    counting = replace(plain, depots=_depots(newest, days, counting=plain, shift=shift))
    return _calibrate(counting, days, shift=shift, seed=seed)


def _rates(newest: pl.DataFrame) -> tuple[tuple[float, float, float], float]:
    """KES a day of each hire, and KES per kilometre: least squares on the depots' costs."""
    rows, costs = [], []
    for place, hire in enumerate(HIRES):
        used = newest.filter(pl.col(f"{hire}_trips_182d") > 0)
        for trips, km, cost in used.select(
            f"{hire}_{n}_182d" for n in ("trips", "km", "cost")
        ).rows():
            rows.append([*np.eye(3)[place], float(km) / float(trips)])
            costs.append(float(cost) / float(trips))
    design, known = np.array(rows), [any(row[i] for row in rows) for i in range(3)]
    columns = [*np.flatnonzero(known), 3]
    found = np.linalg.lstsq(design[:, columns], np.array(costs), rcond=None)[0]
    rate = dict(zip(columns, found.tolist(), strict=True))
    first = next(i for i in range(3) if known[i])
    own = max(rate[first], 1.0) / USUAL_RATE[HIRES[first]]
    days = [max(rate.get(i, own * USUAL_RATE[hire]), 1.0) for i, hire in enumerate(HIRES)]
    return (days[0], days[1], days[2]), max(rate[3], 0.01)


def _pick_days(examples: pl.DataFrame) -> pl.DataFrame:
    """Past days with their drops, the newest of each depot first, not two of one week."""
    days = examples.filter((pl.col("drops") != "") & (pl.col("trips_91d") > 0))
    # One day a week, another weekday in each.
    turn = pl.col("as_of").dt.week() % 7 + 1
    days = days.filter(pl.col("as_of").dt.weekday() == turn)
    ranked = days.with_columns(
        age=pl.col("as_of").rank("ordinal", descending=True).over("location_id")
    )
    return ranked.sort("age", "location_id").head(SOLVED_DAYS)


def _depots(
    newest: pl.DataFrame, days: pl.DataFrame, *, counting: Counting, shift: Shift
) -> dict[str, Depot]:
    """The disc on which trucks that share the drops by direction drive what they drove."""
    unit: dict[str, list[float]] = {}
    for depot, text in days.select("location_id", "drops").rows():
        drops = read_drops(text, most_litres=counting.litres)
        trucks = max(int(np.ceil(max(
            drops.litres.sum() / counting.litres, len(drops) / counting.stops
        ))), 1)  # fmt: skip
        unit.setdefault(depot, []).append(sector_radii(drops, trucks) / trucks)
    usual = float(np.median([value for values in unit.values() for value in values] or [10.0]))
    found = {}
    names = ("location_id", "trips_91d", "distance_km_91d", "hours_91d", "stops_91d")
    for depot, trips, km, hours, stops in newest.select(names).rows():
        driven = float(km) / float(trips)
        radius = driven / float(np.mean(unit.get(depot, [usual])))
        moving = float(hours) - float(stops) * shift.door_hours
        speed = float(km) / max(moving, 0.1 * float(hours), 1e-6)
        found[depot] = Depot(float(np.clip(radius, *_RADIUS)), float(np.clip(speed, *_SPEED)))
    return found


def _calibrate(counting: Counting, days: pl.DataFrame, *, shift: Shift, seed: int) -> Counting:
    """Fit kilometres and filling on solved days; without one, the textbook's values stand."""
    rows: list[tuple[float, float, float, float, float]] = []
    for depot, text in days.select("location_id", "drops").rows():
        trucks = counting.trucks(depot, available=(0, 0, 0), shift=shift)
        drops = read_drops(text, most_litres=counting.litres)
        plan = solve_text(text, trucks, seed)
        if plan.left or not plan.routes:
            continue
        rows.append((
            float(len(plan.routes)), float(len(drops)), plan.km / trucks.radius_km,
            drops.litres.sum() / trucks.litres, len(drops) / trucks.stops,
        ))  # fmt: skip
    if len(rows) < 3:
        return counting
    used, stops, radii, litres, doors = np.array(rows).T
    stem, between = np.linalg.lstsq(np.column_stack([used, np.sqrt(stops)]), radii, rcond=None)[0]
    fills = np.arange(1.0, 1.16, 0.01)
    wrong = [
        np.abs(np.ceil(np.maximum(litres * fill, doors) - 1e-9) - used).sum() for fill in fills
    ]
    return replace(
        counting,
        stem=float(np.clip(stem, 0.2, 2.0)),
        between=float(np.clip(between, 0.3, 3.0)),
        fill=float(fills[int(np.argmin(wrong))]),
    )


def as_json(counting: Counting) -> dict[str, Any]:
    """Plain values."""
    depots = {name: [one.radius_km, one.speed_kmh] for name, one in counting.depots.items()}
    return {**vars(counting), "depots": depots}


def from_json(content: dict[str, Any]) -> Counting:
    """What ``as_json`` made."""
    depots = {name: Depot(*values) for name, values in content["depots"].items()}
    own, contract, spot = content["day_rate"]
    return Counting(**{**content, "depots": depots, "day_rate": (own, contract, spot)})

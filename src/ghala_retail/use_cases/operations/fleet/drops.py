"""What one depot has to deliver on a day, with which trucks, and a plan for it.

Positions are not in the data. A drop lies where the digest of who gets it says, evenly over a disc
around the depot, always in the same place; how large the disc is follows from the kilometres that
the depot's trucks drove.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

HIRES = ("own", "contract", "spot")


@dataclass(frozen=True)
class Drops:
    """Where a day's drops are, in radii of the depot's disc, and how many litres each is."""

    x: Floats
    y: Floats
    litres: Floats

    def __len__(self) -> int:
        return len(self.litres)


@dataclass(frozen=True)
class Trucks:
    """What a truck can do and costs, and how many of each hire there are.

    Attributes:
        litres: that fit into a truck.
        stops: doors that it can reach in a day.
        radius_km: of the disc of the depot's drops, along the roads.
        speed_kmh: on the road.
        door_hours: that it stands at a door.
        shift_hours: from leaving the depot to being back.
        open_hours: after the first departure until which doors are open.
        available: own trucks, contract trucks booked, and any number of spot trucks.
        day_rate: KES a day of an own, a contract and a spot truck.
        km_rate: KES per kilometre.
    """

    litres: float
    stops: int
    radius_km: float
    speed_kmh: float
    door_hours: float
    shift_hours: float
    open_hours: float
    available: tuple[int, int, int]
    day_rate: tuple[float, float, float]
    km_rate: float


@dataclass(frozen=True)
class Plan:
    """Routes of one day; each names its drops in the order of their visits.

    ``hires`` says of each route the place of its truck in ``HIRES``; ``left`` are drops that no
    truck can serve within its shift.
    """

    routes: tuple[tuple[int, ...], ...]
    hires: tuple[int, ...]
    km: float
    left: tuple[int, ...]


def read_drops(text: str, *, most_litres: float) -> Drops:
    """The drops of a day from their text, ``place:litres place:litres``.

    A drop that is larger than a truck comes in as many equal parts as it takes.
    """
    parts = [one.split(":") for one in text.split()]
    litres = np.array([max(float(size), 0.0) for _, size in parts])
    times = np.maximum(np.ceil(litres / most_litres), 1).astype(np.int64)
    place = np.repeat(np.array([int(where, 16) for where, _ in parts], dtype=np.int64), times)
    radius = np.sqrt((place >> 16) / 2**16)
    angle = 2 * np.pi * (place & 0xFFFF) / 2**16
    return Drops(radius * np.cos(angle), radius * np.sin(angle), np.repeat(litres / times, times))


def capacity_bound(drops: Drops, trucks: Trucks) -> int:
    """The fewest trucks into which the day's litres and stops fit, however they are routed."""
    most = max(drops.litres.sum() / trucks.litres, len(drops) / trucks.stops)
    return int(np.ceil(most - 1e-9))


def matrix(drops: Drops) -> Floats:
    """Distances in radii; the depot is the first row."""
    x, y = (np.concatenate([[0.0], values]) for values in (drops.x, drops.y))
    return np.asarray(np.hypot(x[:, None] - x, y[:, None] - y))


def distances(drops: Drops, trucks: Trucks) -> Floats:
    """Distances in kilometres; the depot is the first row."""
    return matrix(drops) * trucks.radius_km


def out_of_reach(drops: Drops, trucks: Trucks) -> tuple[int, ...]:
    """Drops to which a truck cannot drive, deliver and come back within a shift."""
    hours = np.hypot(drops.x, drops.y) * trucks.radius_km / trucks.speed_kmh
    is_far = 2 * hours + trucks.door_hours > trucks.shift_hours
    return tuple(int(i) for i in np.flatnonzero(is_far | (hours > trucks.open_hours)))


def length(route: tuple[int, ...], away: Floats) -> float:
    """How long a tour from the depot and back is, in the unit of ``away``."""
    stops = np.array([0, *(drop + 1 for drop in route), 0])
    return float(away[stops[:-1], stops[1:]].sum())


def hours_of(route: tuple[int, ...], away: Floats, trucks: Trucks) -> float:
    """How long a truck is out on a route; ``away`` in kilometres."""
    return length(route, away) / trucks.speed_kmh + len(route) * trucks.door_hours

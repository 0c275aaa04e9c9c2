"""Made depots: what the use cases of trucks and of people are asked, with what then happened."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ghala.contracts.policy import read_policy
from ghala.contracts.use_case import UseCase

FIRST = date(2025, 3, 3)
TRUCK_LITRES, TRUCK_STOPS = 600.0, 60.0
RATES = {"own": 3500.0, "contract": 6000.0, "spot": 9500.0}
KM_RATE = 50.0


def made(kind: type[UseCase], name: str, folder: Path) -> Any:
    """A use case with its own policy, as discovery makes it."""
    found = kind()
    found.name, found.folder = name, folder
    found.policy = read_policy(folder / "policy.yml", found.rules)
    return found


def write_drops(stops: int, litres: float, *, seed: int) -> str:
    """Drops that lie where a digest might say."""
    places = np.random.default_rng(seed).integers(0, 2**32, stops)
    return " ".join(f"{place:08x}:{litres / max(stops, 1):.1f}" for place in sorted(places))


def calendar_of(day: date, as_of: date) -> dict[str, Any]:
    """The columns of the calendar."""
    return {
        "day": day, "as_of": as_of, "days_ahead": (day - as_of).days, "weekday": day.isoweekday(),
        "day_of_month": day.day, "days_since_payday": (day.day + 5) % 30, "days_to_event": None,
        "public_day": 0, "religious_day": 0, "school_day": 0,
        "known_on": day + timedelta(days=1),
        **{f"target_week_{n}w": None for n in (1, 2, 3, 4)},
        **{f"mean_{n}w": None for n in (1, 2, 3, 4)},
    }  # fmt: skip


def _fleet_rows(depots: dict[str, float], days: int) -> Iterator[dict[str, Any]]:
    draw = np.random.default_rng(1)
    for number, (depot, stops) in enumerate(depots.items()):
        for n in range(days):
            as_of = FIRST + timedelta(days=n)
            for ahead in range(0, 28, 3):
                day = as_of + timedelta(days=ahead)
                came = stops * np.exp(0.2 * draw.normal())
                trips, km = stops / 50, 60.0 + 40 * number
                used = {"own": 2 * trips, "contract": trips, "spot": 0.1 * trips}
                yield {
                    **calendar_of(day, as_of), "location_id": depot,
                    "own_trucks": 1, "p95_trips": float(np.ceil(1.4 * stops / TRUCK_STOPS)),
                    "drops": None if ahead else write_drops(int(came), 8 * came, seed=n),
                    "size_known": None if ahead else 0.95,
                    "depot_stops_7d": stops, "depot_stops_28d": stops,
                    "trips_91d": 91 * trips, "stops_91d": 91 * stops,
                    "distance_km_91d": 91 * trips * km,
                    "hours_91d": 91 * (trips * km / 30 + stops / 12),
                    "units_91d": 91 * 4 * stops, "most_stops": TRUCK_STOPS,
                    "most_volume_l": TRUCK_LITRES,
                    **{f"{hire}_trips_182d": 182 * used[hire] for hire in RATES},
                    **{f"{hire}_km_182d": 182 * used[hire] * km for hire in RATES},
                    **{f"{hire}_cost_182d": 182 * used[hire] * (rate + KM_RATE * km)
                       for hire, rate in RATES.items()},
                    **{f"same_stops_{span}d": stops for span in (28, 56, 182)},
                    **{f"same_volume_{span}d": 8 * stops for span in (28, 56, 182)},
                    **{f"same_units_{span}d": 4 * stops for span in (28, 56, 182)},
                    **{f"same_trips_{span}d": stops / 55 for span in (28, 56, 182)},
                    "actual": float(np.ceil(came / TRUCK_STOPS)),
                }  # fmt: skip


def fleet_examples(depots: dict[str, float], *, days: int = 42) -> pl.DataFrame:
    """Depots by their usual stops a day; how many trucks went out follows from the stops."""
    return pl.DataFrame(list(_fleet_rows(depots, days)), infer_schema_length=None).with_columns(
        pl.col("^target_week_.*$").cast(pl.Date), pl.col("^mean_.w$").cast(pl.Float64),
        pl.col("days_to_event").cast(pl.Int64),
    )  # fmt: skip


def _work_rows(depots: dict[str, float], weeks: int) -> Iterator[dict[str, Any]]:
    draw = np.random.default_rng(2)
    share = {"pick": 1.0, "pack": 0.7, "sort": 0.4, "transport": 1.5}
    for depot, hours in depots.items():
        for n in range(7 * weeks):
            day = FIRST + timedelta(days=n)
            as_of = day - timedelta(days=day.weekday())
            level = np.exp(0.2 * draw.normal())
            for task, part in share.items():
                for shift in ("early", "midday", "afternoon", "evening"):
                    usual = hours * part
                    yield {
                        **calendar_of(day, as_of), "location_id": depot, "task": task,
                        "shift": shift, "task_hours_7d": 28 * usual, "task_hours_28d": 112 * usual,
                        **{f"same_hours_{span}d": usual for span in (28, 56, 182)},
                        "peak_hours_182d": 1.6 * usual, "same_units_28d": 100.0,
                        "workers_28d": 8, "absence": 0.08, "wage": 165.0,
                        "actual": usual * level,
                    }  # fmt: skip


def work_examples(depots: dict[str, float], *, weeks: int = 6) -> pl.DataFrame:
    """Depots by the usual hours of picking in a shift."""
    return pl.DataFrame(list(_work_rows(depots, weeks)), infer_schema_length=None).with_columns(
        pl.col("^target_week_.*$").cast(pl.Date), pl.col("^mean_.w$").cast(pl.Float64),
        pl.col("days_to_event").cast(pl.Int64),
    )  # fmt: skip

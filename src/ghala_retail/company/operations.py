"""Work in the depots: who was planned, who came, what was picked, packed, sorted and driven."""

from dataclasses import dataclass

import numpy as np

from ghala_retail.company.calendar import Day
from ghala_retail.company.draws import Array, Draws
from ghala_retail.company.people import Depots
from ghala_retail.company.world import Plan

TASKS = ("pick", "pack", "sort", "transport")
RATES = np.array([85.0, 120.0, 210.0])
"""Lines an hour of a practised worker: picking, packing, sorting."""
SHIFT_HOURS, WAGE_KES = 8.0, 165.0
ABSENT = 0.08
SHIFT_BEGINS = 3 * 3600
"""Six in the morning in Nairobi, in seconds of the UTC day."""
TRUCK_LITRES, TRUCK_STOPS = 600.0, 60
HIRES = ("own", "contract", "spot")
TRIP_KES = np.array([3_500.0, 6_000.0, 9_500.0])
ZONE_KM, STOP_KM = np.array([14.0, 22.0, 38.0]), np.array([1.3, 2.2, 4.5])
SPEED_KMH = np.array([19.0, 30.0, 38.0])


@dataclass(frozen=True)
class Load:
    """What a day brings to each depot."""

    stops: Array
    lines: Array
    units: Array
    litres: Array


@dataclass(frozen=True)
class Shifts:
    """Who was planned for a task in a depot, and who came."""

    depot: Array
    task: Array
    worker: Array
    is_absent: Array
    cost: Array


@dataclass(frozen=True)
class Waves:
    """Who worked on what, from when to when, in seconds of the UTC day."""

    depot: Array
    task: Array
    worker: Array
    begin: Array
    end: Array
    lines: Array
    units: Array


@dataclass(frozen=True)
class Trips:
    """Trucks that went out and came back, in seconds of the UTC day."""

    depot: Array
    vehicle: Array
    hire: Array
    begin: Array
    end: Array
    stops: Array
    litres: Array
    km: Array
    cost: Array


class Operations:
    """Plans the shifts of each depot on what the last weeks brought, and works the day off."""

    def __init__(self, plan: Plan, draws: Draws, depots: Depots) -> None:
        self.plan, self.draws, self.depots = plan, draws, depots
        self._usual = np.zeros((7, depots.count))
        self._days = np.zeros(7)

    def roster(self, day: Day, load: Load) -> Shifts:
        """The shifts of a day, planned on the same weekday's usual lines; a tenth to spare."""
        weekday = day.date.weekday()
        known = self._usual[weekday] if self._days[weekday] else load.lines
        hours = 1.1 * known[:, None] / RATES
        staff = np.maximum(1, np.ceil(hours / SHIFT_HOURS)).astype(np.int64)
        drivers = np.maximum(1, np.ceil(known / 2.3 / TRUCK_STOPS)).astype(np.int64)
        staff = np.column_stack([staff, drivers])
        self._learn(weekday, load.lines)
        depot, task = (
            np.repeat(part.ravel(), staff.ravel()) for part in np.indices(staff.shape)
        )  # fmt: skip
        place = np.arange(len(depot)) - np.repeat(
            np.cumsum(staff.ravel()) - staff.ravel(), staff.ravel()
        )
        worker = (depot * len(TASKS) + task) * 1000 + (place + day.day // 3) % (staff.max() * 2)
        wet = 0.02 * (day.rain_mm[self.depots.zone[depot]] > 15)
        absent = self.draws.uniform("work/absent", worker, day.day) < ABSENT + wet
        pay = WAGE_KES * SHIFT_HOURS * np.array([1.0, 1.0, 0.95, 1.25])[task]
        return Shifts(depot, task, worker, absent, pay * np.where(absent, 0.0, 1.0))

    def _learn(self, weekday: int, lines: Array) -> None:
        weight = 1.0 if not self._days[weekday] else 0.25
        self._usual[weekday] += weight * (lines - self._usual[weekday])
        self._days[weekday] += 1

    def work(self, day: Day, load: Load, *, shifts: Shifts) -> Waves:
        """Share each depot's lines among those who came; the practised are faster."""
        came = np.flatnonzero(~shifts.is_absent & (shifts.task < len(RATES)))
        depot, task, worker = shifts.depot[came], shifts.task[came], shifts.worker[came]
        group = depot * len(RATES) + task
        team = np.bincount(group, minlength=self.depots.count * len(RATES))
        place = np.arange(len(group)) - np.searchsorted(group, group)
        lines = _share(load.lines[depot], team[group], place=place)
        units = _share(load.units[depot], team[group], place=place)
        crowding = 1 + 0.012 * np.maximum(team[group] - 6, 0)
        practice = 1 - 0.2 * np.exp(-(day.day % 400 + worker % 97) / 60)
        skill = np.exp(0.12 * self.draws.normal("work/skill", worker))
        luck = np.exp(0.08 * self.draws.normal("work/luck", worker, day.day))
        seconds = 3600 * lines * crowding / (RATES[task] * practice * skill * luck)
        begin = SHIFT_BEGINS + 1800 * task + (900 * self.draws.uniform(
            "work/begin", worker, day.day)).astype(np.int64)  # fmt: skip
        some = lines > 0
        return Waves(
            depot[some], task[some], worker[some], begin[some],
            (begin + 60 + seconds)[some].astype(np.int64), lines[some], units[some],
        )  # fmt: skip

    def drive(self, day: Day, load: Load, *, fuel: float) -> Trips:
        """Send out what was sorted: first the own trucks, then contract, then spot."""
        wanted = np.maximum(load.litres / TRUCK_LITRES, load.stops / TRUCK_STOPS)
        count = np.ceil(wanted).astype(np.int64)
        depot = np.repeat(np.arange(self.depots.count), count)
        place = np.arange(len(depot)) - np.repeat(np.cumsum(count) - count, count)
        own = self.depots.trucks[depot]
        hire = np.where(place < own, 0, np.where(place < own + 1 + own // 2, 1, 2))
        stops = _share(load.stops[depot], count[depot], place=place)
        zone = self.depots.zone[depot]
        key = depot * 1000 + place
        km = ZONE_KM[zone] + STOP_KM[zone] * stops
        km *= np.exp(0.15 * self.draws.normal("trip/km", key, day.day))
        wet = 1 + 0.012 * np.minimum(day.rain_mm[zone], 40.0)
        hours = km / SPEED_KMH[zone] * wet + stops * 4.5 / 60
        begin = 4 * 3600 + (7200 * self.draws.uniform("trip/begin", key, day.day)).astype(int)
        return Trips(
            depot, place, hire, begin, begin + (3600 * np.minimum(hours, 18.0)).astype(int), stops,
            load.litres[depot] / count[depot], km, TRIP_KES[hire] + km * 0.28 * fuel,
        )  # fmt: skip


def _share(total: Array, among: Array, *, place: Array) -> Array:
    """Whole parts of a total: the first ones get the rest."""
    whole = total.astype(np.int64)
    part: Array = whole // among + (place < whole % among)
    return part

"""What trucks cost a depot when a day brings more than is expected: the price of its capacity."""

import numpy as np

from ghala_retail.use_cases.operations.fleet.drops import Floats

STEPS = {"one_more": 1, "two_more": 2, "four_more": 4}
"""Truck-loads more a day, by the column that says what they cost."""


def charge_for_more(
    chance: Floats, own: Floats, day_rate: tuple[float, float, float]
) -> dict[str, Floats]:
    """Expected KES of so many truck-loads more, by row; contract trucks are booked anew for them.

    ``chance`` holds, per row and number of trucks 0, 1, 2, ..., that more than that are needed. The
    first load costs little where own trucks stand idle, and in the end each costs a contract truck.
    """
    usual = _cost(chance, own, day_rate)
    return {
        name: _cost(_shift(chance, loads), own, day_rate) - usual for name, loads in STEPS.items()
    }


def book(chance: Floats, own: Floats, day_rate: tuple[float, float, float]) -> Floats:
    """Trucks to commit to: one more while the chance of needing it is above its rate over spot's.

    Own trucks stand there anyway.
    """
    _, contract, spot = day_rate
    wanted = (chance > min(contract / spot, 1.0)).sum(axis=1)
    return np.asarray(np.maximum(wanted, own), dtype=np.float64)


def _cost(chance: Floats, own: Floats, day_rate: tuple[float, float, float]) -> Floats:
    """Contract trucks that are booked, and the spot trucks that lack in expectation; KES."""
    _, contract, spot = day_rate
    booked = book(chance, own, day_rate)
    beyond = np.arange(chance.shape[1]) >= booked[:, None]
    return np.asarray((booked - own) * contract + (chance * beyond).sum(axis=1) * spot)


def _shift(chance: Floats, loads: int) -> Floats:
    return np.hstack([np.ones((len(chance), loads)), chance[:, :-loads]])

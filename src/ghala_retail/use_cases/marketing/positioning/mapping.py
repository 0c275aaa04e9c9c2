"""The perceptual map: correspondence analysis of segments and what they buy.

Singular values of the standardised residuals of a table of counts (Greenacre 2017, chapter 4 and
appendix A): rows and columns that go together more than by chance lie on one side of the origin.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_AXES = 2
_DRAWS = 100


@dataclass(frozen=True)
class Map:
    """Principal coordinates of rows and columns on two axes.

    Attributes:
        inertia: the share of all that is not by chance that the two axes show; 0 where nothing is.
        stability: how much of the map is the same when the counts are drawn anew, 0 to 1.
    """

    rows: Floats
    columns: Floats
    inertia: float
    stability: float


def draw_map(counts: Floats, *, seed: int) -> Map:
    """The map of a table of counts; all at the origin where there is one row or one column."""
    rows, columns, inertia = _correspond(counts)
    points = np.vstack([rows, columns])
    whole = (points**2).sum()
    if not whole:
        return Map(rows, columns, 0.0, 0.0)
    random = np.random.default_rng(seed)
    again = (random.poisson(counts).astype(np.float64) for _ in range(_DRAWS))
    left = [_difference(points, np.vstack(_correspond(drawn)[:2])) for drawn in again]
    return Map(rows, columns, inertia, float(np.clip(1 - np.mean(left), 0, 1)))


def lifts(counts: Floats) -> Floats:
    """How much more often than by chance each row has each column; 1 where nothing is known."""
    by_chance = np.outer(counts.sum(1), counts.sum(0)) / max(counts.sum(), 1.0)
    return np.asarray(np.divide(counts, by_chance, out=np.ones(counts.shape), where=by_chance > 0))


def _correspond(counts: Floats) -> tuple[Floats, Floats, float]:
    shares = counts / max(counts.sum(), 1.0)
    row, column = shares.sum(1), shares.sum(0)
    by_chance = np.outer(row, column)
    scale = np.sqrt(np.where(by_chance > 0, by_chance, 1.0))
    left, values, right = np.linalg.svd((shares - by_chance) / scale, full_matrices=False)
    values = np.where(values > 1e-9, values, 0.0)
    places = [np.zeros((n, _AXES)) for n in counts.shape]
    axes = min(_AXES, len(values))
    for place, vectors, mass in zip(places, (left, right.T), (row, column), strict=True):
        root = np.sqrt(np.where(mass > 0, mass, 1.0))[:, None]
        place[:, :axes] = vectors[:, :axes] * values[:axes] / root
    whole = (values**2).sum()
    inertia = float((values[:_AXES] ** 2).sum() / whole) if whole else 0.0
    return (*_signed(*places), inertia)


def _signed(rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Axes point one way on every machine: the farthest column lies on the positive side."""
    for axis in range(_AXES):
        if len(columns) and columns[np.abs(columns[:, axis]).argmax(), axis] < 0:
            rows[:, axis] *= -1
            columns[:, axis] *= -1
    return rows, columns


def _difference(points: Floats, again: Floats) -> float:
    """What of a map is left after the other is turned and scaled onto it (Procrustes), 0 to 1."""
    _, values, _ = np.linalg.svd(again.T @ points)
    size = (again**2).sum() * (points**2).sum()
    return float(1 - values.sum() ** 2 / size) if size else 1.0

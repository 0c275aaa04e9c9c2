"""Joint sample paths: what could happen to many series at once, drawn alike for any slice of them.

Quantiles of series do not add up; paths do. A path is one possible future: every series of a
category, of a location and of the whole company shares that path's shocks of the week, and each
has a level and a draw of its own. All of it is a hash of the seed, the path and the names, so that
whoever draws a slice, in whatever order, meets the same futures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtri

Floats = NDArray[np.float64]
Bits = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_COUNTED = 64.0
"""Up to this mean a count is drawn by going through its probabilities; beyond, by its quantile."""
_LEAST_OWN = 1e-4


@dataclass(frozen=True)
class Shocks:
    """Variances of the logarithm of what series share: all of a week, and a series its weeks."""

    everywhere: float = 0.0
    location: float = 0.0
    category: float = 0.0
    level: float = 0.0

    @property
    def total(self) -> float:
        """The variance of the logarithm that is not a series' and week's own."""
        return self.everywhere + self.location + self.category + self.level

    def own(self, dispersion: Floats) -> Floats:
        """The dispersion that is left to a series and week, so that the whole keeps its spread."""
        return np.asarray(np.maximum((1.0 + dispersion) / np.exp(self.total) - 1.0, _LEAST_OWN))


def fit_shocks(errors: pl.DataFrame) -> Shocks:
    """Sizes of the common shocks, from how errors of different series go together.

    The covariance of relative errors within a group is ``sum of e_i e_j / sum of m_i m_j`` over its
    pairs, where ``e`` is actual less mean ``m``: the method of moments, with every unit alike.

    Args:
        errors: ``as_of, series, target_week, location_id, category, actual, mean``, out of sample.
    """
    week = ["as_of", "target_week"]
    everywhere = max(_covariance(errors, week, apart="category"), 0.0)
    location = _covariance(errors, [*week, "location_id"], apart="category") - everywhere
    category = _covariance(errors, [*week, "category"], apart="location_id") - everywhere
    level = _covariance(errors, ["as_of", "series"], apart="target_week")
    return Shocks(*(float(min(max(one, 0.0), 1.0)) for one in (
        everywhere, location, category, level,
    )))  # fmt: skip


def draw_paths(rows: pl.DataFrame, shocks: Shocks, *, seed: int, paths: int) -> Floats:
    """Counts by row and path.

    Args:
        rows: ``series, location_id, category, target_week, mean, dispersion``; any slice.
        shocks: as fitted with the forecast.
        seed: of the whole set of futures.
        paths: how many; the first of many are the same as few.

    Returns an array of one row per row and one column per path; it takes 8 bytes per number.
    """
    week = rows["target_week"].cast(pl.String)
    lots = _Lots(seed, paths)
    place, kind = (rows[name].fill_null("").cast(pl.String) for name in ("location_id", "category"))
    shared = (
        (shocks.everywhere, ("week", week)),
        (shocks.location, ("location", place, week)),
        (shocks.category, ("category", kind, week)),
        (shocks.level, ("level", rows["series"])),
    )
    logs = np.full((rows.height, paths), -shocks.total / 2)
    for variance, key in shared:
        if variance > 0:
            logs += np.sqrt(variance) * ndtri(lots.uniform(*key))
    mean = np.maximum(rows["mean"].to_numpy().astype(np.float64), 0.0)[:, None] * np.exp(logs)
    own = shocks.own(rows["dispersion"].to_numpy().astype(np.float64))
    return _count(lots.uniform("own", rows["series"], week), mean, own[:, None])


def _covariance(errors: pl.DataFrame, group: Sequence[str], *, apart: str) -> float:
    """The covariance of relative errors over pairs in a group that differ in ``apart``."""
    rows = errors.with_columns(error=pl.col("actual") - pl.col("mean"))
    cells = rows.group_by([*group, apart]).agg(pl.col("error", "mean").sum())
    sums = cells.group_by(group).agg(
        pl.col("error", "mean").sum(),
        error_alone=(pl.col("error") ** 2).sum(),
        mean_alone=(pl.col("mean") ** 2).sum(),
    ).sort(group)  # fmt: skip
    together = (sums["error"] ** 2 - sums["error_alone"]).to_numpy().sum()
    weight = (sums["mean"] ** 2 - sums["mean_alone"]).to_numpy().sum()
    return float(together / weight) if weight > 0 else 0.0


class _Lots:
    """Uniform numbers by name and path."""

    def __init__(self, seed: int, paths: int) -> None:
        self.seed = seed
        steps = np.arange(1, paths + 1, dtype=np.uint64) * _GOLDEN
        self._steps: Bits = _mix(steps)

    def uniform(self, purpose: str, *names: pl.Series) -> Floats:
        """By row and path, in (0, 1); equal names draw equal numbers."""
        keys = pl.select(key=pl.concat_str(*names, separator="|"))["key"]
        distinct = keys.unique()
        start = f"{self.seed}|{purpose}|"
        bits = np.array([_digest(start + name) for name in distinct], dtype=np.uint64)
        codes = pl.DataFrame({"key": distinct, "row": np.arange(len(distinct))})
        rows = keys.to_frame("key").join(codes, on="key", how="left", maintain_order="left")["row"]
        lots = _mix(bits[:, None] ^ self._steps[None, :])
        return np.asarray((((lots >> np.uint64(11)) + 0.5) * 2.0**-53)[rows.to_numpy()])


def _digest(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def _mix(bits: Bits) -> Bits:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):
        mixed = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _count(lot: Floats, mean: Floats, own: Floats) -> Floats:
    """The negative binomial count at each uniform number; ``own`` is its dispersion, by row."""
    flat, size = mean.ravel(), np.broadcast_to(1.0 / own, mean.shape).ravel()
    counts, lots = np.zeros(flat.shape), lot.ravel()
    large = flat > _COUNTED
    if large.any():
        chance = size[large] / (size[large] + flat[large])
        counts[large] = stats.nbinom.ppf(lots[large], size[large], chance)
    rows = np.flatnonzero(~large & (flat > 0))
    step = flat[rows] / (size[rows] + flat[rows])
    chance = np.exp(-size[rows] * np.log1p(flat[rows] / size[rows]))
    left, number = lots[rows] - chance, 0
    while len(rows):
        beyond = left > 0
        rows, step, chance, left = rows[beyond], step[beyond], chance[beyond], left[beyond]
        chance = chance * step * (size[rows] + number) / (number + 1)
        number += 1
        counts[rows] = number
        left = np.where(chance < 1e-300, 0.0, left - chance)
    return counts.reshape(mean.shape)

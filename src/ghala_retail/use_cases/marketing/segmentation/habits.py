"""What customers are like by how they buy: a mixture of multinomials over their bags of habits.

A bag counts levels by kind, ``category:dairy=3|lines:2=1``. Within a segment each kind is a
multinomial, so that a customer with many orders says much and one with a single order little
(latent class analysis, Lazarsfeld & Henry 1968), which k-means on shares cannot weigh. How many
segments there are is decided by what is bought, and how much at once; channel and place then only
help to tell whom a segment holds. A kind of those counts once per customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala.evaluation.metrics import rand_index

Floats = NDArray[np.float32]

TRAITS = ("channel", "place")
_MOST_LEVELS = 40
"""Levels kept of a kind, the most frequent ones."""
_MOST = 8
"""Segments that people can still tell apart."""
_STABLE = 0.9
"""Adjusted Rand index between the labels of two fits on different customers."""
_SURE = 2.0
"""Standard errors by which one segment more must explain customers that no fit has seen."""
_KNOWN_ORDERS = 6
_FIT_ROWS = 10_000
_LEAST_ROWS = 60
_STARTS, _SHORT, _LONG, _KEPT = 6, 15, 100, 2
_TOLERANCE = 1e-4
_CHUNK = 200_000


@dataclass(frozen=True)
class Mixture:
    """Segments: the chance of each level of a kind within each, and their shares.

    Attributes:
        items: ``KIND:LEVEL``, the rows of ``chances``.
        chances: logarithms, items x segments.
        shares: of the customers, in each segment.
    """

    items: tuple[str, ...]
    chances: Floats
    shares: Floats

    def belongs(self, counts: Floats) -> Floats:
        """The probability that each row of ``counts`` is of each segment."""
        return _responsibilities(counts, self.chances, self.shares)[0]


@dataclass(frozen=True)
class Trial:
    """What came of looking for so many segments."""

    segments: int
    stability: float
    gain: float
    """In standard errors, over the best smaller number, on customers that no fit has seen."""


def read_items(bags: pl.Series) -> tuple[str, ...]:
    """The most frequent levels of every kind in the bags, in order."""
    found = _open(bags).group_by("item").agg(pl.col("times").sum())
    kinds = found.with_columns(kind=pl.col("item").str.split(":").list.first())
    most = kinds.sort("times", "item", descending=[True, False]).group_by("kind").head(_MOST_LEVELS)
    return tuple(sorted(most["item"]))


def count_items(bags: pl.Series, items: Sequence[str]) -> Floats:
    """How often each bag holds each item: bags x items. A trait's levels add up to one."""
    known = pl.DataFrame({"item": items}).with_row_index("column")
    counts = np.zeros((len(bags), len(items)), np.float32)
    for begin in range(0, len(bags), _CHUNK):
        found = _open(bags.slice(begin, _CHUNK)).join(known, on="item")
        counts[begin + found["row"].to_numpy(), found["column"].to_numpy()] = found["times"]
    for kind, (begin, end) in find_kinds(items).items():
        if kind in TRAITS:
            counts[:, begin:end] /= np.maximum(counts[:, begin:end].sum(1, keepdims=True), 1)
    return counts


def find_kinds(items: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Where the levels of each kind begin and end."""
    kinds = [item.partition(":")[0] for item in items]
    return {
        kind: (kinds.index(kind), len(kinds) - kinds[::-1].index(kind))
        for kind in dict.fromkeys(kinds)
    }


def fit_mixture(bags: pl.Series, orders: pl.Series, *, seed: int) -> tuple[Mixture, list[Trial]]:
    """Find the segments that are there, and say what came of every number tried.

    Raises:
        ValueError: there are too few customers.
    """
    if len(bags) < _LEAST_ROWS:
        raise ValueError(f"{len(bags)} customers, {_LEAST_ROWS} are the least")
    items = read_items(bags)
    kinds = find_kinds(items)
    chosen = [i for k, span in kinds.items() if k not in TRAITS for i in range(*span)]
    random = np.random.default_rng(seed)
    known = np.flatnonzero(orders.to_numpy() >= _KNOWN_ORDERS)
    known = random.permutation(known if len(known) >= _LEAST_ROWS else len(bags))
    size = min(_FIT_ROWS, len(known) // 3)
    parts = [known[n * size : (n + 1) * size] for n in range(3)]
    habits = tuple(items[i] for i in chosen)
    counts = [count_items(bags[part], items) for part in parts]
    trials, found = _try_numbers([c[:, chosen] for c in counts], habits, random)
    whole = np.concatenate(counts)
    mixture = _add_traits(found, whole, items=items, seen=found.belongs(whole[:, chosen]))
    everyone = random.permutation(len(bags))[: 3 * _FIT_ROWS]
    return _share_out(mixture, count_items(bags[everyone], items)), trials


def _try_numbers(
    parts: Sequence[Floats], items: tuple[str, ...], random: np.random.Generator
) -> tuple[list[Trial], Mixture]:
    """The largest number of segments that two fits agree on, and that explains new customers."""
    one, other, unseen = parts
    trials: list[Trial] = []
    best, told = _fit(one, items, segments=1, random=random), None
    for segments in range(1, _MOST + 1):
        both = [_fit(part, items, segments=segments, random=random) for part in (one, other)]
        labels = [pl.Series(fit.belongs(unseen).argmax(1)) for fit in both]
        explained = _responsibilities(unseen, both[0].chances, both[0].shares)[1]
        gain = 0.0 if told is None else _in_errors(explained - told)
        trials.append(Trial(segments, rand_index(labels[0], labels[1]), gain))
        if told is None or (trials[-1].stability >= _STABLE and gain > _SURE):
            best, told = both[0], explained
    return trials, best


def _in_errors(gains: Floats) -> float:
    spread = float(gains.std()) / max(len(gains), 1) ** 0.5
    return float(gains.mean()) / spread if spread else 0.0


def _fit(
    counts: Floats, items: tuple[str, ...], *, segments: int, random: np.random.Generator
) -> Mixture:
    """The best of several starts by expectation-maximisation."""
    if segments == 1:
        return Mixture(items, _chances(counts.sum(0)[:, None], items), np.ones(1, np.float32))
    starts = [_start(counts, items, segments=segments, random=random) for _ in range(_STARTS)]
    short = sorted((_climb(counts, one, rounds=_SHORT) for one in starts), key=_level)[-_KEPT:]
    return max((_climb(counts, one, rounds=_LONG) for _, one in short), key=_level)[1]


def _level(found: tuple[float, Mixture]) -> float:
    return found[0]


def _start(
    counts: Floats, items: tuple[str, ...], *, segments: int, random: np.random.Generator
) -> Mixture:
    """Segments around a few customers each, drawn by lot."""
    lot = random.choice(len(counts), (segments, min(20, len(counts) // segments)), replace=False)
    sums = np.stack([counts[rows].sum(0) for rows in lot], axis=1)
    sums += counts.mean(0)[:, None] * lot.shape[1]
    return Mixture(items, _chances(sums, items), np.full(segments, 1 / segments, np.float32))


def _climb(counts: Floats, model: Mixture, *, rounds: int) -> tuple[float, Mixture]:
    before = -np.inf
    for _ in range(rounds):
        belongs, explained = _responsibilities(counts, model.chances, model.shares)
        level = float(explained.mean(dtype=np.float64))
        model = Mixture(
            model.items, _chances(counts.T @ belongs, model.items), belongs.mean(0) + 1e-9
        )
        if level - before < _TOLERANCE:
            break
        before = level
    return level, model


def _responsibilities(counts: Floats, chances: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """The probability of each segment, and how well each row is explained (log-likelihood)."""
    scores = counts @ chances + np.log(shares)
    top = scores.max(1, keepdims=True)
    scores = np.exp(scores - top)
    whole = scores.sum(1, keepdims=True)
    return scores / whole, (np.log(whole) + top)[:, 0]


def _chances(sums: Floats, items: Sequence[str]) -> Floats:
    """Logarithms of the chances within each kind; one count more, that nothing is impossible."""
    chances = np.empty(sums.shape, np.float32)
    for begin, end in find_kinds(items).values():
        part = sums[begin:end] + 1
        chances[begin:end] = np.log(part / part.sum(0))
    return chances


def _add_traits(found: Mixture, counts: Floats, *, items: tuple[str, ...], seen: Floats) -> Mixture:
    """Also what channel and place tell, given the segments that habits have shown."""
    start = Mixture(items, _chances(counts.T @ seen, items), found.shares)
    return _climb(counts, start, rounds=_SHORT)[1] if len(found.shares) > 1 else start


def _share_out(mixture: Mixture, counts: Floats) -> Mixture:
    """The shares of the segments among all customers, not only those whose habits are known."""
    shares = mixture.shares
    for _ in range(_SHORT):
        shares = _responsibilities(counts, mixture.chances, shares)[0].mean(0) + 1e-9
    return Mixture(mixture.items, mixture.chances, shares)


def _open(bags: pl.Series) -> pl.DataFrame:
    """The bags as rows: ``row, item, times``."""
    return (
        pl.DataFrame({"bag": bags})
        .with_row_index("row")
        .drop_nulls()
        .with_columns(pl.col("bag").str.split("|"))
        .explode("bag")
        .select(
            pl.col("row").cast(pl.Int64),
            item=pl.col("bag").str.extract(r"^(.*)=\d+$"),
            times=pl.col("bag").str.extract(r"=(\d+)$").cast(pl.Float32),
        )
        .drop_nulls()
    )

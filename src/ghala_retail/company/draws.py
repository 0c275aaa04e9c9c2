"""Random numbers that belong to an entity and a day, whatever else happens in the world.

A draw is a hash of (seed, purpose, day, entity). Two runs that differ in a price or a campaign
therefore draw the same numbers, and their difference is the effect and nothing else.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_BLOCK = 1 << 16
"""Numbers mixed at once: they stay in the processor's cache."""


class Draws:
    """The random numbers of one world, by purpose."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, purpose: str, day: int = 0) -> np.uint64:
        """Where the numbers of a purpose on a day begin."""
        text = f"{self.seed}/{purpose}/{day}".encode()
        digest = hashlib.blake2b(text, digest_size=8).digest()
        return np.uint64(int.from_bytes(digest, "little"))

    def bits(self, purpose: str, entities: Array | int, day: int = 0) -> Array:
        """64 random bits for each entity; an integer means the entities 0, 1, ... below it."""
        numbers = np.arange(entities) if isinstance(entities, int) else entities
        return mix(numbers.astype(np.uint64) * _STEP + self.stream(purpose, day))

    def uniform(self, purpose: str, entities: Array | int, day: int = 0) -> Array:
        """Numbers above 0 and below 1."""
        return to_uniform(self.bits(purpose, entities, day))

    def normal(self, purpose: str, entities: Array | int, day: int = 0) -> Array:
        """Standard normal numbers (Box and Muller)."""
        radius: Array = np.sqrt(-2 * np.log(self.uniform(f"{purpose}/radius", entities, day)))
        angle: Array = 2 * np.pi * self.uniform(f"{purpose}/angle", entities, day)
        drawn: Array = radius * np.cos(angle)
        return drawn

    def integers(
        self, purpose: str, entities: Array | int, *, below: int | Array, day: int = 0
    ) -> Array:
        """Whole numbers from 0 up to, without, ``below``."""
        return (self.uniform(purpose, entities, day) * below).astype(np.int64)

    def chosen(self, purpose: str, entities: Array | int, weights: Array) -> Array:
        """An index into ``weights`` for each entity, as likely as its weight."""
        edges = np.cumsum(weights) / np.sum(weights)
        return np.searchsorted(edges, self.uniform(purpose, entities), side="right").clip(
            max=len(weights) - 1
        )


def mix(numbers: Array) -> Array:
    """Mix 64-bit numbers in place until neighbours have nothing in common (SplitMix64)."""
    flat = numbers.reshape(-1)
    for begin in range(0, flat.size, _BLOCK):
        block = flat[begin : begin + _BLOCK]
        for shift, factor in zip((np.uint64(30), np.uint64(27)), _MIX, strict=True):
            block ^= block >> shift
            block *= factor
        block ^= block >> np.uint64(31)
    return numbers


def spread(bits: Array, count: int) -> Array:
    """``count`` further numbers above 0 and below 1 for each of ``bits``, one row each."""
    return to_uniform(mix(bits[:, None] + np.arange(1, count + 1, dtype=np.uint64) * _STEP))


def to_uniform(bits: Array) -> Array:
    """64 random bits as a number above 0 and below 1."""
    return ((bits >> np.uint64(41)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-23)


def weibull(uniform: Array, shape: float) -> Array:
    """Positive numbers of mean 1 that spread the more, the smaller ``shape`` is."""
    from math import gamma

    return (-np.log(uniform)) ** (1 / shape) / gamma(1 + 1 / shape)

"""Is what was served what history says? The check that finds leaks and skew."""

from collections.abc import Sequence
from datetime import date

import polars as pl

TOLERANCE = 1e-9


def compare_served(
    served: pl.DataFrame, recomputed: pl.DataFrame, *, keys: Sequence[str]
) -> list[str]:
    """Name every feature whose value of the past has changed since it was served.

    A feature that looks into the future gets another value once that future has arrived; so does
    one that is computed differently for training and for scoring.
    """
    both = served.join(recomputed, on=list(keys), how="left", suffix="_now", maintain_order="left")
    missing = both.height - served.join(recomputed, on=list(keys), how="semi").height
    wrong = [f"{missing} of {served.height} served rows are gone from history"] if missing else []
    present = served.join(recomputed, on=list(keys), suffix="_now")
    for name in served.columns:
        if name in keys or f"{name}_now" not in present.columns:
            continue
        changed = _count_changed(present[name], present[f"{name}_now"])
        if changed:
            wrong.append(f"{name} differs in {changed} of {present.height} rows served")
    return wrong


def find_early_labels(examples: pl.DataFrame, as_of: date) -> list[str]:
    """Name examples whose outcome was known when it was predicted, or is not known by ``as_of``."""
    known, ahead = pl.col("known_on") <= pl.col("as_of"), pl.col("known_on") > as_of
    before = examples.filter(known).height
    after = examples.filter(ahead).height
    wrong = [f"{before} outcomes were known before they were predicted"] if before else []
    return wrong + ([f"{after} outcomes are not known by {as_of}"] if after else [])


def _count_changed(before: pl.Series, after: pl.Series) -> int:
    if not (before.dtype.is_numeric() and after.dtype.is_numeric()):
        return int(before.ne_missing(after).sum())
    old, new = before.cast(pl.Float64), after.cast(pl.Float64)
    scale = old.abs().clip(lower_bound=1.0)
    near = old.is_finite() & ((old - new).abs() <= TOLERANCE * scale)
    return int((old.ne_missing(new) & ~near.fill_null(value=False)).sum())

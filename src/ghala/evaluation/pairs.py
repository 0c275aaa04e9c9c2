"""Two sets of predictions of the same rows, side by side: what most gates look at."""

from collections.abc import Sequence

import polars as pl

from ghala.evaluation.gates import losses

KEYS = ("grain", "series", "as_of", "target_week")


def beside_baseline(
    judged: pl.DataFrame, metric: str, *, baseline: str, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Each prediction's loss beside the baseline's.

    Returns ``grain, series, as_of, loss, rival, size`` and ``columns``.
    """
    rival = losses(judged, metric, prefix=baseline)
    return _pair(judged, losses(judged, metric), rival=rival, columns=columns)


def beside_champion(
    judged: pl.DataFrame, champion: pl.DataFrame, metric: str, *, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Each prediction's loss beside the champion's, for the rows that both made."""
    mine = judged.join(champion, on=KEYS, how="semi", maintain_order="left")
    theirs = mine.select(*KEYS, "actual").join(
        champion.drop("actual"), on=KEYS, how="left", maintain_order="left"
    )
    return _pair(mine, losses(mine, metric), rival=losses(theirs, metric), columns=columns)


def _pair(
    rows: pl.DataFrame, own: pl.Series, *, rival: pl.Series, columns: Sequence[str]
) -> pl.DataFrame:
    return rows.select(
        *dict.fromkeys(("grain", "series", "as_of", *columns)),
        size=pl.col("actual").abs(), loss=own, rival=rival,
    )  # fmt: skip

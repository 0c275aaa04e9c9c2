"""Two sets of predictions of the same rows, side by side: what most gates look at."""

from collections.abc import Sequence

import polars as pl

from ghala.contracts.use_case import UseCase
from ghala.evaluation.gates import name_entities

GROUP = "group"


def beside_baseline(
    use_case: UseCase, judged: pl.DataFrame, *, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Each prediction's loss beside the baseline's, in the first metric that is gated.

    Returns ``group, series, as_of, size, loss, rival`` and ``columns``; the size is what an error
    is a share of.
    """
    metric = (*use_case.policy.gates.metrics, use_case.headline)[0]
    own, rival = (
        use_case.losses(judged, metric, who=who) for who in (use_case.answer, use_case.baseline)
    )
    return _pair(use_case, judged, columns).with_columns(loss=own, rival=rival)


def beside_champion(
    use_case: UseCase, judged: pl.DataFrame, champion: pl.DataFrame, *, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Each prediction's loss beside the champion's, for the rows that both made."""
    keys = list(use_case.key)
    mine = judged.join(champion, on=keys, how="semi", maintain_order="left")
    theirs = mine.select(keys).join(champion, on=keys, how="left", maintain_order="left")
    own, rival = (
        use_case.losses(rows, use_case.decisive, who=use_case.answer) for rows in (mine, theirs)
    )
    return _pair(use_case, mine, columns).with_columns(loss=own, rival=rival)


def _pair(use_case: UseCase, rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    return rows.select(
        (pl.col(use_case.group) if use_case.group else pl.lit("")).alias(GROUP),
        "as_of",
        *(name for name in dict.fromkeys(columns) if name != "as_of"),
        name_entities(use_case, rows).alias("series"),
        size=pl.col("actual").abs(),
    )

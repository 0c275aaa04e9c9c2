"""Two sets of predictions of the same rows, side by side: what most gates look at."""

from collections.abc import Sequence

import polars as pl

from ghala.contracts.records import Verdict
from ghala.contracts.use_case import UseCase
from ghala.evaluation.bootstrap import relative_gain
from ghala.evaluation.gates import name_entities
from ghala.evaluation.verdicts import make_verdict

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


def judge_reader(use_case: UseCase, *, then: pl.DataFrame, now: pl.DataFrame) -> Verdict:
    """Whether a use case that reads another one holds what it had ``then``, with its own margin."""
    gates = use_case.policy.gates
    rows = beside_champion(use_case, now, then)
    gain = relative_gain(
        rows, confidence=gates.confidence, seed=use_case.policy.seed, margin=gates.champion_margin
    )
    words = (
        f"{use_case.name} reads it: with its outputs {use_case.decisive} is {gain.estimate:+.1%}"
        f" better over {rows['as_of'].n_unique()} dates; at most {gates.champion_margin:.1%} worse"
        f" with probability {gain.probability:.0%}, {gates.champion_confidence:.0%} is asked."
    )
    figures = {"gain": gain.estimate, "probability": gain.probability}
    passed = gain.probability >= gates.champion_confidence
    return make_verdict(f"downstream:{use_case.name}", words, passed=passed, figures=figures)


def _pair(use_case: UseCase, rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    return rows.select(
        (pl.col(use_case.group) if use_case.group else pl.lit("")).alias(GROUP),
        "as_of",
        *(name for name in dict.fromkeys(columns) if name != "as_of"),
        name_entities(use_case, rows).alias("series"),
        size=pl.col("actual").abs(),
    )

"""Whether a version is good throughout the time that it is judged by."""

import polars as pl

from ghala.contracts.policy import Gates
from ghala.contracts.records import Verdict
from ghala.evaluation.pairs import GROUP
from ghala.evaluation.verdicts import make_verdict


def judge_origins(rows: pl.DataFrame, gates: Gates, *, baseline: str) -> list[Verdict]:
    """Per group, in what share of the backtest's origins the version beat the baseline.

    ``rows`` holds ``group, as_of, loss, rival``: a gain that one good week made is not stable.
    """
    verdicts = []
    for (group,), part in rows.group_by(GROUP, maintain_order=True):
        origins = part.group_by("as_of").agg(pl.col("loss", "rival").sum()).sort("as_of")
        gains = (origins["rival"] - origins["loss"]) / origins["rival"].abs().clip(1e-12)
        won = float((gains.to_numpy() > 0).mean())
        worst, worst_gain = origins["as_of"][gains.arg_min() or 0], float(gains.to_numpy().min())
        words = (
            f"{group or 'It'} is better than {baseline} on {won:.0%} of {origins.height} origins,"
            f" least on {worst} ({worst_gain:+.1%}); {gates.min_origins_won:.0%} is asked."
        )
        figures = {"won": won, "worst": worst_gain}
        passed = won >= gates.min_origins_won
        name = f"stability:{group}" if group else "stability"
        verdicts.append(make_verdict(name, words, passed=passed, figures=figures))
    return verdicts

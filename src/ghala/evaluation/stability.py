"""Gates on whether a version is good throughout: over time, and over what it says."""

import numpy as np
import polars as pl

from ghala.contracts.policy import Gates
from ghala.contracts.records import Decision, Verdict

_BINS = 10


def judge_origins(rows: pl.DataFrame, gates: Gates) -> list[Verdict]:
    """Per grain, in what share of the backtest's origins the version beat the baseline.

    ``rows`` holds ``grain, as_of, loss, rival``: a gain that one good week made is not stable.
    """
    verdicts = []
    for (grain,), part in rows.group_by("grain", maintain_order=True):
        origins = part.group_by("as_of").agg(pl.col("loss", "rival").sum()).sort("as_of")
        gains = 1 - origins["loss"] / origins["rival"].clip(lower_bound=1e-12)
        won = float((gains.to_numpy() > 0).mean())
        worst, worst_gain = origins["as_of"][gains.arg_min() or 0], float(gains.to_numpy().min())
        words = (
            f"{grain}: better than {gates.baseline} on {won:.0%} of {origins.height} origins,"
            f" least on {worst} ({worst_gain:+.1%}); {gates.min_origins_won:.0%} is asked."
        )
        figures = {"won": won, "worst": worst_gain}
        passed = won >= gates.min_origins_won
        verdicts.append(_verdict(f"stability:{grain}", words, passed=passed, figures=figures))
    return verdicts


def judge_calibration(judged: pl.DataFrame, gates: Gates) -> list[Verdict]:
    """Per grain, whether what is said small is small and what is said large is large.

    Predictions are cut into ten groups of equal number by what they said; the error is the sum of
    the groups' absolute gaps between said and true, over what was true in all.
    """
    verdicts = []
    for (grain,), part in judged.group_by("grain", maintain_order=True):
        said, true = (part[name].to_numpy() for name in ("mean", "actual"))
        order = np.argsort(said, kind="stable")
        groups = [group for group in np.array_split(order, _BINS) if len(group)]
        gaps = [abs(said[group].sum() - true[group].sum()) for group in groups]
        error = float(np.sum(gaps) / max(np.abs(true).sum(), 1e-12))
        words = (
            f"{grain}: over {len(groups)} groups from small to large, said and true lie"
            f" {error:.1%} apart; up to {gates.max_calibration_error:.1%} is allowed."
        )
        passed = error <= gates.max_calibration_error
        verdict = _verdict(f"calibration:{grain}", words, passed=passed, figures={"error": error})
        verdicts.append(verdict)
    return verdicts


def _verdict(gate: str, words: str, *, passed: bool, figures: dict[str, float]) -> Verdict:
    return Verdict(gate, Decision.PASS if passed else Decision.FAIL, words, figures)

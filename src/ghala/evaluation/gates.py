"""The gates a version must pass to move up; each verdict carries figures and words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ghala.contracts.policy import Gates
from ghala.contracts.records import Decision, Verdict
from ghala.contracts.use_case import Forecast
from ghala.evaluation.bootstrap import relative_gain
from ghala.evaluation.metrics import bias, coverage, pinball


@dataclass(frozen=True)
class Evidence:
    """What the gates look at.

    Attributes:
        backtest: the version's predictions of past weeks with ``actual``, made as of then.
        champion: the champion's predictions of the same rows; None when there is no champion.
        tests_failed: data tests of the last build that failed.
        leaks: differences between features as served and as recomputed; labels from the future.
    """

    backtest: pl.DataFrame
    champion: pl.DataFrame | None
    tests_failed: Sequence[str]
    leaks: Sequence[str]


def judge_forecast(evidence: Evidence, gates: Gates, *, seed: int) -> list[Verdict]:
    """Every gate of a forecast, per grain where it applies."""
    verdicts = [
        _nothing_wrong("data_tests", evidence.tests_failed, "All data tests of the build pass."),
        _nothing_wrong(
            "leakage", evidence.leaks, "No label is early; no feature served before has changed."
        ),
    ]
    if evidence.backtest.is_empty():
        words = "The backtest holds no prediction that came true; nothing shows that it is good."
        verdicts.append(_verdict("backtest", words, passed=False, figures={}))
    for (grain,), rows in evidence.backtest.group_by("grain", maintain_order=True):
        name = str(grain)
        for metric in gates.metrics:
            verdicts.append(_beats_baseline(rows, name, metric=metric, gates=gates, seed=seed))
        verdicts.append(_bias_is_small(rows, name, gates))
        verdicts.append(_interval_covers(rows, name, gates))
    if evidence.champion is not None:
        verdicts.append(_holds_against_champion(evidence, gates, seed=seed))
    return verdicts


def losses(frame: pl.DataFrame, metric: str, *, prefix: str = "") -> pl.Series:
    """The loss of each prediction: absolute error, or mean pinball loss over the quantiles.

    ``prefix`` names a baseline; empty means the model itself.
    """
    actual = frame["actual"].to_numpy()
    if metric == "wape":
        return (frame[prefix or "mean"] - frame["actual"]).abs()
    parts = [
        pinball(actual, frame[f"{prefix}_{name}" if prefix else name].to_numpy(), level)
        for name, level in Forecast.quantiles.items()
    ]
    return pl.Series("loss", np.mean(parts, axis=0))


def _beats_baseline(
    rows: pl.DataFrame, grain: str, *, metric: str, gates: Gates, seed: int
) -> Verdict:
    pairs = pl.DataFrame(
        {
            "series": rows["series"],
            "loss": losses(rows, metric),
            "rival": losses(rows, metric, prefix=gates.baseline),
        }
    )
    gain = relative_gain(pairs, confidence=gates.confidence, seed=seed)
    words = (
        f"{grain}: {metric} is {gain.estimate:+.1%} better than {gates.baseline}"
        f" ({gates.confidence:.0%} interval {gain.low:+.1%} to {gain.high:+.1%});"
        " the interval must lie above 0."
    )
    figures = {"gain": gain.estimate, "low": gain.low, "high": gain.high}
    name = f"beats_{gates.baseline}:{metric}:{grain}"
    return _verdict(name, words, passed=gain.low > 0, figures=figures)


def _bias_is_small(rows: pl.DataFrame, grain: str, gates: Gates) -> Verdict:
    value = bias(rows["actual"].to_numpy(), rows["mean"].to_numpy())
    words = f"{grain}: bias {value:+.1%}; up to {gates.max_abs_bias:.1%} either way is allowed."
    passed = abs(value) <= gates.max_abs_bias
    return _verdict(f"bias:{grain}", words, passed=passed, figures={"bias": value})


def _interval_covers(rows: pl.DataFrame, grain: str, gates: Gates) -> Verdict:
    value = coverage(rows)
    low, high = gates.coverage
    words = f"{grain}: the 80 % interval covers {value:.1%}; {low:.0%} to {high:.0%} is allowed."
    passed = low <= value <= high
    return _verdict(f"coverage:{grain}", words, passed=passed, figures={"coverage": value})


def _holds_against_champion(evidence: Evidence, gates: Gates, *, seed: int) -> Verdict:
    assert evidence.champion is not None  # noqa: S101 - the caller looked
    keys = ["grain", "series", "as_of", "target_week"]
    both = evidence.backtest.join(evidence.champion, on=keys, suffix="_champion")
    if both.is_empty():
        return _verdict("champion", "No week was forecast by both.", passed=False, figures={})
    scale = both["actual"].sum() or 1.0
    rival = pl.DataFrame(
        {name: both[f"{name}_champion"] for name in Forecast.quantiles} | {"actual": both["actual"]}
    )
    pairs = pl.DataFrame(
        {
            "series": both["grain"] + both["series"],
            "loss": losses(both, "pinball") / scale,
            "rival": losses(rival, "pinball") / scale,
        }
    )
    margin = gates.champion_margin
    gain = relative_gain(pairs, confidence=gates.confidence, seed=seed, margin=margin)
    weeks = both["target_week"].n_unique()
    words = (
        f"Pinball loss is {gain.estimate:+.2%} better than the champion's over {weeks} weeks;"
        f" it is at most {margin:.1%} worse with probability {gain.probability:.0%},"
        f" {gates.champion_confidence:.0%} is asked."
    )
    figures = {"gain": gain.estimate, "probability": gain.probability, "weeks": float(weeks)}
    passed = gain.probability >= gates.champion_confidence
    return _verdict("champion", words, passed=passed, figures=figures)


def _nothing_wrong(gate: str, wrong: Sequence[str], words: str) -> Verdict:
    figures = {"failed": float(len(wrong))}
    return _verdict(gate, "; ".join(wrong[:5]) or words, passed=not wrong, figures=figures)


def _verdict(gate: str, words: str, *, passed: bool, figures: dict[str, float]) -> Verdict:
    return Verdict(gate, Decision.PASS if passed else Decision.FAIL, words, figures)

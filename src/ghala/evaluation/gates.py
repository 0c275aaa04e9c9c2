"""The gates a version must pass to move up; each verdict carries figures and words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from ghala.contracts.records import Verdict
from ghala.contracts.use_case import UseCase
from ghala.evaluation.bootstrap import relative_gain
from ghala.evaluation.verdicts import make_verdict, nothing_wrong


@dataclass(frozen=True)
class Evidence:
    """What the gates look at.

    Attributes:
        backtest: the version's predictions of past targets with ``actual``, made as of then.
        champion: the champion's predictions of the same rows; None when there is no champion.
        tests_failed: data tests of the last build that failed.
        leaks: differences between features as served and as recomputed; labels from the future.
    """

    backtest: pl.DataFrame
    champion: pl.DataFrame | None
    tests_failed: Sequence[str]
    leaks: Sequence[str]


def judge(use_case: UseCase, evidence: Evidence) -> list[Verdict]:
    """Every gate of a version: those that all kinds share, and those of its kind per group."""
    verdicts = [
        nothing_wrong("data_tests", evidence.tests_failed, "All data tests of the build pass."),
        nothing_wrong(
            "leakage", evidence.leaks, "No label is early; no feature served before has changed."
        ),
    ]
    if why := why_not_judged(use_case, evidence.backtest):
        return [*verdicts, make_verdict("backtest", why, passed=False, figures={})]
    for name, rows in split(use_case, evidence.backtest):
        own = [
            *(_beats_baseline(use_case, rows, metric=m) for m in use_case.policy.gates.metrics),
            *use_case.checks(rows),
        ]
        verdicts += [_of_group(verdict, name) for verdict in own]
    if evidence.champion is not None:
        verdicts.append(_holds_against_champion(use_case, evidence.backtest, evidence.champion))
    return verdicts


def why_not_judged(use_case: UseCase, backtest: pl.DataFrame) -> str | None:
    """Why nothing can be said of a backtest, in words; None when something can."""
    if backtest.is_empty():
        return "The backtest holds no prediction that came true; nothing shows that it is good."
    lacking = {use_case.answer, use_case.baseline} - set(backtest.columns)
    if lacking:
        return (
            f"The backtest was made before {use_case.name} had {', '.join(sorted(lacking))}; train"
            " again."
        )
    return None


def split(use_case: UseCase, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The sets of rows that are judged apart, by name; one without a name when there is one."""
    if use_case.group is None or rows.is_empty():
        yield from [("", rows)] if rows.height else []
        return
    for (name,), part in rows.group_by(use_case.group, maintain_order=True):
        yield str(name), part


def name_entities(use_case: UseCase, rows: pl.DataFrame) -> pl.Series:
    """What is resampled: errors of one entity are not independent."""
    return rows.select(series=pl.concat_str(use_case.entity, separator="|"))["series"]


def _of_group(verdict: Verdict, name: str) -> Verdict:
    if not name:
        return replace(verdict, reason=verdict.reason[0].upper() + verdict.reason[1:])
    return replace(verdict, gate=f"{verdict.gate}:{name}", reason=f"{name}: {verdict.reason}")


def _beats_baseline(use_case: UseCase, rows: pl.DataFrame, *, metric: str) -> Verdict:
    gates, baseline = use_case.policy.gates, use_case.baseline
    pairs = pl.DataFrame(
        {
            "series": name_entities(use_case, rows),
            "loss": use_case.losses(rows, metric, who=use_case.answer),
            "rival": use_case.losses(rows, metric, who=baseline),
        }
    )
    gain = relative_gain(pairs, confidence=gates.confidence, seed=use_case.policy.seed)
    words = (
        f"{metric.replace('_', ' ')} is {gain.estimate:+.1%} better than {baseline}"
        f" ({gates.confidence:.0%} interval {gain.low:+.1%} to {gain.high:+.1%});"
        " the interval must lie above 0."
    )
    figures = {"gain": gain.estimate, "low": gain.low, "high": gain.high}
    name = f"beats_{baseline}:{metric}"
    return make_verdict(name, words, passed=gain.low > 0, figures=figures)


def _holds_against_champion(
    use_case: UseCase, backtest: pl.DataFrame, champion: pl.DataFrame
) -> Verdict:
    gates, metric = use_case.policy.gates, use_case.decisive
    keys = list(use_case.key)
    shared = backtest.join(champion, on=keys, how="semi", maintain_order="left")
    rival = shared.select(keys).join(champion, on=keys, how="left", maintain_order="left")
    if shared.is_empty():
        return make_verdict("champion", "Nothing was predicted by both.", passed=False, figures={})
    pairs = pl.DataFrame(
        {
            "series": name_entities(use_case, shared),
            "loss": use_case.losses(shared, metric, who=use_case.answer),
            "rival": use_case.losses(rival, metric, who=use_case.answer),
        }
    )
    seed, margin = use_case.policy.seed, gates.champion_margin
    gain = relative_gain(pairs, confidence=gates.confidence, seed=seed, margin=margin)
    dates = shared[use_case.target[0]].n_unique()
    words = (
        f"{metric.replace('_', ' ')} is {gain.estimate:+.2%} better than the champion's over"
        f" {dates} dates; it is at most {margin:.1%} worse with probability {gain.probability:.0%},"
        f" {gates.champion_confidence:.0%} is asked."
    )
    figures = {"gain": gain.estimate, "probability": gain.probability, "dates": float(dates)}
    passed = gain.probability >= gates.champion_confidence
    return make_verdict("champion", words, passed=passed, figures=figures)

"""Gates on parts of the business: none gets worse, all are served about alike.

The frames hold one row per prediction: ``series``, the ``loss`` and that of the ``rival``, its
``size`` (what an error is a share of), and the columns that name the parts.
"""

from collections.abc import Iterator

import polars as pl

from ghala.contracts.policy import Slices
from ghala.contracts.records import Verdict
from ghala.evaluation.bootstrap import Gain, relative_gain
from ghala.evaluation.verdicts import make_verdict

_NAMED = 5


def judge_slices(
    rows: pl.DataFrame, rule: Slices, *, rival: str, confidence: float, seed: int
) -> list[Verdict]:
    """Per column, whether a part got worse than ``rival`` by more than is allowed.

    A part counts as worse when the whole paired bootstrap interval of the difference lies beyond
    ``max_loss``, as with the champion's margin: the worst of many noisy estimates is no proof. The
    more parts, the wider the interval (Bonferroni), so that none of many fails by chance.
    """
    verdicts = []
    for column in rule.columns:
        parts = dict(_parts(rows, column, least=rule.min_rows))
        sure = 1 - (1 - confidence) / max(len(parts), 1)
        gains = {
            name: relative_gain(part, confidence=sure, seed=seed) for name, part in parts.items()
        }
        # Asked this way round, a loss that is no number counts as worse.
        fine = {name for name, gain in gains.items() if gain.high >= -rule.max_loss}
        worse = {name: gain for name, gain in gains.items() if name not in fine}
        verdicts.append(_slice_verdict(column, gains, worse, rule=rule, rival=rival))
    return verdicts


def judge_fairness(rows: pl.DataFrame, rule: Slices) -> list[Verdict]:
    """Per column, whether the error of a part is out of proportion to the error of the whole."""
    verdicts = []
    for column in rule.alike:
        whole = _relative(rows)
        ratios = {
            name: _relative(part) / max(whole, 1e-12)
            for name, part in _parts(rows, column, least=rule.min_rows)
        }
        most = max(ratios, key=lambda name: ratios[name], default=None)
        figures = {f"{column}={name}": ratio for name, ratio in ratios.items()}
        if most is None:
            words, passed = f"{column}: no part has {rule.min_rows} rows to judge it by.", False
        else:
            passed = all(ratio <= rule.max_ratio for ratio in ratios.values())
            words = (
                f"{column}: of {len(ratios)} parts {most} is served worst, with"
                f" {ratios[most]:.2f} times the error of the whole; up to {rule.max_ratio:.2f}"
                " times is allowed."
            )
        verdicts.append(make_verdict(f"fairness:{column}", words, passed=passed, figures=figures))
    return verdicts


def _slice_verdict(
    column: str, gains: dict[str, Gain], worse: dict[str, Gain], *, rule: Slices, rival: str
) -> Verdict:
    figures = {f"{column}={name}": gain.estimate for name, gain in gains.items()}
    name = f"slices:{column}"
    if not gains:
        words = f"{column}: no part has {rule.min_rows} rows to judge it by."
        return make_verdict(name, words, passed=False, figures=figures)
    if worse:
        told = [
            f"{part} is {-gain.estimate:.1%} worse ({-gain.high:.1%} to {-gain.low:.1%})"
            for part, gain in sorted(worse.items(), key=lambda one: one[1].estimate)
        ]
        words = (
            f"{column}, against {rival}: {'; '.join(told[:_NAMED])}; {rule.max_loss:.1%} is allowed"
            f" ({len(worse)} of {len(gains)} parts)."
        )
    else:
        least = min(gains, key=lambda part: gains[part].estimate)
        words = (
            f"{column}: none of {len(gains)} parts is worse than {rival} by more than"
            f" {rule.max_loss:.1%} for certain; the least gain is {gains[least].estimate:+.1%}"
            f" ({gains[least].low:+.1%} to {gains[least].high:+.1%}), in {least}."
        )
    return make_verdict(name, words, passed=not worse, figures=figures)


def _parts(rows: pl.DataFrame, column: str, *, least: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """The parts that a column names, with enough rows and not without any sale, by name."""
    for (name,), part in sorted(rows.group_by(column), key=lambda one: str(one[0][0])):
        if part.height >= least and name is not None and part["size"].sum() > 0:
            yield str(name), part


def _relative(rows: pl.DataFrame) -> float:
    return float(rows["loss"].sum()) / max(float(rows["size"].sum()), 1e-12)

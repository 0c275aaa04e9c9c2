"""Verdicts: what one gate says, with its figures and its reason in words."""

from collections.abc import Sequence

from ghala.contracts.records import Decision, Verdict


def make_verdict(gate: str, words: str, *, passed: bool, figures: dict[str, float]) -> Verdict:
    """The verdict of a gate that passed or failed."""
    return Verdict(gate, Decision.PASS if passed else Decision.FAIL, words, figures)


def nothing_wrong(gate: str, wrong: Sequence[str], words: str) -> Verdict:
    """The verdict of a gate that lists what is wrong; ``words`` is said when nothing is."""
    figures = {"failed": float(len(wrong))}
    return make_verdict(gate, "; ".join(wrong[:5]) or words, passed=not wrong, figures=figures)


def level_verdict(bias: float, *, limit: float) -> Verdict:
    """Whether what was said is right in sum: ``bias`` is relative, above zero when too high."""
    words = f"bias {bias:+.1%}; up to {limit:.1%} either way is allowed."
    return make_verdict("bias", words, passed=abs(bias) <= limit, figures={"bias": bias})

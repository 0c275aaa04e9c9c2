"""How figures and dates are written on a page: the same for every reader's locale."""

import math
from typing import Any

NARROW_SPACE = "\u202f"
MINUS = "\u2212"
UNKNOWN = "–"
_METRICS = {
    "wape": "WAPE is the sum of the absolute errors over the sum of the actuals.",
    "squared_error": "Squared error is the mean of the squared differences to what happened.",
    "cost": "Cost is what the decisions cost per row, in the company's currency.",
}


def count(value: int | None) -> str:
    """A whole number with thin spaces between thousands."""
    if value is None:
        return UNKNOWN
    return f"{value:,}".replace(",", NARROW_SPACE).replace("-", MINUS)


def percent(share: float | None, *, signed: bool = False) -> str:
    """A share as a percentage with one decimal."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    written = f"{share * 100:+,.1f}" if signed else f"{share * 100:,.1f}"
    if written in {"+0.0", "-0.0"}:
        written = "0.0"
    return written.replace(",", NARROW_SPACE).replace("-", MINUS) + NARROW_SPACE + "%"


def signed_percent(share: float | None) -> str:
    """A share as a percentage that always shows its sign."""
    return percent(share, signed=True)


def gain(share: float | None) -> str:
    """How a version compares with its baseline, in words that need no colour."""
    if share is None or not math.isfinite(share):
        return "not known yet"
    written = percent(abs(share))
    if written == percent(0.0):
        return "level"
    return f"{written} {'better' if share > 0 else 'worse'}"


def verdict(share: float | None) -> str:
    """The class of a comparison, for its colour."""
    if share is None or not math.isfinite(share) or percent(share) in {percent(0.0)}:
        return "level"
    return "better" if share > 0 else "worse"


def loss(row: dict[str, Any], which: str) -> str:
    """A loss of a row: WAPE is a share, others have the unit of the outcome."""
    value = row.get(which)
    if row.get("metric") == "wape" or value is None or not math.isfinite(value):
        return percent(value)
    return f"{value:,.4g}".replace(",", NARROW_SPACE).replace("-", MINUS)


def figure(value: float) -> str:
    """A figure of any kind: a whole number, else three decimals."""
    if float(value).is_integer() and abs(value) > 1:
        return count(int(value))
    return f"{value:.3f}".replace("-", MINUS)


def words(name: str) -> str:
    """A column's name as words."""
    return name.replace("_", " ")


def metric(name: str) -> str:
    """The heading of a metric."""
    return "WAPE" if name == "wape" else words(name).capitalize()


def explained(name: str) -> str:
    """What a metric is, in one sentence."""
    return _METRICS.get(name, "")


def bar_lengths(row: dict[str, Any]) -> dict[str, float] | None:
    """Lengths, of 100, of the error of a version and of its baseline; None when one is unknown."""
    errors = [row.get("loss"), row.get("baseline_loss")]
    known = [error for error in errors if error is not None and math.isfinite(error)]
    if len(known) != len(errors) or min(known) < 0:  # what earns money has a cost below zero
        return None
    full = max(*known, 1e-9)
    own, baseline = (round(100 * error / full, 1) for error in known)
    return {"own": own, "baseline": baseline}


FILTERS = {
    "count": count,
    "percent": percent,
    "signed_percent": signed_percent,
    "gain": gain,
    "verdict": verdict,
    "loss": loss,
    "metric": metric,
    "explained": explained,
    "figure": figure,
    "words": words,
    "bar_lengths": bar_lengths,
}

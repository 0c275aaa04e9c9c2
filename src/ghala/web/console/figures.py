"""How figures and dates are written on a page: the same for every reader's locale."""

import math
from typing import Any

NARROW_SPACE = "\u202f"
MINUS = "\u2212"
UNKNOWN = "–"


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


def words(name: str) -> str:
    """A column's name as words."""
    return name.replace("_", " ")


def bar_lengths(row: dict[str, Any]) -> dict[str, float] | None:
    """Lengths, of 100, of the error of a version and of its baseline; None when one is unknown."""
    errors = [row.get("wape"), row.get("baseline_wape")]
    known = [error for error in errors if error is not None and math.isfinite(error)]
    if len(known) != len(errors):
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
    "words": words,
    "bar_lengths": bar_lengths,
}

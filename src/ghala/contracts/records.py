"""The facts that rooms hand to each other, and that the ledger keeps."""

from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """Where a version stands on the road to production."""

    STAGING = "staging"
    UAT = "uat"
    PRODUCTION = "production"
    ARCHIVED = "archived"


class Decision(StrEnum):
    """The outcome of a check or of a look at a model."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    FAIL = "fail"
    RETRAIN = "retrain"
    KEEP = "keep"


@dataclass(frozen=True)
class Verdict:
    """What one gate says of one version, with its figures and its reason in words."""

    gate: str
    decision: Decision
    reason: str
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the gate lets the version through."""
        return self.decision is Decision.PASS

    def as_dict(self) -> dict[str, Any]:
        """The verdict as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class BatchReceipt:
    """What became of one delivered file. ``rows_in == rows_loaded + rows_quarantined``."""

    batch_id: str
    source: str
    feed: str
    file: str
    sha256: str
    arrived_on: date
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    reasons: dict[str, int]
    already_loaded: bool = False


@dataclass(frozen=True)
class RetrainDecision:
    """Whether a use case must be trained again, and every reason that says so."""

    due: bool
    reasons: tuple[str, ...]
    next_due: date | None = None


@dataclass(frozen=True)
class RollbackDecision:
    """Whether production must go back to the version before, and every reason that says so."""

    due: bool
    leave: int | None = None
    reasons: tuple[str, ...] = ()

"""Time: business dates are given, only the record of an act reads the wall clock."""

from datetime import UTC, date, datetime, timedelta

WEEK = timedelta(days=7)


def now() -> datetime:
    """The moment an act is recorded in the ledger (UTC, whole seconds). Never a model input."""
    return datetime.now(UTC).replace(microsecond=0)


def today() -> date:
    """The default of ``--as-of`` on the command line, and of nothing else."""
    return now().date()


def every(start: date, end: date, days: int) -> list[date]:
    """The business dates from ``start`` to ``end`` (both included), ``days`` apart."""
    count = (end - start).days // days
    return [start + timedelta(days=days * step) for step in range(count + 1)]

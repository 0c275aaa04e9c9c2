"""A demonstration: a company whose weeks pass in minutes, brought by a pack."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ghala.contracts.settings import Company


@dataclass(frozen=True)
class Demonstration:
    """What ``ghala demo --data NAME`` runs.

    Attributes:
        name: what it is called on the command line.
        source: the source whose inbox ``deliver`` fills.
        use_cases: the use cases to run, as unit/name.
        company: whose workspace it is.
        last: the day of the last run; the weeks before it are counted back from there.
        deliver: writes every file, named for the day it would arrive, into the source's inbox.
            Raises ModuleNotFoundError where the data is not installed.
        notice: where the data comes from, and that it is no company's own.
    """

    name: str
    source: str
    use_cases: tuple[str, ...]
    company: Company
    last: date
    deliver: Callable[[Path], None]
    notice: str

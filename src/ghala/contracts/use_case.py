"""A use case: one decision that a unit makes with a model, in one folder.

The folder holds the class below in ``use_case.py``, the numbers in ``policy.yml``, the model
card in ``README.md`` and two questions to the warehouse, each one SQL statement:

``subjects.sql``
    What is predicted: one row per entity and target, for each ``as_of`` of the relation
    ``origins``, with what was planned for the target *as known at that time*.
``outcomes.sql``
    What then happened: one row per entity and target that has come true, with the day it
    became known (``known_on``) and ``actual``.

The training set is the scoring set of the past joined to its outcomes, so that what a model
learns from and what it later sees are made by the same statement.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from ghala.contracts.policy import Policy


class UseCase(ABC):
    """What a data scientist writes. Everything else is there.

    Attributes:
        name: ``unit/name``, from the folder's path; set by discovery.
        folder: where the use case lives; set by discovery.
        policy: the numbers in force; set by discovery.
        entity: the columns that say what a row is about, e.g. ``("grain", "series")``.
        target: the columns that say which of its outcomes is meant, e.g. ``("target_week",)``.
        features: names of feature views, joined as they were known at ``as_of``.
        watched: inputs whose drift is watched; none means every one of them.
        baselines: columns of the predictions that a version is compared with.
        needs: entities of the warehouse that some source must bring, e.g. ``("order_lines",)``.
    """

    name: str
    folder: Path
    policy: Policy

    entity: ClassVar[tuple[str, ...]]
    target: ClassVar[tuple[str, ...]]
    features: ClassVar[tuple[str, ...]]
    watched: ClassVar[tuple[str, ...]] = ()
    baselines: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def unit(self) -> str:
        """The unit that decides."""
        return self.name.split("/")[0]

    @property
    def subjects_sql(self) -> str:
        """The statement that lists what is predicted."""
        return (self.folder / "subjects.sql").read_text(encoding="utf-8")

    @property
    def outcomes_sql(self) -> str:
        """The statement that lists what then happened."""
        return (self.folder / "outcomes.sql").read_text(encoding="utf-8")

    @abstractmethod
    def fit(self, examples: pl.DataFrame, *, seed: int) -> Any:
        """Learn from past subjects with their features and ``actual``."""

    @abstractmethod
    def predict(self, model: Any, subjects: pl.DataFrame) -> pl.DataFrame:
        """Predict, one row out per row in, in the same order."""

    @abstractmethod
    def save(self, model: Any, folder: Path) -> None:
        """Write the model to an empty folder, in formats that run no code when loaded."""

    @abstractmethod
    def load(self, folder: Path) -> Any:
        """Read what ``save`` wrote."""


class Forecast(UseCase):
    """A quantity over future weeks.

    A forecast may be made at several grains at once; ``grain`` names one and ``series`` the member.
    Predictions carry ``mean, p10, p50, p90`` in the outcome's unit, the baselines ``naive`` (last
    week), ``recent_mean`` (last four weeks) and ``smart_mean`` (the strong simple rule, with its
    own ``smart_mean_p10, smart_mean_p50, smart_mean_p90``).
    """

    entity: ClassVar[tuple[str, ...]] = ("grain", "series")
    target: ClassVar[tuple[str, ...]] = ("target_week",)
    baselines: ClassVar[tuple[str, ...]] = ("naive", "recent_mean", "smart_mean")
    quantile_baselines: ClassVar[tuple[str, ...]] = ("smart_mean",)
    quantiles: ClassVar[dict[str, float]] = {"p10": 0.1, "p50": 0.5, "p90": 0.9}

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify one prediction of one version."""
        return (*self.entity, "as_of", *self.target)

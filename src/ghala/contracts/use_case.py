"""A use case: one decision that a unit makes with a model, in one folder.

The folder holds one class in ``use_case.py``, the numbers in ``policy.yml``, the model card in
``README.md`` and two questions to the warehouse, each one SQL statement:

``subjects.sql``
    What is predicted: one row per entity and target, for each ``as_of`` of the relation
    ``origins``, with what was planned for the target *as known at that time*.
``outcomes.sql``
    What then happened: one row per entity and target that has come true, with the day it
    became known (``known_on``) and ``actual``. When the target is ``as_of`` itself (what happens
    in the days after it), the statement reads ``origins`` too. It may say more of what happened
    (``learned``), such as which of several actions was taken: ``fit`` sees that, ``predict`` never.

The training set is the scoring set of the past joined to its outcomes, so that what a model
learns from and what it later sees are made by the same statement.

The class is of a kind: a forecast, a score, a segment or an optimised decision, in
``ghala.evaluation``. Kinds differ in what is predicted and how it is judged. What they share is
``losses``: how wrong each row is, for the model as for a baseline or the champion. Gates, the
user acceptance test and the watch compare nothing else.
"""

from abc import ABC, abstractmethod
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from ghala.contracts.errors import ConfigurationError
from ghala.contracts.policy import Policy
from ghala.contracts.records import Verdict

NUMBER, WHOLE, TEXT, DAY = "DOUBLE PRECISION", "INTEGER", "VARCHAR", "DATE"
"""Types of columns of predictions, alike on every engine."""
_FRAMED = {NUMBER: pl.Float64, WHOLE: pl.Int32, TEXT: pl.String}


def table_of(use_case: str, what: str) -> str:
    """The table of a use case's ``predictions`` or ``outcomes``, in the schema ``platform``."""
    return f"{use_case.replace('/', '__')}_{what}"


def last_target(use_case: "UseCase", as_of: date) -> date:
    """The last day of the schedule of which it can be known by ``as_of`` what happened."""
    every = use_case.policy.every_days
    return as_of - timedelta(days=-(-use_case.horizon_days // every) * every)


def hindsight_of(use_case: "UseCase") -> tuple[str, ...]:
    """The columns of an example that were not known when it was a subject."""
    return ("actual", "known_on", *use_case.learned)


class UseCase(ABC):
    """What a data scientist writes. Everything else is there.

    Attributes:
        name: ``unit/name``, from the folder's path; set by discovery.
        folder: where the use case lives; set by discovery.
        policy: the numbers in force; set by discovery.
        entity: the columns that say what a row is about, e.g. ``("customer_id",)``.
        target: the date columns that say which of its outcomes is meant, e.g.
            ``("target_week",)``; ``("as_of",)`` means what happens in the days from then on.
        horizon_days: days from the target until what happened is known.
        features: feature views, or single features as ``view.feature``, joined as they were known
            at ``as_of``.
        watched: inputs whose drift is watched; none means every one of them.
        baselines: columns of the predictions that a version is compared with, strongest first.
        needs: entities of the warehouse that some source must bring, e.g. ``("order_lines",)``.
        reads: use cases whose predictions this one reads; they run before it.
        optional: those of ``reads`` that it can do without: where the workspace does not run one,
            or it has not spoken yet, its features are null.
        hears: use cases whose last word before this run it takes, through a model of the warehouse:
            they may run after it, and read it themselves.
        kept: further columns of ``predict`` that are kept beside the predictions, by type.
        is_tuned_only: outcomes only tune how the model uses what subjects carry, such as a
            forecast; it may be good after a fit on shuffled outcomes, and is not probed by one.
        drawn_by: the columns by which subjects are drawn where the policy asks for a share; rows
            that agree in them are drawn together. none means each entity on each day by itself.
        learned: further columns of ``outcomes.sql``, which only ``fit`` sees.

    A kind sets the rest:

    Attributes:
        rules: how ``policy.yml`` is read.
        answer: the column of the predictions that holds the model's own answer.
        group: the column that splits rows into sets that are judged apart, if there is one.
        metrics: what ``losses`` can measure; lower is better.
        headline: the metric that people are shown.
        decisive: the metric by which a challenger is compared with the champion.
        money: the metric that is what acting on an answer cost, in the company's currency; None
            where the use case does not count money.
        noun: what its predictions are called, e.g. ``forecasts``.
    """

    name: str
    folder: Path
    policy: Policy

    entity: ClassVar[tuple[str, ...]]
    target: ClassVar[tuple[str, ...]] = ("as_of",)
    horizon_days: ClassVar[int]
    features: ClassVar[tuple[str, ...]] = ()
    watched: ClassVar[tuple[str, ...]] = ()
    baselines: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    hears: ClassVar[tuple[str, ...]] = ()
    kept: ClassVar[dict[str, str]] = {}
    is_tuned_only: ClassVar[bool] = False
    drawn_by: ClassVar[tuple[str, ...]] = ()
    learned: ClassVar[tuple[str, ...]] = ()

    rules: ClassVar[type[Policy]]
    answer: ClassVar[str]
    group: ClassVar[str | None] = None
    metrics: ClassVar[tuple[str, ...]]
    headline: ClassVar[str]
    decisive: ClassVar[str]
    money: ClassVar[str | None] = None
    noun: ClassVar[str]

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

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify one prediction of one version."""
        return tuple(dict.fromkeys((*self.entity, "as_of", *self.target)))

    @property
    def baseline(self) -> str:
        """The baseline that a version must beat: the policy's, else the strongest."""
        return self.policy.gates.baseline or self.baselines[0]

    @property
    @abstractmethod
    def columns(self) -> dict[str, str]:
        """What ``predict`` says of each subject, by type: the answer, and the baselines'."""

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

    @abstractmethod
    def losses(self, rows: pl.DataFrame, metric: str, *, who: str) -> pl.Series:
        """How wrong each row is by a metric; their mean is the metric.

        Args:
            rows: predictions with their ``actual``.
            metric: one of ``metrics``.
            who: the column that answers: ``answer`` or one of ``baselines``.
        """

    @abstractmethod
    def figures(self, rows: pl.DataFrame) -> dict[str, float]:
        """What else the kind measures of predictions with their ``actual``, such as a bias."""

    @abstractmethod
    def checks(self, rows: pl.DataFrame) -> list[Verdict]:
        """The kind's own gates beside those on losses."""

    def ask(self, model: Any, subjects: pl.DataFrame) -> pl.DataFrame:
        """The predictions for subjects: their key, the columns of the kind and those kept.

        ``predict`` is not asked about nothing: no subjects give no rows, in the same columns.

        Raises:
            ConfigurationError: ``predict`` lost rows or columns.
        """
        if subjects.is_empty():
            types = {name: _FRAMED[kind] for name, kind in {**self.columns, **self.kept}.items()}
            return subjects.select(self.key).hstack(pl.DataFrame(schema=types))
        said = self.predict(model, subjects)
        wanted = [*self.columns, *self.kept]
        missing = [name for name in wanted if name not in said.columns]
        if missing or said.height != subjects.height:
            raise ConfigurationError(
                f"predict of {self.name} gave {said.height} rows for {subjects.height} subjects"
                + (f", without {', '.join(missing)}." if missing else "."),
                f"Give one row per subject, in the same order, with {', '.join(wanted)}.",
            )
        return subjects.select(self.key).hstack(said.select(wanted))

    def judge(
        self, model: Any, examples: pl.DataFrame, *, before: Any | None = None
    ) -> pl.DataFrame:
        """The predictions for past subjects beside what happened.

        ``before`` is the model of an earlier fit, for kinds that compare one fit with the next.
        """
        said = self.ask(model, examples.drop(hindsight_of(self)))
        return said.with_columns(examples["actual"].cast(pl.Float64))

"""Feature views: named groups of features of one entity."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from ghala.contracts.errors import ConfigurationError, suggest
from ghala.contracts.use_case import DAY, NUMBER, TEXT, WHOLE, table_of

Function = Literal[
    "count", "sum", "mean", "min", "max", "last", "distinct", "median", "stddev_samp"
]
LONGEST = 365
"""Days of the longest window."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Window:
    """An aggregation over the days before ``as_of``.

    Counts are whole numbers; ``sum``, ``mean``, ``median`` and ``stddev_samp`` are floats on every
    engine; ``min``, ``max`` and ``last`` have the type of their value.

    Args:
        name: the feature's name.
        function: what is done with the values; ``last`` takes the newest one, ``distinct`` counts
            the different ones.
        value: a column of the view's source, or an SQL expression over its columns.
        days: length of the window, 1 to 365; None means all that was known.
        where: an SQL condition on the rows that count.
        description: what it says, with its unit.

    Raises:
        ConfigurationError: there is no such function, or the window is too long or too short.
    """

    name: str
    function: Function
    value: str
    days: int | None = None
    where: str | None = None
    description: str = ""

    def __post_init__(self) -> None:
        if self.function not in get_args(Function):
            raise ConfigurationError(
                f"Feature {self.name!r}: no function {self.function!r}."
                f" {suggest(self.function, get_args(Function))}",
                "Correct the function of the feature.",
            )
        if self.days is not None and not 1 <= self.days <= LONGEST:
            raise ConfigurationError(
                f"Feature {self.name!r} has a window of {self.days} days; 1 to {LONGEST} can be.",
                "Correct the days, or leave them out for all that was known.",
            )

    @property
    def words(self) -> str:
        """What the feature says, for a person."""
        span = f"over the last {self.days} days" if self.days else "over all that was known"
        only = f" where {self.where}" if self.where else ""
        return self.description or f"{self.function} of {self.value}{only} {span}"


@dataclass(frozen=True)
class Derived:
    """A feature computed from other features of the view and ``as_of``, as one SQL expression."""

    name: str
    sql: str
    description: str = ""

    @property
    def words(self) -> str:
        """What the feature says, for a person."""
        return self.description or self.sql


def ratio(name: str, part: str, whole: str, *, description: str = "") -> Derived:
    """One feature divided by another; null where the other is zero."""
    sql = f"CAST({part} AS DOUBLE PRECISION) / nullif({whole}, 0)"
    return Derived(name, sql, description or f"{part} divided by {whole}")


def days_since(name: str, day: str, *, description: str = "") -> Derived:
    """Whole days from a feature that is a date to ``as_of``."""
    return Derived(name, f"CAST(as_of - {day} AS BIGINT)", description or f"days since {day}")


@dataclass(frozen=True)
class FeatureView:
    """Features of one entity, from one relation of the warehouse.

    A row of the source is seen on ``as_of`` when it happened before that day, had arrived by it,
    and no newer state of it had.

    Args:
        name: how use cases ask for it.
        entity: the columns that identify the entity, in the source and in the request.
        source: the warehouse relation, ``schema.name``, or a query in parentheses.
        event_time: the date column on which a row happened.
        known_on: the date column on which a row had arrived; it decides what a request may see.
        superseded_on: the date column on which a newer state of the row arrived, null while it is
            the newest; None when rows are never corrected.
        ttl_days: an entity that had no event in so many days has lapsed: its features are null.
            None means as long as its longest window.
        online: whether its newest values are kept for answers at once.
        windows: the aggregations.
        derived: what follows from them.
        shown: the features that are returned, in this order; none means every one.
        said_by: the use case whose predictions these are, if they are some.
        unsaid: what takes the source's place while that use case has no predictions: the same
            columns, and no row.
        description: what it is for.
        owner: who answers for it.

    Raises:
        ConfigurationError: its name or a feature's is not an SQL identifier.
    """

    name: str
    entity: tuple[str, ...]
    source: str
    event_time: str
    known_on: str
    description: str
    owner: str
    windows: tuple[Window, ...]
    derived: tuple[Derived, ...] = field(default=())
    superseded_on: str | None = None
    ttl_days: int | None = None
    online: bool = False
    shown: tuple[str, ...] = ()
    said_by: str | None = None
    unsaid: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot be the name of a feature view in SQL.",
                "Use small letters, digits and underscores, a letter first: customer_orders.",
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The features in the order in which they are returned."""
        return self.shown or tuple(feature.name for feature in self.features)

    @property
    def features(self) -> tuple[Window | Derived, ...]:
        """Every feature that is declared."""
        return (*self.windows, *self.derived)

    @property
    def needed(self) -> tuple[Window, ...]:
        """The windows that are returned, or that a returned feature is derived from."""
        derived = [one for one in self.derived if one.name in self.columns]
        named = {*self.columns, *(word for one in derived for word in _words_of(one.sql))}
        return tuple(window for window in self.windows if window.name in named)

    @property
    def lifetime(self) -> int | None:
        """Days without an event after which an entity has lapsed; None means never."""
        return self.ttl_days if self.ttl_days is not None else self.reach

    @property
    def reach(self) -> int | None:
        """How many days before ``as_of`` an event can still matter; None means any."""
        days = [window.days for window in self.windows]
        if None in days:
            return None
        return max(day for day in (*days, self.ttl_days) if day is not None)

    def silent(self) -> "FeatureView":
        """The view of predictions before there are any: the same features, all of them null."""
        windows = tuple(replace(window, where=None) for window in self.windows)
        return replace(self, source=self.unsaid, windows=windows)

    def narrowed(self, names: Iterable[str]) -> "FeatureView":
        """The view with these features only; what lapses, and when, stays what it was.

        Raises:
            ConfigurationError: the view has no such feature.
        """
        known = [feature.name for feature in self.features]
        shown = tuple(dict.fromkeys(names))
        for name in shown:
            if name not in known:
                raise ConfigurationError(
                    f"The feature view {self.name!r} has no feature {name!r}."
                    f" {suggest(name, known)}",
                    f"See them with `ghala features describe {self.name}`.",
                )
        return replace(self, shown=shown)


@dataclass(frozen=True)
class Said:
    """A feature that is one column of what a use case predicts.

    Args:
        column: the column of the predictions, one of those kept beside them included.
        kind: its type, ``NUMBER``, ``WHOLE``, ``TEXT`` or ``DAY`` of ``ghala.contracts.use_case``.
        where: which row is meant, where several are said of an entity on one day: an SQL condition
            on columns of the predictions, such as ``horizon = 1``.
        name: the feature's name; the column's when absent.
        description: what it says, with its unit.
    """

    column: str
    kind: str = NUMBER
    where: str | None = None
    name: str = ""
    description: str = ""


def predictions_of(
    use_case: str, *, name: str, owner: str, entity: tuple[str, ...], says: Iterable[Said],
    ttl_days: int = 14,
) -> FeatureView:  # fmt: skip
    """The predictions of a use case's champion as a feature view, so that another model reads them.

    What was said on a day counts on that day. ``version`` and ``said_on`` tell which version said
    it, and when; what is older than ``ttl_days`` has lapsed. Before the use case has spoken, and in
    a workspace that does not run it, every feature is null.

    Args:
        use_case: whose predictions, as unit/name.
        name: of the view.
        owner: who answers for it.
        entity: the columns of its entity that identify a row here.
        says: which columns are features.
        ttl_days: how long a prediction holds.
    """
    said = tuple(says)
    windows = (
        Window("version", "last", "version", ttl_days, description="The version that said it."),
        Window("said_on", "last", "said_on", ttl_days, description="The day it was said."),
        *(
            Window(one.name or one.column, "last", one.column, ttl_days, one.where,
                   one.description or f"{one.column} that {use_case} says.")
            for one in said
        ),
    )  # fmt: skip
    kinds = {**dict.fromkeys(entity, TEXT), "version": WHOLE}
    kinds |= {"said_on": DAY, "learned_until": DAY} | {one.column: one.kind for one in said}
    nothing = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in kinds.items())
    return FeatureView(
        name=name,
        entity=entity,
        source="(SELECT *, as_of AS said_on, as_of - 1 AS learned_until"  # noqa: S608
        f" FROM platform.{table_of(use_case, 'predictions')} WHERE role = 'champion')",
        unsaid=f"(SELECT {nothing} WHERE 1 = 0)",
        said_by=use_case,
        event_time="learned_until",
        known_on="said_on",
        description=f"What the champion of {use_case} says.",
        owner=owner,
        ttl_days=ttl_days,
        online=True,
        windows=windows,
    )


def forecasts_of(
    use_case: str, *, name: str, owner: str, horizons: Iterable[int], kept: Iterable[str] = (),
    ttl_days: int = 14,
) -> FeatureView:  # fmt: skip
    """The forecasts of a use case's champion as a feature view, horizon by horizon in weeks.

    ``mean_1w`` and ``dispersion_1w`` give the whole distribution of next week, and so paths.
    ``kept`` are numbers that are kept beside the forecasts, alike for every horizon.
    """
    numbers = ("mean", "p10", "p50", "p90", "dispersion")
    kinds = {"target_week": DAY, **dict.fromkeys(numbers, NUMBER)}
    ahead = (
        Said(column, kind, f"horizon = {n}", f"{column}_{n}w")
        for n in horizons
        for column, kind in kinds.items()
    )
    entity = ("grain", "series")
    says = (*(Said(column) for column in kept), *ahead)
    return predictions_of(
        use_case, name=name, owner=owner, entity=entity, says=says, ttl_days=ttl_days
    )


def _words_of(sql: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", sql))

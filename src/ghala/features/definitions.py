"""Feature views: named groups of features of one entity."""

from dataclasses import dataclass, field
from typing import Literal

Function = Literal["avg", "sum", "min", "max", "count", "median", "stddev_samp", "last"]


@dataclass(frozen=True)
class Window:
    """An aggregation over the days before ``as_of``.

    Args:
        name: the feature's name.
        function: an SQL aggregate, or ``last`` for the newest value.
        value: a column of the view's source, or an SQL expression over its columns.
        days: length of the window; None means all that was known.
        where: an SQL condition on the rows that count.
    """

    name: str
    function: Function
    value: str
    days: int | None = None
    where: str | None = None


@dataclass(frozen=True)
class Derived:
    """A feature computed from other features of the view, as one SQL expression."""

    name: str
    sql: str


@dataclass(frozen=True)
class FeatureView:
    """Features of one entity, from one relation of the warehouse.

    Args:
        name: how use cases ask for it.
        entity: the columns that identify the entity, in the source and in the request.
        source: the warehouse relation, ``schema.name``.
        event_time: the date column on which a row happened.
        known_on: the date column on which a row had arrived; it decides what a request may see.
        windows: the aggregations.
        derived: what follows from them.
        description: what it is for.
        owner: who answers for it.
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

    @property
    def columns(self) -> tuple[str, ...]:
        """The features in the order in which they are returned."""
        return (*(w.name for w in self.windows), *(d.name for d in self.derived))

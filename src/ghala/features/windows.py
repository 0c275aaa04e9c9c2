"""One feature view as SQL: what was seen of each entity on each day asked for, window by window.

A view whose functions can be put together from parts is *folded*: its source is added up per entity
and day before it meets the request, then per row of the request and *band* (the days between two
window lengths); the windows are put together from their bands. So thirty windows cost little more
than one, and an entity with a thousand events a day as much as one with a single event.
A median cannot be put together from parts: a view that has one is read row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ghala.contracts.dialect import Dialect, filtered, quoted
from ghala.features.definitions import FeatureView, Function, Window

_WHOLE = frozenset(["median", "stddev_samp"])
_FRACTIONAL = frozenset(["sum", "mean", "median", "stddev_samp"])


def view_sql(request: str, view: FeatureView, *, dialect: Dialect) -> str:
    """The statement that gives the features of ``view`` per entity and ``as_of`` of ``request``.

    An entity of which nothing was seen, or that has lapsed, is not in the answer.
    """
    whole = any(window.function in _WHOLE for window in view.needed)
    inner = (Rows if whole else Bands)(request, view, dialect).sql()
    derived = {one.name: one.sql for one in view.derived}
    chosen = [quoted(key) for key in (*view.entity, "as_of")]
    chosen += [
        f"{derived[name]} AS {quoted(name)}" if name in derived else quoted(name)
        for name in view.columns
    ]
    return f"SELECT {', '.join(chosen)} FROM ({inner}) AS windows"  # noqa: S608 - declared in code


@dataclass(frozen=True)
class Rows:
    """A view that meets the request row by row."""

    request: str
    view: FeatureView
    dialect: Dialect

    @cached_property
    def entity(self) -> str:
        """The columns of the entity."""
        return ", ".join(quoted(column) for column in self.view.entity)

    @cached_property
    def keys(self) -> str:
        """The columns of the entity and the day, as asked for."""
        return ", ".join(f"asked.{quoted(column)}" for column in (*self.view.entity, "as_of"))

    @cached_property
    def asked(self) -> str:
        """Each entity and day of the request once."""
        return f"(SELECT DISTINCT {self.entity}, as_of FROM {self.request}) AS asked"  # noqa: S608

    def sql(self) -> str:
        """The windows of every entity and day that has any."""
        view = self.view
        windows = ", ".join(self._window(window) for window in view.needed)
        on = self._meets(event=view.event_time, known=view.known_on, superseded=view.superseded_on)
        return (
            f"SELECT {self.keys}, {windows} FROM {self.asked}"  # noqa: S608 - declared in code
            f" JOIN {view.source} AS source ON {on}"
            f" GROUP BY {self.keys}{self._alive(f'source.{view.event_time}', 'asked.as_of')}"
        )

    def _window(self, window: Window) -> str:
        view = self.view
        conditions = [f"({window.where})"] if window.where else []
        if window.days is not None:
            conditions.append(f"source.{view.event_time} >= asked.as_of - {window.days}")
        where = " AND ".join(conditions) or None
        if window.function == "last":
            # Of two rows of one day the one that arrived last counts, so their order does not.
            order = (f"source.{view.event_time}", f"source.{view.known_on}", window.value)
            call = self.dialect.newest(window.value, order, where=where)
        elif window.function == "median":
            call = self.dialect.median(window.value, where=where)
        elif window.function == "distinct":
            call = filtered(f"count(DISTINCT {window.value})", where)
        else:
            function = "avg" if window.function == "mean" else window.function
            call = filtered(f"{function}({window.value})", where)
        return _named(window, call)

    def _meets(self, *, event: str, known: str, superseded: str | None) -> str:
        """Which rows of the source a row of the request sees."""
        reach = self.view.reach
        conditions = [
            *(f"source.{quoted(c)} = asked.{quoted(c)}" for c in self.view.entity),
            f"source.{event} < asked.as_of",
            f"source.{known} <= asked.as_of",
        ]
        if superseded:
            newer = f"source.{superseded}"
            conditions.append(f"({newer} IS NULL OR {newer} > asked.as_of)")
        if reach is not None:
            conditions.append(f"source.{event} >= asked.as_of - {reach}")
        return " AND ".join(conditions)

    def _alive(self, event: str, as_of: str) -> str:
        """The condition on the groups of an entity that has not lapsed."""
        ttl = self.view.ttl_days
        return f" HAVING max({event}) >= {as_of} - {ttl}" if ttl is not None else ""


@dataclass(frozen=True)
class Part:
    """What is added up of one value: per day, then per band, then per window."""

    function: Function
    value: str
    where: str | None


class Bands(Rows):
    """A view that is folded to days, bands and windows."""

    @cached_property
    def parts(self) -> dict[Part, str]:
        """What is added up, with the name of its column."""
        found = dict.fromkeys(part for w in self.view.needed for part in _parts(w))
        return {part: f"part_{number}" for number, part in enumerate(found)}

    @cached_property
    def bounds(self) -> list[int]:
        """The lengths of the windows, shortest first."""
        return sorted({window.days for window in self.view.needed if window.days is not None})

    def sql(self) -> str:
        """The windows of every entity and day that has any."""
        by_day = "".join(f", {_of_rows(p, self.dialect)} AS {n}" for p, n in self.parts.items())
        by_band = "".join(f", {_of_days(p, n, self.dialect)}" for p, n in self.parts.items())
        windows = "".join(
            f", {_named(window, self._put_together(window))}"
            for window in self.view.needed
            if window.function != "distinct"
        )
        counted, columns = self._distinct()
        return (
            f"WITH days AS (SELECT {self._day}{by_day}"  # noqa: S608 - declared in code
            f" FROM {self.view.source} AS source WHERE {self._wanted}"
            f" GROUP BY {', '.join(str(n + 1) for n in range(self._day.count(', ') + 1))}),"
            f" bands AS (SELECT {self.keys}, {self._band} AS band,"
            f" max(source.event_on) AS event_on{by_band}"
            f" FROM {self.asked} JOIN days AS source ON {self._met} GROUP BY {self.keys}, band),"
            f" folded AS (SELECT {self.entity}, as_of{windows} FROM bands"
            f" GROUP BY {self.entity}, as_of{self._alive('event_on', 'as_of')})"
            f" SELECT folded.*{columns} FROM folded{counted}"
        )

    @cached_property
    def _day(self) -> str:
        """The columns by which the source is folded."""
        view = self.view
        times = {"event_on": view.event_time, "known_on": view.known_on}
        times |= {"superseded_on": view.superseded_on} if view.superseded_on else {}
        named = [f"source.{quoted(column)}" for column in view.entity]
        return ", ".join([*named, *(f"source.{column} AS {n}" for n, column in times.items())])

    @cached_property
    def _met(self) -> str:
        newer = "superseded_on" if self.view.superseded_on else None
        return self._meets(event="event_on", known="known_on", superseded=newer)

    @cached_property
    def _wanted(self) -> str:
        """Which rows of the source any row of the request can see."""
        view = self.view
        entity = ", ".join(f"source.{quoted(column)}" for column in view.entity)
        first = f"(SELECT min(as_of) FROM {self.request})"  # noqa: S608 - declared in code
        last = f"(SELECT max(as_of) FROM {self.request})"  # noqa: S608 - declared in code
        conditions = [
            f"({entity}) IN (SELECT {self.entity} FROM {self.request})",  # noqa: S608
            f"source.{view.event_time} < {last}",
            f"source.{view.known_on} <= {last}",
        ]
        if view.reach is not None:
            conditions.append(f"source.{view.event_time} >= {first} - {view.reach}")
        if view.superseded_on:
            newer = f"source.{view.superseded_on}"
            conditions.append(f"({newer} IS NULL OR {newer} > {first})")
        return " AND ".join(conditions)

    @cached_property
    def _band(self) -> str:
        """The number of the shortest window that a day lies in."""
        cases = " ".join(
            f"WHEN source.event_on >= asked.as_of - {days} THEN {number}"
            for number, days in enumerate(self.bounds)
        )
        return f"CASE {cases} ELSE {len(self.bounds)} END" if cases else "0"

    def _put_together(self, window: Window) -> str:
        where = None if window.days is None else f"band <= {self.bounds.index(window.days)}"
        found = [
            self.dialect.newest(self.parts[part], ("-band",), where=where)
            if part.function == "last"
            else filtered(f"{_again(part)}({self.parts[part]})", where)
            for part in _parts(window)
        ]
        if window.function == "mean":
            return f"CAST({found[1]} AS DOUBLE PRECISION) / nullif({found[0]}, 0)"
        return f"coalesce({found[0]}, 0)" if window.function == "count" else found[0]

    def _distinct(self) -> tuple[str, str]:
        """What counts different values: the join that adds it, and its columns.

        A value lies in a window when its newest day does.
        """
        counted = [window for window in self.view.needed if window.function == "distinct"]
        joins = []
        for number, part in enumerate(dict.fromkeys((w.value, w.where) for w in counted)):
            windows = ", ".join(
                f"{filtered('count(*)', f'event_on >= as_of - {w.days}' if w.days else None)}"
                f" AS {quoted(w.name)}"
                for w in counted
                if (w.value, w.where) == part
            )
            joins.append(
                f" LEFT JOIN (SELECT {self.entity}, as_of, {windows}"  # noqa: S608
                f" FROM ({self._newest_of_each(*part)}) AS each_value"
                f" GROUP BY {self.entity}, as_of) AS distinct_{number} USING ({self.entity}, as_of)"
            )
        columns = (_named(w, f"coalesce({quoted(w.name)}, 0)") for w in counted)
        return "".join(joins), "".join(f", {column}" for column in columns)

    def _newest_of_each(self, value: str, where: str | None) -> str:
        only = f" AND ({where})" if where else ""
        return (
            f"SELECT {self.keys}, source.counted, max(source.event_on) AS event_on"  # noqa: S608
            f" FROM {self.asked} JOIN (SELECT DISTINCT {self._day}, {value} AS counted"
            f" FROM {self.view.source} AS source WHERE ({value}) IS NOT NULL{only}"
            f" AND {self._wanted}) AS source ON {self._met} GROUP BY {self.keys}, source.counted"
        )


def _parts(window: Window) -> Iterator[Part]:
    """What a window is put together from."""
    functions: tuple[Function, ...] = (window.function,)
    if window.function == "mean":
        functions = ("count", "sum")
    elif window.function == "distinct":
        functions = ()
    for function in functions:
        yield Part(function, window.value, window.where)


def _of_rows(part: Part, dialect: Dialect) -> str:
    if part.function == "last":  # within a day and its arrival the greatest value counts
        return dialect.newest(part.value, (part.value,), where=part.where)
    return filtered(f"{part.function}({part.value})", part.where)


def _of_days(part: Part, name: str, dialect: Dialect) -> str:
    column = f"source.{name}"
    if part.function == "last":
        order = ("source.event_on", "source.known_on", column)
        return f"{dialect.newest(column, order, where=None)} AS {name}"
    return f"{_again(part)}({column}) AS {name}"


def _again(part: Part) -> str:
    """What adds up what was added up before."""
    return "sum" if part.function == "count" else part.function


def _named(window: Window, call: str) -> str:
    """The column with one type on every engine; each has its own idea of a sum's or a mean's."""
    if window.function in _FRACTIONAL:
        call = f"CAST({call} AS DOUBLE PRECISION)"
    elif window.function in ("count", "distinct"):
        call = f"CAST({call} AS BIGINT)"
    return f"{call} AS {quoted(window.name)}"

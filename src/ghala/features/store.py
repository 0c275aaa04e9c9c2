"""The feature store of a workspace: what is declared, and its values as they were known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from ghala.contracts.errors import ConfigurationError, UsageError
from ghala.contracts.settings import Workspace
from ghala.features.checks import compare_served
from ghala.features.definitions import FeatureView
from ghala.features.history import definitions_hash, find_views, pick_views
from ghala.features.online import OnlineStore, Values, open_online
from ghala.features.reading import SEEN, dated, read_history, read_newest, read_some
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.opening import open_warehouse

_SAMPLE = 500


@dataclass(frozen=True)
class Asked:
    """The views that are asked for, each once, and view and feature of each column in order."""

    views: list[FeatureView]
    names: list[tuple[str, str]]

    def beside(self, frame: pl.DataFrame, found: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """The request with the features under the names they were asked for."""
        by_view = {view.name: one for view, one in zip(self.views, found, strict=True)}
        columns = [by_view[v].get_column(name).alias(f"{v}.{name}") for v, name in self.names]
        return frame.hstack(columns)

    def require_free(self, frame: pl.DataFrame) -> None:
        """Refuse a request with columns of the same names, such as an earlier answer."""
        taken = [f"{v}.{name}" for v, name in self.names if f"{v}.{name}" in frame.columns]
        if taken:
            raise UsageError(
                f"The request already has the column {', '.join(map(repr, taken))}.",
                "Drop or rename it, or do not ask for that feature.",
            )


@dataclass(frozen=True)
class FeatureStore:
    """Every feature view of a workspace.

    Features are asked for as ``view.feature``, or as ``view`` for all of a view's. They come back
    under the names they were asked for, after the columns of the request.
    """

    workspace: Workspace

    @cached_property
    def views(self) -> dict[str, FeatureView]:
        """What is declared, by name."""
        return find_views(self.workspace)

    @cached_property
    def kept(self) -> OnlineStore:
        """Where the newest values are."""
        return open_online(self.workspace)

    def history(self, frame: pl.DataFrame, features: Sequence[str]) -> pl.DataFrame:
        """The features of each row's entity, as they were known on the row's ``as_of``.

        One row in is one row out, in the same order; an entity that was unknown or has lapsed has
        nulls. ``as_of`` is a day; a time with a zone counts as its day in the company's.

        Raises:
            UsageError: there is no such feature; the request lacks a column or a day, or holds a
                feature already.
            ConfigurationError: a view cannot be read.
            TryAgain: a pipeline has the warehouse open.
        """
        asked = self._asked(tuple(features))
        wanted = [column for view in asked.views for column in view.entity]
        _require_columns(frame, [*wanted, "as_of"])
        asked.require_free(frame)
        days = _read_days(frame["as_of"], self.workspace)
        _require_days(days)
        dated = frame.with_columns(days)
        with open_warehouse(self.workspace) as warehouse:
            found = [read_history(warehouse, view, dated) for view in asked.views]
        return asked.beside(frame, found)

    def online(
        self, frame: pl.DataFrame, features: Sequence[str], *, as_of: date | None = None
    ) -> pl.DataFrame:
        """The newest features of each row's entity: what ``history`` said when they were kept.

        ``ages`` tells how long ago that was.

        Args:
            frame: the request.
            features: as for ``history``.
            as_of: the day of asking: an entity that has lapsed since has nulls.

        Raises:
            UsageError: a view is not kept online; the request lacks a column, or holds a feature.
            TryAgain: its values were never kept, or were kept by another definition.
        """
        asked = self._asked(tuple(features))
        _require_columns(frame, [column for view in asked.views for column in view.entity])
        asked.require_free(frame)
        for view in asked.views:
            _require_online(view)
        found = [
            self.kept.fetch(view, frame, definition=self._definitions[view.name], by=as_of)
            for view in asked.views
        ]
        return asked.beside(frame, found)

    def ages(self, features: Sequence[str], as_of: date) -> list[dict[str, Any]]:
        """Per view of ``features``: as of which day its values are kept, and how old that is.

        Raises:
            TryAgain: they were never kept, or were kept by another definition.
        """
        ages = []
        for view in self._asked(tuple(features)).views:
            kept_on = self.kept.kept_on(view, definition=self._definitions[view.name])
            age = (as_of - kept_on).days
            lapses = view.lifetime
            ages.append(
                {"view": view.name, "as_of": kept_on, "age_days": age, "lapses_after_days": lapses}
            )
        return ages

    def materialize(
        self, as_of: date, names: Iterable[str] = (), *, warehouse: Warehouse
    ) -> list[dict[str, Any]]:
        """Keep the values of every entity as known on ``as_of``, whole view by whole view.

        Args:
            as_of: the business date.
            names: the views; every one that is declared online when there is none.
            warehouse: where their sources are.

        Raises:
            UsageError: a view is not declared online.
        """
        chosen = list(names) or [name for name, view in self.views.items() if view.online]
        kept = []
        for view in _pick(self.views, chosen):
            _require_online(view)
            values = read_newest(warehouse, view, as_of)
            self.kept.replace(view, Values(values, as_of, self._definitions[view.name]))
            kept.append({"view": view.name, "as_of": as_of, "entities": values.height})
        return kept

    def describe(self, name: str) -> dict[str, Any]:
        """What a view says and of whom, feature by feature."""
        [view] = _pick(self.views, [name])
        return {
            "view": view.name,
            "description": view.description,
            "owner": view.owner,
            "entity": list(view.entity),
            "source": view.source,
            "lapses after": f"{view.lifetime} days" if view.lifetime is not None else "never",
            "corrections": view.superseded_on or "none",
            "online": view.online,
            "definition": self._definitions[name],
            "features": [{"feature": one.name, "says": one.words} for one in view.features],
        }

    def renew(self, as_of: date, *, warehouse: Warehouse) -> list[dict[str, Any]]:
        """Keep anew, as known on ``as_of``, every view that was kept once."""
        names = [view.name for view in self._kept_views()]
        return self.materialize(as_of, names, warehouse=warehouse) if names else []

    def check(
        self, *, warehouse: Warehouse, due: date | None = None, entities: int = _SAMPLE
    ) -> list[str]:
        """Name every way in which what is kept online is not what history says.

        A sample of ``entities`` of what is kept is compared with history, and one of history with
        what is kept. A view that was kept as of a day before ``due``, or by another definition, is
        stale.
        """
        wrong = []
        for view in self._kept_views():
            definition = self._definitions[view.name]
            kept = self.kept.sample(view, definition=definition, rows=entities)
            if kept is None:
                wrong.append(f"online {view.name}: stale, kept by another definition")
                continue
            found = _compare_kept(warehouse, view, kept)
            there = read_some(warehouse, view, kept.as_of, entities=entities)
            answered = self.kept.fetch(dated(view), there, definition=definition)
            if missing := answered[SEEN].null_count():
                found.append(f"{missing} of {there.height} entities are missing")
            if due is not None and kept.as_of < due:
                found.append(f"stale, {due} was due")
            wrong += [f"online {view.name} of {kept.as_of}: {one}" for one in found]
        return wrong

    def _kept_views(self) -> list[FeatureView]:
        """The views of which values are kept and that are still declared online."""
        names = self.kept.views()
        return [view for name, view in self.views.items() if name in names and view.online]

    @cached_property
    def _definitions(self) -> dict[str, str]:
        return {name: definitions_hash([view]) for name, view in self.views.items()}

    @cached_property
    def _plans(self) -> dict[tuple[str, ...], Asked]:
        return {}

    def _asked(self, features: tuple[str, ...]) -> Asked:
        """What the references mean; thought through once."""
        if features not in self._plans:
            named = self._names(features)
            by_view: dict[str, list[str]] = {}
            for view, name in named:
                by_view.setdefault(view, []).append(name)
            wanted = [f"{view}.{name}" for view, names in by_view.items() for name in names]
            views = _pick(self.views, wanted)
            self._plans[features] = Asked(views, named)
        return self._plans[features]

    def _names(self, features: Sequence[str]) -> list[tuple[str, str]]:
        """View and feature of each column of the answer, in order."""
        if not features:
            raise UsageError("No feature is asked for.", "Name some, such as customer.orders_30d.")
        named: list[tuple[str, str]] = []
        for reference in features:
            view, _, name = reference.partition(".")
            [found] = _pick(self.views, [view])
            named += [(view, one) for one in ([name] if name else found.columns)]
        return list(dict.fromkeys(named))


def _pick(known: Mapping[str, FeatureView], names: Sequence[str]) -> list[FeatureView]:
    """The views that someone asks for.

    Raises:
        UsageError: there is no such view or feature.
    """
    try:
        return pick_views(known, names)
    except ConfigurationError as error:
        raise UsageError(error.message, "See them with `ghala features list`.") from error


def _compare_kept(warehouse: Warehouse, view: FeatureView, kept: Values) -> list[str]:
    if kept.frame.is_empty():
        return []
    keys = kept.frame.select(view.entity).with_columns(as_of=kept.as_of)
    said = pl.concat([keys, read_history(warehouse, view, keys)], how="horizontal")
    return compare_served(kept.frame, said.drop("as_of"), keys=view.entity)


def _require_columns(frame: pl.DataFrame, wanted: Iterable[str]) -> None:
    lacking = [name for name in dict.fromkeys(wanted) if name not in frame.columns]
    if lacking:
        raise UsageError(
            f"The request has no column {', '.join(map(repr, lacking))}; it has"
            f" {', '.join(frame.columns)}.",
            "Name the columns of the entities as the feature views do, and the day as_of.",
        )


def _require_online(view: FeatureView) -> None:
    if not view.online:
        raise UsageError(
            f"The feature view {view.name!r} is not declared online.",
            "Declare it with online=True, or ask for its history.",
        )


def _read_days(moments: pl.Series, workspace: Workspace) -> pl.Series:
    """The business days of a column of days, times or ISO text."""
    kind = moments.dtype
    try:
        if kind == pl.String:
            return moments.str.to_date("%Y-%m-%d")
        if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
            return moments.dt.convert_time_zone(str(workspace.zone)).dt.date()
        if not kind.is_temporal():
            raise _not_days(moments)
        return moments.cast(pl.Date)
    except pl.exceptions.PolarsError as error:
        raise _not_days(moments) from error


def _require_days(days: pl.Series) -> None:
    if lacking := days.null_count():
        raise UsageError(
            f"as_of is empty in {lacking} of {days.len()} rows.",
            "Give each row the day on which its features are to be known.",
        )


def _not_days(moments: pl.Series) -> UsageError:
    return UsageError(
        f"as_of holds {moments.dtype} values, such as {moments.first()!r}, that are no days.",
        "Give as_of as a date, or as text such as 2024-05-01.",
    )

"""Subjects with their features, and past subjects with what then happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import DataRejected
from ghala.contracts.use_case import UseCase, hindsight_of
from ghala.features.definitions import FeatureView
from ghala.features.history import history_sql
from ghala.features.questions import ORIGINS, asking
from ghala.features.reading import blaming, heard
from ghala.features.windows import view_sql
from ghala.warehouse.engines.engine import Warehouse


@dataclass(frozen=True)
class Request:
    """For which days, and for what share of the entities on the days before ``whole_from``.

    The draw depends on what is drawn alone, so that it is the same on every machine. ``caps`` are
    the shares of large groups, by name, that are drawn on every day.
    """

    origins: Sequence[date]
    share: float = 1.0
    whole_from: date = date.min
    caps: Mapping[str, float] = field(default_factory=dict)


def read_subjects(
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    views: Sequence[FeatureView],
    request: Request,
) -> pl.DataFrame:
    """What is predicted on each day of the request, with features as they were known then.

    Raises:
        DataRejected: nothing was known on any of the days, or a use case that this one cannot do
            without had not spoken by any.
    """
    featured = _prepare(warehouse, use_case, views=views, request=request)
    order = _order(use_case)
    frame = warehouse.frame(f"SELECT * FROM ({featured}) AS featured ORDER BY {order}")  # noqa: S608
    if frame.is_empty():
        raise DataRejected(
            f"{use_case.name}: nothing was known by {max(request.origins)} that could be"
            " predicted.",
            "Run `ghala build` if files were landed since; else choose a later --as-of.",
        )
    return frame


def read_examples(
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    views: Sequence[FeatureView],
    request: Request,
    as_of: date,
) -> pl.DataFrame:
    """Past subjects with their features, and what was known on ``as_of`` of what then happened.

    Raises:
        DataRejected: no outcome was known yet, or a use case that this one cannot do without had
            not spoken.
    """
    keys = ", ".join((*use_case.entity, *use_case.target))
    warehouse.keep("origins", ORIGINS, {"days": list(request.origins)})
    told = ", ".join(quoted(name) for name in hindsight_of(use_case))
    with asking(use_case, "outcomes.sql"):
        warehouse.keep(
            "happened",
            f"SELECT {keys}, {told} FROM ({use_case.outcomes_sql}) AS told"  # noqa: S608
            " WHERE known_on <= $as_of",
            {"as_of": as_of},
        )
    # Only what came true is learned from: features of anything else would be for nothing.
    came_true = f" AND ({keys}) IN (SELECT {keys} FROM happened)"  # noqa: S608 - declared
    featured = _prepare(warehouse, use_case, views=views, request=request, where=came_true)
    frame = warehouse.frame(
        f"SELECT subjects.*, {told}"  # noqa: S608
        f" FROM ({featured}) AS subjects JOIN happened USING ({keys})"
        f" ORDER BY {_order(use_case)}"
    )
    if frame.is_empty():
        raise DataRejected(
            f"{use_case.name}: no outcome was known by {as_of} for the days"
            f" {min(request.origins)} to {max(request.origins)}.",
            "Train on a later --as-of.",
        )
    return frame


def find_caps(
    warehouse: Warehouse, use_case: UseCase, *, origin: date, most: int | None
) -> dict[str, float]:
    """The share of each group that may be drawn, where it has more subjects than ``most``."""
    if most is None:
        return {}
    warehouse.keep("origins", ORIGINS, {"days": [origin]})
    group = quoted(use_case.group) if use_case.group else "''"
    counted = warehouse.rows(
        f"SELECT {group}, count(*) FROM ({use_case.subjects_sql}) AS known GROUP BY 1"  # noqa: S608 - the use case's own
    )
    return {str(name): most / count for name, count in counted if count > most}


def count_new(
    warehouse: Warehouse, use_case: UseCase, *, since: date | None, as_of: date
) -> float | None:
    """Outcomes that became known after ``since``, over those known by then.

    None before the first training, and where the policy does not ask for it.
    """
    if since is None or use_case.policy.retrain.max_new_share is None:
        return None
    rule = use_case.policy.backtest
    weeks = rule.training_origins + rule.weeks
    days = [as_of - timedelta(days=7 * back) for back in range(weeks, 0, -1)]
    warehouse.keep("origins", ORIGINS, {"days": days})
    [(before, after)] = warehouse.rows(
        "SELECT count(CASE WHEN known_on <= ? THEN 1 END),"  # noqa: S608 - the use case's own
        f" count(CASE WHEN known_on > ? AND known_on <= ? THEN 1 END)"
        f" FROM ({use_case.outcomes_sql}) AS happened",
        [since, since, as_of],
    )
    return float(after) / max(float(before), 1.0)


def _prepare(
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    views: Sequence[FeatureView],
    request: Request,
    where: str = "",
) -> str:
    views = [heard(warehouse, view) for view in views]
    _require_spoken(warehouse, use_case, views, by=max(request.origins))
    keys = list(dict.fromkeys([*use_case.entity, *(c for view in views for c in view.entity)]))
    entity = ", ".join(keys)
    lot = f"md5(concat_ws('|', {', '.join(use_case.drawn_by or (*use_case.entity, 'as_of'))}))"
    warehouse.keep("origins", ORIGINS, {"days": list(request.origins)})
    with asking(use_case, "subjects.sql"):
        warehouse.keep(
            "subjects",
            f"SELECT * FROM ({use_case.subjects_sql}) AS known"  # noqa: S608 - the use case's own
            f" WHERE (as_of >= $whole_from OR {lot} < $upto)"
            f"{_capped(use_case, lot, request.caps)}{where}",
            {"whole_from": request.whole_from, "upto": _draw_upto(request.share)},
        )
    warehouse.keep("request", f"SELECT DISTINCT {entity}, as_of FROM subjects")  # noqa: S608
    for view in views:
        with blaming(view):
            seen = view_sql("request", view, dialect=warehouse.dialect)
            warehouse.rows(f"SELECT * FROM ({seen}) AS seen LIMIT 0")  # noqa: S608 - declared
    warehouse.keep("featured", history_sql("request", views, dialect=warehouse.dialect))
    columns = "".join(f", featured.{quoted(name)}" for view in views for name in view.columns)
    # A view may be of more than the use case's entity, such as a place and a day of the week.
    same = [f"subjects.{name} = featured.{name}" for name in (*use_case.entity, "as_of")]
    same += [f"subjects.{name} IS NOT DISTINCT FROM featured.{name}"
             for name in keys if name not in use_case.entity]  # fmt: skip
    return (
        f"SELECT subjects.*{columns}"  # noqa: S608
        f" FROM subjects JOIN featured ON {' AND '.join(same)}"
    )


def _capped(use_case: UseCase, lot: str, caps: Mapping[str, float]) -> str:
    """The condition that draws from large groups."""
    if not caps:
        return ""
    if use_case.group is None:
        return f" AND {lot} < '{_draw_upto(caps[''])}'"
    cases = " ".join(
        f"WHEN '{name.replace(chr(39), chr(39) * 2)}' THEN '{_draw_upto(cap)}'"
        for name, cap in sorted(caps.items())
    )
    return f" AND {lot} < CASE {quoted(use_case.group)} {cases} ELSE 'g' END"


def _require_spoken(
    warehouse: Warehouse, use_case: UseCase, views: Sequence[FeatureView], *, by: date
) -> None:
    """A model must not learn from nulls where it cannot do without what another one says."""
    for view in views:
        if view.said_by is None or view.said_by in use_case.optional:
            continue
        spoke = f"SELECT 1 FROM {view.source} AS said WHERE said_on <= ? LIMIT 1"  # noqa: S608
        if warehouse.scalar(spoke, [by]) is None:
            raise DataRejected(
                f"{use_case.name} reads {view.said_by}, of which nothing was in production by"
                f" {by}.",
                f"Bring a version of {view.said_by} into production first, or let it be optional.",
            )


def _draw_upto(share: float) -> str:
    """The digest below which this share of all digests lies; ``g`` comes after every digit."""
    return "g" if share >= 1 else f"{round(share * 16**8):08x}"


def _order(use_case: UseCase) -> str:
    """One order on every engine: as text by its bytes; each database has a collation of its own.

    The engine puts the rows in order, in bounded memory; sorting a frame would hold it twice.
    """
    order = (f'CAST({quoted(key)} AS VARCHAR) COLLATE "C" NULLS LAST' for key in use_case.key)
    return ", ".join(order)

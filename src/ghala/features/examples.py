"""Subjects with their features, and past subjects with what then happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import DataRejected
from ghala.contracts.use_case import UseCase
from ghala.features.definitions import FeatureView
from ghala.features.history import history_sql
from ghala.features.reading import blaming
from ghala.features.windows import view_sql
from ghala.warehouse.engines.engine import Warehouse

ORIGINS = "SELECT unnest(CAST($days AS DATE[])) AS as_of"
"""The relation that both questions of a use case may read: the days that are asked about."""


@dataclass(frozen=True)
class Request:
    """For which days, and for what share of the entities on the days before ``whole_from``.

    The draw depends on entity and day alone, so that it is the same on every machine.
    """

    origins: Sequence[date]
    share: float = 1.0
    whole_from: date = date.min


def read_subjects(
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    views: Sequence[FeatureView],
    request: Request,
) -> pl.DataFrame:
    """What is predicted on each day of the request, with features as they were known then.

    Raises:
        DataRejected: nothing was known on any of the days.
    """
    _prepare(warehouse, use_case, views=views, request=request)
    order = _order(use_case)
    frame = warehouse.frame(f"SELECT * FROM featured_subjects ORDER BY {order}")  # noqa: S608
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
        DataRejected: no outcome was known yet.
    """
    _prepare(warehouse, use_case, views=views, request=request)
    keys = ", ".join((*use_case.entity, *use_case.target))
    told = ", ".join(f"outcomes.{quoted(name)}" for name in use_case.hindsight)
    frame = warehouse.frame(
        f"SELECT subjects.*, {told}"  # noqa: S608
        f" FROM featured_subjects AS subjects"
        f" JOIN ({use_case.outcomes_sql}) AS outcomes USING ({keys})"
        f" WHERE outcomes.known_on <= $as_of ORDER BY {_order(use_case)}",
        {"as_of": as_of},
    )
    if frame.is_empty():
        raise DataRejected(
            f"{use_case.name}: no outcome was known by {as_of} for the days"
            f" {min(request.origins)} to {max(request.origins)}.",
            "Train on a later --as-of.",
        )
    return frame


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
) -> None:
    keys = list(dict.fromkeys([*use_case.entity, *(c for view in views for c in view.entity)]))
    entity, drawn = ", ".join(keys), ", ".join(use_case.entity)
    warehouse.keep("origins", ORIGINS, {"days": list(request.origins)})
    warehouse.keep(
        "subjects",
        f"SELECT * FROM ({use_case.subjects_sql}) AS known"  # noqa: S608 - the use case's own
        f" WHERE as_of >= $whole_from OR md5(concat_ws('|', {drawn}, as_of)) < $upto",
        {"whole_from": request.whole_from, "upto": _draw_upto(request.share)},
    )
    warehouse.keep("request", f"SELECT DISTINCT {entity}, as_of FROM subjects")  # noqa: S608
    for view in views:
        with blaming(view):
            seen = view_sql("request", view, dialect=warehouse.dialect)
            warehouse.rows(f"SELECT * FROM ({seen}) AS seen LIMIT 0")  # noqa: S608 - declared
    warehouse.keep("featured", history_sql("request", views, dialect=warehouse.dialect))
    columns = "".join(f", featured.{quoted(name)}" for view in views for name in view.columns)
    warehouse.keep(
        "featured_subjects",
        f"SELECT subjects.*{columns}"  # noqa: S608
        f" FROM subjects JOIN featured USING ({drawn}, as_of)",
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

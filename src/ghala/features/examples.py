"""Subjects with their features, and past subjects with what then happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ghala.contracts.errors import DataRejected
from ghala.contracts.use_case import UseCase
from ghala.features.definitions import FeatureView
from ghala.features.history import history_sql
from ghala.warehouse.engines.duckdb import DuckDBWarehouse


@dataclass(frozen=True)
class Request:
    """For which days, and for what share of the entities on the days before ``whole_from``.

    The draw depends on entity and day alone, so that it is the same on every machine.
    """

    origins: Sequence[date]
    share: float = 1.0
    whole_from: date = date.min


def read_subjects(
    warehouse: DuckDBWarehouse,
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
    order = ", ".join((*use_case.entity, "as_of", *use_case.target))
    frame = warehouse.frame(f"SELECT * FROM featured_subjects ORDER BY {order}")  # noqa: S608
    if frame.is_empty():
        raise DataRejected(
            f"{use_case.name}: nothing was known by {max(request.origins)} that could be"
            " predicted.",
            "Run `ghala build` if files were landed since; else choose a later --as-of.",
        )
    return frame


def read_examples(
    warehouse: DuckDBWarehouse,
    use_case: UseCase,
    *,
    views: Sequence[FeatureView],
    request: Request,
    as_of: date,
) -> pl.DataFrame:
    """Past subjects with their features, ``actual`` and ``known_on``, as known on ``as_of``.

    Raises:
        DataRejected: no outcome was known yet.
    """
    _prepare(warehouse, use_case, views=views, request=request)
    keys = ", ".join((*use_case.entity, *use_case.target))
    order = ", ".join((*use_case.entity, "as_of", *use_case.target))
    frame = warehouse.frame(
        f"SELECT subjects.*, outcomes.actual, outcomes.known_on"  # noqa: S608
        f" FROM featured_subjects AS subjects"
        f" JOIN ({use_case.outcomes_sql}) AS outcomes USING ({keys})"
        f" WHERE outcomes.known_on <= $as_of ORDER BY {order}",
        {"as_of": as_of},
    )
    if frame.is_empty():
        raise DataRejected(
            f"{use_case.name}: no outcome was known by {as_of} for the days"
            f" {min(request.origins)} to {max(request.origins)}.",
            "Train on a later --as-of.",
        )
    return frame


def _prepare(
    warehouse: DuckDBWarehouse,
    use_case: UseCase,
    *,
    views: Sequence[FeatureView],
    request: Request,
) -> None:
    keys = list(dict.fromkeys([*use_case.entity, *(c for view in views for c in view.entity)]))
    entity = ", ".join(keys)
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE origins AS SELECT unnest($days::DATE[]) AS as_of",
        {"days": list(request.origins)},
    )
    drawn = ", ".join(use_case.entity)
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE subjects AS FROM ({use_case.subjects_sql})"
        f" WHERE as_of >= $whole_from OR hash({drawn}, as_of) % 1000 < $permille",
        {"whole_from": request.whole_from, "permille": round(1000 * request.share)},
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE request AS SELECT DISTINCT {entity}, as_of FROM subjects"  # noqa: S608
    )
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE featured AS {history_sql('request', views)}")
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE featured_subjects AS SELECT subjects.*,"  # noqa: S608
        f" featured.* EXCLUDE ({entity}, as_of)"
        f" FROM subjects JOIN featured USING ({', '.join(use_case.entity)}, as_of)"
    )

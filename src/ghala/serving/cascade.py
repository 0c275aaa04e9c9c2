"""What a use case downstream would say if another version spoke upstream."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.examples import Request, read_subjects
from ghala.features.history import views_of
from ghala.registry.versions import Registry
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.predictions import create_tables, outcome_key, outcomes_of, predictions_of


@dataclass(frozen=True)
class Upstream:
    """A version that wants to speak, and the use case that it speaks for."""

    use_case: UseCase
    version: int


class _Undone(Exception):
    """Ends the transaction in which the upstream's version played the champion."""


def days_of_both(
    warehouse: Warehouse, upstream: Upstream, downstream: UseCase, *, as_of: date
) -> list[date]:
    """The days on which the version spoke in shadow and the use case downstream spoke."""
    create_tables(warehouse, downstream)
    rows = warehouse.rows(
        f"SELECT DISTINCT as_of FROM {predictions_of(upstream.use_case)}"  # noqa: S608
        f" WHERE version = ? AND as_of <= ? AND as_of IN ("
        f" SELECT as_of FROM {predictions_of(downstream)} WHERE role = 'champion')",
        [upstream.version, as_of],
    )
    return sorted(day for (day,) in rows)


def predict_downstream(
    workspace: Workspace,
    warehouse: Warehouse,
    downstream: UseCase,
    *,
    version: int,
    days: Sequence[date],
    upstream: Upstream | None = None,
) -> pl.DataFrame:
    """What a version says for past days, reading ``upstream`` in the place of the champion.

    The swap is made inside a transaction that is rolled back: nobody else ever sees it.
    """
    views = views_of(workspace, downstream)
    request = Request(list(days))
    try:
        with warehouse.transaction():
            if upstream is not None:
                _let_speak(warehouse, upstream)
            subjects = read_subjects(warehouse, downstream, views=views, request=request)
            raise _Undone
    except _Undone:
        pass
    model = downstream.load(Registry(workspace).fetch(downstream.name, version))
    return downstream.ask(model, subjects)


def with_outcomes(
    warehouse: Warehouse, use_case: UseCase, said: pl.DataFrame, *, as_of: date
) -> pl.DataFrame:
    """The predictions that have come true by ``as_of``, with their ``actual``."""
    key = list(outcome_key(use_case))
    happened = warehouse.frame(
        f"SELECT {', '.join(map(quoted, key))}, actual FROM {outcomes_of(use_case)}"  # noqa: S608
        " WHERE known_on <= ?",
        [as_of],
    )
    return said.join(happened, on=key, how="inner", maintain_order="left")


def _let_speak(warehouse: Warehouse, upstream: Upstream) -> None:
    table = predictions_of(upstream.use_case)
    warehouse.execute(
        f"UPDATE {table} SET role = CASE WHEN version = ? THEN 'champion' ELSE 'shadow' END"  # noqa: S608
        f" WHERE as_of IN (SELECT as_of FROM {table} WHERE version = ?)",
        [upstream.version, upstream.version],
    )

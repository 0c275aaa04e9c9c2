"""Read predictions from the published build, for the version that the ledger names now."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ghala.contracts.dialect import quoted
from ghala.contracts.errors import TryAgain, UsageError
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.ledger.book import Ledger
from ghala.warehouse.predictions import mart_of
from ghala.warehouse.publish import Published, read_published
from ghala.web.api.answers import PredictionQuery

if TYPE_CHECKING:
    import duckdb


def version_in_production(workspace: Workspace, use_case: str) -> int:
    """The version in production at this moment.

    The ledger is opened for each request, so that a rollback acts on the next one.

    Raises:
        UsageError: no version is in production.
    """
    held, place = None, workspace.ledger
    if not isinstance(place, Path) or place.is_file():
        ledger = Ledger(place, actor="web")
        try:
            held = ledger.holder(use_case, Stage.PRODUCTION)
        finally:
            ledger.engine.dispose()
    if held is None:
        raise UsageError(
            f"No version of {use_case} is in production.",
            "Promote and approve one, or name a version with ?version=N.",
        )
    return held


def read_predictions(
    workspace: Workspace, use_case: UseCase, *, query: PredictionQuery, key: Mapping[str, Any]
) -> dict[str, Any]:
    """One page of the predictions of one version, where its key has the values of ``key``.

    Raises:
        TryAgain: nothing is published, or the version has no predictions in the build yet.
        UsageError: no version is in production, or the version asked for is unknown.
    """
    build = read_published(workspace)
    version = query.version or version_in_production(workspace, use_case.name)
    relation = _relation(build, use_case)
    with build.reading() as connection:
        newest = _newest(connection, relation, version=version)
        if newest is None:
            raise _no_predictions(connection, relation, version=version, query=query)
        wanted = {"version": version, "as_of": query.as_of or newest, **key}
        order = (*use_case.entity, *use_case.target, "role")
        total, rows = _page(connection, relation, wanted=wanted, order=order, query=query)
    return {
        "use_case": use_case.name,
        "version": version,
        "as_of": wanted["as_of"],
        "build": build.number,
        "data_as_of": build.as_of,
        "total": total,
        "limit": query.limit,
        "offset": query.offset,
        "rows": rows,
    }


def _relation(build: Published, use_case: UseCase) -> str:
    schema, table = f"marts_{use_case.unit}", mart_of(use_case)
    if not (build.folder / f"{schema}.{table}.parquet").is_file():
        raise TryAgain(
            f"Build {build.number} holds no predictions of {use_case.name} yet.",
            "Run `ghala run`, which scores and publishes.",
        )
    return f"{quoted(schema)}.{quoted(table)}"


def _newest(connection: "duckdb.DuckDBPyConnection", relation: str, *, version: int) -> Any:
    sql = f"SELECT max(as_of) FROM {relation} WHERE version = ?"  # noqa: S608 - our own name
    row = connection.execute(sql, [version]).fetchone()
    return row[0] if row else None


def _no_predictions(
    connection: "duckdb.DuckDBPyConnection",
    relation: str,
    *,
    version: int,
    query: PredictionQuery,
) -> UsageError | TryAgain:
    if query.version is None:
        return TryAgain(
            f"Version {version} is in production and has no published predictions yet.",
            "Run `ghala run`, which scores and publishes, or name another with ?version=N.",
        )
    sql = f"SELECT DISTINCT version FROM {relation} ORDER BY 1"  # noqa: S608 - our own name
    known = ", ".join(str(row[0]) for row in connection.execute(sql).fetchall())
    return UsageError(
        f"Version {version} has no published predictions. Known: {known or 'none'}.",
        "Name one of these, or leave version out for the one in production.",
    )


def _page(
    connection: "duckdb.DuckDBPyConnection",
    relation: str,
    *,
    wanted: dict[str, Any],
    order: Sequence[str],
    query: PredictionQuery,
) -> tuple[int, list[dict[str, Any]]]:
    where = " AND ".join(f"{quoted(column)} = ?" for column in wanted)
    counted = connection.execute(
        f"SELECT count(*) FROM {relation} WHERE {where}",  # noqa: S608 - our own names
        list(wanted.values()),
    ).fetchone()
    found = connection.execute(
        f"SELECT * FROM {relation} WHERE {where}"  # noqa: S608 - our own names
        f" ORDER BY {', '.join(map(quoted, order))} LIMIT ? OFFSET ?",
        [*wanted.values(), query.limit, query.offset],
    )
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return (counted[0] if counted else 0), rows

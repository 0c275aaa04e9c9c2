"""Read predictions from the published build, for the version that the ledger names now."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ghala.contracts.errors import TryAgain, UsageError
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.ledger.book import Ledger
from ghala.warehouse.publish import Published, read_published
from ghala.web.api.answers import Prediction, PredictionQuery

if TYPE_CHECKING:
    import duckdb

_COLUMNS = ", ".join(Prediction.model_fields)


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
    workspace: Workspace, use_case: str, *, query: PredictionQuery
) -> dict[str, Any]:
    """One page of the predictions of one version.

    Raises:
        TryAgain: nothing is published, or the version has no predictions in the build yet.
        UsageError: no version is in production, or the version asked for is unknown.
    """
    build = read_published(workspace)
    version = query.version or version_in_production(workspace, use_case)
    relation = _relation(build, use_case)
    with build.reading() as connection:
        newest = _newest(connection, relation, version=version)
        if newest is None:
            raise _no_predictions(connection, relation, version=version, query=query)
        wanted = {
            "version": version,
            "as_of": query.as_of or newest,
            "grain": query.grain,
            "series": query.series,
            "target_week": query.target_week,
        }
        total, rows = _page(connection, relation, wanted=wanted, query=query)
    return {
        "use_case": use_case,
        "version": version,
        "as_of": wanted["as_of"],
        "build": build.number,
        "data_as_of": build.as_of,
        "total": total,
        "limit": query.limit,
        "offset": query.offset,
        "rows": rows,
    }


def _relation(build: Published, use_case: str) -> str:
    unit, _, name = use_case.partition("/")
    schema, table = f"marts_{unit}", f"{name}_forecasts"
    if not (build.folder / f"{schema}.{table}.parquet").is_file():
        raise TryAgain(
            f"Build {build.number} holds no predictions of {use_case} yet.",
            "Run `ghala run`, which scores and publishes.",
        )
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, table))


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
    query: PredictionQuery,
) -> tuple[int, list[dict[str, Any]]]:
    given = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(f"{column} = ?" for column in given)
    counted = connection.execute(
        f"SELECT count(*) FROM {relation} WHERE {where}",  # noqa: S608 - our own names
        list(given.values()),
    ).fetchone()
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM {relation} WHERE {where}"  # noqa: S608 - our own names
        " ORDER BY grain, series, target_week, role LIMIT ? OFFSET ?",
        [*given.values(), query.limit, query.offset],
    ).fetchall()
    rows = [dict(zip(Prediction.model_fields, row, strict=True)) for row in found]
    return (counted[0] if counted else 0), rows

"""Score: the forecasts of a version for one business date, written to the warehouse at once."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.examples import Request, read_subjects
from ghala.features.history import find_views, pick_views
from ghala.features.served import keep_served
from ghala.registry.versions import Registry
from ghala.warehouse.engines.engine import Warehouse

_COLUMNS = (
    "use_case, version, role, as_of, grain, series, target_week, horizon, mean, p10, p50, p90,"
    " dispersion, naive, recent_mean, smart_mean, smart_mean_p10, smart_mean_p50, smart_mean_p90"
)


def score(
    workspace: Workspace,
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    roles: Mapping[int, str],
    as_of: date,
) -> int:
    """Forecast with each version of ``roles`` and replace what was said for this date.

    Args:
        roles: ``champion`` or ``shadow``, by version.

    Returns the number of rows written. Running it again writes the same rows.
    """
    views = pick_views(find_views(workspace), use_case.features)
    subjects = read_subjects(warehouse, use_case, views=views, request=Request([as_of]))
    registry = Registry(workspace)
    said = []
    for version, role in roles.items():
        model = use_case.load(registry.fetch(use_case.name, version))
        rows = use_case.predict(model, subjects).with_columns(
            pl.lit(use_case.name).alias("use_case"),
            pl.lit(version).alias("version"),
            pl.lit(role).alias("role"),
        )
        said.append(rows)
    forecasts = pl.concat(said)
    keep_served(workspace, use_case, subjects)
    with warehouse.relation("said", forecasts), warehouse.transaction():
        warehouse.execute(
            "DELETE FROM platform.forecasts WHERE use_case = ? AND as_of = ?",
            [use_case.name, as_of],
        )
        warehouse.execute(
            f"INSERT INTO platform.forecasts ({_COLUMNS}) SELECT {_COLUMNS} FROM said"  # noqa: S608
        )
    return forecasts.height

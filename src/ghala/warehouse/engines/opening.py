"""Open the warehouse that the workspace's settings name."""

from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.engine import Warehouse


def open_warehouse(workspace: Workspace) -> Warehouse:
    """The open warehouse of the workspace: its DuckDB file, or the team's PostgreSQL database.

    Raises:
        TryAgain: another pipeline has it open.
        ConfigurationError: the database is not named or cannot be reached.
    """
    place = workspace.settings.place.warehouse
    if place.engine == "postgres":
        from ghala.warehouse.engines.postgres import PostgresWarehouse

        return PostgresWarehouse(place.dsn, memory_gb=place.memory_gb)
    from ghala.warehouse.engines.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(workspace.warehouse, memory_limit=f"{place.memory_gb}GB")

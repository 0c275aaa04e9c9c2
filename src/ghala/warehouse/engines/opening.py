"""Open the warehouse that the workspace's settings name."""

from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.engine import Warehouse


def open_warehouse(workspace: Workspace) -> Warehouse:
    """The open warehouse of the workspace: its DuckDB file, or the team's PostgreSQL database.

    Raises:
        TryAgain: another pipeline has it open.
        ConfigurationError: the database is not named or cannot be reached.
    """
    if workspace.settings.place.warehouse.engine == "postgres":
        from ghala.warehouse.engines.postgres import PostgresWarehouse

        return PostgresWarehouse(workspace.settings.place.warehouse.dsn)
    from ghala.warehouse.engines.duckdb import DuckDBWarehouse

    memory = workspace.settings.place.warehouse.memory_gb
    return DuckDBWarehouse(workspace.warehouse, memory_limit=f"{memory}GB")

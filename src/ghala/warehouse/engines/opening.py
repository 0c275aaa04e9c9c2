"""Open the warehouse that the workspace's settings name."""

from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.engine import Warehouse


def open_warehouse(workspace: Workspace, *, to_read: bool = False) -> Warehouse:
    """The open warehouse of the workspace: its DuckDB file, or the team's PostgreSQL database.

    Whoever only reads takes nobody's turn; a DuckDB file is there for others once they close it.

    Raises:
        TryAgain: another pipeline has it open.
        ConfigurationError: the database is not named or cannot be reached.
    """
    place = workspace.settings.place.warehouse
    if place.engine == "postgres":
        from ghala.warehouse.engines.postgres import PostgresWarehouse

        return PostgresWarehouse(place.dsn, memory_gb=place.memory_gb, to_read=to_read)
    from ghala.warehouse.engines.duckdb import DuckDBWarehouse

    memory = f"{place.memory_gb}GB"
    return DuckDBWarehouse(workspace.warehouse, memory_limit=memory, to_read=to_read)

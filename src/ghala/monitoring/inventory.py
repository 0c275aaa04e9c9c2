"""Everything that a workspace keeps, read to its last byte: what the doctor does in depth."""

from collections.abc import Callable

from ghala.contracts.discovery import use_cases
from ghala.contracts.errors import GhalaError
from ghala.contracts.settings import Workspace
from ghala.features.store import FeatureStore
from ghala.ledger.book import Ledger
from ghala.registry.versions import Registry
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.manifest import verify_manifest
from ghala.warehouse.publish import kept_builds
from ghala.warehouse.remote import verify_remote

_ENTITIES = 1_000_000
"""How many of a feature view are compared with history at most; a sample is, day by day."""


def deep_checks(workspace: Workspace, ledger: Ledger) -> dict[str, Callable[[], str]]:
    """The checks that take as long as there is much, by name; each says what was found right."""
    return {
        "every copy of what was landed": lambda: _copies(workspace),
        "every version's artifact": lambda: _artifacts(workspace, ledger),
        "every published build": lambda: _builds(workspace),
        "every row of the warehouse": lambda: _warehouse(workspace),
        "every value kept online": lambda: _online(workspace),
    }


def _copies(workspace: Workspace) -> str:
    return f"{verify_remote(workspace):,} files of DVC's remote are what their names say"


def _artifacts(workspace: Workspace, ledger: Ledger) -> str:
    registry, checked = Registry(workspace), 0
    for name in use_cases(workspace):
        for training in ledger.entries("training", name):
            if training.version is not None:
                registry.fetch(name, training.version, afresh=True)
                checked += 1
    return f"the signatures of {checked} versions hold"


def _builds(workspace: Workspace) -> str:
    folders = kept_builds(workspace)
    for folder in folders:
        verify_manifest(folder)
    return f"{len(folders)} builds are what was written"


def _warehouse(workspace: Workspace) -> str:
    """Read every value; the database checks its pages."""
    rows = 0
    with open_warehouse(workspace) as warehouse:
        tables = warehouse.rows(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
        )
        for schema, table in tables:
            [(count, _)] = warehouse.rows(
                f'SELECT count(*), sum(length(CAST(t AS VARCHAR))) FROM "{schema}"."{table}" AS t'  # noqa: S608
            )
            rows += count
    return f"{rows:,} rows of {len(tables)} tables can be read"


def _online(workspace: Workspace) -> str:
    with open_warehouse(workspace) as warehouse:
        wrong = FeatureStore(workspace).check(warehouse=warehouse, entities=_ENTITIES)
    if wrong:
        raise GhalaError(
            "; ".join(wrong[:5]) + ".", "Keep them anew: ghala features materialize --as-of DATE"
        )
    return "what is kept online is what history says"

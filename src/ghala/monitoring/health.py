"""The doctor: is everything that the workspace rests on as it was left?"""

import shutil
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

from ghala.contracts import clock
from ghala.contracts.discovery import use_cases
from ghala.contracts.errors import GhalaError, TryAgain
from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import table_of
from ghala.features.history import views_of
from ghala.features.questions import require_answers, require_used
from ghala.ledger.book import Ledger
from ghala.monitoring.audit import verify
from ghala.monitoring.inventory import deep_checks
from ghala.registry.versions import Registry
from ghala.warehouse.bucket import require_bucket
from ghala.warehouse.checking import raw_feeds, raw_table
from ghala.warehouse.contract import read_sources
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.entities import find_obstacles
from ghala.warehouse.inbox import find_unread
from ghala.warehouse.landing import verify_landing
from ghala.warehouse.loading import create_tables
from ghala.warehouse.publish import read_published
from ghala.warehouse.quarantine import verify_releases
from ghala.warehouse.repository import require_identity

_LEAST_FREE_GB = 2
_SKEW = timedelta(seconds=60)
"""How far the clocks of the machines that write one ledger may be apart."""


def examine(workspace: Workspace, ledger: Ledger, *, deep: bool = False) -> list[dict[str, Any]]:
    """Run every check; each says ``ok``, ``warn`` or ``fail`` and what to do.

    ``deep`` also reads everything that is kept to its last byte.

    Raises:
        ConfigurationError, TryAgain: a server of the profile refuses or does not answer, and
            nothing that it keeps can be checked.
    """
    storage = workspace.settings.place.storage
    if storage is not None:
        require_bucket(storage)
    checks: dict[str, Callable[[], str]] = {
        "settings, sources, use cases and policies": lambda: _configuration(workspace),
        "what use cases ask": lambda: _questions(workspace),
        "places": lambda: _places(workspace),
        "git identity": lambda: _identity(workspace),
        "disk space": lambda: _space(workspace),
        "clock": lambda: _clock(ledger),
        "signing key": lambda: _key(workspace),
        "ledger": lambda: _ledger(workspace, ledger),
        "landed files": lambda: _landed(workspace),
        "inbox": lambda: _inbox(workspace),
        "rows": lambda: _rows(workspace),
        "production artifacts": lambda: _artifacts(workspace, ledger),
        "published build": lambda: _published(workspace),
    }
    if deep:
        checks |= deep_checks(workspace, ledger)
    return [_examine(name, check) for name, check in checks.items()]


def _examine(name: str, check: Callable[[], str]) -> dict[str, Any]:
    try:
        words = check()
    except GhalaError as error:
        state = "warn" if error.exit_code == 75 else "fail"
        return {"check": name, "state": state, "words": f"{error.message} {error.next_step}"}
    return {"check": name, "state": "ok", "words": words}


def _configuration(workspace: Workspace) -> str:
    names = [*read_sources(workspace), *use_cases(workspace)]
    return f"{', '.join(names)} are readable"


def _questions(workspace: Workspace) -> str:
    """What use cases name is there; a use case that was not built yet cannot be asked."""
    obstacles, asked = find_obstacles(workspace), []
    with open_warehouse(workspace) as warehouse:
        for name, use_case in use_cases(workspace).items():
            require_used(workspace, use_case, views_of(workspace, use_case))
            was_built = warehouse.has("platform", table_of(name, "predictions"))
            if was_built and name not in obstacles:
                require_answers(warehouse, use_case)
                asked.append(name)
    return f"the warehouse can answer {', '.join(asked)}" if asked else "nothing was built yet"


def _places(workspace: Workspace) -> str:
    """Where the profile in force keeps things; that its servers answer is known by now."""
    place = workspace.settings.place
    return (
        f"warehouse on {place.warehouse.engine},"
        f" ledger and MLflow on {'postgres' if place.ledger else 'sqlite'},"
        f" files and models in {place.storage.url if place.storage else 'folders'}"
    )


def _identity(workspace: Workspace) -> str:
    require_identity(workspace.root)
    return "Git knows who commits"


def _space(workspace: Workspace) -> str:
    free = shutil.disk_usage(workspace.root).free / 1e9
    if free < _LEAST_FREE_GB:
        raise GhalaError(
            f"{free:.1f} GB are free, {_LEAST_FREE_GB} are needed.", "Free some space."
        )
    return f"{free:.0f} GB free"


def _clock(ledger: Ledger) -> str:
    """Facts are in the order of their numbers, whatever a clock says; but people read the times."""
    newest, now = ledger.head(), clock.now()
    if newest is not None and (ahead := newest.recorded_at.replace(tzinfo=UTC) - now) > _SKEW:
        raise TryAgain(
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, and the newest fact was recorded {ahead}"
            " later: it was set back, or another machine's is ahead.",
            "Let the machines keep their time by NTP.",
        )
    return "not behind what is recorded"


def _key(workspace: Workspace) -> str:
    key = workspace.keys / "pipeline.pem"
    if not key.is_file() and (workspace.root / "keys" / "pipeline.pub").is_file():
        raise TryAgain("A clone without the private key: it can verify, not sign.")
    if not key.is_file():
        raise GhalaError(f"{key} is missing.", "Restore it, or make a new key and train again.")
    if key.stat().st_mode & 0o077:
        raise GhalaError(f"{key} can be read by others.", f"chmod 600 {key}")
    return "private to its owner"


def _ledger(workspace: Workspace, ledger: Ledger) -> str:
    found = verify(workspace, ledger)
    return (
        f"{found['entries']} entries, unbroken, of which {found['anchored_up_to']} are anchored in"
        " Git; every stage is held by the version that was moved there"
    )


def _landed(workspace: Workspace) -> str:
    with open_warehouse(workspace) as warehouse:
        wrong = verify_landing(workspace, warehouse)
    if wrong:
        raise GhalaError(" ".join(wrong[:5]))
    return "every landed file has the digest it was loaded with"


def _inbox(workspace: Workspace) -> str:
    if unread := find_unread(workspace):
        raise TryAgain(
            f"No source in ghala.toml reads inbox/{', inbox/'.join(unread)}.",
            "Add the source to ghala.toml, or move the files into the folder of their source.",
        )
    return "a source reads every folder of it"


def _rows(workspace: Workspace) -> str:
    """Rows in = rows loaded + rows quarantined, counted again; also of feeds without a contract."""
    checked = 0
    with open_warehouse(workspace) as warehouse:
        create_tables(warehouse, read_sources(workspace))
        loaded = warehouse.rows("SELECT DISTINCT source, feed FROM raw.batches")
        for source, feed in sorted({*loaded, *raw_feeds(warehouse)}):
            checked += _count(warehouse, source, feed)
        released = verify_releases(warehouse)
    return (
        f"{checked:,} rows are loaded or quarantined, as the batches say;"
        f" {released:,} of quarantine were released"
    )


def _count(warehouse: Warehouse, source: str, feed: str) -> int:
    [(rows_in, loaded, refused)] = warehouse.rows(
        "SELECT coalesce(sum(rows_in), 0), coalesce(sum(rows_loaded), 0),"
        " coalesce(sum(rows_quarantined), 0) FROM raw.batches WHERE source = ? AND feed = ?",
        [source, feed],
    )
    in_raw = warehouse.scalar(f"SELECT count(*) FROM {raw_table(source, feed)}")  # noqa: S608
    in_quarantine = warehouse.scalar(
        "SELECT count(*) FROM raw.quarantine WHERE source = ? AND feed = ?", [source, feed]
    )
    if (in_raw, in_quarantine, in_raw + in_quarantine) != (loaded, refused, rows_in):
        raise GhalaError(
            f"{source}/{feed}: {rows_in} rows came in, {in_raw} are loaded and {in_quarantine}"
            " quarantined.",
            "Restore the warehouse: move it away, then `ghala land` and `ghala build`.",
        )
    return int(rows_in)


def _artifacts(workspace: Workspace, ledger: Ledger) -> str:
    checked = []
    for name in use_cases(workspace):
        version = ledger.holder(name, Stage.PRODUCTION)
        if version is not None:
            Registry(workspace).fetch(name, version, afresh=True)
            checked.append(f"{name}@{version}")
    return f"signatures hold: {', '.join(checked)}" if checked else "nothing in production yet"


def _published(workspace: Workspace) -> str:
    published = read_published(workspace, verify=True)
    return f"build {published.number} is what was written"

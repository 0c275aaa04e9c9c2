"""What the warehouse was built with, so that tables are built anew when their SQL has changed."""

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import yaml

from ghala.contracts.errors import CheckFailed
from ghala.warehouse.engines.engine import Warehouse

log = logging.getLogger("ghala.build")
BATCH = "batch"
"""The name under which the last batch that was built is remembered."""
_UNDER_WAY = "under way"
"""The name that is there while a build, or a loading from the first file on, is not whole."""
_LISTS = ("sources", "staged", "use_cases")
"""Variables that say which files there are, which the files do too."""
_REF = re.compile(r"ref\('(\w+)'\)")
_INCREMENTAL = re.compile(r"materialized\s*=\s*'incremental'")


def read_sql(project: Path) -> dict[str, str]:
    """Every model and macro of a dbt project, by its path in it, and the variables they use."""
    settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    used = {name: value for name, value in settings["vars"].items() if name not in _LISTS}
    return {"macros/vars": repr(sorted(used.items()))} | {
        file.relative_to(project).as_posix(): file.read_text(encoding="utf-8")
        for folder in ("models", "macros")
        for file in sorted((project / folder).rglob("*.sql"))
    }


def find_changed(warehouse: Warehouse, texts: Mapping[str, str]) -> list[str]:
    """The models and macros with which the tables that only grow were not built.

    Those are the incremental models and what they read; staging models are read by their names.
    """
    held = dict(warehouse.rows("SELECT name, digest FROM platform.built"))
    now = _digests(texts)
    grown = _behind_incremental(texts)
    changed = sorted(
        name
        for name in held.keys() | now.keys()
        if held.get(name) != now.get(name)
        and (Path(name).stem.startswith("stg_") or name.startswith("macros/") or name in grown)
        and (name in held or name not in grown)  # a new model is built whole
    )
    if changed and held:
        log.info("everything is built anew, since SQL has changed: %s", ", ".join(changed[:5]))
    return changed


def begin(warehouse: Warehouse) -> None:
    """Note that what is built is not one whole build until the next one that succeeds."""
    if not _is_under_way(warehouse):
        warehouse.execute("INSERT INTO platform.built VALUES (?, '')", [_UNDER_WAY])


def require_whole(warehouse: Warehouse) -> None:
    """Check that the last build came to its end, so that readers may be shown it.

    Raises:
        CheckFailed: it failed or was broken off, or everything was loaded anew since.
    """
    if _is_under_way(warehouse):
        raise CheckFailed(
            "What is built is not one whole build: the last one failed or was broken off, or"
            " everything was loaded anew since. Readers keep what was published before.",
            "Run `ghala build`, then publish.",
        )


def _is_under_way(warehouse: Warehouse) -> bool:
    return bool(warehouse.rows("SELECT 1 FROM platform.built WHERE name = ?", [_UNDER_WAY]))


def record_built(warehouse: Warehouse, texts: Mapping[str, str]) -> None:
    """Remember with which SQL every table was built, and from which batches: newer ones are new."""
    [(batch,)] = warehouse.rows("SELECT coalesce(max(batch), 0) FROM raw.batches")
    now = {**_digests(texts), BATCH: str(batch)}
    frame = pl.DataFrame({"name": list(now), "digest": list(now.values())})
    with warehouse.transaction(), warehouse.relation("built_now", frame):
        warehouse.execute("DELETE FROM platform.built")
        warehouse.execute("INSERT INTO platform.built SELECT name, digest FROM built_now")


def _digests(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def _behind_incremental(texts: Mapping[str, str]) -> set[str]:
    """The files of the incremental models and of every model that they read."""
    files = {Path(name).stem: name for name in texts if name.startswith("models/")}
    waiting = [stem for stem, name in files.items() if _INCREMENTAL.search(texts[name])]
    found: set[str] = set()
    while waiting:
        name = files.get(waiting.pop())
        if name is not None and name not in found:
            found.add(name)
            waiting += _REF.findall(texts[name])
    return found

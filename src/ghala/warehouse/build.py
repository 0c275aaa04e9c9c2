"""Build the warehouse with dbt: raw, staging, core and marts, with their tests."""

import contextlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ghala.contracts.discovery import packs, sources, use_cases
from ghala.contracts.errors import CheckFailed, ConfigurationError
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase, table_of
from ghala.warehouse.built import begin, find_changed, find_fresh, read_texts, record_built
from ghala.warehouse.contract import read_sources
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.predictions import create_tables, mart_of, mart_sql
from ghala.warehouse.profile import profile_text, reachable


@dataclass(frozen=True)
class BuildResult:
    """What dbt did."""

    models: int
    tests_passed: int
    failures: tuple[str, ...]


def build(workspace: Workspace, *, full_refresh: bool = False) -> BuildResult:
    """Run every model and every test that what is new since the last build can reach.

    Tables that only grow are built anew when asked, and when the SQL behind them has changed.

    Raises:
        CheckFailed: a model or a test failed; each is named. What was built before stays.
    """
    texts = read_texts(assemble(workspace))
    with open_warehouse(workspace) as warehouse:
        for use_case in use_cases(workspace).values():  # models read predictions, if there are none
            create_tables(warehouse, use_case)
        everything = full_refresh or bool(find_changed(warehouse, texts))
        fresh = [] if everything else find_fresh(warehouse, texts)
        begin(warehouse)
    options = ["--full-refresh"] if everything else ["--select", *fresh] if fresh else []
    succeeded, nodes = _invoke(workspace, ["build", *options])
    result = _summarise(nodes)
    if not succeeded:
        named = "; ".join(result.failures[:5]) or "see .ghala/dbt/logs/dbt.log"
        raise CheckFailed(
            f"The build failed: {named}.",
            "Read the failing model or test in .ghala/dbt; readers keep the last good build.",
        )
    with open_warehouse(workspace) as warehouse:
        record_built(warehouse, texts)
    return result


def write_docs(workspace: Workspace) -> Path:
    """Generate the dbt documentation as one self-contained page and return it.

    Raises:
        CheckFailed: dbt could not describe the models.
    """
    succeeded, _ = _invoke(workspace, ["docs", "generate", "--static"])
    if not succeeded:
        raise CheckFailed(
            "The catalog could not be made: dbt failed.", "Read .ghala/dbt/logs/dbt.log."
        )
    return _folder(workspace) / "target" / "static_index.html"


def assemble(workspace: Workspace) -> Path:
    """Lay one dbt project out of the pack's models and the staging SQL of the sources in use.

    Files are written only when they differ, so that dbt's partial parsing keeps its worth.
    """
    project = _folder(workspace) / "project"
    wanted: dict[str, str] = {}
    for root in (*packs().values(), workspace.root):
        wanted |= _texts(root / "warehouse", "")
    for name, folder in sources(workspace).items():
        wanted |= _texts(folder / "staging", f"models/staging/{name}/")
    for use_case in use_cases(workspace).values():
        mart = f"models/marts/{use_case.unit}/{mart_of(use_case)}"
        wanted[f"{mart}.sql"], wanted[f"{mart}.yml"] = mart_sql(use_case), _describe_mart(use_case)
        wanted |= _texts(use_case.folder / "marts", f"models/marts/{use_case.unit}/")
        wanted |= _texts(use_case.folder / "features", "models/features/")
    wanted["models/staging/raw.yml"] = _raw_sources(workspace)
    wanted["profiles.yml"] = profile_text(workspace)
    wanted["dbt_project.yml"] = _project(workspace, wanted)
    for stale in {_inside(f, project) for f in project.rglob("*") if f.is_file()} - set(wanted):
        (project / stale).unlink()
    for name, text in wanted.items():
        file = project / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return project


def _invoke(workspace: Workspace, arguments: list[str]) -> tuple[bool, list[Any]]:
    from dbt.cli.main import dbtRunner

    project = assemble(workspace)
    folder = _folder(workspace)
    with reachable(workspace), contextlib.redirect_stdout(io.StringIO()):
        done = dbtRunner().invoke(
            [
                *("--quiet", "--no-use-colors", "--log-path", str(folder / "logs")),
                *arguments,
                *("--project-dir", str(project), "--profiles-dir", str(project)),
                *("--target-path", str(folder / "target")),
            ]
        )
    if isinstance(done.exception, KeyboardInterrupt):
        raise KeyboardInterrupt
    if done.exception is not None:
        raise ConfigurationError(
            f"dbt could not start: {done.exception}.", f"Look into {project} and its log."
        )
    return bool(done.success), list(getattr(done.result, "results", []))


def _summarise(nodes: list[Any]) -> BuildResult:
    failed = [n for n in nodes if n.status in ("error", "fail", "runtime error")]
    return BuildResult(
        models=sum(n.node.resource_type == "model" and n.status == "success" for n in nodes),
        tests_passed=sum(n.status == "pass" for n in nodes),
        failures=tuple(f"{n.node.name}: {(n.message or '').splitlines()[0]}" for n in failed),
    )


def _texts(folder: Path, prefix: str) -> dict[str, str]:
    return {
        prefix + _inside(file, folder): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*"))
        if file.suffix in (".sql", ".yml", ".csv", ".md") and file.is_file()
    }


def _inside(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _folder(workspace: Workspace) -> Path:
    return workspace.state / "dbt"


def _project(workspace: Workspace, wanted: dict[str, str]) -> str:
    if "dbt_project.yml" not in wanted:
        raise ConfigurationError("No pack brings a dbt project.", "Install a pack again.")
    project = yaml.safe_load(wanted["dbt_project.yml"])
    staged = sorted(Path(name).stem for name in wanted if Path(name).stem.startswith("stg_"))
    project["vars"] = {
        **project.get("vars", {}),
        "sources": sorted(workspace.settings.sources),
        "staged": staged,
        "use_cases": sorted(workspace.settings.use_cases),
        "company_timezone": workspace.settings.company.timezone,
        "currency": workspace.settings.company.currency,
        **workspace.settings.variables,
    }
    return yaml.safe_dump(project, sort_keys=False)


def _raw_sources(workspace: Workspace) -> str:
    tables = [
        {
            "name": f"{source}__{feed}",
            "description": spec.description,
            "columns": [{"name": c, "description": s.description} for c, s in spec.columns.items()],
        }
        for source, contract in read_sources(workspace).items()
        for feed, spec in contract.feeds.items()
    ]
    platform = [
        {"name": "facts", "description": "The ledger's facts, as far as they are copied."},
        *(
            {
                "name": table_of(use_case.name, what),
                "description": description.format(use_case.name),
            }
            for use_case in use_cases(workspace).values()
            for what, description in (
                ("predictions", "What every version of {} and its baselines said."),
                ("outcomes", "What then happened to what {} predicted, once it was known."),
            )
        ),
    ]
    landed = [{"name": name} for name in ("batches", "quarantine", "releases")]
    raw = {"name": "raw", "schema": "raw", "tables": [*tables, *landed]}
    return yaml.safe_dump(
        {
            "version": 2,
            "sources": [raw, {"name": "platform", "schema": "platform", "tables": platform}],
        },
        sort_keys=False,
    )


def _describe_mart(use_case: UseCase) -> str:
    key = ["version", *use_case.key]
    model = {
        "name": mart_of(use_case),
        "description": f"The {use_case.noun} of {use_case.name} with what then happened. One row"
        f" per {', '.join(key)}.",
        "config": {"meta": {"owner": use_case.policy.owner}},
        "data_tests": [{"is_key": {"arguments": {"columns": key}}}],
    }
    return yaml.safe_dump({"version": 2, "models": [model]}, sort_keys=False)


def forget_build(workspace: Workspace) -> None:
    """Remove what dbt keeps between builds; the next one parses everything anew."""
    shutil.rmtree(_folder(workspace), ignore_errors=True)

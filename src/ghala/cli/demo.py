"""A demonstration: a fresh workspace, a company's data, and weeks that pass in minutes."""

import logging
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from ghala import flow
from ghala.contracts import clock
from ghala.contracts.demonstration import Demonstration
from ghala.contracts.discovery import load_module, packs, use_case, use_cases
from ghala.contracts.errors import ConfigurationError, UsageError, suggest
from ghala.contracts.records import Stage
from ghala.contracts.settings import SETTINGS_FILE, Workspace
from ghala.contracts.use_case import UseCase
from ghala.house import House
from ghala.ledger.words import tell
from ghala.monitoring.outcomes import Accuracy, measure, write_loss
from ghala.warehouse.workspace import DEMO_APPROVER, DEMO_SCIENTIST, create_workspace

PEOPLE = "Both people are inventions of the demonstration."

log = logging.getLogger("ghala.demo")


def find_demonstration(name: str) -> Demonstration:
    """A demonstration of an installed pack by its name.

    Raises:
        UsageError: no pack brings one of that name.
    """
    files = [folder / "demonstrations.py" for folder in packs().values()]
    known = {
        one.name: one
        for file in files
        if file.is_file()
        for one in vars(load_module(file)).values()
        if isinstance(one, Demonstration)
    }
    if name not in known:
        raise UsageError(f"There is no data {name!r}. {suggest(name, known)}", "Name one of these.")
    return known[name]


def run_demo(path: Path, shown: Demonstration, *, weeks: int) -> dict[str, Any]:
    """Make the workspace at ``path`` anew, run the loop over ``weeks`` weeks, and sum it up.

    Raises:
        ConfigurationError: the data package is missing, or ``path`` holds something else.
    """
    if not logging.getLogger("ghala").isEnabledFor(logging.DEBUG):
        logging.getLogger("ghala.flow").setLevel(logging.WARNING)  # a line a change is enough
    workspace = _fresh(path, shown)
    _deliver(workspace, shown)
    start = shown.last - weeks * clock.WEEK
    pipeline, approver = House(workspace, DEMO_SCIENTIST), House(workspace, DEMO_APPROVER)
    ran = [use_case(workspace, name) for name in use_cases(workspace)]
    log.info("%s  first day: land the history, build, train, gate", start)
    told: dict[str, str] = {}
    for day in clock.every(start, shown.last, 7):
        flow.run(pipeline, day)
        for found in ran:
            _sign_off(approver, found, day=day)
        lines = {found.name: _one_line(pipeline, found) for found in ran}
        for name, line in lines.items():
            if told.get(name) != line:
                log.info("%s  %s  %s", day, name, line)
        told = lines
    return _summary(pipeline, ran, shown=shown, weeks=weeks)


def _fresh(path: Path, shown: Demonstration) -> Workspace:
    """Replace an earlier demonstration; touch nothing else."""
    if path.exists() and any(path.iterdir() if path.is_dir() else [path]):
        earlier = Workspace(path.resolve())
        if not (path / SETTINGS_FILE).is_file() or not earlier.settings.company.demo:
            raise ConfigurationError(
                f"{path} exists and is not a ghala demo; it was left as it is.",
                "Name another folder: ghala demo PATH",
            )
        with House(earlier, DEMO_SCIENTIST).working():
            log.info("replacing the earlier demonstration in %s", path)
        shutil.rmtree(path)
    return create_workspace(
        path, company=shown.company, sources=[shown.source], use_cases=shown.use_cases
    )


def _deliver(workspace: Workspace, shown: Demonstration) -> None:
    """Put every file into the inbox, under the day on which it would arrive."""
    log.info("writing what %s delivers into the inbox", shown.company.name)
    try:
        shown.deliver(workspace.inbox / shown.source)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "The demonstration's data is not installed.", "Run: pip install 'ghala[demo]'"
        ) from error


def _sign_off(approver: House, found: UseCase, *, day: date) -> None:
    """Play the second person whom the policy demands, under a name that says so."""
    tested = approver.ledger.holder(found.name, Stage.UAT)
    asked = [entry.version for entry in approver.ledger.entries("request", found.name)]
    if tested is None or tested not in asked:
        return
    log.info("%s  %s  %s approves version %s", day, found.name, DEMO_APPROVER, tested)
    said = approver.ledger.last("verdict", found.name, version=tested)
    shadow = " ".join(verdict["reason"] for verdict in said.body["verdicts"]) if said else ""
    comment = f"Demo. {shadow}"
    with approver.working():
        flow.sign(approver, found, tested, approve=True, comment=comment, as_of=day)


def _one_line(house: House, found: UseCase) -> str:
    holders = house.ledger.holders(found.name)
    stages = ", ".join(f"{stage} v{holder.version}" for stage, holder in sorted(holders.items()))
    watched = house.ledger.last("monitoring", found.name)
    added = [
        " ".join(filter(None, (one["grain"], f"{one['value_added']:+.1%} vs {one['baseline']}")))
        for one in (watched.body["accuracy"] if watched else [])
    ]
    return f"{stages or 'no version yet'} · {', '.join(added) or 'no outcome yet'}"


def _figures(name: str, one: Accuracy) -> dict[str, Any]:
    return {
        "use case": name,
        "group": one.grain or "all",
        "weeks": one.weeks,
        "champion": write_loss(one.metric, one.loss),
        "baseline": f"{one.baseline.replace('_', ' ')}:"
        f" {write_loss(one.metric, one.baseline_loss)}",
        "better by": f"{one.value_added:+.1%}",
        "bias": f"{one.figures['bias']:+.1%}" if "bias" in one.figures else None,
    }


def _summary(
    house: House, ran: Iterable[UseCase], *, shown: Demonstration, weeks: int
) -> dict[str, Any]:
    root = house.workspace.root
    accuracy, story = [], []
    with house.warehouse() as warehouse:
        for found in ran:
            measured = measure(warehouse, found, as_of=shown.last, weeks=weeks + 1)
            accuracy += [_figures(found.name, one) for one in measured]
    for entry in house.ledger.entries():
        if entry.kind in ("training", "transition", "approval", "verdict"):
            story.append(f"{entry.as_of}  {entry.use_case}  {tell(entry)['words']}")
    return {
        "accuracy": accuracy,
        "story": story,
        "status": flow.status(house.workspace),
        "places": {
            "console": f"ghala serve --workspace {root}  → http://127.0.0.1:8000",
            "MLflow": f"mlflow ui --backend-store-uri {make_url(house.workspace.tracking_uri)}",
            "drift reports": str(house.workspace.reports),
            "facts": f"ghala history --workspace {root}",
        },
        "notice": f"{shown.notice} {PEOPLE}",
    }

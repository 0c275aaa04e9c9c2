"""The console: one page that says how every use case and every source stands."""

from itertools import groupby
from operator import itemgetter
from typing import Any

from flask import Blueprint, render_template
from flask.blueprints import BlueprintSetupState

from ghala.contracts.records import Stage
from ghala.web.console.figures import FILTERS
from ghala.web.reports import newest_report
from ghala.web.site import this_site

pages = Blueprint("console", __name__, template_folder="templates")

ROAD = (Stage.STAGING, Stage.UAT, Stage.PRODUCTION)
_COUNTS = ("batches", "rows_landed", "rows_loaded", "rows_quarantined")


@pages.record_once
def _prepare_templates(setup: BlueprintSetupState) -> None:
    environment = setup.app.jinja_env
    environment.filters.update(FILTERS)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals["asset"] = lambda name: this_site().assets.addresses[name]


@pages.get("/")
def show_console() -> str:
    """The console page."""
    site = this_site()
    status = site.status(site.workspace)
    reports = {
        case["name"]: newest_report(site.workspace.reports, case["name"])
        for case in status["use_cases"]
    }
    return render_template(
        "console.html",
        company=site.workspace.settings.company.name,
        status=status,
        summary=_summary(status),
        road=[stage.value for stage in ROAD],
        reports=reports,
        sources=_by_source(status["sources"]),
        totals=_totals(status["sources"]),
    )


def _summary(status: dict[str, Any]) -> dict[str, int]:
    cases = status["use_cases"]
    return {
        "use_cases": len(cases),
        "live": sum(bool(case["stages"].get(Stage.PRODUCTION)) for case in cases),
        "alerts": sum(len(case["alerts"]) for case in cases),
        "waiting": sum(len(case["awaiting_approval"]) for case in cases),
        "retrains": sum(bool(case["next_retrain"]["due"]) for case in cases),
    }


def _by_source(feeds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ordered = sorted(feeds, key=itemgetter("source"))
    groups = ((name, list(rows)) for name, rows in groupby(ordered, key=itemgetter("source")))
    return [{**rows[0], "name": name, "feeds": rows} for name, rows in groups]


def _totals(feeds: list[dict[str, Any]]) -> dict[str, Any]:
    totals: dict[str, Any] = {key: sum(feed[key] for feed in feeds) for key in _COUNTS}
    kept = totals["rows_loaded"] + totals["rows_quarantined"]
    return {**totals, "add_up": totals["rows_landed"] == kept}

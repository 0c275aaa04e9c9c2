"""The kept drift reports: pages made by another program, shown in a sandbox."""

import re
from datetime import date
from pathlib import Path

from flask import Blueprint, Response, abort, send_file

from ghala.web.site import this_site

reports = Blueprint("reports", __name__)

# The pages carry their own scripts and styles. The sandbox gives them an origin of their own,
# so that whatever runs in them can read neither the console nor the API.
_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval';"
    " style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
_PACK_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@reports.get("/reports/<unit>/<name>/<day>")
def show_report(unit: str, name: str, day: str) -> Response:
    """The report of one use case for one business date."""
    site = this_site()
    use_case = site.use_case_name(unit, name)
    file = _find(site.workspace.reports, use_case, day=day)
    if file is None:
        abort(404, f"No report of {use_case} for {day[:40]!r} is kept. Dates look like 2017-12-25.")
    response = send_file(file, mimetype="text/html", conditional=True)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@reports.get("/reports/<unit>/<name>/uat/<int:version>")
def show_pack(unit: str, name: str, version: int) -> Response:
    """The UAT pack of one version: what people sign it by."""
    site = this_site()
    use_case = site.use_case_name(unit, name)
    file = site.workspace.reports.resolve() / use_case / f"uat-{version}.html"
    if not file.is_file() or file.resolve() != file:
        abort(404, f"No UAT pack of version {version} of {use_case} is kept.")
    response = send_file(file, mimetype="text/html", conditional=True)
    response.headers["Content-Security-Policy"] = _PACK_POLICY
    return response


def newest_report(folder: Path, use_case: str) -> str | None:
    """The newest business date for which a report of a use case is kept."""
    days = [file.stem for file in (folder / use_case).glob("*.html") if _is_date(file.stem)]
    return max(days, default=None)


def _find(folder: Path, use_case: str, *, day: str) -> Path | None:
    if not _is_date(day):
        return None
    expected = folder.resolve() / use_case / f"{day}.html"
    # a link, even one inside the folder, does not resolve to its own place
    is_kept = expected.is_file() and expected.resolve() == expected
    return expected if is_kept else None


def _is_date(text: str) -> bool:
    if not _ISO_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True

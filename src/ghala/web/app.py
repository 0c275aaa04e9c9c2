"""The web application of one workspace."""

from collections.abc import Sequence
from pathlib import Path

from flask import Response, abort, request
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from ghala.contracts.settings import Workspace
from ghala.web import console
from ghala.web.api.answers import Problem, refuse_query
from ghala.web.api.routes import api
from ghala.web.assets import Assets
from ghala.web.console.pages import pages
from ghala.web.errors import handle_errors
from ghala.web.reports import reports
from ghala.web.site import Site, Status, remember, status_of

LOCAL_HOSTS = ("localhost", "127.0.0.1")
MAX_BODY_BYTES = 64 * 1024

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self';"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def create_app(
    workspace: Workspace, status: Status = status_of, *, hosts: Sequence[str] = ()
) -> OpenAPI:
    """Make the application.

    Args:
        workspace: the workspace that is shown.
        status: tells how the workspace stands, as plain JSON values.
        hosts: names, besides the local ones, by which browsers may call this server.
    """
    app = OpenAPI(
        __name__,
        info=Info(title="ghala", version="1", description="Predictions of one workspace."),
        # the bundled documentation pages load scripts that the policy refuses
        doc_ui=False,
        static_folder=None,
        validation_error_model=Problem,
        validation_error_callback=refuse_query,
    )
    app.config.update(
        TRUSTED_HOSTS=list(dict.fromkeys((*LOCAL_HOSTS, *hosts))), MAX_CONTENT_LENGTH=MAX_BODY_BYTES
    )
    # `//host/path` must be unknown, not a redirect that a browser could take elsewhere
    app.url_map.merge_slashes = False
    site = Site(workspace, status, Assets.read(Path(console.__file__).parent / "static"))
    remember(app.extensions, site)
    handle_errors(app)
    app.before_request(_refuse_large_bodies)
    app.after_request(_add_headers)
    app.register_api(api)
    app.register_blueprint(pages)
    app.register_blueprint(reports)
    app.add_url_rule("/static/<name>", "asset", site.assets.serve)
    app.add_url_rule("/openapi/openapi.json", "openapi", lambda: app.api_doc)
    return app


def _refuse_large_bodies() -> None:
    # no route reads a body, so Flask's own limit would never be looked at
    if (request.content_length or 0) > MAX_BODY_BYTES:
        abort(413)


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response

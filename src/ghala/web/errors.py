"""Errors over HTTP: JSON for programs, a page for people, never a traceback."""

import logging
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, SecurityError

from ghala.contracts.errors import Denied, GhalaError, TryAgain, UsageError

_STATUS: dict[type[GhalaError], int] = {UsageError: 404, Denied: 403, TryAgain: 503}
_FOR_PROGRAMS = ("/api/", "/openapi/", "/healthz")
_NEXT_STEPS = {
    404: "See / for the console or /openapi/openapi.json for what the API answers.",
    405: "See /openapi/openapi.json for what the API answers.",
    413: "Send no body: every address here is read with GET.",
}
_TRY_LATER = 503
_RETRY_AFTER_SECONDS = "30"

log = logging.getLogger(__name__)


def handle_errors(app: Flask) -> None:
    """Answer every failure of ``app`` with what happened and what to do next."""
    app.register_error_handler(GhalaError, _expected)
    app.register_error_handler(SecurityError, _foreign_host)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _unexpected)


def refuse(status: int, error: str, next_step: str) -> Response:
    """An error in the shape that the caller reads."""
    if request.path.startswith(_FOR_PROGRAMS):
        response = jsonify({"error": error, "next_step": next_step})
    else:
        response = Response(
            render_template("error.html", status=status, error=error, next_step=next_step)
        )
    response.status_code = status
    if status == _TRY_LATER:
        response.headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return response


def _expected(error: GhalaError) -> Response:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    if status == 500:
        log.error("%s: %s", request.path, error)
    return refuse(status, error.message, error.next_step)


def _foreign_host(_error: SecurityError) -> Response:
    return refuse(
        400,
        "The request names another host than this server answers for.",
        "Use the address that `ghala serve` printed when it started.",
    )


def _refused(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    status = error.code or 500
    return refuse(status, error.description or error.name, _NEXT_STEPS.get(status, ""))


def _unexpected(error: Exception) -> Response:
    log.error("%s failed", request.path, exc_info=error)
    return refuse(
        500,
        "Something went wrong inside ghala; nothing was changed.",
        "Look at the server's log, then run `ghala doctor`.",
    )

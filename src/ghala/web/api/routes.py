"""The addresses of the API."""

from flask import Response, jsonify
from flask_openapi3.blueprint import APIBlueprint
from pydantic import ValidationError

from ghala.contracts.discovery import declared_use_case
from ghala.warehouse.publish import read_published
from ghala.web.api.answers import (
    Health,
    NothingAsked,
    PredictionQuery,
    Predictions,
    Problem,
    UseCasePath,
    UseCases,
    key_query,
    plain,
    refuse_query,
)
from ghala.web.api.predictions import read_predictions
from ghala.web.site import this_site

api = APIBlueprint(
    "api",
    __name__,
    abp_responses={403: Problem, 404: Problem, 422: Problem, 500: Problem, 503: Problem},
)


@api.get("/healthz", summary="Whether a build is published", responses={200: Health})
def health() -> Response:
    """Tell a load balancer whether readers get answers."""
    build = read_published(this_site().workspace)
    return jsonify(plain({"status": "ok", "build": build.number, "as_of": build.as_of}))


@api.get("/api/v1/use-cases", summary="Every use case and how it stands", responses={200: UseCases})
def list_use_cases(query: NothingAsked) -> Response:
    """List the use cases with stages, accuracy, alerts and next retraining."""
    site = this_site()
    status = site.status(site.workspace)
    return jsonify(plain({key: status[key] for key in ("as_of", "build", "use_cases")}))


@api.get(
    "/api/v1/use-cases/<unit>/<name>/predictions",
    summary="Predictions of the production version",
    responses={200: Predictions},
)
def list_predictions(path: UseCasePath, query: PredictionQuery) -> Response:
    """Page through the newest predictions of the version that is in production now."""
    workspace = this_site().workspace
    found = declared_use_case(workspace, this_site().use_case_name(path.unit, path.name))
    try:
        key = key_query(found, query)
    except ValidationError as error:
        return refuse_query(error)
    return jsonify(plain(read_predictions(workspace, found, query=query, key=key)))

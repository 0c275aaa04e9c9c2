"""What the API is asked and what it answers: checked questions, described answers."""

import math
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self

from flask import Response, request
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from ghala.contracts.errors import suggest
from ghala.contracts.use_case import UseCase
from ghala.web.errors import refuse

_WHOLE = re.compile(r"[0-9]{1,10}")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _whole_number(text: Any) -> Any:
    # pydantic alone would also take 1_000, " 5" and 5.0
    if isinstance(text, str) and not _WHOLE.fullmatch(text):
        raise ValueError("write a whole number in digits, e.g. 100")
    return text


def _iso_date(text: Any) -> Any:
    # pydantic alone would read a number as seconds since 1970
    if isinstance(text, str) and not _ISO_DATE.fullmatch(text):
        raise ValueError("write a date as YYYY-MM-DD, e.g. 2017-12-25")
    return text


Whole = Annotated[int, BeforeValidator(_whole_number)]
Text = Annotated[str, Field(max_length=500)]
Day = Annotated[date, BeforeValidator(_iso_date)]


class Query(BaseModel):
    """The query parameters of a question: each known, each given once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _is_known(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name in given if cls.model_config.get("extra") == "forbid" else ():
            if name not in cls.model_fields:
                raise ValueError(
                    f"unknown parameter {name[:60]!r}. {suggest(name[:60], cls.model_fields)}"
                )
        return given

    @model_validator(mode="after")
    def _is_given_once(self) -> Self:
        for name, values in request.args.lists():
            if len(values) > 1:
                raise ValueError(f"{name} is given {len(values)} times; give it once")
        return self


class NothingAsked(Query):
    """A question without parameters."""


class PredictionQuery(Query):
    """Which predictions are wanted; without parameters the newest of the production version.

    The columns that say what a row of the use case is about, such as ``series`` or
    ``customer_id``, are parameters too.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    as_of: Day | None = Field(None, description="business date of the scoring; default the newest")
    version: Whole | None = Field(
        None, ge=1, le=2**31 - 1, description="default the one in production now"
    )
    limit: Whole = Field(100, ge=1, le=10_000)
    offset: Whole = Field(0, ge=0, le=10**9)


class _KeyedQuery(PredictionQuery):
    model_config = ConfigDict(extra="forbid", frozen=True)


def key_query(use_case: UseCase, query: PredictionQuery) -> dict[str, Any]:
    """The columns of the use case's key that are asked for, each checked by its type.

    Raises:
        ValidationError: a value is wrong, or a parameter is no column of the key.
    """
    keys = [name for name in use_case.key if name not in PredictionQuery.model_fields]
    fields: dict[str, Any] = {
        name: (Text | None if name in use_case.entity else Day | None, None) for name in keys
    }
    checked = create_model("KeyedQuery", __base__=_KeyedQuery, **fields)
    given = checked.model_validate(query.model_dump(exclude_none=True))
    return {name: getattr(given, name) for name in keys if getattr(given, name) is not None}


class UseCasePath(BaseModel):
    """A use case by its place."""

    unit: str
    name: str


class Problem(BaseModel):
    """What went wrong and what to do next."""

    error: str
    next_step: str


class Health(BaseModel):
    """That a build is published, and which."""

    status: str
    build: int
    as_of: date


class UseCases(BaseModel):
    """Every use case with its stages, accuracy, alerts and next retraining."""

    as_of: date | None
    build: int | None
    use_cases: list[dict[str, Any]]


class Prediction(BaseModel):
    """One prediction, with what then happened once that is known.

    Beside these it holds the use case's own columns: its entity and target, the answer and those
    of the baselines.
    """

    model_config = ConfigDict(extra="allow")

    version: int
    role: str
    as_of: date
    actual: float | None
    actual_known_on: date | None


class Predictions(BaseModel):
    """One page of the predictions of one version."""

    model_config = ConfigDict(extra="forbid")

    use_case: str
    version: int
    as_of: date | None
    build: int
    data_as_of: date = Field(description="business date of the build")
    total: int = Field(description="rows that match, on all pages")
    limit: int
    offset: int
    rows: list[Prediction]


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dates in ISO form, and null for what is not a number."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value


def refuse_query(error: ValidationError) -> Response:
    """Say which parameters were wrong and how to write them."""
    words = []
    for found in error.errors(include_url=False):
        where = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        words.append(f"{where}: got {str(found['input'])[:60]!r}: {message}" if where else message)
    return refuse(
        422,
        "; ".join(words),
        "Correct the parameters; /openapi/openapi.json lists what is allowed.",
    )

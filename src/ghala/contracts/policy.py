"""The numbers a business owner may change, one ``policy.yml`` per use case."""

import re
import reprlib
from collections.abc import Hashable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ghala.contracts.errors import ConfigurationError, suggest

Model = TypeVar("Model", bound=BaseModel)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]*@")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_is_not_a_number(cls, value: object) -> object:
        if isinstance(value, bool):  # YAML reads yes, no, on and off as true and false
            raise ValueError("YAML reads this as true or false; quote it, or write a number")
        return value


class _Loader(yaml.SafeLoader):
    """YAML without the silent loss of a key that is written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {twice[0]!r} is written twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


class Backtest(_Strict):
    """How the past is replayed before a version may enter staging."""

    weeks: int = Field(8, ge=2, le=52, description="length of the judged window, in weeks")
    refit_every_weeks: int = Field(4, ge=1, le=52)
    training_origins: int = Field(26, ge=4, le=156, description="weekly origins before the window")
    training_share: float = Field(
        1.0, gt=0, le=1, description="share of entities drawn for each origin before the window"
    )
    most_subjects: int | None = Field(
        None, ge=100, description="of a group and origin; more are drawn from by lot, judged or not"
    )


class Gates(_Strict):
    """What a version must reach in the backtest; each kind of use case adds its own numbers."""

    baseline: str | None = Field(
        None, description="column of the predictions to beat; by default the strongest"
    )
    metrics: tuple[str, ...] = Field(
        (), description="to beat it in, each a loss: lower is better; by default the kind's own"
    )
    confidence: float = Field(0.90, gt=0.5, lt=1, description="of the paired bootstrap interval")
    champion_margin: float = Field(
        0.01, ge=0, lt=1, description="relative loss to the champion that a challenger may show"
    )
    champion_confidence: float = Field(
        0.80, gt=0.5, lt=1, description="probability with which it must stay within the margin"
    )
    min_origins_won: float = Field(
        0.5, ge=0, le=1, description="share of the backtest's origins that must beat the baseline"
    )


class Slices(_Strict):
    """Parts of the business: which must not get worse, and which must be served alike."""

    columns: tuple[str, ...] = Field((), description="columns of the subjects, such as region")
    max_loss: float = Field(
        0.05,
        ge=0,
        description="how much worse than the champion, or the baseline, no slice may surely be",
    )
    alike: tuple[str, ...] = Field((), description="columns whose parts must be served alike")
    max_ratio: float = Field(2.0, ge=1, description="error of a part over the error of the whole")
    min_rows: int = Field(30, ge=2, description="smaller parts are not judged")


class Probes(_Strict):
    """What is tried on a version while it is trained, and what must come of it."""

    share: float = Field(0.25, gt=0, le=1, description="share of the entities that it is tried on")
    max_seed_spread: float = Field(
        0.05, gt=0, description="relative change of the loss under another seed"
    )
    max_feature_correlation: float = Field(
        0.97, gt=0.5, lt=1, description="with the outcome, within an entity; beyond it is a leak"
    )
    max_ms_per_thousand: float = Field(5000.0, gt=0, description="time to predict 1,000 rows")
    max_model_mb: float = Field(200.0, gt=0)


class Uat(_Strict):
    """The user acceptance test: how long a version runs in shadow."""

    shadow_weeks: int = Field(1, ge=0, le=26)
    max_loss_ratio: float = Field(1.05, gt=0, description="shadow loss / live or baseline loss")


class Approval(_Strict):
    """Who signs a version off before production."""

    rule: Literal["auto", "one_named_role", "two_people"] = "one_named_role"
    role: str = Field("approver", min_length=1, description="who may sign, in ghala.toml's people")

    @property
    def people(self) -> int:
        """How many different people must sign."""
        return {"auto": 0, "one_named_role": 1, "two_people": 2}[self.rule]


class Retrain(_Strict):
    """When a model must be trained again; any one reason is enough."""

    max_age_weeks: int = Field(13, ge=1)
    cooldown_weeks: int = Field(2, ge=0, description="no retraining sooner than this")
    value_added_weeks: int = Field(4, ge=1, description="window of recent weeks looked at")
    min_value_added: float = Field(
        0.0, description="least relative gain over the baseline; below it in 3 of 4 weeks"
    )
    max_abs_bias: float = Field(0.10, gt=0)
    max_drift_share: float = Field(0.5, gt=0, le=1, description="share of drifted inputs")
    max_new_share: float | None = Field(
        None, gt=0, description="outcomes that came since the training, over those before it"
    )
    upstream_changed: Literal["retrain", "ignore"] = Field(
        "ignore", description="when a feature means something else, or a model it reads was changed"
    )

    @model_validator(mode="after")
    def _may_grow_old(self) -> Self:
        if self.cooldown_weeks > self.max_age_weeks:
            raise ValueError("cooldown_weeks is longer than max_age_weeks")
        return self


class Rollback(_Strict):
    """When production goes back to the version before by itself."""

    rule: Literal["manual", "auto"] = "manual"
    margin: float = Field(
        0.10, ge=0, description="how much worse than the version before, as a share of its error"
    )
    weeks: int = Field(2, ge=1, le=26, description="weeks of both that must have come true")


class Alerts(_Strict):
    """Thresholds that open an alert on the console."""

    max_loss: float | None = Field(None, gt=0, description="of the headline metric")
    min_value_added: float = 0.0
    max_abs_bias: float = Field(0.10, gt=0)


class Policy(_Strict):
    """One use case's rules."""

    owner: str = Field(min_length=1)
    unit: str = Field(min_length=1, description="that of the use case's name")
    schedule: str = Field(
        "weekly",
        pattern=f"^(daily|weekly(, on ({'|'.join(_DAYS)})s)?)$",
        description="when the use case scores: daily, weekly, or weekly on a day of the week",
    )
    seed: int = 20_170_101
    backtest: Backtest = Backtest()
    gates: Gates = Gates()
    slices: Slices = Slices()
    probes: Probes = Probes()
    uat: Uat = Uat()
    approval: Approval = Approval()
    retrain: Retrain = Retrain()
    rollback: Rollback = Rollback()
    alerts: Alerts = Alerts()

    @property
    def every_days(self) -> int:
        """Days from one scoring to the next."""
        return 1 if self.schedule == "daily" else 7

    def is_due(self, as_of: date, *, last: date | None) -> bool:
        """Whether a scoring is due on ``as_of`` after the one on ``last``."""
        if last is None or as_of - last >= timedelta(days=self.every_days):
            return True
        return as_of > last and f"{_DAYS[as_of.weekday()]}s" in self.schedule


Rules = TypeVar("Rules", bound=Policy)


def read_policy(path: Path, rules: type[Rules]) -> Rules:
    """Read and check a policy file by the rules of the use case's kind.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or holds an unknown or wrong key.
    """
    return parse(rules, read_yaml(path), path)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigurationError: the file is missing, unreadable or not a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.", "Restore it from Git: git checkout FILE"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not YAML: {error}.", "Mend the file.") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} holds no keys.", "Write `key: value` lines.")
    return content


def parse(model: type[Model], content: dict[str, Any], path: Path) -> Model:
    """Check ``content`` against ``model``; an unknown key is refused with the nearest known one.

    Raises:
        ConfigurationError: naming the file, the key, what was got and what is allowed.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        errors = error.errors()
        # A misspelt key is also a missing one; say the spelling.
        first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
        where = ".".join(str(part) for part in first["loc"])
        given = first.get("input")
        if isinstance(given, str):
            given = _PASSWORD.sub(r"\1:***@", given)
        detail = f"got {reprlib.repr(given)[:120]}: {first['msg']}"
        if first["type"] == "extra_forbidden":
            detail = "unknown key. " + suggest(str(first["loc"][-1]), _known(model, first["loc"]))
        raise ConfigurationError(
            f"{path}: {where}: {detail}", f"Mend {where} in {path}."
        ) from error


def _known(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    kind: Any = model
    for part in location[:-1]:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation
        else:  # dict[str, Model] or tuple[Model, ...]
            kind = _model_in(kind)
    return list(getattr(_model_in(kind), "model_fields", ()))


def _model_in(kind: Any) -> Any:
    """The model of a table, also of an optional one or of many."""
    return next((k for k in get_args(kind) if hasattr(k, "model_fields")), kind)

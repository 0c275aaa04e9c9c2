"""The numbers a business owner may change, one ``policy.yml`` per use case."""

import re
import reprlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ghala.contracts.errors import ConfigurationError, suggest

Model = TypeVar("Model", bound=BaseModel)
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


class Gates(_Strict):
    """What a version must reach in the backtest, per grain."""

    baseline: str = Field("smart_mean", description="column of the predictions to beat")
    metrics: tuple[Literal["wape", "pinball"], ...] = ("wape", "pinball")
    confidence: float = Field(0.90, gt=0.5, lt=1, description="of the paired bootstrap interval")
    max_abs_bias: float = Field(0.05, gt=0)
    coverage: tuple[float, float] = (0.75, 0.85)
    champion_margin: float = Field(
        0.01, ge=0, lt=1, description="relative pinball loss that a challenger may lose"
    )
    champion_confidence: float = Field(
        0.80, gt=0.5, lt=1, description="probability with which it must stay within the margin"
    )


class Uat(_Strict):
    """The user acceptance test: how long a version runs in shadow."""

    shadow_weeks: int = Field(1, ge=0, le=26)
    max_wape_ratio: float = Field(1.05, gt=0, description="shadow WAPE / live or baseline WAPE")


class Approval(_Strict):
    """Who signs a version off before production."""

    rule: Literal["auto", "one_named_role"] = "one_named_role"
    role: str = Field("approver", min_length=1, description="who may sign, in ghala.toml's people")


class Retrain(_Strict):
    """When a model must be trained again; any one reason is enough."""

    max_age_weeks: int = Field(13, ge=1)
    cooldown_weeks: int = Field(2, ge=0, description="no retraining sooner than this")
    value_added_weeks: int = Field(4, ge=1, description="window of recent weeks looked at")
    min_value_added: float = Field(
        0.0, description="least relative WAPE gain over the baseline; below it in 3 of 4 weeks"
    )
    max_abs_bias: float = Field(0.10, gt=0)
    max_drift_share: float = Field(0.5, gt=0, le=1, description="share of drifted inputs")


class Alerts(_Strict):
    """Thresholds that open an alert on the console."""

    max_wape: float | None = Field(None, gt=0)
    min_value_added: float = 0.0
    max_abs_bias: float = Field(0.10, gt=0)


class Policy(_Strict):
    """One use case's rules."""

    owner: str = Field(min_length=1)
    unit: Literal["finance", "marketing", "operations"] | str
    schedule: str = Field("weekly", description="how often the use case scores")
    seed: int = 20_170_101
    backtest: Backtest = Backtest()
    gates: Gates = Gates()
    uat: Uat = Uat()
    approval: Approval = Approval()
    retrain: Retrain = Retrain()
    alerts: Alerts = Alerts()


def read_policy(path: Path) -> Policy:
    """Read and check a policy file.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or holds an unknown or wrong key.
    """
    return parse(Policy, read_yaml(path), path)


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

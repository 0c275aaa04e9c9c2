"""The workspace: one company's Git repository, its settings and where its things are kept."""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ghala.contracts.errors import ConfigurationError, suggest
from ghala.contracts.policy import parse

SETTINGS_FILE = "ghala.toml"
PROFILE_VARIABLE = "GHALA_PROFILE"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(_Strict):
    """Who the workspace belongs to."""

    name: str = Field(min_length=1)
    currency: str = Field("KES", pattern="^[A-Z]{3}$")
    timezone: str = "Africa/Nairobi"
    demo: bool = Field(False, description="a demonstration; it may be replaced")

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"no such time zone. {suggest(zone, available_timezones())[:120]}")
        return zone


class Person(_Strict):
    """Someone who acts on the platform, with the roles that policies name."""

    roles: tuple[str, ...] = ()


class Engine(_Strict):
    """Which database holds the warehouse."""

    engine: Literal["duckdb", "postgres"] = "duckdb"
    dsn_variable: str | None = Field(
        None,
        pattern="^[A-Z][A-Z0-9_]*$",
        description="the environment variable with the address, so that no secret is in a file",
    )
    memory_gb: int = Field(
        2, ge=1, description="what the engine may keep in memory; then it spills"
    )

    @model_validator(mode="after")
    def _address_is_named(self) -> Self:
        if (self.engine == "postgres") != (self.dsn_variable is not None):
            raise ValueError("dsn_variable is needed with engine 'postgres', and only with it")
        return self

    @property
    def dsn(self) -> str:
        """The address of the PostgreSQL database, from the environment; it may hold a password.

        Raises:
            ConfigurationError: the variable is not set.
        """
        address = os.environ.get(self.dsn_variable or "")
        if not address:
            raise ConfigurationError(
                f"The warehouse is on PostgreSQL, and the variable {self.dsn_variable} is not set.",
                f"Set it: export {self.dsn_variable}='postgresql://USER:PASSWORD@HOST/DATABASE'",
            )
        return address


class Profile(_Strict):
    """One set of places: on one machine, or a team's servers."""

    warehouse: Engine = Engine()


class Settings(_Strict):
    """The content of ``ghala.toml``."""

    company: Company
    sources: tuple[str, ...] = Field(min_length=1)
    use_cases: tuple[str, ...] = Field(min_length=1)
    people: dict[str, Person] = Field(default_factory=dict)
    variables: dict[str, bool | int | str] = Field(
        default_factory=dict, description="dbt variables, such as displays_planned"
    )
    warehouse: Engine = Engine()
    profiles: dict[str, Profile] = Field(
        default_factory=dict, description="other places; GHALA_PROFILE names the one to use"
    )

    @property
    def place(self) -> Profile:
        """Where the warehouse is: by ``GHALA_PROFILE``, else as the file's own tables say.

        Raises:
            ConfigurationError: there is no such profile.
        """
        name = os.environ.get(PROFILE_VARIABLE)
        if not name:
            return Profile(warehouse=self.warehouse)
        if name not in self.profiles:
            raise ConfigurationError(
                f"{PROFILE_VARIABLE} is {name!r}, which {SETTINGS_FILE} does not describe."
                f" {suggest(name, self.profiles)}",
                f"Add [profiles.{name}.warehouse] to {SETTINGS_FILE}, or unset {PROFILE_VARIABLE}.",
            )
        return self.profiles[name]


@dataclass(frozen=True)
class Workspace:
    """A workspace on disk. Every path of the product is named here and nowhere else."""

    root: Path

    @cached_property
    def settings(self) -> Settings:
        """The checked content of ``ghala.toml``.

        Raises:
            ConfigurationError: the file is missing or wrong.
        """
        path = self.root / SETTINGS_FILE
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} is not TOML: {error}.", "Mend the file.") from error
        return parse(Settings, content, path)

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.settings.company.timezone)

    @property
    def inbox(self) -> Path:
        """Where systems deliver their files: ``inbox/SOURCE/FEED_YYYY-MM-DD.EXT``."""
        return self.root / "inbox"

    @property
    def landing(self) -> Path:
        """Files as they came in, immutable, versioned by DVC."""
        return self.root / "landing"

    @property
    def state(self) -> Path:
        """Everything the platform keeps for itself; never in Git."""
        return self.root / ".ghala"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file. Only the pipeline opens it."""
        return self.state / "warehouse.duckdb"

    @property
    def ledger(self) -> Path:
        """The SQLite file of the ledger."""
        return self.state / "ledger.db"

    @property
    def tracking_uri(self) -> str:
        """The MLflow tracking and registry store."""
        return f"sqlite:///{self.state / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts."""
        return self.state / "artifacts"

    @property
    def keys(self) -> Path:
        """The pipeline's signing key (private, mode 0600) and its public half."""
        return self.state / "keys"

    @property
    def public_key(self) -> Path:
        """What signatures are checked with: the pipeline's own, or in a clone the one in Git."""
        own = self.keys / "pipeline.pub"
        return own if own.is_file() else self.root / "keys" / "pipeline.pub"

    @property
    def published(self) -> Path:
        """The builds that readers see, behind one pointer."""
        return self.root / "published"

    @property
    def reports(self) -> Path:
        """HTML reports of drift, one per use case and business date."""
        return self.root / "reports"

    def commit(self) -> str:
        """The workspace's Git commit, or ``uncommitted`` before the first one."""
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=self.root, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else "uncommitted"


def find_workspace(start: Path | None = None) -> Workspace:
    """Find the workspace that ``start`` (or the current folder) lies in.

    Raises:
        ConfigurationError: no folder upward holds ``ghala.toml``.
    """
    where = (start or Path(os.environ.get("GHALA_WORKSPACE", "."))).expanduser().resolve()
    for folder in (where, *where.parents):
        if (folder / SETTINGS_FILE).is_file():
            return Workspace(folder)
    raise ConfigurationError(
        f"{where} is not in a ghala workspace: no {SETTINGS_FILE} here or above.",
        "Make one with `ghala init PATH`, or name one with --workspace PATH.",
    )

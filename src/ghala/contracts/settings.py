"""The workspace: one company's Git repository, its settings and where its things are kept."""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ghala.contracts.address import database_url
from ghala.contracts.errors import ConfigurationError, suggest
from ghala.contracts.policy import parse

SETTINGS_FILE = "ghala.toml"
PROFILE_VARIABLE = "GHALA_PROFILE"
EMBEDDED = "embedded"
_VARIABLE = "^[A-Z][A-Z0-9_]*$"


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


class _Database(_Strict):
    """A database that may be on a server, whose address is in the environment."""

    what: ClassVar[str]
    engine: str
    dsn_variable: str | None = Field(
        None,
        pattern=_VARIABLE,
        description="the environment variable with the address, so that no secret is in a file",
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
        return _read_address(self.dsn_variable or "", of=self.what)


class Database(_Strict):
    """The PostgreSQL database of the ledger and of MLflow, each in a schema of its own."""

    dsn_variable: str = Field(pattern=_VARIABLE, description="as for the warehouse")

    @property
    def dsn(self) -> str:
        """The address of the database, from the environment; it may hold a password.

        Raises:
            ConfigurationError: the variable is not set.
        """
        return _read_address(self.dsn_variable, of="ledger")


class Storage(_Strict):
    """The folder of an S3 bucket that keeps landed files and models; credentials are not here."""

    url: str = Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[\w.-]+)*$")
    endpoint: str | None = Field(
        None, pattern=r"^https?://[\w.:\[\]-]+$", description="of a server that is not Amazon's"
    )

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return self.url.removeprefix("s3://").partition("/")[0]

    @property
    def landed(self) -> str:
        """Where DVC keeps every version of the landed files."""
        return f"{self.url}/landed"

    @property
    def artifacts(self) -> str:
        """Where MLflow keeps models and plots."""
        return f"{self.url}/artifacts"


class Engine(_Database):
    """Which database holds the warehouse."""

    what: ClassVar[str] = "warehouse"
    engine: Literal["duckdb", "postgres"] = "duckdb"
    memory_gb: int = Field(
        2, ge=1, description="what the engine may keep in memory; then it spills"
    )


class Online(_Database):
    """Which database answers online."""

    what: ClassVar[str] = "online store"
    engine: Literal["sqlite", "postgres"] = "sqlite"


class Profile(_Strict):
    """One set of places: on one machine, or a team's servers."""

    warehouse: Engine = Engine()
    online: Online = Online()
    ledger: Database | None = None
    storage: Storage | None = None

    @model_validator(mode="after")
    def _models_are_shared_as_their_ledger_is(self) -> Self:
        if self.ledger is not None and self.storage is None:
            raise ValueError("a ledger that machines share needs storage for the models it names")
        return self


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
    online: Online = Online()
    profiles: dict[str, Profile] = Field(
        default_factory=dict, description="other places; GHALA_PROFILE names the one to use"
    )
    profile: str | None = Field(None, description="the profile in force without GHALA_PROFILE")

    @property
    def place(self) -> Profile:
        """Where everything is kept: by ``GHALA_PROFILE``, else by ``profile``, else here.

        The profile ``embedded`` is always this machine's own folders, and needs no server.

        Raises:
            ConfigurationError: there is no such profile.
        """
        name = os.environ.get(PROFILE_VARIABLE) or self.profile
        if not name or name == EMBEDDED:
            return Profile(warehouse=self.warehouse, online=self.online)
        if name not in self.profiles:
            raise ConfigurationError(
                f"The profile {name!r} is not described in {SETTINGS_FILE}."
                f" {suggest(name, [*self.profiles, EMBEDDED])}",
                f"Add [profiles.{name}.warehouse] to {SETTINGS_FILE}, or name another profile"
                f" with {PROFILE_VARIABLE}.",
            )
        return self.profiles[name]


def _read_address(variable: str, *, of: str) -> str:
    address = os.environ.get(variable)
    if not address:
        raise ConfigurationError(
            f"The {of} is on PostgreSQL, and the variable {variable} is not set.",
            f"Set it: export {variable}='postgresql://USER:PASSWORD@HOST/DATABASE'",
        )
    return address


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
    def ledger(self) -> Path | Database:
        """The SQLite file of the ledger, or the database that it is in."""
        return self.settings.place.ledger or self.state / "ledger.db"

    @property
    def tracking_uri(self) -> str:
        """The MLflow tracking and registry store; it may hold a password."""
        if database := self.settings.place.ledger:
            return database_url(database.dsn, schema="mlflow")
        return f"sqlite:///{self.state / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts; with storage, the copies of those that were needed here."""
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

"""The contract of a source: what its files must look like, and which rows are refused."""

import re
from datetime import date
from pathlib import Path
from typing import Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ghala.contracts.discovery import sources
from ghala.contracts.errors import suggest
from ghala.contracts.policy import parse, read_yaml
from ghala.contracts.settings import Workspace


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_NUMBERS = ("smallint", "integer", "bigint", "decimal(P,S)", "double", "float")
TYPES = (*_NUMBERS, "varchar", "boolean", "date", "timestamp", "timestamptz")
"""What a column may be: of each kind one name, which every engine has a type for."""
_DIGITS = 38


class Column(_Strict):
    """One column of a feed."""

    type: str
    required: bool = False
    since: date | None = Field(None, description="files that arrived before that day may lack it")
    description: str = ""

    def may_lack(self, arrived: date) -> bool:
        """Whether a file that arrived on a day may come without the column."""
        return self.since is not None and arrived < self.since

    @field_validator("type")
    @classmethod
    def _type_is_known(cls, given: str) -> str:
        decimal = re.fullmatch(r"decimal\((\d+), ?(\d+)\)", given)
        if decimal is None:
            if given not in TYPES or "(" in given:
                raise ValueError(f"no such type. {suggest(given, TYPES)}")
            return given
        digits, scale = int(decimal[1]), int(decimal[2])
        if not max(scale, 1) <= digits <= _DIGITS:
            raise ValueError(f"decimal(P,S) has P digits, up to {_DIGITS}, of which S are decimals")
        return f"decimal({digits},{scale})"


class Reference(_Strict):
    """Another feed of the source that a row points to; rules may use its columns."""

    feed: str
    column: str
    name: str = Field(pattern="^[a-z_]+$")
    required: bool = True


class Rule(_Strict):
    """A claim about each row, in SQL. A row for which it is not true goes to quarantine."""

    name: str = Field(pattern="^[a-z_]+$")
    check: str
    reason: str


class Feed(_Strict):
    """One kind of file that the source delivers."""

    description: str
    format: Literal["parquet", "csv"]
    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    references: dict[str, Reference] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    every_days: int | None = Field(None, ge=1, description="None: delivered once or at will")
    grace_days: int = Field(0, ge=0, description="days that a file may come later than that")
    corrections: bool = Field(False, description="a row with a known key is its new version")
    event_time: str | None = Field(None, description="the column of when it happened")
    late_days: int | None = Field(None, ge=0, description="rows that arrive later are refused")
    new_columns: Literal["refuse", "keep"] = Field(
        "refuse", description="keep: park the values of columns the contract does not name"
    )
    max_quarantined: float = Field(0.5, ge=0, le=1, description="share of rows; above: rejected")
    min_share_of_median: float | None = Field(
        None, gt=0, le=1, description="rows over the median of the last files; below: rejected"
    )

    @model_validator(mode="after")
    def _rows_are_always_told_apart(self) -> Self:
        for column in (*self.key, self.event_time):
            if column in self.columns and self.columns[column].since is not None:
                raise ValueError(f"{column!r} identifies or dates a row: it cannot have `since`")
        return self


class Source(_Strict):
    """One system's feeds, with where the data comes from."""

    description: str
    provenance: str
    licence: str
    benchmark: bool = Field(False, description="public data, not a company's own")
    timezone: str = "UTC"
    feeds: dict[str, Feed]

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("no such time zone")
        return zone

    @field_validator("feeds")
    @classmethod
    def _names_are_known(cls, feeds: dict[str, Feed]) -> dict[str, Feed]:
        for name, feed in feeds.items():
            timed = (feed.event_time,) if feed.event_time else ()
            for column in (*feed.key, *feed.references, *timed):
                if column not in feed.columns:
                    raise ValueError(f"{name} has no column {column!r}")
            for to in feed.references.values():
                if to.feed not in feeds:
                    raise ValueError(f"{name} refers to {to.feed!r}. {suggest(to.feed, feeds)}")
                if feeds[to.feed].key != (to.column,):  # else a row would find several
                    raise ValueError(f"{name}: {to.column!r} is not the key of {to.feed}")
        return feeds

    def rests_on(self, feed: str) -> set[str]:
        """The feed and every feed that its rows point to, by way of others too."""
        found, asked = {feed}, [feed]
        while asked:
            near = {to.feed for to in self.feeds[asked.pop()].references.values()} - found
            found |= near
            asked += near
        return found


def read_sources(workspace: Workspace) -> dict[str, Source]:
    """The contract of every source the workspace reads, by name.

    Raises:
        ConfigurationError: a source is nowhere, or its contract is wrong.
    """
    return {
        name: read_contract(folder / "contract.yml") for name, folder in sources(workspace).items()
    }


def read_contract(path: Path) -> Source:
    """Read and check one contract."""
    return parse(Source, read_yaml(path), path)


def arrival(file: Path) -> date | None:
    """The day a file was delivered, from its name ``FEED_YYYY-MM-DD.EXT``; None if it has none.

    Rows released from quarantine are delivered as ``FEED_YYYY-MM-DD.YYYY-MM-DD.DIGEST.EXT``.
    """
    delivered, *more = file.name.split(".")
    try:
        return date.fromisoformat(more[0] if len(more) == 3 else delivered.rpartition("_")[2])
    except ValueError:
        return None


def feed_name(file: Path) -> str:
    """The feed a file belongs to, from its name."""
    return file.name.partition(".")[0].rpartition("_")[0]

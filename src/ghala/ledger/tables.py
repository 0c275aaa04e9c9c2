"""The tables of the ledger."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The ledger's metadata."""


class Entry(Base):
    """One fact. ``digest`` covers its content and the digest of the entry before it."""

    __tablename__ = "entries"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(index=True)
    use_case: Mapped[str | None] = mapped_column(index=True)
    version: Mapped[int | None]
    as_of: Mapped[date | None]
    actor: Mapped[str]
    recorded_at: Mapped[datetime]
    key: Mapped[str | None] = mapped_column(unique=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous: Mapped[str]
    digest: Mapped[str]


class Holder(Base):
    """Which version holds a stage of a use case; changed only by compare-and-set."""

    __tablename__ = "holders"

    use_case: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int | None]
    since: Mapped[date]
    generation: Mapped[int]

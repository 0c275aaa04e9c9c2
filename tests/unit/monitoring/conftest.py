"""A warehouse in which forecasts were made, and what then happened."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.mean_model import MeanModel
from tests.servers import ENGINES, open_engine

from ghala.contracts.policy import Retrain
from ghala.evaluation.forecast import Forecast, ForecastPolicy
from ghala.monitoring.outcomes import Accuracy
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.predictions import create_tables

MONDAY = date(2024, 1, 1)
NAME = "operations/demand"
SAID = "platform.operations__demand_predictions"


class Demand(MeanModel, Forecast):
    """A forecast of which only the outcomes matter here."""

    def __init__(self, folder: Path) -> None:
        self.name, self.folder = NAME, folder
        self.policy = ForecastPolicy(
            owner="Tests", unit="operations", retrain=Retrain(value_added_weeks=4)
        )
        (folder / "outcomes.sql").write_text(
            "SELECT grain, series, week AS target_week, known_on, units AS actual FROM core.sold",
            encoding="utf-8",
        )


def week(number: int) -> date:
    return MONDAY + timedelta(weeks=number)


@pytest.fixture
def use_case(tmp_path: Path) -> Demand:
    return Demand(tmp_path)


@pytest.fixture(params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, use_case: Demand, *, postgres_server: str
) -> Iterator[Warehouse]:
    """What was right and wrong is counted alike on both engines."""
    with open_engine(request.param, use_case.folder, postgres_server) as opened:
        opened.execute("CREATE SCHEMA core")
        opened.execute(
            "CREATE TABLE core.sold (grain VARCHAR, series VARCHAR, week DATE, known_on DATE,"
            " units DOUBLE PRECISION)"
        )
        create_tables(opened, use_case)
        yield opened


def say(warehouse: Warehouse, target: int, mean: float, **more: Any) -> None:
    """Make one forecast of week ``target``, by default a week before and as the champion."""
    values = {
        "version": 1, "role": "champion", "as_of": week(target - 1),
        "grain": "sku_chain", "series": "sugar", "target_week": week(target), "horizon": 1,
        "mean": mean, "p10": 0.0, "p50": mean, "p90": 2 * mean, "smart_mean": 10.0,
        "recent_mean": 8.0, "naive": 5.0, "dispersion": 0.3,
    } | more  # fmt: skip
    columns = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    warehouse.execute(f"INSERT INTO {SAID} ({columns}) VALUES ({marks})", list(values.values()))


def sell(
    warehouse: Warehouse,
    target: int,
    units: float,
    *,
    late: int = 0,
    series: str = "sugar",
    grain: str = "sku_chain",
) -> None:
    """Let week ``target`` happen; it is known on the Monday after it, or later."""
    warehouse.execute(
        "INSERT INTO core.sold VALUES (?, ?, ?, ?, ?)",
        [grain, series, week(target), week(target + 1 + late), units],
    )


def make_accuracy(**more: Any) -> Accuracy:
    """A model that is a tenth better than the smart mean and has no bias."""
    plain: dict[str, Any] = {
        "grain": "sku_chain", "weeks": 4, "metric": "wape", "loss": 0.36, "baseline": "smart_mean",
        "baselines": {"smart_mean": 0.40, "recent_mean": 0.45},
        "figures": {"bias": more.pop("bias", 0.0)}, "weekly_value_added": (0.1, 0.1, 0.1, 0.1),
    }  # fmt: skip
    return Accuracy(**plain | more)

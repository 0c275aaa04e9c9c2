"""Each use case has tables of its own, with its own columns, on both engines."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.mean_model import MeanModel
from tests.servers import ENGINES, open_engine

from ghala.evaluation.score import Score, ScorePolicy
from ghala.monitoring.outcomes import measure
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.predictions import (
    create_tables,
    match_outcomes,
    outcomes_of,
    predictions_of,
    replace_predictions,
)

MONDAY = date(2024, 1, 1)


class Refunds(MeanModel, Score):
    """What a customer sends back in the 14 days from a day on."""

    entity = ("customer_id",)
    horizon_days = 15
    baselines = ("rate",)

    def __init__(self, folder: Path) -> None:
        self.name, self.folder = "marketing/refunds", folder
        self.policy = ScorePolicy(owner="Tests", unit="marketing")
        (folder / "outcomes.sql").write_text(
            "SELECT customer_id, as_of, CAST(as_of + 15 AS DATE) AS known_on,"
            " CAST(sum(CASE WHEN day >= as_of AND day < as_of + 14 THEN 1 ELSE 0 END)"
            " AS DOUBLE PRECISION) AS actual"
            " FROM origins CROSS JOIN core.refunds GROUP BY customer_id, as_of",
            encoding="utf-8",
        )


class Wider(Refunds):
    """The same after a month, with a column more."""

    kept = {"basket": "DOUBLE PRECISION"}  # noqa: RUF012 - as in the contract


@pytest.fixture
def use_case(tmp_path: Path) -> Refunds:
    return Refunds(tmp_path)


@pytest.fixture(params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, use_case: Refunds, *, postgres_server: str
) -> Iterator[Warehouse]:
    with open_engine(request.param, use_case.folder, postgres_server) as opened:
        opened.execute("CREATE SCHEMA core")
        opened.execute("CREATE TABLE core.refunds (customer_id VARCHAR, day DATE)")
        opened.execute(
            "INSERT INTO core.refunds VALUES ('a', '2024-01-03'), ('a', '2024-01-13'),"
            " ('b', '2024-02-01')"
        )
        yield opened


def say(use_case: Refunds, as_of: date, **more: Any) -> pl.DataFrame:
    columns = {"version": 1, "role": "champion", "as_of": as_of, "mean": 0.5, "rate": 1.0} | more
    return pl.DataFrame({"customer_id": ["a", "b"]}).with_columns(
        **{name: pl.lit(value) for name, value in columns.items()}
    )


def test_predictions_of_a_day_take_the_place_of_those_said_before(
    warehouse: Warehouse, use_case: Refunds
) -> None:
    for mean in (0.5, 0.7):
        replace_predictions(warehouse, use_case, say(use_case, MONDAY, mean=mean), as_of=MONDAY)
    later = MONDAY + timedelta(weeks=1)
    replace_predictions(warehouse, use_case, say(use_case, later), as_of=later)

    said = warehouse.frame(f"SELECT * FROM {predictions_of(use_case)} ORDER BY as_of, customer_id")
    assert said.columns == ["version", "role", "customer_id", "as_of", "mean", "rate"]
    assert said["mean"].to_list() == [0.7, 0.7, 0.5, 0.5]


def test_what_happens_in_the_days_after_is_matched_by_the_day_it_was_said(
    warehouse: Warehouse, use_case: Refunds
) -> None:
    days = [MONDAY + timedelta(weeks=n) for n in range(2)]
    for day in days:
        replace_predictions(warehouse, use_case, say(use_case, day), as_of=day)

    assert match_outcomes(warehouse, use_case, MONDAY + timedelta(days=14)) == 0
    assert match_outcomes(warehouse, use_case, MONDAY + timedelta(days=15)) == 2
    assert match_outcomes(warehouse, use_case, MONDAY + timedelta(days=15)) == 0
    assert match_outcomes(warehouse, use_case, MONDAY + timedelta(days=30)) == 2
    happened = warehouse.rows(
        f"SELECT customer_id, as_of, actual FROM {outcomes_of(use_case)} ORDER BY 2, 1"
    )
    assert happened == [
        ("a", days[0], 2.0), ("b", days[0], 0.0), ("a", days[1], 1.0), ("b", days[1], 0.0),
    ]  # fmt: skip

    [found] = measure(warehouse, use_case, as_of=MONDAY + timedelta(days=30), weeks=4)
    assert (found.grain, found.metric, found.weeks, found.baseline) == (
        "", "squared_error", 2, "rate",
    )  # fmt: skip
    assert found.loss == pytest.approx((1.5**2 + 0.5**2 + 0.5**2 + 0.5**2) / 4)
    assert found.baseline_loss == pytest.approx((1 + 1 + 0 + 1) / 4)
    assert found.figures["bias"] == pytest.approx(2 / 3 - 1)


def test_a_use_case_that_gains_a_column_keeps_what_was_said_before(
    warehouse: Warehouse, use_case: Refunds
) -> None:
    replace_predictions(warehouse, use_case, say(use_case, MONDAY), as_of=MONDAY)
    wider = Wider(use_case.folder)

    create_tables(warehouse, wider)
    later = MONDAY + timedelta(weeks=1)
    replace_predictions(warehouse, wider, say(wider, later, basket=9.5), as_of=later)

    said = warehouse.frame(f"SELECT basket FROM {predictions_of(wider)} ORDER BY as_of")
    assert said["basket"].to_list() == [None, None, 9.5, 9.5]

"""What events do is learned from those that ran: lift, switching, how busy their days are."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ghala_retail.use_cases.marketing.events.effects import draw_effects, draw_noise
from ghala_retail.use_cases.marketing.events.response import Response, fit_response

LIFT, DEEPER, SWITCHED = 0.5, 2.0, 0.4
BUSY = {"habit": 0.0, "back_to_school": 0.9}


@pytest.fixture(scope="module")
def cells() -> pl.DataFrame:
    """A hundred events with a planted lift, a planted share of switching, and busy school days."""
    random, rows = np.random.default_rng(1), []
    for number in range(100):
        event = "back_to_school" if number % 4 == 0 else "habit"
        depth, usual = float(random.choice([0.05, 0.1, 0.2, 0.3])), float(random.uniform(200, 900))
        due = usual * np.exp(BUSY[event] + random.normal(0, 0.1))
        lift = np.exp(LIFT + DEEPER * (depth - 0.15) + random.normal(0, 0.05))
        rest = 4 * due
        rows.append(
            {
                "category": f"C{number % 3}", "location_id": "D0",
                "target_week": date(2024, 1, 1) + timedelta(weeks=number), "event": event,
                "depth": depth, "featured": 0.0, "own_usual": usual, "own_expected": due,
                "own_base": due, "own_units": float(random.poisson(due * lift)),
                "own_earned": due * lift * (30 - 100 * depth), "own_revenue": 100 * due,
                "own_margin": 30 * due, "own_controls": 800.0, "rest_expected": rest,
                "rest_base": rest, "rest_controls": 8000.0,
                "rest_units": rest - SWITCHED * (lift - 1) * due,
                "after_units": None, "after_expected": None, "after_lift": None,
            }
        )  # fmt: skip
    return pl.DataFrame(rows).with_columns(pl.col("^after_.*$").cast(pl.Float64))


@pytest.fixture(scope="module")
def response(cells: pl.DataFrame) -> Response:
    return fit_response(cells)


def test_the_lift_and_what_it_takes_from_the_shelf_are_found(response: Response) -> None:
    asked = pl.DataFrame(
        {"category": ["C0", "C0"], "event": ["habit"] * 2, "depth": [0.1, 0.3],
         "featured": [0.0] * 2}
    )  # fmt: skip
    mean, spread = response.log_lifts(asked)

    assert mean == pytest.approx([0.4, 0.8], abs=0.08)
    assert spread.max() < 0.25
    assert response.share_of("C0").mean == pytest.approx(SWITCHED, abs=0.05)


def test_school_events_fall_on_busy_days_and_habits_do_not(response: Response) -> None:
    assert response.bustle_of("back_to_school").mean == pytest.approx(0.9, abs=0.08)
    assert response.bustle_of("habit").mean == pytest.approx(0.0, abs=0.08)
    assert response.bustle_of("unseen").sd > response.bustle_of("habit").sd


def test_one_location_whose_controls_sold_out_does_not_make_all_days_unsure(
    cells: pl.DataFrame, response: Response
) -> None:
    odd = pl.col("target_week") == date(2024, 1, 8)
    broken = cells.with_columns(own_expected=pl.when(odd).then(1.0).otherwise("own_expected"))

    assert fit_response(broken).bustle_of("habit").sd < 1.3 * response.bustle_of("habit").sd


def test_what_an_event_adds_grows_with_how_busy_its_days_are(response: Response) -> None:
    shelf = pl.DataFrame(
        {
            "units": [100.0],
            "revenue": [1e4],
            "margin": [4e3],
            "other_margin": [30.0],
            "basket_margin": [50.0],
        }
    )
    gains = [
        draw_effects(
            response, draw_noise(), category="C0", event=event, log_lift=(0.5, 0.05)
        ).gains(shelf, depth=0.05, featured=0.0).mean()
        for event in ("habit", "back_to_school")
    ]  # fmt: skip

    assert gains[1] > 2 * gains[0] > 0


def test_a_response_is_read_as_it_was_written(response: Response, tmp_path: Path) -> None:
    response.save(tmp_path)
    again = Response.load(tmp_path)

    assert again.bustle == response.bustle
    assert np.array_equal(again.covariance, response.covariance)


def test_too_few_events_and_events_that_sold_nothing_are_refused(cells: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="3 events have run whose effect is known; 8 are needed"):
        fit_response(cells.head(3))
    with pytest.raises(ValueError, match="nothing was sold in any event"):
        fit_response(cells.with_columns(own_units=pl.lit(0.0)))

"""Orders to suppliers: what is sensible is ordered, and what cannot be is refused with a reason."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ghala.contracts.policy import read_policy
from ghala.evaluation.paths import Shocks, draw_paths
from ghala_retail.use_cases.operations import replenishment
from ghala_retail.use_cases.operations.replenishment.lead_time import protect
from ghala_retail.use_cases.operations.replenishment.model import Ordering
from ghala_retail.use_cases.operations.replenishment.terms import describe
from ghala_retail.use_cases.operations.replenishment.use_case import (
    Replenishment,
    ReplenishmentPolicy,
)

MONDAY = date(2025, 1, 6)


def made() -> Replenishment:
    found = Replenishment()
    found.name, found.folder = "operations/replenishment", Path(replenishment.__file__).parent
    found.policy = read_policy(found.folder / "policy.yml", ReplenishmentPolicy)
    return found


def weeks_of(skus: int = 12, weeks: int = 30, pace: float = 6.0, **changed: object) -> pl.DataFrame:
    """Past weeks of SKUs of one supplier in two depots."""
    random = np.random.default_rng(5)
    rows = []
    for depot in ("D1", "D2"):
        for sku in range(skus):
            mean = pace * (1 + sku % 4)
            sold = random.poisson(mean, weeks)
            rows += [
                {
                    "as_of": MONDAY + timedelta(weeks=week), "sku": f"S{sku}", "location_id": depot,
                    "grain": "sku_location", "series": f"S{sku}|{depot}", "category": "flour",
                    "supplier_id": "P1", "pack_units": 6, "shelf_life_days": 180, "volume_l": 1.2,
                    "vat_rate": 0.16, "moq_units": 48, "break_units": 400, "break_discount": 0.02,
                    "lead_days": 9.0, "lead_spread_days": 2.0, "price": 230.0, "unit_cost": 150.0,
                    "on_order": 0, "closing": round(2 * mean), "wanted_4": mean, "wanted_8": mean,
                    "wanted_26": mean, "sold_pace_8": mean, "sold_pace_26": mean,
                    "sold_square_26": mean + mean**2, "wanted_square_26": mean + mean**2,
                    **{f"{name}_{n}w": None for n in (1, 2, 3, 4)
                       for name in ("mean", "dispersion", "target_week")},
                    **{f"shock_{part}": None for part in (
                        "everywhere", "location", "category", "level",
                    )},
                    "known_on": MONDAY + timedelta(weeks=week + 2), "actual": float(sold[week]),
                }
                for week in range(weeks)
            ]  # fmt: skip
    numbers = ("mean_", "shock_", "dispersion_")
    nulls: dict[str, Any] = {name: pl.Float64 for name in rows[0] if name.startswith(numbers)}
    nulls |= {name: pl.Date for name in rows[0] if name.startswith("target_week")}
    frame = pl.DataFrame(rows, schema_overrides=nulls)
    return frame.with_columns(**{name: pl.lit(value) for name, value in changed.items()})


@pytest.fixture(scope="module")
def fitted() -> Ordering:
    return made().fit(weeks_of(), seed=1)


def say(model: Ordering, rows: pl.DataFrame) -> pl.DataFrame:
    return made().ask(model, rows.drop("actual", "known_on"))


def test_what_runs_low_is_ordered_in_whole_packs_and_no_less_than_the_least_order(
    fitted: Ordering,
) -> None:
    now = weeks_of(weeks=1, closing=0)
    said = say(fitted, now)
    assert (said["decision"] > 0).all()
    assert (said["decision"] % 6 == 0).all()
    assert said.group_by("location_id").agg(pl.col("decision").sum())["decision"].min() >= 48
    assert said["infeasible"].null_count() == said.height


def test_what_is_full_is_not_ordered(fitted: Ordering) -> None:
    assert (say(fitted, weeks_of(weeks=1, closing=5000))["decision"] == 0).all()


def test_it_costs_less_than_the_rules_it_must_beat_in_weeks_it_has_not_seen(
    fitted: Ordering,
) -> None:
    found = made()
    rows = found.judge(fitted, weeks_of(weeks=40))
    cost = {
        who: found.losses(rows, "cost", who=who).sum() for who in ("decision", "textbook", "cover")
    }
    assert cost["decision"] < 0.95 * cost["textbook"]
    assert cost["decision"] < 0.95 * cost["cover"]


def test_a_model_is_read_back_as_it_was_written(fitted: Ordering, tmp_path: Path) -> None:
    made().save(fitted, tmp_path)
    assert made().load(tmp_path) == fitted


def test_a_least_order_above_a_years_sales_is_refused_by_name(fitted: Ordering) -> None:
    said = say(fitted, weeks_of(skus=1, weeks=1, closing=0, moq_units=5000))
    assert (said["decision"] == 0).all()
    assert said["infeasible"][0] == (
        "the least order of P1 (5000 units) is more than the depot sells in a year and before it is"
        " too old (154 units)"
    )
    assert (said["moq_cost_year"] > 0).all()  # what it would be worth to negotiate
    assert (said["moq_wanted"] < 5000).all()


def test_no_order_is_below_the_least_one_and_none_outlasts_the_shelf(fitted: Ordering) -> None:
    now = weeks_of(weeks=1, closing=0, moq_units=900, shelf_life_days=70)
    said = say(fitted, now)
    units = said.group_by("location_id").agg(pl.col("decision").sum())["decision"]
    assert (units >= 900).all()
    assert (said["decision"] <= 10 * said["pace"] + 6).all()  # what ten weeks sell, and a pack


def test_an_order_close_to_a_price_break_that_pays_reaches_it(fitted: Ordering) -> None:
    now = weeks_of(weeks=1, closing=0, moq_units=6, break_units=2000)
    dear, poor = (
        say(fitted, now.with_columns(break_discount=pl.lit(off)))["decision"].sum() / 2
        for off in (0.10, 0.0)
    )
    assert poor < 2000 <= dear


def test_a_long_least_order_has_a_price_and_a_short_one_has_none(fitted: Ordering) -> None:
    dear, cheap = (
        say(fitted, weeks_of(skus=2, weeks=1, moq_units=units))["moq_cost_year"].sum()
        for units in (600, 6)
    )
    assert dear > 0
    assert cheap == 0


@pytest.mark.parametrize("zero", ["actual", "everything"])
def test_nothing_that_sells_is_nothing_to_order(zero: str) -> None:
    names = [
        name for name in weeks_of(skus=1, weeks=1).columns if name.startswith(("wanted", "sold"))
    ]
    nothing = dict.fromkeys(["actual", *(names if zero == "everything" else [])], 0.0)
    rows = weeks_of(skus=2, weeks=12, **nothing)
    model = made().fit(rows, seed=1)
    said = say(model, rows.filter(pl.col("as_of") == MONDAY))
    assert said["decision"].is_finite().all()
    if zero == "everything":
        assert (said["decision"] == 0).all()


def test_one_sku_is_enough() -> None:
    rows = weeks_of(skus=1, weeks=12).filter(pl.col("location_id") == "D1")
    said = say(made().fit(rows, seed=1), rows.tail(1).with_columns(closing=pl.lit(0)))
    assert said["decision"][0] > 0


def test_a_missing_volume_is_the_median_of_its_category(fitted: Ordering) -> None:
    rows = weeks_of(weeks=1)
    some = rows.with_columns(volume_l=pl.when(pl.col("sku") != "S0").then("volume_l"))
    none = rows.with_columns(volume_l=pl.lit(None, pl.Float64))
    assert say(fitted, some)["holding"].equals(say(fitted, rows)["holding"])
    assert (say(fitted, none)["holding"] > 0).all()


def test_a_supplier_without_terms_or_deliveries_gets_the_median_ones(fitted: Ordering) -> None:
    names = ("lead_days", "lead_spread_days", "moq_units", "pack_units", "volume_l", "unit_cost")
    rows = weeks_of(weeks=1, closing=0)
    unknown = [
        pl.when(pl.col("sku") != "S0").then(name).alias(name)
        for name in (*names, "shelf_life_days", "break_units", "break_discount", "closing")
    ]
    nothing = [pl.lit(None, rows[name].dtype).alias(name) for name in names]
    for asked in (rows.with_columns(unknown), rows.with_columns(nothing)):
        said = say(fitted, asked)
        assert said["decision"].is_finite().all()
        assert said["decision"].sum() > 0
        assert said["infeasible"].null_count() == said.height


def test_a_cost_of_nothing_and_a_price_of_nothing_are_no_bug(fitted: Ordering) -> None:
    said = say(fitted, weeks_of(weeks=1, closing=0, unit_cost=0.0, price=0.0, volume_l=0.0))
    for who in ("decision", "textbook", "cover"):
        assert said[who].is_finite().all()


def test_a_sku_that_loses_money_is_not_stocked_for_its_margin(fitted: Ordering) -> None:
    said = say(fitted, weeks_of(weeks=1, price=100.0))
    assert said["missed"].to_list() == pytest.approx([10.0] * said.height)  # its goodwill


def forecast(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows with what demand would have said of them."""
    return rows.with_columns(
        **{f"mean_{n}w": 4.0 + n for n in (1, 2, 3, 4)},
        **{f"dispersion_{n}w": pl.lit(0.4) for n in (1, 2, 3, 4)},
        **{f"target_week_{n}w": pl.col("as_of") + timedelta(weeks=n - 1) for n in (1, 2, 3, 4)},
        shock_everywhere=pl.lit(0.01), shock_location=pl.lit(0.02), shock_category=pl.lit(0.02),
        shock_level=pl.lit(0.08),
    )  # fmt: skip


def test_the_reorder_point_is_the_quantile_of_the_forecasts_joint_paths() -> None:
    found = made()
    rows = describe(
        forecast(weeks_of(skus=40, weeks=1)).with_columns(
            lead_days=pl.lit(10.0), lead_spread_days=pl.lit(0.01)
        ),
        found.policy.costs,
    )
    drawn = sum(
        draw_paths(
            rows.select(
                "series", "location_id", "category", target_week=f"target_week_{n}w",
                mean=f"mean_{n}w", dispersion=f"dispersion_{n}w",
            ),
            Shocks(0.01, 0.02, 0.02, 0.08), seed=1, paths=1_000,
        )
        for n in (1, 2, 3)
    )  # fmt: skip
    wanted = protect(rows)  # two whole weeks of lead time, and the week until the next review
    assert wanted.mean == pytest.approx(np.full(80, 18.0))
    assert wanted.at(np.full(80, 0.5)).mean() == pytest.approx(np.median(drawn), rel=0.05)
    for level in (0.8, 0.95):
        said = wanted.at(np.full(80, level)).mean()
        assert said == pytest.approx(np.quantile(drawn, level), rel=0.05)


def test_what_an_order_will_hold_is_told_by_the_joint_paths_of_its_skus(fitted: Ordering) -> None:
    rows = weeks_of(weeks=1)
    said = say(fitted, forecast(rows))
    assert said["order_p10"].n_unique() == 2  # one per depot
    assert (said["order_p10"] < 12 * 26).all()
    assert (said["order_p90"] > 12 * 26).all()
    assert (said["order_p90"] / said["order_p10"]).min() > 1.2  # shared shocks do not cancel out
    assert say(fitted, rows)["order_p10"].null_count() == rows.height


def test_too_few_weeks_are_told() -> None:
    with pytest.raises(ValueError, match="fewer than eight weeks"):
        made().fit(weeks_of(weeks=5), seed=1)

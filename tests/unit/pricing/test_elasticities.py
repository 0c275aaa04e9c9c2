"""Elasticities are those that randomised tests would show, with intervals that hold."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.unit.pricing.conftest import Examples, newest

from ghala.contracts.errors import ConfigurationError
from ghala_retail.use_cases.finance.pricing.use_case import Pricing


def test_tests_correct_what_list_prices_say(pricing: Pricing, shop: Examples) -> None:
    model = pricing.fit(shop(), seed=1)

    listed = model.skus["listed_slope"].to_numpy().mean()
    assert listed > -2.5, "whoever sets prices sees demand coming: list prices look harmless"
    assert model.skus["slope"].to_numpy().mean() == pytest.approx(-3.0, abs=0.35)


def test_the_interval_holds_the_true_elasticity(pricing: Pricing, shop: Examples) -> None:
    examples = shop()
    said = pricing.predict(pricing.fit(examples, seed=1), newest(examples))

    inside = (said["elasticity_low"] <= -2.9) & (said["elasticity_high"] >= -3.1)
    assert inside.to_numpy().mean() >= 0.8
    assert (said["elasticity_low"] < said["elasticity"]).all()
    assert set(said["evidence"]) == {"randomised"}


def test_without_tests_elasticities_are_associations_and_every_price_is_held(
    pricing: Pricing, shop: Examples
) -> None:
    examples = shop(tested=0.0)
    rows = examples.filter(pl.col("as_of") == pl.col("as_of").max())
    said = pricing.judge(pricing.fit(examples, seed=1), rows)

    assert set(said["evidence"]) == {"associational"}
    assert set(said["action"]) == {"hold"}
    assert (said["decision"] == said["price_now"]).all()
    assert "no randomised test" in said["reason"][0]
    randomised = next(v for v in pricing.checks(said) if v.gate == "randomised")
    assert randomised.decision == "fail"


def test_what_was_learned_is_the_same_after_saving(
    pricing: Pricing, shop: Examples, tmp_path: Path
) -> None:
    examples = shop(skus=12, weeks=30)
    model = pricing.fit(examples, seed=1)
    pricing.save(model, tmp_path)
    again = pricing.load(tmp_path)

    assert pricing.predict(again, newest(examples)).equals(pricing.predict(model, newest(examples)))


def test_a_sku_that_was_never_seen_gets_what_its_category_lets_expect(
    pricing: Pricing, shop: Examples
) -> None:
    examples = shop(skus=20, weeks=40)
    model = pricing.fit(examples.filter(pl.col("sku") != "K003"), seed=1)
    said = pricing.predict(model, newest(examples).filter(pl.col("sku") == "K003"))

    assert said["elasticity"].is_finite().all()
    assert (said["units"] > 0).all()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"price": pl.lit(300.0), "test_arm": pl.lit(None, pl.String)}, id="constant"),
        pytest.param({"actual": pl.lit(0.0)}, id="all zeros"),
        pytest.param({"competitor_price": pl.lit(0.0)}, id="competitor at 0"),
        pytest.param({"category": pl.lit(None, pl.String)}, id="no category"),
        pytest.param({"unit_cost": pl.lit(None, pl.Float64)}, id="no cost"),
    ],
)
def test_poor_data_gets_an_answer_in_numbers_and_words(
    pricing: Pricing, shop: Examples, change: dict[str, pl.Expr]
) -> None:
    examples = shop(skus=12, weeks=30).with_columns(**change)
    said = pricing.predict(pricing.fit(examples, seed=1), newest(examples))

    for name in ("decision", "elasticity", "elasticity_low", "elasticity_high", *pricing.baselines):
        assert said[name].is_finite().all(), name
    assert (said["decision"] > 0).all()
    assert said["reason"].str.len_chars().min() > 0  # type: ignore[operator]


def test_one_sku_is_enough(pricing: Pricing, shop: Examples) -> None:
    examples = shop().filter(pl.col("sku") == "K000")
    said = pricing.predict(pricing.fit(examples, seed=1), newest(examples))

    assert said.height == 2
    assert said["elasticity"].is_between(-6, 0).all()


def test_nothing_sold_and_no_cost_are_said(pricing: Pricing, shop: Examples) -> None:
    examples = shop(skus=12, weeks=30).with_columns(
        unit_cost=pl.when(pl.col("sku") != "K000").then("unit_cost")
    )
    said = pricing.predict(pricing.fit(examples, seed=1), newest(examples))
    free = newest(examples)["sku"] == "K000"

    assert set(said.filter(free)["reason"]) == {"no cost is known"}
    assert set(said.filter(free)["action"]) == {"hold"}


def test_too_few_weeks_and_no_price_are_refused_in_words(pricing: Pricing, shop: Examples) -> None:
    with pytest.raises(ValueError, match="12 are needed"):
        pricing.fit(shop(skus=4, weeks=8), seed=1)
    with pytest.raises(ValueError, match="no SKU has a price"):
        pricing.fit(shop(skus=4, weeks=20).with_columns(price=pl.lit(0.0)), seed=1)


def test_an_arm_that_the_policy_does_not_know_is_named(pricing: Pricing, shop: Examples) -> None:
    examples = shop(skus=4, weeks=20).with_columns(test_arm=pl.lit("minus_15"))

    with pytest.raises(ConfigurationError, match="minus_15"):
        pricing.fit(examples, seed=1)


def test_a_week_without_a_sale_of_what_sells_well_is_an_empty_shelf(
    pricing: Pricing, shop: Examples
) -> None:
    examples = shop()
    empty = examples.with_columns(
        actual=pl.when(pl.col("as_of").dt.day() <= 3).then(0.0).otherwise("actual")
    )
    slopes = [pricing.fit(one, seed=1).skus["slope"].to_numpy().mean() for one in (examples, empty)]

    assert np.diff(slopes)[0] == pytest.approx(0.0, abs=0.2)

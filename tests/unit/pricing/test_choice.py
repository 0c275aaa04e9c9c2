"""Prices are changed when that probably earns more, within the guardrails, and held otherwise."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from tests.unit.pricing.conftest import ARMS, Examples, newest

from ghala_retail.use_cases.finance.pricing.choice import Offers, choose_prices, simple_rules
from ghala_retail.use_cases.finance.pricing.rules import Guardrails, PriceTests
from ghala_retail.use_cases.finance.pricing.use_case import Pricing

RULE = Guardrails()


def offer(**given: float) -> Offers:
    """One SKU: 500 KES with VAT, 300 KES cost, slope -2; what is given replaces that."""
    values = {
        "price": 500.0, "unit_cost": 300.0, "kept": 1 / 1.16, "slope": -2.0, "spread": 0.2,
        "units": 50.0, "cap": np.inf,
    }  # fmt: skip
    return Offers(**{name: np.array([value]) for name, value in (values | given).items()})


def test_a_price_too_low_for_what_customers_bear_is_raised_by_one_step() -> None:
    choice = choose_prices(offer(), RULE)

    assert choice.price[0] == 550
    assert choice.gain[0] > 0
    assert choice.probability[0] > 0.8
    assert choice.reason == ["probable gain"]


def test_a_price_too_high_is_lowered() -> None:
    assert choose_prices(offer(slope=-6.0, unit_cost=250.0), RULE).price[0] < 500


def test_the_more_doubtful_the_elasticity_the_rather_a_price_is_held() -> None:
    near = offer(slope=-2.4)
    assert choose_prices(near, RULE).price[0] != 500
    assert choose_prices(replace(near, spread=np.array([2.0])), RULE).price[0] == 500


def test_at_the_best_price_nothing_is_changed() -> None:
    best = 300 / (1 / 1.16) + 500 / 3.0
    choice = choose_prices(offer(price=best, slope=-3.0 * best / 500, spread=0.05), RULE)

    assert choice.price[0] == best
    assert choice.reason == ["no change gains enough for certain"]


def test_steps_and_endings_are_kept() -> None:
    random = np.random.default_rng(1)
    count = 200
    price = random.uniform(20, 5000, count).round()
    offers = Offers(
        price=price, unit_cost=price * 0.5, kept=np.full(count, 0.86),
        slope=random.uniform(-6, -1.2, count), spread=np.full(count, 0.1),
        units=np.full(count, 10.0), cap=np.full(count, np.inf),
    )  # fmt: skip
    chosen = choose_prices(offers, RULE).price
    moved = chosen != price

    assert moved.mean() > 0.5
    assert (np.abs(chosen / price - 1) <= RULE.max_step + 1e-9).all()
    assert set(chosen[moved & (chosen >= 100)] % 10) <= {0.0, 5.0, 9.0}


def test_a_key_value_item_is_not_dearer_than_the_cap_allows() -> None:
    assert choose_prices(offer(cap=520.0), RULE).price[0] <= 520
    lowered = choose_prices(offer(cap=480.0), RULE)
    assert lowered.price[0] <= 480
    assert lowered.reason == ["above the competitors' cap"]


def test_a_margin_below_the_floor_is_mended_though_it_sells_less() -> None:
    choice = choose_prices(offer(unit_cost=425.0, slope=-8.0), RULE)

    assert choice.price[0] * (1 / 1.16) * 0.95 >= 425
    assert choice.reason == ["margin below the floor"]


def test_what_no_step_can_mend_is_told_with_what_it_would_take() -> None:
    choice = choose_prices(offer(unit_cost=600.0), RULE)

    assert choice.price[0] == 550, "as near as one step comes"
    assert choice.broken == ["no price within one step reaches the margin floor of 733"]


def test_a_loss_is_made_smaller() -> None:
    choice = choose_prices(offer(unit_cost=440.0), replace_floor(0.0))
    assert choice.price[0] > 500


def replace_floor(least: float) -> Guardrails:
    return RULE.model_copy(update={"min_margin": least})


def test_a_commission_makes_the_price_higher(pricing: Pricing, shop: Examples) -> None:
    examples = shop(skus=12, weeks=40)
    model = pricing.fit(examples, seed=1)
    plain = pricing.predict(model, newest(examples))
    dear = pricing.policy.prices.model_copy(update={"agent_commission": 0.3})
    pricing.policy = pricing.policy.model_copy(update={"prices": dear})
    paid = pricing.predict(model, newest(examples))

    assert (paid["kept_share"] < plain["kept_share"]).all()
    assert paid["decision"].to_numpy().mean() > plain["decision"].to_numpy().mean()


def test_where_prices_are_best_as_they_are_they_are_held(pricing: Pricing, shop: Examples) -> None:
    examples = shop(slope=-3.0, mark_up=1.5, follows=0.0)
    said = pricing.predict(pricing.fit(examples, seed=1), newest(examples))

    assert (said["action"] == "hold").to_numpy().mean() >= 0.95


def test_simpler_rules_stay_within_a_step() -> None:
    rules = simple_rules(
        offer(), RULE, rivals=np.array([900.0]), typical=np.array([-2.0])
    ).row(0, named=True)  # fmt: skip

    assert rules["keep"] == 500
    assert rules["match_competitor"] == pytest.approx(550)
    assert 450 <= rules["cost_plus"] <= 550
    assert rules["multiplier"] > 500
    unknown = simple_rules(offer(), RULE, rivals=np.array([0.0]), typical=np.array([-2.0]))
    assert unknown["match_competitor"][0] == 500


@pytest.mark.parametrize(
    "arms", [{"up": 1.1, "more": 1.2}, {"none": 1.0, "same": 1.0}, {"free": 0.0, "twice": 2.0}]
)
def test_arms_that_would_cost_much_or_show_nothing_are_refused(arms: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PriceTests(arms=arms)


def test_tested_weeks_value_a_decision_without_bias(pricing: Pricing) -> None:
    random = np.random.default_rng(3)
    count = 400_000
    arm = random.choice(list(ARMS.values()), count)
    tested = random.random(count) < 0.05
    factor = np.where(tested, arm, 1.0)
    rows = pl.DataFrame(
        {
            "price_now": 116.0, "unit_cost": 60.0, "kept_share": 1 / 1.16, "units": 20.0,
            "test_factor": factor, "actual": 20.0 * (1 - 2.0 * (factor - 1)),
        }
    )  # fmt: skip
    raised, kept = (
        pricing.cost(rows, pl.Series(np.full(count, price))).to_numpy().mean()
        for price in (116.0 * 1.05, 116.0)
    )
    true_gain = 20 * ((105 - 60) * (1 - 2.0 * 0.05) - 40)

    assert kept - raised == pytest.approx(true_gain, rel=0.15)
    assert (pricing.cost(rows.filter(~pl.Series(tested)), rows["price_now"].head(1)) == 0).all()

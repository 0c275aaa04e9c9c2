from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ghala_retail.use_cases.marketing.targeting.model import TargetingModel
from ghala_retail.use_cases.marketing.targeting.use_case import Campaign, Targeting

from .conftest import World, make_lots


@pytest.fixture(scope="module")
def lots() -> pl.DataFrame:
    return make_lots(World())


@pytest.fixture(scope="module")
def model(targeting: Targeting, lots: pl.DataFrame) -> TargetingModel:
    return targeting.fit(lots, seed=1)


def allow(targeting: Targeting, **numbers: Any) -> Targeting:
    """The use case under another policy."""
    made = Targeting()
    made.name, made.folder = targeting.name, targeting.folder
    made.policy = targeting.policy.model_copy(update={"campaign": Campaign(**numbers)})
    return made


def test_those_whom_a_contact_moves_are_contacted_with_the_offer_that_pays(
    targeting: Targeting, model: TargetingModel, lots: pl.DataFrame
) -> None:
    said = targeting.predict(model, lots)
    chosen = lots.filter(said["decision"] > 0)

    assert model.chosen == "blend"
    assert chosen.height == int(0.2 * lots.height)
    assert (chosen["discount_365d"] > 0).mean() > 0.9
    assert set(said.filter(pl.col("decision") > 0)["offer"]) == {"reminder"}
    assert said.filter(pl.col("decision") > 0)["value"].min() > 0


def test_who_is_held_out_or_was_contacted_often_is_left_in_peace_and_it_is_said_why(
    targeting: Targeting, model: TargetingModel, lots: pl.DataFrame
) -> None:
    said = targeting.predict(model, lots)
    held_out, weary = lots["is_held_out"] == 1, lots["recent_contacts"] >= 3

    assert said.filter(held_out)["decision"].sum() == 0
    assert said.filter(held_out)["everyone"].sum() == 0
    assert said.filter(weary)["decision"].sum() == 0
    assert set(said.filter(held_out)["reason"]) == {"held out of every campaign"}
    assert set(said.filter(weary & ~held_out)["reason"]) == {"contacted often enough lately"}


def test_the_lots_say_that_the_choice_earns_more_than_every_policy_within_the_budget(
    targeting: Targeting, model: TargetingModel
) -> None:
    judged = targeting.judge(model, make_lots(World(), seed=2))
    costs = {
        who: targeting.losses(judged, "cost", who=who).mean()
        for who in (targeting.answer, *targeting.baselines)
        if who != "everyone"
    }
    figures = targeting.figures(judged)

    assert min(costs, key=lambda who: float(str(costs[who]))) == "decision"
    assert 0 < figures["profit_low"] < figures["profit"] < figures["profit_high"]
    assert figures["profit_without_model"] == pytest.approx(figures["profit"], rel=0.5)


def test_a_model_that_was_saved_says_the_same_when_it_is_loaded(
    targeting: Targeting, model: TargetingModel, lots: pl.DataFrame, *, tmp_path: Path
) -> None:
    targeting.save(model, tmp_path)
    again = targeting.load(tmp_path)

    assert targeting.predict(again, lots).equals(targeting.predict(model, lots))


def test_a_fit_is_the_same_every_time(targeting: Targeting, model: TargetingModel) -> None:
    assert targeting.fit(make_lots(World()), seed=1) == model


def test_who_is_moved_to_one_more_order_counts_although_all_of_them_order(
    targeting: Targeting, lots: pl.DataFrame
) -> None:
    buys = pl.col("discount_365d") > 0
    more = (buys & (pl.col("lot_contacted") == 1)).cast(pl.Int64)
    orders = (1 + more).alias("orders")
    often = lots.with_columns(orders, (orders * 500.0 - orders * pl.col("lot_discount")
                                       * pl.col("lot_contacted")).alias("actual"))  # fmt: skip
    said = targeting.predict(targeting.fit(often, seed=1), often)
    chosen = often.filter(said["decision"] > 0)

    assert chosen.height > 0
    assert (chosen["discount_365d"] > 0).mean() > 0.9


def test_one_campaign_is_enough(targeting: Targeting, lots: pl.DataFrame) -> None:
    one = lots.filter(pl.col("lot_offer") == "voucher")
    fitted = targeting.fit(one, seed=1)

    assert [offer.name for offer in fitted.offers] == ["voucher"]
    assert targeting.predict(fitted, lots)["lot_offer"].null_count() == lots.height // 2


def test_when_contacts_move_no_one_no_one_is_contacted_and_that_is_said(
    targeting: Targeting,
) -> None:
    quiet = make_lots(World(effect=0.0))
    said = targeting.predict(targeting.fit(quiet, seed=1), quiet)

    assert (said["decision"] == 0).all()
    assert said["uplift"].abs().mean() < 0.05, "the learners' noise weighs little"
    assert said["reason"].is_in(["not worth a contact", "no gain is proven"]).any()


def test_goods_sold_at_a_loss_are_not_advertised(targeting: Targeting) -> None:
    losing = make_lots(World(margin=-500.0))
    said = targeting.predict(targeting.fit(losing, seed=1), losing)

    assert (said["decision"] == 0).all()


@pytest.mark.parametrize("numbers", [{"contact_share": 0.0}, {"spend_per_customer": 0.0}])
def test_without_a_budget_no_one_is_contacted(
    targeting: Targeting, model: TargetingModel, lots: pl.DataFrame, *, numbers: dict[str, float]
) -> None:
    said = allow(targeting, **numbers).predict(model, lots)

    assert (said["decision"] == 0).all()
    assert "beyond the budget" in set(said["reason"])


def test_a_budget_of_money_is_kept(
    targeting: Targeting, model: TargetingModel, lots: pl.DataFrame
) -> None:
    said = allow(targeting, spend_per_customer=0.1).predict(model, lots)

    assert 0 < (said["decision"] > 0).sum() <= 0.1 * lots.height / 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (pl.lit(1).alias("lot_contacted"), "no customer was held out by lot"),
        (pl.lit(0).alias("lot_contacted"), "no customer was contacted by lot"),
        (pl.lit(None, pl.Float64).alias("lot_propensity"), "no customer was contacted by lot"),
        (pl.lit(0).alias("orders"), "ordered while their campaign ran"),
    ],
)
def test_lots_that_say_nothing_are_refused_with_what_is_missing(
    targeting: Targeting, lots: pl.DataFrame, *, change: pl.Expr, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        targeting.fit(lots.with_columns(change), seed=1)

from dataclasses import replace

import numpy as np
import pytest

from ghala_retail.company.assortment import NAMES
from ghala_retail.company.business import Business, Company, Intervention
from ghala_retail.company.calendar import describe_day
from ghala_retail.company.counterfactual import counterfactual, run
from ghala_retail.company.lift import COLUMNS, PromotionOracle
from ghala_retail.company.marketing import UPLIFT_TYPES, Event, uplift_types
from ghala_retail.company.oracle import GRID, PriceOracle
from ghala_retail.company.world import make_plan

DAYS = 50
PLAN = make_plan("tiny", "calm", seed=7, days=DAYS)
ENDLESS = Intervention(has_endless_stock=True)


@pytest.fixture(scope="module")
def best_sold() -> list[str]:
    """The eight SKUs of which most units are sold."""
    units = run(PLAN).units.sum(axis=0)
    return [str(sku) for sku in Company(PLAN).assortment.ids[np.argsort(-units)[:8]]]


def first_days(intervention: Intervention, days: int) -> list[Business]:
    plan = make_plan("tiny", "calm", seed=7, days=days)
    return list(Company(plan, intervention).days())


def test_an_intervention_that_does_nothing_changes_nothing() -> None:
    change = counterfactual(7, Intervention(), days=15)
    for what in ("units", "revenue", "margin", "lost", "orders"):
        assert not np.any(getattr(change, what)), what


def test_a_price_in_one_depot_leaves_the_customers_of_the_others_as_they_are(
    best_sold: list[str],
) -> None:
    # A depot of the capital: nobody from elsewhere orders there and takes a store home.
    dearer = Intervention(dict.fromkeys(best_sold, 1.01), in_depots=frozenset(["D01"]))
    change = counterfactual(7, dearer, days=30)

    assert np.any(change.units[0])
    assert not np.any(change.units[1:])
    assert not np.any(change.lost[1:])


def test_a_price_changes_what_is_chosen_but_neither_who_comes_nor_what_is_needed(
    best_sold: list[str],
) -> None:
    dearer = first_days(Intervention({best_sold[0]: 1.3}), 5)
    for one, other in zip(first_days(Intervention(), 5), dearer, strict=True):
        assert np.array_equal(one.visits.customer, other.visits.customer)
        assert np.array_equal(one.choices.needs.bits, other.choices.needs.bits)
        wanted = one.choices.sku != other.choices.sku
        assert wanted.any()
        number = int(best_sold[0][1:]) - 1
        assert set(one.choices.sku[wanted]) == {number}, "only its own buyers turn away"


def test_demand_at_a_higher_price_is_what_the_oracle_says(best_sold: list[str]) -> None:
    company = Company(PLAN, ENDLESS)
    oracle = PriceOracle(company.assortment, company.depots)
    for business in company.days():
        oracle.see(business.choices, business.shelf, cost=company.prices.cost)
    units = oracle.by_zone.sum(axis=1)
    dearer = list(GRID).index(1.2)

    base, expected, found = run(PLAN, ENDLESS), 0.0, 0.0
    for sku in best_sold[:4]:
        number = int(sku[1:]) - 1
        tally = run(PLAN, Intervention({sku: 1.2}, has_endless_stock=True)) - base
        found += tally.units[:, number].sum() / base.units[:, number].sum()
        expected += units[dearer, number] / units[list(GRID).index(1.0), number] - 1
    assert found == pytest.approx(expected, rel=0.1)


def test_without_stockouts_nothing_is_lost_and_more_is_sold() -> None:
    base = run(PLAN)
    change = run(PLAN, ENDLESS) - base
    assert change.lost.sum() == -base.lost.sum()
    assert 0.6 * base.lost.sum() < change.units.sum() < base.lost.sum()


def test_a_campaign_that_reaches_no_one_costs_the_visits_that_the_truth_names() -> None:
    plan = make_plan("tiny", "calm", seed=7, days=22)
    said = visits = 0.0
    company = Company(plan)
    for business in company.days():
        visits += len(business.visits)
        effect = company.marketing.effect[business.visits.customer].astype(float)
        said += (1 - 1 / effect).sum()
    no_one = Company(plan, Intervention(contact={"C0001": False}))
    left = sum(len(business.visits) for business in no_one.days())

    assert said > 15
    assert visits - left == pytest.approx(said, abs=2 * said**0.5)


def test_how_customers_respond_to_campaigns_changes_no_one_who_is_not_contacted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = first_days(Intervention(), 21)
    monkeypatch.setattr("ghala_retail.company.marketing.EFFECTS", np.zeros(4))
    moved = 0
    company = Company(make_plan("tiny", "calm", seed=7, days=21))
    for one, other in zip(usual, company.days(), strict=True):
        found = company.marketing.campaign(one.day.day)
        who, contacted = company.marketing.assign(found) if found else (np.zeros(0, int), slice(0))
        drawn = who[contacted]
        left = [v.customer[~np.isin(v.customer, drawn)] for v in (one.visits, other.visits)]
        assert np.array_equal(*left)
        moved += len(one.visits) - len(other.visits)
    assert moved > 10


def test_a_contact_wins_back_who_slips_away_and_feels_prices() -> None:
    missed, weight = np.array([0.5, 1.5, 1.5, 5.0, 1.5]), np.array([1.2, 1.2, 0.8, 1.2, 1.2])
    kinds = uplift_types(missed, weight, put_off=np.array([False] * 4 + [True]))
    assert [UPLIFT_TYPES[kind] for kind in kinds] == [
        "sure_thing", "persuadable", "lost_cause", "lost_cause", "sleeping_dog",
    ]  # fmt: skip


def test_one_customer_in_five_is_persuadable_and_few_are_put_off() -> None:
    company = Company(PLAN)
    company.marketing.start_day(7)
    kinds = np.bincount(company.marketing.response.kind, minlength=4)
    share = dict(zip(UPLIFT_TYPES, kinds / kinds.sum(), strict=True))
    assert 0.15 < share["persuadable"] < 0.25
    assert 0.05 < share["sleeping_dog"] < 0.10


def test_the_promotions_together_bring_what_the_truth_says() -> None:
    plan = make_plan("tiny", "promo-heavy", seed=7, days=DAYS)
    company = Company(plan, ENDLESS)
    oracle = PromotionOracle(company)
    for business in company.days():
        oracle.see(business)
    sums = dict(zip(COLUMNS, oracle.sums.sum(axis=1), strict=True))
    said = sums["gross_lift_units"] - sums["switched_units"]
    said += sums["stored_units"] - sums["pulled_forward_units"]

    every = frozenset(f"P{number + 1:05}" for number in range(200))
    without = Intervention(without_promotions=every, has_endless_stock=True)
    found = (run(plan, ENDLESS) - run(plan, without)).units.sum()
    units_a_visit = run(plan, without).units.sum() / sum(
        len(business.visits) for business in Company(plan, without).days()
    )
    said += sums["extra_visits"] * units_a_visit
    assert found == pytest.approx(said, rel=0.15)


def test_christmas_moves_demand_from_the_capital_up_country() -> None:
    company = Company(PLAN)
    effect, traffic = company.marketing.effect, np.ones(company.depots.count)
    share = {}
    for when in (330, 353):
        day = describe_day(company.draws, when, PLAN.date(when))
        visits = company.crowd.visits(day, effect=effect, traffic=traffic)
        share[when] = np.bincount(company.depots.zone[visits.depot]) / len(visits)
    assert share[353][0] < 0.75 * share[330][0]
    assert share[353][2] > 1.25 * share[330][2]


def test_prices_are_the_same_whether_days_are_lived_or_skipped() -> None:
    lived, skipped = (Company(make_plan("tiny", "endogenous", seed=7, days=30)) for _ in range(2))
    for _ in lived.days():
        pass
    skipped.skip_to(30)

    assert np.array_equal(lived.prices.price, skipped.prices.price)
    assert np.array_equal(lived.competitors.price, skipped.competitors.price)


def test_events_that_replace_the_companys_own_are_held_and_counted_by_their_own_numbers() -> None:
    company = Company(make_plan("tiny", "calm", seed=7, days=14), ENDLESS)
    made = company.assortment
    ours = made.category == NAMES.index("dairy")
    event = Event(
        "weekend", "dairy", frozenset(made.ids[ours][:5]), frozenset(["D01"]), 0.2,
        is_featured=False,
    )  # fmt: skip
    [held] = company.marketing.replan(1, [event])
    oracle = PromotionOracle(company)
    for business in company.days():
        oracle.see(business)

    assert (held.start, held.end) == (7, 13)
    assert oracle.sums[COLUMNS.index("gross_lift_units"), held.number] > 0
    assert not oracle.sums[0, 3:6].any()
    with pytest.raises(ValueError, match="does not exist"):
        company.marketing.replan(1, [replace(event, skus=frozenset(["none"]))])

from itertools import product

import numpy as np
import pytest

from ghala_retail.use_cases.marketing.targeting.budget import Limits, choose


def worth(value: np.ndarray, chosen: np.ndarray) -> float:
    return float(sum(value[row, offer - 1] for row, offer in enumerate(chosen) if offer))


def test_each_customer_gets_the_offer_that_is_worth_most_and_only_one_that_is_worth_something() -> (
    None
):
    value = np.array([[3.0, 5.0], [2.0, 1.0], [-1.0, -2.0]])

    assert choose(value, np.ones_like(value), Limits(3)).tolist() == [2, 1, 0]


def test_when_not_everyone_can_be_contacted_the_most_worthwhile_are() -> None:
    value = np.array([[3.0], [9.0], [6.0]])

    assert choose(value, np.ones_like(value), Limits(2)).tolist() == [0, 1, 1]
    assert choose(value, np.ones_like(value), Limits(0)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_within_a_budget_of_money_no_choice_is_worth_more_than_one_customer_more(seed: int) -> None:
    random = np.random.default_rng(seed)
    value = random.normal(5, 10, (6, 2))
    cost = random.uniform(1, 10, (6, 2))
    limits = Limits(4, spend=15.0)
    found = choose(value, cost, limits)
    spent = sum(cost[row, offer - 1] for row, offer in enumerate(found) if offer)
    best = max(
        worth(value, np.array(every))
        for every in product((0, 1, 2), repeat=6)
        if sum(map(bool, every)) <= 4
        and sum(cost[row, offer - 1] for row, offer in enumerate(every) if offer) <= 15.0
    )

    assert spent <= 15.0
    assert (found > 0).sum() <= 4
    assert best - worth(value, found) <= value.max()


def test_a_budget_of_nothing_contacts_no_one_who_costs_anything() -> None:
    value = np.array([[3.0], [9.0]])

    assert choose(value, np.full_like(value, 2.0), Limits(2, spend=0.0)).tolist() == [0, 0]


def test_who_may_not_be_contacted_is_not() -> None:
    value = np.array([[-np.inf, -np.inf], [1.0, 2.0]])

    assert choose(value, np.ones_like(value), Limits(2, spend=1.0)).tolist() == [0, 2]


def test_no_customers_is_no_error() -> None:
    assert choose(np.zeros((0, 2)), np.zeros((0, 2)), Limits(0, spend=1.0)).tolist() == []

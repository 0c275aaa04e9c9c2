"""The same company with one thing done differently, and what that changed."""

from dataclasses import dataclass

import numpy as np

from ghala_retail.company.business import NOTHING, Business, Company, Intervention
from ghala_retail.company.draws import Array
from ghala_retail.company.world import Plan, make_plan


@dataclass(frozen=True)
class Tally:
    """What was sold; arrays by depot and SKU, and orders by customer."""

    units: Array
    revenue: Array
    margin: Array
    lost: Array
    orders: Array

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(
            self.units - other.units,
            self.revenue - other.revenue,
            self.margin - other.margin,
            self.lost - other.lost,
            self.orders - other.orders,
        )


def counterfactual(
    seed: int, intervention: Intervention, *, size: str = "tiny", world: str = "calm",
    days: int | None = None,
) -> Tally:  # fmt: skip
    """What an intervention changes: a run with it, less the same run without it.

    Both runs draw the same numbers for the same customers and days, so that an intervention that
    does nothing changes nothing at all. Revenue and margin are in KES.
    """
    plan = make_plan(size, world, seed=seed, days=days)
    return run(plan, intervention) - run(plan)


def run(plan: Plan, intervention: Intervention = NOTHING) -> Tally:
    """Live through a plan and add up what was sold."""
    company = Company(plan, intervention)
    shape = (company.depots.count, company.assortment.count)
    units, revenue, margin, lost = np.zeros((4, *shape))
    total = Tally(units, revenue, margin, lost, np.zeros(company.customers.count, int))
    for business in company.days():
        _add(total, business)
    return total


def _add(total: Tally, business: Business) -> None:
    sales, wishes = business.sales, business.wishes
    cells = sales.line_orders("depot"), sales.sku
    np.add.at(total.units, cells, sales.units)
    np.add.at(total.revenue, cells, sales.price * sales.units - sales.discount)
    np.add.at(total.margin, cells, sales.margin)
    gone = ~wishes.was_served
    np.add.at(total.lost, (wishes.needs.depot[gone], wishes.sku[gone]), wishes.units[gone])
    np.add.at(total.orders, sales.customer, 1)

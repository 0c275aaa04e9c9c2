import numpy as np

from ghala_retail.company.business import Company
from ghala_retail.company.world import make_plan

COMPANY = Company(make_plan("tiny", "calm", seed=7, days=1))


def test_stock_goes_to_who_comes_first_and_no_further_than_it_lasts() -> None:
    stock = COMPANY.stock
    stock.there[:3] = (5, 0, 100)
    before = stock.there[:3].copy()
    cell, units = np.array([0, 1, 0, 0, 2, 0]), np.array([3, 1, 2, 1, 40, 1])

    served = stock.serve(cell, units)

    assert served.tolist() == [True, False, True, False, True, False]
    assert (before - stock.there[:3]).tolist() == [5, 0, 40]


def test_orders_are_whole_cartons_of_what_is_low() -> None:
    company = Company(make_plan("tiny", "calm", seed=8, days=1))
    stock = company.stock
    stock.booked //= 4
    for day in range(7):
        placed = stock.order(day)
        assert placed is not None
        assert (placed.units % stock.pack[placed.cell] == 0).all()
        assert (placed.units > 0).all()
        assert (placed.arrives > day).all()
        assert (stock.supplier[placed.cell] == placed.supplier).all()

"""The demand features see the plan and the sales as they were known, never as they turned out."""

import pytest
from tests.unit.retail_warehouse.conftest import Company, day

KNOWN = "known_on <= $1 AND (superseded_on IS NULL OR superseded_on > $1)"
SHARES = "mailer_share, front_share, discount_share"


def planned(company: Company, series: str, on: int) -> list[float]:
    found = company.ask(
        f"SELECT {SHARES} FROM features.demand_plan"
        f" WHERE {KNOWN} AND series = $2 AND target_week = $3",
        day(on), series, day(8),
    )  # fmt: skip
    assert len(found) <= 1
    return [share for row in found for share in row]


@pytest.mark.parametrize(
    ("on", "shares"),
    [
        (2, []),
        (3, [1, 0, 0.2]),
        (7, [1, 0, 0.2]),
        (11, [1, 0, 0.2]),
        (12, [3 / 7, 3 / 7, 0.2 * 3 / 7]),  # ended early, and put on the front page
    ],
)
def test_a_dated_promotion_counts_as_it_was_planned_on_a_day(
    company: Company, on: int, shares: list[float]
) -> None:
    assert planned(company, "A|D1", on) == pytest.approx(shares)


def test_a_cancelled_promotion_stands_in_the_plan_with_zeros(company: Company) -> None:
    before, after = planned(company, "A|D2", 7), planned(company, "A|D2", 8)
    assert before == pytest.approx([1, 0, 0.2])
    assert after == [0, 0, 0]


def test_what_was_executed_is_no_plan(company: Company) -> None:
    [(line,)] = company.ask("SELECT count(*) FROM core.order_lines WHERE discount > 0")
    [(sold_at,)] = company.ask(
        "SELECT count(*) FROM features.demand_plan WHERE target_week = $1", day(1)
    )
    assert line == 1  # a discount in a week for which nothing was planned
    assert sold_at == 0


@pytest.mark.parametrize(
    ("grain", "units"),
    [
        ("sku_location", {"A": 2, "B": 1, "C": 4}),
        ("location_day", {"D1": 3, "D2": 4}),
    ],
)
def test_a_week_has_sold_what_was_known_when_it_was_over(
    company: Company, grain: str, units: dict[str, int]
) -> None:
    found = company.ask(
        "SELECT split_part(series, '|', 1), sum(units), max(known_on) FROM features.demand_sales"
        " WHERE grain = $1 AND units IS NOT NULL GROUP BY 1",
        grain,
    )
    assert {one: (sold, known_on) for one, sold, known_on in found} == {
        one: (sold, day(8)) for one, sold in units.items()
    }


def test_the_grains_of_a_depot_are_not_those_of_a_store(company: Company) -> None:
    grains = company.ask("SELECT DISTINCT grain FROM features.demand_sales ORDER BY 1")
    assert grains == [("location_day",), ("sku_location",)]

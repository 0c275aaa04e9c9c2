"""The core reconciles to what was delivered, however it was built; the marts follow it."""

from decimal import Decimal
from pathlib import Path

from polars.testing import assert_frame_equal
from tests.unit.retail_warehouse.conftest import STAGES, Company, day, without_batches

from ghala.warehouse.build import assemble
from ghala.warehouse.built import find_changed, read_texts
from ghala.warehouse.engines.opening import open_warehouse


def test_every_state_delivered_is_a_state_in_the_core(company: Company) -> None:
    for table, feeds in {
        "orders": ("web_orders", "agent_orders"),
        "stock_days": ("stock",),
        "returns": ("returns",),
        "receipts": ("receipts",),
        "purchase_orders": ("purchase_orders",),
        "competitor_prices": ("competitor_prices",),
        "calendar_events": ("calendar",),
    }.items():
        raw = sum(company.ask(f"SELECT count(*) FROM raw.company__{feed}")[0][0] for feed in feeds)
        assert company.ask(f"SELECT count(*) FROM core.{table}") == [(raw,)], table


def test_units_and_money_of_the_newest_lines_delivered_are_those_of_the_core(
    company: Company,
) -> None:
    newest = """
        SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY _arrived_on DESC) AS newness
            FROM (FROM raw.company__web_{kind} UNION ALL FROM raw.company__agent_{kind})
        ) WHERE newness = 1"""
    delivered = company.ask(f"""
        SELECT sum(units), sum(units * unit_price_kes - discount_kes), sum(discount_kes)
        FROM ({newest.format(kind="lines", key="order_id, line")}) AS lines
        JOIN ({newest.format(kind="orders", key="order_id")}) AS orders USING (order_id)
        WHERE status <> 'cancelled'""")
    assert delivered == [(7, Decimal("796.00"), Decimal("16.00"))]
    for relation in ("order_lines WHERE superseded_on IS NULL", "sku_location_day",
                     "sku_location_week"):  # fmt: skip
        found = company.ask(f"SELECT sum(units), sum(revenue), sum(discount) FROM core.{relation}")
        assert found == delivered, relation


def test_a_ranged_sku_has_a_row_for_every_day_with_true_zeros_and_stockouts(
    company: Company,
) -> None:
    found = company.ask(
        "SELECT day, units, closing, is_stockout FROM core.ranged_days"
        " WHERE sku = 'A' AND location_id = 'D1' ORDER BY day"
    )
    assert found == [
        (day(1), 0, 10, False),
        (day(2), 1, 5, False),
        (day(3), 0, 5, False),
        (day(4), 0, 1, False),
        (day(5), 0, 1, False),
        (day(6), 0, 20, False),
    ]


def test_a_spell_without_stock_lasts_until_goods_come_in(tmp_path: Path) -> None:
    company = Company(tmp_path / "duka")
    STAGES[0][1](company)
    company.load(day(5))
    spells = "SELECT from_day, to_day FROM core.stock_spells WHERE is_stockout"
    out = "SELECT day, skus_out, skus_run_out FROM marts_operations.stockout_days ORDER BY day"
    assert company.ask(spells) == [(day(4), None)]
    assert company.ask(out) == [(day(4), 1, 1)]

    STAGES[1][1](company)
    company.load(day(8))
    assert company.ask(spells) == [(day(4), day(6))]
    assert company.ask(out) == [(day(4), 1, 1), (day(6), 0, 0)]


def test_the_price_ladder_sets_our_price_beside_the_competitor_s(company: Company) -> None:
    found = company.ask(
        "SELECT sku, zone, price, unit_cost, unit_margin, competitor, competitor_price,"
        " price_index, is_kvi FROM marts_finance.price_ladder ORDER BY zone"
    )
    assert found == [
        ("A", "nairobi", Decimal("127.60"), Decimal("70.00"), Decimal("40.00"), "K",
         Decimal("145.00"), Decimal("0.8800"), True),
        ("A", "upcountry", Decimal("116.00"), Decimal("75.00"), Decimal("25.00"), "K",
         Decimal("145.00"), Decimal("0.8000"), True),
    ]  # fmt: skip


def test_the_margin_of_a_week_is_net_of_vat_and_at_the_corrected_cost(company: Company) -> None:
    [(units, net, cost, margin)] = company.ask(
        "SELECT units, net_revenue, cost, margin FROM marts_finance.sku_week_margins"
        " WHERE sku = 'A' AND week = $1",
        day(1),
    )
    # One unit from Nairobi at 80, two from up-country at 75; 332.00 was paid for the three.
    assert (units, net) == (3, Decimal("286.21"))
    assert (cost, margin) == (Decimal("230.00"), Decimal("56.21"))
    unknown = company.ask("SELECT cost, margin FROM marts_finance.sku_week_margins WHERE sku = 'C'")
    assert unknown == [(None, None)]
    [returned] = company.ask(
        "SELECT units, units_returned, refunds FROM marts_finance.sku_week_margins"
        " WHERE sku = 'A' AND week = $1",
        day(8),
    )
    assert returned == (0, 1, Decimal("116.00"))


def test_a_customer_s_summary_counts_the_orders_that_stand(company: Company) -> None:
    found = company.ask(
        "SELECT customer_id, orders, orders_cancelled, orders_by_agent, units, revenue,"
        " last_order_on FROM marts_marketing.customer_summary ORDER BY customer_id"
    )
    assert found == [
        ("1", 1, 0, 0, 2, Decimal("232.00"), day(2)),
        ("2", 0, 1, 0, 0, Decimal("0.00"), None),
        ("3", 2, 0, 2, 5, Decimal("564.00"), day(3)),
    ]


def test_a_depot_s_day_counts_what_has_to_be_sent(company: Company) -> None:
    found = company.ask(
        "SELECT location_id, day, orders, lines, units, volume_l"
        " FROM marts_operations.depot_days ORDER BY ALL"
    )
    assert found == [
        ("D1", day(2), 1, 1, 1, Decimal("1.5")),
        ("D2", day(2), 1, 1, 2, Decimal("3.0")),
        ("D2", day(3), 1, 1, 4, Decimal("6.0")),
    ]


def test_the_next_build_is_one_over_what_is_new(company: Company) -> None:
    texts = read_texts(assemble(company.workspace))
    with open_warehouse(company.workspace) as warehouse:
        assert find_changed(warehouse, texts) == []


def test_builds_over_what_is_new_end_where_a_full_one_ends(company: Company) -> None:
    grown = company.relations()
    company.load(day(12), full_refresh=True)
    rebuilt = company.relations()

    assert set(grown) == set(rebuilt)
    for name, frame in grown.items():
        assert_frame_equal(frame, rebuilt[name], check_exact=False, rel_tol=1e-12)


def test_a_history_landed_at_once_is_known_as_it_arrived(company: Company, tmp_path: Path) -> None:
    at_once = Company(tmp_path / "duka")
    for _, deliver in STAGES:
        deliver(at_once)
    at_once.load(day(12))

    expected = at_once.relations()
    for name, frame in company.relations().items():
        assert_frame_equal(without_batches(frame), without_batches(expected[name]))

"""What marketing's statements say of a few orders by hand, on both engines."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.servers import ENGINES, empty_database

from ghala.contracts.policy import read_policy
from ghala.contracts.use_case import UseCase
from ghala.features.examples import Request, read_examples, read_subjects
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.postgres import PostgresWarehouse
from ghala.warehouse.predictions import create_tables
from ghala_retail.features.lifetime import customer_lifetime
from ghala_retail.use_cases.marketing.positioning import use_case as positioning
from ghala_retail.use_cases.marketing.segmentation import use_case as segmentation

DAY = date(2025, 6, 2)
LINES = """
CREATE TABLE core.order_lines (
    source VARCHAR, order_id VARCHAR, line VARCHAR, sku VARCHAR, channel VARCHAR,
    customer_id VARCHAR, location_id VARCHAR, ordered_on DATE, units INTEGER,
    revenue DECIMAL(12, 2), discount DECIMAL(12, 2), is_cancelled BOOLEAN, known_on DATE,
    superseded_on DATE)
"""
# order, line, sku, channel, customer, day from DAY, units, revenue, cancelled, known, superseded
ORDERS = (
    ("1", "1", "tea", "web", "ann", -20, 1, 100, False, -19, None),
    ("1", "2", "rice", "web", "ann", -20, 5, 500, False, -19, None),
    ("2", "1", "tea", "agent", "ann", -10, 2, 200, False, -9, -3),  # corrected three days before
    ("2", "1", "tea", "agent", "ann", -10, 3, 300, False, -3, None),
    ("3", "1", "tea", "web", "ann", -5, 0, 0, True, -4, None),  # cancelled
    ("4", "1", "rice", "web", "bob", -2, 1, 90, False, 1, None),  # not known yet
    ("5", "1", "rice", "web", "ann", 3, 2, 400, False, 4, None),
    ("6", "1", "tea", "web", "ann", 9, 2, 200, False, 10, None),
)


@pytest.fixture(scope="module", params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> Iterator[Warehouse]:
    if request.param == "duckdb":
        with DuckDBWarehouse(tmp_path_factory.mktemp("sql") / "warehouse.duckdb") as opened:
            yield fill(opened)
        return
    with empty_database(postgres_server) as address, PostgresWarehouse(address) as opened:
        yield fill(opened)


def fill(opened: Warehouse) -> Warehouse:
    for schema in ("core", "platform", "marts_marketing"):
        opened.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    opened.execute(LINES)
    for order, line, sku, channel, who, day, units, paid, cancelled, known, gone in ORDERS:
        placed = [DAY + timedelta(days=n) if n is not None else None for n in (day, known, gone)]
        opened.execute(
            "INSERT INTO core.order_lines VALUES ('s', ?, ?, ?, ?, ?, 'D1', ?, ?, ?, 0, ?, ?, ?)",
            [order, line, sku, channel, who, placed[0], units, paid, cancelled, *placed[1:]],
        )
    for statement in (
        "CREATE TABLE core.product_history AS SELECT 's' AS source, sku, sku AS category,"
        " 'Mara' AS brand, 'value' AS tier, DATE '2024-01-01' AS valid_from,"
        " CAST(NULL AS DATE) AS valid_to, DATE '2024-01-01' AS known_on,"
        " CAST(NULL AS DATE) AS superseded_on FROM (VALUES ('tea'), ('rice')) AS skus (sku)",
        "CREATE TABLE core.products AS SELECT 's' AS source, sku, 0.16 AS vat_rate"
        " FROM (VALUES ('tea'), ('rice')) AS skus (sku)",
        "CREATE TABLE core.prices AS SELECT 's' AS source, sku, 50.0 AS unit_cost,"
        " DATE '2024-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to,"
        " DATE '2024-01-01' AS known_on, CAST(NULL AS DATE) AS superseded_on"
        " FROM (VALUES ('tea'), ('rice')) AS skus (sku)",
        "CREATE TABLE core.campaigns AS SELECT 's' AS source, name AS campaign_id,"
        " 'voucher' AS campaign_type, DATE '2025-06-03' AS starts_on, DATE '2025-06-06' AS ends_on,"
        " 4.00 AS contact_cost, DATE '2025-06-01' AS known_on"
        " FROM (VALUES ('c1'), ('c2')) AS campaigns (name)",
        "CREATE TABLE core.campaign_exposures AS SELECT 's' AS source, campaign AS campaign_id,"
        " who AS customer_id, contacted AS is_contacted,"
        " CAST(0.5 AS DOUBLE PRECISION) AS propensity,"
        " DATE '2025-06-01' AS assigned_on, CAST(NULL AS DATE) AS superseded_on FROM (VALUES"
        " ('c1', 'ann', true), ('c1', 'bob', true), ('c1', 'cy', false), ('c1', 'di', false),"
        " ('c2', 'ann', true), ('c2', 'bob', true)) AS t (campaign, who, contacted)",
    ):
        opened.execute(statement)
    create_tables(opened, made(segmentation.Segmentation, segmentation.__file__))
    sql = Path(positioning.__file__).parent / "marts" / "campaign_effects.sql"
    text = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"core.\1", sql.read_text(encoding="utf-8"))
    text = text.replace("{{ said }}", "platform.marketing__segmentation_predictions")
    text = re.sub(r"\{[{%].*?[%}]\}", "", text, flags=re.DOTALL)
    opened.execute(f"CREATE TABLE marts_marketing.campaign_effects AS {text}")
    return opened


def made(kind: type[UseCase], file: str) -> UseCase:
    found = kind()
    found.folder = Path(file).parent
    found.name = f"marketing/{found.folder.name}"
    found.policy = read_policy(found.folder / "policy.yml", kind.rules)
    return found


def test_a_bag_holds_what_was_known_and_not_taken_back(warehouse: Warehouse) -> None:
    found = made(segmentation.Segmentation, segmentation.__file__)
    rows = read_examples(
        warehouse, found, views=[customer_lifetime], request=Request([DAY]),
        as_of=DAY + timedelta(days=29),
    )  # fmt: skip
    [ann] = rows.to_dicts()
    assert sorted(ann["habits"].split("|")) == [
        "category:rice=1", "category:tea=2", "channel:agent=1", "channel:web=1", "lines:1=1",
        "lines:2=1", "pieces:1=1", "pieces:3=1", "pieces:4+=1", "place:D1=2",
    ]  # fmt: skip
    assert (ann["orders"], ann["spend"], ann["idle_days"]) == (2, 900.0, 10)
    assert ann["actual"] == 300.0, "two orders of the four weeks, 600 together"


def test_a_campaign_is_what_contacted_customers_earned_over_those_held_out(
    warehouse: Warehouse,
) -> None:
    [row] = warehouse.frame("SELECT * FROM marts_marketing.campaign_effects").to_dicts()
    assert (row["campaign_id"], row["segment"], row["offer"]) == ("c1", "everyone", "voucher")
    assert (row["contacted"], row["held_out"]) == (2, 2), "c2 held out nobody and tells nothing"
    margin = 400 / 1.16 - 2 * 50
    assert row["effect"] == pytest.approx(margin / 2 - 4)
    assert row["error"] == pytest.approx(abs(margin) / 2)


def test_before_there_are_segments_everyone_is_one_and_offers_without_tests_are_listed(
    warehouse: Warehouse,
) -> None:
    found = made(positioning.Positioning, positioning.__file__)
    rows = read_subjects(warehouse, found, views=[], request=Request([DAY]))
    said = {row["item"]: row for row in rows.to_dicts()}
    assert set(rows["segment"]) == {"everyone"}
    assert set(said) == {
        "offer:voucher", "category:tea", "category:rice", "brand:Mara", "tier:value"
    }  # fmt: skip
    assert said["offer:voucher"]["effect"] is None, "the campaign had not ended"
    assert (said["category:tea"]["lines"], said["tier:value"]["lines"]) == (2.0, 3.0)

    later = read_examples(
        warehouse, found, views=[], request=Request([DAY]), as_of=DAY + timedelta(days=7)
    )
    assert later["item"].to_list() == ["offer:voucher"]
    assert later["actual"][0] == pytest.approx((400 / 1.16 - 100) / 2 - 4)

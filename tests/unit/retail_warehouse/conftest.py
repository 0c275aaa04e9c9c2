"""A company whose twelve days hold every kind of news: corrections, cancellations, late rows."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ghala.contracts.settings import Workspace
from ghala.warehouse.build import build
from ghala.warehouse.contract import read_sources
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land

SINCE = date(2023, 12, 1)
LAYERS = "table_schema IN ('core', 'features') OR table_schema LIKE 'marts_%'"
BATCHES = ("batch", "superseded_batch", "row_batch", "line_batch", "order_batch")
Row = dict[str, Any]


def day(of_january: int) -> date:
    return date(2024, 1, of_january)


def utc(of_january: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 1, of_january, hour, minute)


class Company:
    """What a company's systems and its data engineers do."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        (root / "ghala.toml").write_text(
            'sources = ["company"]\nuse_cases = ["operations/demand"]\n'
            '[company]\nname = "Duka"\ntimezone = "Africa/Nairobi"\n'
            '[profiles.team.warehouse]\nengine = "postgres"\n'
            'dsn_variable = "GHALA_WAREHOUSE_DSN"\n',
            encoding="utf-8",
        )
        self.workspace = Workspace(root)
        self.feeds = read_sources(self.workspace)["company"].feeds
        self.workspace.landing.mkdir(exist_ok=True)

    def deliver(self, feed: str, arrives: date, *rows: Row) -> None:
        """Put a file into the inbox; columns that are not given are empty."""
        contract = self.feeds[feed]
        schema = {name: _polars_type(spec.type) for name, spec in contract.columns.items()}
        frame = pl.DataFrame(rows, schema=schema, strict=False)
        file = self.workspace.inbox / "company" / f"{feed}_{arrives}.{contract.format}"
        file.parent.mkdir(parents=True, exist_ok=True)
        if contract.format == "csv":
            frame.write_csv(file)
        else:
            frame.write_parquet(file)

    def load(self, as_of: date, *, full_refresh: bool = False) -> None:
        """Land what has arrived and build."""
        with open_warehouse(self.workspace) as warehouse:
            for receipt in land(self.workspace, warehouse, as_of, allow_late=True):
                assert receipt.rows_quarantined == 0, receipt
        build(self.workspace, full_refresh=full_refresh)

    def ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with open_warehouse(self.workspace) as warehouse:
            return warehouse.rows(sql, parameters)

    def relations(self) -> dict[str, pl.DataFrame]:
        """Every relation of the core, the features and the marts, its rows sorted."""
        with open_warehouse(self.workspace) as warehouse:
            named = warehouse.rows(
                f"SELECT table_schema || '.' || table_name FROM information_schema.tables"
                f" WHERE {LAYERS} ORDER BY ALL"
            )
            return {
                name: warehouse.frame(f"SELECT * FROM {name} ORDER BY ALL") for (name,) in named
            }


def _polars_type(sql: str) -> Any:
    if sql.startswith("decimal"):
        precision, scale = sql.partition("(")[2].rstrip(")").split(",")
        return pl.Decimal(int(precision), int(scale))
    return {
        "varchar": pl.String,
        "integer": pl.Int32,
        "bigint": pl.Int64,
        "double": pl.Float64,
        "boolean": pl.Boolean,
        "date": pl.Date,
        "timestamp": pl.Datetime("us"),
    }[sql]


def order(order_id: int, customer_id: int, at: datetime, **more: Any) -> Row:
    given = {"depot_id": "D1", "status": "delivered", "delivery_fee_kes": Decimal("150.00")}
    return {"order_id": order_id, "customer_id": customer_id, "ordered_at": at, **given, **more}


def line(place: tuple[int, int], sku: str, units: int, **more: Any) -> Row:
    row = {"order_id": place[0], "line": place[1], "sku": sku, "units": units}
    return {**row, "unit_price_kes": Decimal("116.00"), "discount_kes": Decimal("0.00"), **more}


def stock(of_january: int, closing: int, **moved: int) -> Row:
    row = {"sku": "A", "depot_id": "D1", "day": day(of_january), "closing": closing}
    return {**row, "received": 0, "shipped": 0, "adjusted": 0, **moved}


def product(sku: str, **more: Any) -> Row:
    row = {"sku": sku, "name": f"Product {sku}", "category": "FOOD", "supplier_id": "S1"}
    row |= {"vat_rate": Decimal("0.16"), "is_kvi": sku == "A", "volume_l": Decimal("1.500")}
    return {**row, "launched_on": SINCE, "valid_from": SINCE, **more}


def price(valid_from: date, shown: str, cost: str, **more: Any) -> Row:
    row = {"sku": "A", "zone": "nairobi", "valid_from": valid_from}
    return {**row, "price_kes": Decimal(shown), "cost_kes": Decimal(cost), **more}


def customer(customer_id: int, depot_id: str, valid_from: date = SINCE) -> Row:
    row = {"customer_id": customer_id, "depot_id": depot_id, "valid_from": valid_from}
    return {**row, "registered_on": SINCE}


def event(name: str, when: date, kind: str, *, confirmed: bool = True) -> Row:
    return {"event": name, "day": when, "kind": kind, "is_confirmed": confirmed}


def promotion(depot_id: str, ends_on: date, **more: Any) -> Row:
    """A week's promotion of A that was planned in one depot."""
    row = {"promotion_id": "P1", "event": "weekend", "sku": "A", "depot_id": depot_id}
    row |= {"starts_on": day(8), "ends_on": ends_on, "discount": Decimal("0.2000")}
    return {**row, "is_featured": False, "is_cancelled": False, **more}


def deliver_until_the_fifth(company: Company) -> None:
    terms = {"moq_units": 10, "lead_time_days": 7, "currency": "KES", "valid_from": SINCE}
    company.deliver("suppliers", day(1), {"supplier_id": "S1", "name": "Unga", **terms})
    opened = {"opened_on": SINCE, "valid_from": SINCE, "name": "Depot", "county": "Kenya"}
    company.deliver(
        "depots",
        day(1),
        {"depot_id": "D1", "zone": "nairobi", **opened},
        {"depot_id": "D2", "zone": "upcountry", **opened},
    )
    company.deliver(
        "products", day(1), product("A"), product("B"), product("C", delisted_on=day(7))
    )
    agent = {"agent_id": 7, "depot_id": "D1", "joined_on": SINCE, "valid_from": SINCE}
    company.deliver("agents", day(1), agent)
    people = [customer(1, "D1"), customer(2, "D1"), customer(3, "D2")]
    company.deliver("customers", day(1), *people)
    company.deliver(
        "calendar",
        day(1),
        event("new_year", day(1), "public"),
        event("payday", day(5), "payday"),
        event("eid", day(8), "religious", confirmed=False),
    )
    company.deliver(
        "prices",
        day(1),
        price(SINCE, "116", "70"),
        price(day(10), "127.60", "70"),
        price(SINCE, "116", "75", zone="upcountry"),
    )
    scrape = {"competitor": "K", "sku": "A", "scraped_on": day(4)}
    company.deliver("competitor_prices", day(5), {**scrape, "price_kes": Decimal("145.00")})
    company.deliver("promotions", day(3), promotion("D1", day(14)), promotion("D2", day(14)))
    company.deliver("web_orders", day(3), order(100, 1, utc(1, 22, 30)), order(101, 2, utc(2, 9)))
    company.deliver(
        "web_lines", day(3), line((100, 1), "A", 3), line((100, 2), "B", 1), line((101, 1), "A", 2)
    )
    company.deliver("agent_lines", day(4), line((200, 1), "C", 4))
    moved = [stock(1, 10, received=10), stock(2, 5, shipped=5), stock(4, 0, shipped=5)]
    company.deliver("stock", day(5), *moved)
    receipt = {"purchase_id": 500, "sku": "A", "received_on": day(4), "units": 40}
    company.deliver("receipts", day(5), receipt)


def deliver_until_the_eighth(company: Company) -> None:
    company.deliver("agent_orders", day(6), order(200, 3, utc(3, 9), agent_id=7, depot_id="D2"))
    bought = {"purchase_id": 500, "supplier_id": "S1", "depot_id": "D1", "sku": "A", "units": 50}
    agreed = {"ordered_on": date(2023, 12, 20), "expected_on": day(2)}
    cost = {"unit_cost_kes": Decimal("70.00")}
    company.deliver("purchase_orders", day(6), {**bought, **agreed, **cost})
    company.deliver("web_lines", day(7), line((100, 1), "A", 2))
    company.deliver("customers", day(7), customer(1, "D2", day(6)))
    company.deliver("stock", day(7), stock(6, 20, received=20))
    company.deliver("web_orders", day(8), order(101, 2, utc(2, 9), status="cancelled"))
    company.deliver("promotions", day(8), promotion("D2", day(14), is_cancelled=True))
    company.deliver("calendar", day(8), event("eid", day(9), "religious"))


def deliver_until_the_twelfth(company: Company) -> None:
    late = line((101, 1), "A", 5), line((100, 1), "A", 4)  # put into the inbox days too late
    company.deliver("web_lines", day(5), *late)
    company.deliver("web_orders", day(11), order(100, 1, utc(1, 22, 30), depot_id="D2"))
    company.deliver("web_lines", day(11), line((100, 2), "B", 0))
    company.deliver("promotions", day(12), promotion("D1", day(10), is_featured=True))
    company.deliver("prices", day(11), price(SINCE, "116", "80"))
    company.deliver("agent_orders", day(12), order(201, 3, utc(2, 9), agent_id=7))
    discount = {"discount_kes": Decimal("16.00")}
    company.deliver("agent_lines", day(12), line((201, 1), "A", 1, **discount))
    company.deliver("customers", day(12), customer(1, "D9", day(4)))
    company.deliver("stock", day(12), stock(4, 1, shipped=4))
    back = {"return_id": 9, "order_id": 100, "sku": "A", "units": 1, "returned_on": day(10)}
    company.deliver("returns", day(12), {**back, "refund_kes": Decimal("116.00")})


STAGES = (
    (day(5), deliver_until_the_fifth),
    (day(8), deliver_until_the_eighth),
    (day(12), deliver_until_the_twelfth),
)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company after three builds, each over what had arrived since the one before."""
    made = Company(tmp_path_factory.mktemp("company") / "duka")
    for as_of, deliver in STAGES:
        deliver(made)
        made.load(as_of)
    return made


def without_batches(frame: pl.DataFrame, also: Sequence[str] = ()) -> pl.DataFrame:
    """The frame without the numbers of its batches, sorted."""
    kept = frame.drop([name for name in (*BATCHES, *also) if name in frame.columns])
    return kept.sort(kept.columns)

"""A contract that changes after rows were loaded: nothing is rounded, nothing is a riddle."""

from datetime import timedelta
from typing import Any

import pytest

from ghala.contracts.errors import ConfigurationError, DataRejected
from ghala.ledger.book import Ledger
from ghala.monitoring.health import examine
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import unload

from .conftest import MONDAY, Shop

TUESDAY = MONDAY + timedelta(days=1)
LINE = "r1,1,NA,2,1.00,2024-01-05"


def change(shop: Shop, old: str, new: str) -> None:
    contract = shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8")
    assert old in text
    contract.write_text(text.replace(old, new, 1), encoding="utf-8")


def land_anew(shop: Shop, *, sales: str) -> None:
    """Load everything again; Monday's sales are delivered as the new contract wants them."""
    for folder in (shop.workspace.inbox, shop.workspace.landing):
        (folder / "shop" / f"sales_{MONDAY}.csv").unlink()
    shop.deliver(f"sales_{MONDAY}.csv", sales)
    with open_warehouse(shop.workspace) as warehouse:
        unload(shop.workspace, warehouse)
    shop.land()


def test_a_type_that_changed_is_refused_before_a_value_is_rounded(shop: Shop) -> None:
    shop.sell(LINE)
    shop.land()
    change(shop, "units: {type: integer", "units: {type: double")
    shop.sell("r2,1,NA,1.7,1.00,2024-01-05", on=TUESDAY)

    with pytest.raises(ConfigurationError, match="units is integer there, double in") as refused:
        shop.land(TUESDAY)

    assert "ghala land --anew" in refused.value.next_step
    assert shop.column("sales", "units") == [2]
    with open_warehouse(shop.workspace) as warehouse:
        assert unload(shop.workspace, warehouse) == 2
    shop.land(TUESDAY)
    assert shop.column("sales", "units") == [2.0, 1.7]


@pytest.mark.parametrize(
    ("change_of", "said", "header", "sold"),
    [
        (
            ("      price: {", "      till: {type: varchar}\n      price: {"),
            "till is not there, varchar in the contract",
            "receipt,line,sku,units,till,price,sold_on\nr1,1,NA,2,T7,1.00,2024-01-05\n",
            {"till": "T7", "units": 2},
        ),
        (
            ('      price: {type: "decimal(12,2)"}\n', ""),
            r"price is decimal\(12,2\) there, not in the contract",
            "receipt,line,sku,units,sold_on\nr1,1,NA,2,2024-01-05\n",
            {"units": 2},
        ),
    ],
)
def test_a_column_more_or_less_is_named_and_loaded_anew(
    shop: Shop, *, change_of: tuple[str, str], said: str, header: str, sold: dict[str, Any]
) -> None:
    shop.sell(LINE)
    shop.land()
    change(shop, *change_of)

    with pytest.raises(ConfigurationError, match=said):
        shop.land(TUESDAY)

    land_anew(shop, sales=header)
    assert {name: shop.column("sales", name)[0] for name in sold} == sold


def test_a_column_that_came_later_is_asked_for_from_its_day_on(shop: Shop) -> None:
    shop.sell(LINE, "r1,2,NA,500,1.00,2024-01-05")
    shop.land()
    with open_warehouse(shop.workspace) as warehouse:
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS staging")
        warehouse.execute("CREATE VIEW staging.sold AS SELECT receipt, units FROM raw.shop__sales")
    till = f"till: {{type: varchar, required: true, since: {TUESDAY}}}"
    change(shop, "      price: {", f"      {till}\n      price: {{")
    sold = "receipt,line,sku,units,till,price,sold_on\nr2,1,NA,3,T7,2.00,2024-01-08\n"
    shop.deliver(f"sales_{TUESDAY}.csv", sold + "r2,2,NA,3,,2.00,2024-01-08\n")
    with open_warehouse(shop.workspace) as warehouse:
        unload(shop.workspace, warehouse)
    shop.land(TUESDAY)

    assert shop.query("SELECT receipt, till FROM raw.shop__sales ORDER BY 1") == [
        ("r1", None), ("r2", "T7"),
    ]  # fmt: skip
    assert shop.query("SELECT units FROM staging.sold ORDER BY 1") == [(2,), (3,)]
    reasons = shop.query("SELECT batch, reasons FROM raw.quarantine ORDER BY batch")
    assert [found for _, found in reasons] == [["plausible_units"], ["required:till"]]
    late = TUESDAY + timedelta(days=1)
    shop.sell("r3,1,NA,2,1.00,2024-01-09", on=late)
    with pytest.raises(DataRejected, match="column 'till' is missing"):
        shop.land(late)


def test_a_column_that_identifies_a_row_was_there_from_the_beginning(shop: Shop) -> None:
    change(shop, "receipt: {type: varchar,", f"receipt: {{type: varchar, since: {TUESDAY},")

    with pytest.raises(ConfigurationError, match="'receipt' identifies or dates a row"):
        shop.land()


def test_a_contract_may_change_freely_until_rows_came(shop: Shop) -> None:
    shop.land()
    change(shop, "units: {type: integer", "units: {type: double")
    change(shop, "      price: {", "      till: {type: varchar}\n      price: {")
    shop.deliver(
        f"sales_{MONDAY}.csv",
        "receipt,line,sku,units,till,price,sold_on\nr1,1,NA,1.5,T7,1.00,2024-01-05\n"
        "r1,2,NA,1_000,T7,1.00,2024-01-05\n",
    )
    shop.land()

    assert shop.query("SELECT units, till, price FROM raw.shop__sales")[0][:2] == (1.5, "T7")
    assert shop.refused() == {2: ["type:units", "plausible_units"]}


def test_columns_find_their_place_by_name(shop: Shop) -> None:
    shop.sell(LINE)
    shop.land()
    change(shop, "      receipt: {type: varchar, required: true}\n", "")
    change(shop, "      sold_on:", "      receipt: {type: varchar, required: true}\n      sold_on:")
    change(shop, "[receipt, line]", "[line, receipt]")
    shop.sell("r2,1,NA,3,2.00,2024-01-06", on=TUESDAY)
    shop.land(TUESDAY)

    assert sorted(shop.column("sales", "receipt")) == ["r1", "r2"]
    assert sorted(shop.column("sales", "sku")) == ["NA", "NA"]


def test_the_doctor_counts_the_rows_of_a_feed_that_left_its_contract(embedded_shop: Shop) -> None:
    embedded_shop.land()
    with open_warehouse(embedded_shop.workspace) as warehouse:
        warehouse.execute("DELETE FROM raw.shop__products WHERE sku = 'NA'")
    contract = embedded_shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8").replace("  products:\n", "  wares:\n", 1)
    contract.write_text(text.replace("feed: products", "feed: wares"), encoding="utf-8")

    found = {
        one["check"]: one
        for one in examine(
            embedded_shop.workspace, Ledger(embedded_shop.workspace.ledger, actor="test")
        )
    }

    assert found["rows"]["state"] == "fail"
    assert "shop/products: 3 rows came in, 2 are loaded" in found["rows"]["words"]

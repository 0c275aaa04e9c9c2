from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ghala.contracts.errors import ConfigurationError

from .conftest import Shop

DAY = date(2024, 1, 7)


def sold(shop: Shop, **cells: str) -> tuple[list[Any], list[str]]:
    """Sell one line beside a good one; return its typed cells and the reasons against it."""
    line = {
        "receipt": "r",
        "line": "1",
        "sku": "NA",
        "units": "1",
        "price": "1",
        "sold_on": f"{DAY}",
    }
    shop.sell(",".join((line | cells).values()), f"good,1,NA,1,1,{DAY}")
    shop.land()
    names = ", ".join(cells)
    rows = shop.query(f"SELECT {names} FROM raw.shop__sales WHERE receipt = 'r'")
    return list(rows[0]) if rows else [], shop.refused().get(1, [])


def counted(shop: Shop, column: str, values: pl.Series) -> list[Any]:
    """Deliver counts whose ``column`` is ``values``; return what was loaded of each, or "out"."""
    frame = pl.DataFrame(
        {
            "sku": [f"s{n}" for n in range(len(values))],
            "counted_on": pl.Series([DAY] * len(values), dtype=pl.Date),
            "units": pl.Series([1] * len(values), dtype=pl.Int32),
            "worth": pl.Series([Decimal("1.00")] * len(values), dtype=pl.Decimal(12, 2)),
        }
    ).with_columns(values.alias(column))
    shop.deliver("counts_2024-01-08.parquet", frame)
    shop.land()
    loaded = dict(shop.query(f"SELECT sku, {column} FROM raw.shop__counts"))
    assert all(reasons == [f"type:{column}"] for reasons in shop.refused().values())
    return [loaded.get(f"s{n}", "out") for n in range(len(values))]


def test_text_stays_text(shop: Shop) -> None:
    shop.land()

    assert shop.query("SELECT sku, size FROM raw.shop__products") == [
        ("00123", "T"),
        ("1E5", "F"),
        ("NA", "NULL"),
    ]


@pytest.mark.parametrize(
    "units", ["1.7", "1e1", "1_0", "0x10", "1,5", "½", "-", "1 0", "99999999999"]
)
def test_what_is_not_exactly_a_whole_number_is_quarantined_and_never_rounded(
    shop: Shop, units: str
) -> None:
    cell = f'"{units}"'
    loaded, reasons = sold(shop, units=cell)

    assert loaded == []
    assert "type:units" in reasons


@pytest.mark.parametrize(
    "price", ["2.509", "1e2", "(5.00)", "5.00-", "KES 5", "1.234,56", "nan", "1e999"]
)
def test_an_amount_that_would_be_rounded_or_guessed_is_quarantined(shop: Shop, price: str) -> None:
    loaded, reasons = sold(shop, price=f'"{price}"')

    assert loaded == []
    assert reasons == ["type:price"]


@pytest.mark.parametrize(
    ("units", "price", "read"),
    [
        ("7", "2.5", [7, Decimal("2.50")]),
        (" 7 ", "2.500", [7, Decimal("2.50")]),
        ("7.0", "+2", [7, Decimal("2.00")]),
        ("007", "-2.05", [7, Decimal("-2.05")]),
        ("7", "9999999999.99", [7, Decimal("9999999999.99")]),
        ("7", "", [7, None]),
    ],
)
def test_the_same_number_written_otherwise_is_loaded(
    shop: Shop, *, units: str, price: str, read: list[Any]
) -> None:
    assert sold(shop, units=units, price=price) == (read, [])


@pytest.mark.parametrize(
    "day",
    ["01/02/2024", "2024-02-30", "2024-13-01", "20240105", "epoch", "infinity", "2024-01-05 13:00"],
)
def test_a_day_that_is_none_or_would_lose_its_hour_is_quarantined(shop: Shop, day: str) -> None:
    loaded, reasons = sold(shop, sold_on=day)

    assert loaded == []
    assert reasons == ["type:sold_on"]


def test_midnight_of_a_day_is_that_day(shop: Shop) -> None:
    assert sold(shop, sold_on="2024-01-05 00:00:00") == ([date(2024, 1, 5)], [])


def test_a_moment_with_another_zone_is_quarantined_because_the_zone_would_be_cut_off(
    shop: Shop,
) -> None:
    contract = shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("sold_on: {type: date", "sold_on: {type: timestamp"), "utf-8")
    moments = ["2024-01-05 12:00:00", "2024-01-05T12:00:00Z", "2024-01-05T12:00:00+03:00"]
    shop.sell(*(f"r,{n},NA,1,1,{moment}" for n, moment in enumerate(moments)))
    shop.land()

    assert shop.column("sales", "sold_on") == [datetime(2024, 1, 5, 12)] * 2
    assert shop.refused() == {3: ["type:sold_on"]}


@pytest.mark.parametrize("kind", [pl.Float64, pl.Float32])
def test_a_binary_number_is_loaded_when_it_is_the_amount_and_quarantined_when_not(
    shop: Shop, kind: type[pl.DataType]
) -> None:
    values = pl.Series([2.51, 0.1 + 0.2, 2.5, 2.509, float("nan")], dtype=kind)

    assert counted(shop, "worth", values) == [
        Decimal("2.51"), Decimal("0.30"), Decimal("2.50"), "out", "out",
    ]  # fmt: skip


def test_a_binary_count_is_loaded_only_when_whole(shop: Shop) -> None:
    values = pl.Series([7.0, None, 7.5, 3e9, float("inf")], dtype=pl.Float64)
    with_good_ones = pl.concat([values, pl.Series([1.0, 1.0])])

    assert counted(shop, "units", with_good_ones) == [7, None, "out", "out", "out", 1, 1]


def test_a_decimal_with_more_digits_is_quarantined(shop: Shop) -> None:
    values = pl.Series([Decimal("1.2300"), Decimal("1.2345")], dtype=pl.Decimal(18, 4))

    assert counted(shop, "worth", values) == [Decimal("1.23"), "out"]


def test_a_moment_in_a_column_of_days_is_loaded_only_at_midnight(shop: Shop) -> None:
    values = pl.Series([datetime(2024, 1, 5), datetime(2024, 1, 5, 13)])

    assert counted(shop, "counted_on", values) == [date(2024, 1, 5), "out"]


def test_a_rule_about_a_missing_value_is_not_met(shop: Shop) -> None:
    contract = shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(
        text.replace("units: {type: integer, required: true}", "units: {type: integer}"), "utf-8"
    )

    assert sold(shop, units="") == ([], ["plausible_units"])


def test_a_key_that_holds_null_twice_is_a_duplicate(shop: Shop) -> None:
    contract = shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(
        text.replace("line: {type: integer, required: true}", "line: {type: integer}"), "utf-8"
    )
    shop.sell(f"r,,NA,1,1,{DAY}", f"r,,NA,1,1,{DAY}", f"r,1,NA,1,1,{DAY}")
    shop.land()

    assert shop.refused() == {2: ["duplicate_key"]}


def test_a_refused_row_does_not_take_its_key(shop: Shop) -> None:
    shop.sell(f"r,1,NA,0,1,{DAY}", f"r,1,NA,2,1,{DAY}")
    shop.land()

    assert shop.refused() == {1: ["plausible_units"]}
    assert shop.column("sales", "units") == [2]


def test_a_rule_over_a_column_that_does_not_exist_is_a_fault_of_the_contract(shop: Shop) -> None:
    contract = shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("this.units BETWEEN", "this.unit BETWEEN"), "utf-8")
    shop.sell(f"r,1,NA,1,1,{DAY}")

    with pytest.raises(ConfigurationError, match="shop/sales is no SQL over its columns") as told:
        shop.land()
    assert "contract.yml of shop" in told.value.next_step
    assert shop.query("SELECT count(*) FROM raw.batches WHERE feed = 'sales'") == [(0,)]

"""A bad file keeps out what rests on it, and nothing else."""

from datetime import date, timedelta

import polars as pl
import pytest

from ghala.contracts.errors import DataRejected

from .conftest import MONDAY, Shop

LINE = "r1,1,NA,2,1.00,2024-01-05"
COUNTS = pl.DataFrame(
    {"sku": ["NA"], "counted_on": [date(2024, 1, 7)], "units": [7], "worth": [3.5]},
    schema_overrides={"units": pl.Int32, "worth": pl.Decimal(12, 2)},
)


def test_a_bad_file_keeps_out_its_feed_from_then_on_and_what_points_to_it(shop: Shop) -> None:
    next_week = MONDAY + timedelta(days=7)
    shop.land()
    bad = shop.deliver(f"products_{MONDAY}.csv", "sku,nom\nNA,Tea\n")
    shop.sell(LINE)
    shop.sell(LINE.replace("r1", "r2"), on=next_week)
    shop.deliver(f"counts_{MONDAY}.parquet", COUNTS)

    with pytest.raises(DataRejected, match=r"nom.* 2 later files .* wait\.$") as refused:
        shop.land(next_week)

    assert refused.value.exit_code == 4
    assert shop.column("counts", "units") == [7]
    assert shop.column("sales", "receipt") == []
    assert shop.landed() == [f"counts_{MONDAY}.parquet", "products_2024-01-01.csv"]

    bad.write_text("sku,name,size\nX9,Bread,F\n", encoding="utf-8")
    assert len(shop.land(next_week)) == 3
    assert shop.column("sales", "receipt") == ["r1", "r2"]


def test_a_stranger_in_the_inbox_keeps_nothing_out_and_is_told(shop: Shop) -> None:
    shop.deliver("README.txt", "hello")
    shop.deliver(f"counts_{MONDAY}.xlsx", "no such format")
    shop.sell(LINE)

    with pytest.raises(DataRejected, match="no delivery that shop knows") as refused:
        shop.land()

    assert f"counts_{MONDAY}.xlsx is no parquet file by its name" in str(refused.value)
    assert shop.column("sales", "receipt") == ["r1"]


def test_a_landed_file_that_changed_keeps_only_its_feed_out(shop: Shop) -> None:
    sold = shop.sell(LINE)
    shop.land()
    sold.write_text(sold.read_text(encoding="utf-8").replace(",2,", ",3,"), encoding="utf-8")
    shop.deliver(f"counts_{MONDAY}.parquet", COUNTS)

    with pytest.raises(DataRejected, match="has changed since it was landed"):
        shop.land()

    assert shop.column("counts", "units") == [7]
    assert shop.column("sales", "units") == [2]

import os
import subprocess
import sys
from datetime import date, timedelta

import polars as pl
import pytest

from ghala.contracts.errors import DataRejected, TryAgain, UsageError
from ghala.contracts.records import BatchReceipt
from ghala.warehouse import loading
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import receipts, verify_landing

from .conftest import MONDAY, PRODUCTS, SALES, Shop

GOOD = "r1,1,00123,2,10.50,2024-01-05"


def rejection(shop: Shop, **options: bool) -> DataRejected:
    with pytest.raises(DataRejected) as refused:
        shop.land(**options)
    assert refused.value.exit_code == 4
    assert refused.value.next_step
    return refused.value


def test_every_row_is_loaded_or_quarantined_with_every_reason(shop: Shop) -> None:
    shop.sell("r0,1,NA,1,1.00,2024-01-02", on=date(2024, 1, 2))
    shop.sell(
        GOOD,
        "r1,2,1E5,abc,1.00,2024-01-05",
        "r1,3,NA,,1.00,2024-01-05",
        "r1,4,NA,500,1.00,2024-01-05",
        "r1,5,no-such,1,1.00,2024-01-05",
        "r1,1,00123,3,10.50,2024-01-05",
        "r0,1,NA,1,1.00,2024-01-02",
        "r1,6,no-such,999,x,2024-02-30",
        "r1,7,NA,1,,2024-01-05",
    )

    *_, receipt = shop.land()

    assert (receipt.rows_in, receipt.rows_loaded, receipt.rows_quarantined) == (9, 2, 7)
    assert shop.refused() == {
        2: ["type:units", "plausible_units"],
        3: ["required:units", "plausible_units"],
        4: ["plausible_units"],
        5: ["unknown:sku"],
        6: ["duplicate_key"],
        7: ["already_loaded"],
        8: ["type:price", "type:sold_on", "unknown:sku", "plausible_units"],
    }
    assert receipt.reasons["plausible_units"] == 4
    assert shop.query("SELECT count(*) FROM raw.shop__sales") == [(3,)]


def test_a_quarantined_row_is_kept_as_it_was_delivered(shop: Shop) -> None:
    shop.sell(GOOD, "r1,2,1E5, 1.7 ,1.00,2024-01-05")
    shop.land()

    [(record, file)] = shop.query(
        "SELECT record ->> 'units', file FROM raw.quarantine JOIN raw.batches USING (batch)"
    )
    assert (record, file) == (" 1.7 ", "sales_2024-01-08.csv")


def test_landing_the_same_files_again_changes_nothing(shop: Shop) -> None:
    shop.sell(GOOD)
    assert len(shop.land()) == 2
    before = shop.query("SELECT * FROM raw.batches"), shop.query("SELECT * FROM raw.shop__sales")

    assert shop.land() == []
    assert (
        shop.query("SELECT * FROM raw.batches"),
        shop.query("SELECT * FROM raw.shop__sales"),
    ) == before


def test_the_record_of_a_batch_is_read_back_as_it_was_given(shop: Shop) -> None:
    shop.sell(GOOD, "r1,2,no-such,1,1.00,2024-01-05")
    given = shop.land()

    with open_warehouse(shop.workspace) as warehouse:
        assert receipts(warehouse) == given


def test_the_same_content_under_another_name_is_rejected(shop: Shop) -> None:
    shop.sell(GOOD)
    shop.land()
    shop.sell(GOOD, on=MONDAY - timedelta(days=1))

    said = rejection(shop)
    assert "same content as sales_2024-01-08.csv" in said.message
    assert "inbox" in said.next_step
    assert shop.column("sales", "receipt") == ["r1"]
    assert "sales_2024-01-07.csv" not in shop.landed()


def test_a_changed_file_is_rejected_and_what_was_landed_stays(shop: Shop) -> None:
    file = shop.sell(GOOD)
    shop.land()
    landed = (shop.workspace.landing / "shop" / file.name).read_bytes()
    file.write_text(SALES + GOOD.replace("10.50", "99.00") + "\n", encoding="utf-8")

    assert "has changed since it was landed" in rejection(shop).message
    assert (shop.workspace.landing / "shop" / file.name).read_bytes() == landed
    assert [float(price) for price in shop.column("sales", "price")] == [10.5]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("receipt,line,sku,units,price", ["'sold_on' is missing"]),
        (SALES.strip() + ",note", ["'note' is unknown"]),
        (SALES.strip().replace("units", "unit"), ["'units' is missing", "Did you mean 'units'"]),
        (SALES.strip().replace("sku", "SKU"), ["'SKU' is unknown", "Did you mean"]),
        (SALES.strip().replace("price", " price"), ["' price' is unknown"]),
        (SALES.strip() + ",units", ["'units' comes twice"]),
        (GOOD, ["'receipt' is missing"]),
        (SALES.strip().replace(",", ";"), ["is unknown"]),
    ],
)
def test_a_file_with_other_columns_is_rejected_whole_and_leaves_nothing(
    shop: Shop, header: str, words: list[str]
) -> None:
    cells = len(header.split(","))
    shop.deliver("sales_2024-01-08.csv", f"{header}\n{','.join(['1'] * cells)}\n")

    said = rejection(shop)

    assert all(word in said.message for word in words), said.message
    assert "contract.yml" in said.next_step
    assert shop.landed() == ["products_2024-01-01.csv"]
    assert shop.query("SELECT * FROM raw.shop__sales") == []
    assert shop.query("SELECT file FROM raw.batches") == [("products_2024-01-01.csv",)]


def test_a_parquet_file_with_other_columns_is_rejected_whole(shop: Shop) -> None:
    shop.deliver("counts_2024-01-08.parquet", pl.DataFrame({"sku": ["NA"], "count": [3]}))

    assert "'counted_on' is missing" in rejection(shop).message
    assert shop.landed() == ["products_2024-01-01.csv"]


def test_columns_may_come_in_another_order(shop: Shop) -> None:
    shop.deliver("products_2024-01-02.csv", "size,sku,name\nXL,new,Rice\n")
    shop.land()

    assert shop.query("SELECT sku, name, size FROM raw.shop__products WHERE sku = 'new'") == [
        ("new", "Rice", "XL")
    ]


def test_too_many_bad_rows_reject_the_whole_batch(shop: Shop) -> None:
    shop.sell(GOOD, *(f"r2,{n},NA,0,1.00,2024-01-05" for n in range(9)))

    said = rejection(shop)

    assert "9 of 10 rows" in said.message
    assert "plausible_units" in said.message
    assert "80%" in said.message
    assert (
        shop.query("SELECT * FROM raw.shop__sales")
        == shop.query("SELECT * FROM raw.quarantine")
        == []
    )
    assert "sales_2024-01-08.csv" not in shop.landed()


def test_an_overdue_feed_is_told_and_allow_late_goes_on(shop: Shop) -> None:
    shop.sell(GOOD)
    assert len(shop.land(allow_late=False)) == 2
    late = MONDAY + timedelta(days=7)

    with pytest.raises(DataRejected, match=r"shop/sales is overdue on 2024-01-15") as refused:
        shop.land(late, allow_late=False)

    assert refused.value.exit_code == 4
    assert "2024-01-08" in refused.value.message
    assert "--allow-late" in refused.value.next_step
    assert shop.land(late - timedelta(days=1), allow_late=False) == []
    assert shop.land(late, allow_late=True) == []


def test_a_feed_may_come_as_many_days_later_as_its_contract_says(embedded_shop: Shop) -> None:
    contract = embedded_shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8").replace(
        "every_days: 7", "every_days: 7\n    grace_days: 2"
    )
    contract.write_text(text, encoding="utf-8")
    embedded_shop.sell(GOOD)
    embedded_shop.land(allow_late=False)

    assert embedded_shop.land(MONDAY + timedelta(days=8), allow_late=False) == []
    with pytest.raises(DataRejected, match="every 7 days, up to 2 later at times"):
        embedded_shop.land(MONDAY + timedelta(days=9), allow_late=False)


def test_what_has_arrived_is_landed_before_another_feed_is_told_to_be_overdue(shop: Shop) -> None:
    with pytest.raises(DataRejected, match="the last one came on no day"):
        shop.land(allow_late=False)

    assert shop.landed() == ["products_2024-01-01.csv"]


@pytest.mark.parametrize(
    "name", ["sales.csv", "sales_monday.csv", "sales_2024-13-01.csv", "sale_2024-01-08.csv"]
)
def test_a_file_whose_name_says_no_feed_or_no_day_is_refused(shop: Shop, name: str) -> None:
    shop.deliver(name, SALES + GOOD)

    said = rejection(shop)
    assert name in said.message
    assert "FEED_YYYY-MM-DD" in said.next_step


def test_a_hidden_file_is_one_that_is_still_being_written(shop: Shop) -> None:
    shop.deliver(".sales_2024-01-08.csv.part", "receipt,li")

    assert [receipt.feed for receipt in shop.land()] == ["products"]


def test_masters_land_first_and_the_files_of_a_feed_in_the_order_of_their_arrival(
    shop: Shop,
) -> None:
    shop.deliver("products_2024-01-08.csv", "sku,name,size\nnew,Rice,XL\n")
    shop.sell("r9,1,new,1,1.00,2024-01-08")
    shop.sell(GOOD, on=date(2024, 1, 3))

    landed = shop.land()

    assert [receipt.file for receipt in landed] == [
        "products_2024-01-01.csv",
        "products_2024-01-08.csv",
        "sales_2024-01-03.csv",
        "sales_2024-01-08.csv",
    ]
    assert [receipt.batch_id for receipt in landed] == ["1", "2", "3", "4"]
    assert shop.refused() == {}


def test_a_row_may_only_refer_to_what_had_arrived_with_it_or_before(shop: Shop) -> None:
    shop.deliver("products_2024-01-08.csv", "sku,name,size\nnew,Rice,XL\n")
    shop.sell(GOOD, "r9,1,new,1,1.00,2024-01-03", on=date(2024, 1, 3))
    shop.sell("r9,1,new,1,1.00,2024-01-08")

    shop.land()

    assert shop.query("SELECT batch, row_number, reasons FROM raw.quarantine") == [
        (3, 2, ["unknown:sku"])
    ]
    assert shop.column("sales", "receipt") == ["r1", "r9"]


def test_where_corrections_are_sent_a_known_key_is_a_new_version(shop: Shop) -> None:
    change_contract(shop, "    every_days: 7\n", "    every_days: 7\n    corrections: true\n")
    shop.sell("r1,1,NA,5,1.00,2024-01-05", "r2,1,NA,1,1.00,2024-01-05", on=date(2024, 1, 6))
    shop.sell("r1,1,NA,7,1.00,2024-01-05", "r2,1,NA,1,1.00,2024-01-05", on=date(2024, 1, 7))
    shop.land(date(2024, 1, 7))
    shop.sell("r1,1,NA,5,1.00,2024-01-05", "r3,1,NA,1,1.00,2024-01-05")
    shop.land()

    assert shop.query(
        "SELECT units, _arrived_on::VARCHAR FROM raw.shop__sales WHERE receipt = 'r1' ORDER BY 2"
    ) == [(5, "2024-01-06"), (7, "2024-01-07"), (5, "2024-01-08")]
    assert shop.query("SELECT batch, reasons FROM raw.quarantine") == [(3, ["already_loaded"])]


def test_a_row_that_comes_later_than_the_contract_allows_is_refused(shop: Shop) -> None:
    lateness = "    every_days: 7\n    event_time: sold_on\n    late_days: 3\n"
    change_contract(shop, "    every_days: 7\n", lateness)
    shop.sell("r1,1,NA,1,1.00,2024-01-05", "r2,1,NA,1,1.00,2024-01-04")

    shop.land()

    assert shop.refused() == {2: ["too_late"]}


def test_a_file_of_the_future_waits_for_its_day(shop: Shop) -> None:
    shop.sell(GOOD)

    assert [r.feed for r in shop.land(MONDAY - timedelta(days=1))] == ["products"]
    assert [r.feed for r in shop.land(MONDAY)] == ["sales"]
    assert shop.query("SELECT DISTINCT _arrived_on FROM raw.shop__sales") == [(MONDAY,)]


def test_nothing_in_the_inbox_is_told_with_the_day(shop: Shop) -> None:
    with pytest.raises(UsageError, match="No file had arrived by 2023-12-31") as refused:
        shop.land(date(2023, 12, 31))

    assert "--as-of" in refused.value.next_step


def test_a_crash_between_copy_and_commit_leaves_the_file_out_and_the_next_run_brings_it_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sell(GOOD, "r1,2,no-such,1,1.00,2024-01-05")
    whole = loading._record

    def record_and_die(warehouse: Warehouse, receipts: list[BatchReceipt]) -> None:
        whole(warehouse, receipts)
        if warehouse.scalar("SELECT count(*) FROM raw.shop__sales"):
            raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(loading, "_record", record_and_die)
        with pytest.raises(SystemExit):
            shop.land()

    assert "sales_2024-01-08.csv" in shop.landed()
    for table in ("raw.shop__sales", "raw.quarantine"):
        assert shop.query(f"SELECT * FROM {table}") == []
    assert shop.query("SELECT count(*) FROM raw.batches WHERE feed = 'sales'") == [(0,)]

    [receipt] = shop.land()
    assert (receipt.rows_in, receipt.rows_loaded, receipt.rows_quarantined) == (2, 1, 1)


def test_a_rejected_file_does_not_undo_the_ones_before_it(shop: Shop) -> None:
    shop.sell(GOOD, on=date(2024, 1, 3))
    shop.deliver("sales_2024-01-08.csv", "wrong\n1\n")

    rejection(shop)

    assert shop.column("sales", "receipt") == ["r1"]
    assert shop.landed() == ["products_2024-01-01.csv", "sales_2024-01-03.csv"]


def test_a_landed_file_that_is_changed_or_lost_is_named(shop: Shop) -> None:
    shop.sell(GOOD)
    shop.land()
    folder = shop.workspace.landing / "shop"
    (folder / "sales_2024-01-08.csv").write_text("other", encoding="utf-8")
    (folder / "products_2024-01-01.csv").unlink()

    with open_warehouse(shop.workspace) as warehouse:
        lost, changed = verify_landing(shop.workspace, warehouse)

    assert "products_2024-01-01.csv is missing" in lost
    assert "sales_2024-01-08.csv has changed" in changed


def test_a_warehouse_that_another_process_holds_says_who_and_can_be_tried_again(
    embedded_shop: Shop,
) -> None:
    embedded_shop.land()
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(embedded_shop.workspace.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ.copy(),
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(TryAgain, match=f"process {holder.pid}") as busy:
            embedded_shop.land()
        holder.communicate(b"\n")

    assert busy.value.exit_code == 75
    assert embedded_shop.land() == []


def test_a_file_that_is_no_warehouse_says_how_to_get_it_back(embedded_shop: Shop) -> None:
    embedded_shop.workspace.warehouse.parent.mkdir(parents=True)
    embedded_shop.workspace.warehouse.write_bytes(b"not a database" * 1000)

    said = rejection(embedded_shop)
    assert "cannot be opened" in said.message
    assert "ghala land" in said.next_step


def test_products_delivered_twice_are_loaded_once(shop: Shop) -> None:
    shop.deliver("products_2024-01-08.csv", PRODUCTS + "new,Rice,XL\nn2,Oil,L\nn3,Soap,S\n")

    *_, receipt = shop.land()

    assert (receipt.rows_loaded, receipt.reasons) == (3, {"already_loaded": 3})
    assert shop.query("SELECT count(*), count(DISTINCT sku) FROM raw.shop__products") == [(6, 6)]


def test_a_lost_warehouse_is_loaded_again_from_the_landing(embedded_shop: Shop) -> None:
    inbox = embedded_shop.sell(GOOD)
    before = embedded_shop.land()
    embedded_shop.workspace.warehouse.unlink()
    inbox.unlink()

    again = embedded_shop.land()

    assert [(r.file, r.sha256, r.rows_loaded) for r in again] == [
        (r.file, r.sha256, r.rows_loaded) for r in before
    ]
    assert embedded_shop.landed() == ["products_2024-01-01.csv", "sales_2024-01-08.csv"]


def change_contract(shop: Shop, old: str, new: str) -> None:
    contract = shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8")
    assert old in text
    contract.write_text(text.replace(old, new), "utf-8")

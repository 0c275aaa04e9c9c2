from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ghala.contracts.errors import DataRejected, UsageError
from ghala.contracts.records import BatchReceipt
from ghala.warehouse import releasing
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import verify_landing
from ghala.warehouse.quarantine import (
    Selection,
    count_refused,
    list_releases,
    show_refused,
    verify_releases,
    write_refused,
)
from ghala.warehouse.releasing import Correction, release

from .conftest import MONDAY, Shop

GOOD = "r1,1,00123,2,10.50,2024-01-05"
BAD = (
    "r1,2,1E5,abc,1.00,2024-01-05",
    "r1,3,NA,500,1.00,2024-01-05",
    'r1,4,no-such,999,"1,000.00",2024-01-05',
)
SALES_NOW = (
    "SELECT receipt, line, sku, units, price, _arrived_on FROM raw.shop__sales ORDER BY line"
)
COUNTS_NOW = "SELECT sku, units, CAST(worth AS VARCHAR) FROM raw.shop__counts ORDER BY sku"
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def sold(shop: Shop) -> Shop:
    """Batch 1 holds the products, batch 2 four lines of which three are refused."""
    shop.sell(GOOD, *BAD)
    shop.land()
    return shop


def release_rows(shop: Shop, correction: Correction, *, as_of: date = TUESDAY) -> BatchReceipt:
    with open_warehouse(shop.workspace) as warehouse:
        at = datetime(2024, 1, 9, 8)
        return release(shop.workspace, warehouse, correction, by="amina", at=at, as_of=as_of)


def write_rows(shop: Shop, target: Path, **chosen: Any) -> pl.DataFrame:
    with open_warehouse(shop.workspace) as warehouse:
        write_refused(shop.workspace, warehouse, Selection(**{"batch": 2, **chosen}), target=target)
    return pl.read_csv(target, infer_schema=False)


def mend(shop: Shop, file: Path, **cells: dict[str, str]) -> Path:
    """Write the refused rows to a file and correct cells: ``units={"2": "5"}`` by row number."""
    rows = write_rows(shop, file)
    for column, values in cells.items():
        rows = rows.with_columns(
            pl.col("_row").replace_strict(values, default=pl.col(column)).alias(column)
        )
    rows.write_csv(file)
    return file


def everything(shop: Shop) -> list[list[tuple[Any, ...]]]:
    tables = ("raw.batches", "raw.quarantine", "raw.shop__sales", "raw.releases")
    return [shop.query(f"SELECT * FROM {table}") for table in tables]


def test_refused_rows_are_counted_per_source_feed_batch_and_reason(sold: Shop) -> None:
    with open_warehouse(sold.workspace) as warehouse:
        counted = count_refused(warehouse, Selection())
        only = count_refused(warehouse, Selection(source="shop", feed="sales", reason="type:units"))
        none = count_refused(warehouse, Selection(source="other"))

    assert {row["reason"]: row["rows"] for row in counted} == {
        "plausible_units": 3, "type:price": 1, "type:units": 1, "unknown:sku": 1,
    }  # fmt: skip
    assert {(row["source"], row["feed"], row["batch"]) for row in counted} == {("shop", "sales", 2)}
    assert [row["reason"] for row in only] == ["type:units"]
    assert none == []


def test_a_refused_row_is_shown_as_it_was_delivered(sold: Shop) -> None:
    with open_warehouse(sold.workspace) as warehouse:
        [row] = show_refused(warehouse, Selection(reason="unknown:sku"), limit=5)
        limited = show_refused(warehouse, Selection(), limit=2)

    assert row["record"] == {
        "receipt": "r1", "line": "4", "sku": "no-such", "units": "999", "price": "1,000.00",
        "sold_on": "2024-01-05",
    }  # fmt: skip
    assert (row["row"], row["file"], row["released_into"]) == (4, "sales_2024-01-08.csv", None)
    assert row["reasons"] == ["type:price", "unknown:sku", "plausible_units"]
    assert len(limited) == 2


def test_mended_rows_become_a_batch_of_their_own_and_nothing_is_deleted(
    sold: Shop, tmp_path: Path
) -> None:
    before = everything(sold)
    file = mend(
        sold,
        tmp_path / "fixed.csv",
        units={"2": "5", "3": "50", "4": "9"},
        sku={"4": "NA"},
        price={"4": "1000.00"},
    )

    batch = release_rows(sold, Correction(2, "typing errors", file))

    assert (batch.batch_id, batch.rows_in, batch.rows_loaded) == ("3", 3, 3)
    assert batch.arrived_on == TUESDAY
    assert sold.column("sales", "units") == [2, 5, 50, 9]
    assert sold.query("SELECT DISTINCT _arrived_on FROM raw.shop__sales WHERE _batch = 3") == [
        (TUESDAY,)
    ]
    batches, quarantined, _, _ = everything(sold)
    assert batches[:2] == before[0]
    assert quarantined == before[1]
    assert sold.query("SELECT * FROM raw.releases") == [
        (2, row, 3, "amina", datetime(2024, 1, 9, 8), "typing errors") for row in (2, 3, 4)
    ]
    landed = sold.workspace.landing / "shop" / batch.file
    assert landed.parent.name == "releases"
    assert pl.read_csv(landed)["_file"].unique().to_list() == ["sales_2024-01-08.csv"]
    with open_warehouse(sold.workspace) as warehouse:
        assert verify_landing(sold.workspace, warehouse) == []


def test_rows_are_accounted_for_before_and_after(sold: Shop, tmp_path: Path) -> None:
    file = mend(sold, tmp_path / "fixed.csv", units={"2": "5", "3": "50", "4": "9"})
    rows = pl.read_csv(file, infer_schema=False).filter(pl.col("_row") != "4")
    rows.write_csv(file)
    release_rows(sold, Correction(2, "typing errors", file))

    with open_warehouse(sold.workspace) as warehouse:
        assert verify_releases(warehouse) == 2
        [told] = list_releases(warehouse)
        counted = count_refused(warehouse, Selection(reason="plausible_units"))
        shown = show_refused(warehouse, Selection(batch=2), limit=9)
    assert (told["from_batch"], told["into_batch"], told["rows"]) == (2, 3, 2)
    assert [(row["rows"], row["released"]) for row in counted] == [(3, 2)]
    assert [row["released_into"] for row in shown] == [3, 3, None]
    assert sold.query(
        "SELECT sum(rows_in), sum(rows_loaded), sum(rows_quarantined) FROM raw.batches"
    ) == [(3 + 4 + 2, 3 + 1 + 2, 3)]
    assert write_rows(sold, tmp_path / "rest.csv")["_row"].to_list() == ["4"]


def test_a_row_that_still_breaks_the_contract_keeps_every_row_of_the_file_out(
    sold: Shop, tmp_path: Path
) -> None:
    before, landed = everything(sold), sold.landed()
    file = mend(sold, tmp_path / "fixed.csv", units={"2": "5", "3": "5", "4": "5"})

    with pytest.raises(DataRejected, match=r"row 4: type:price, unknown:sku") as refused:
        release_rows(sold, Correction(2, "typing errors", file))

    assert refused.value.exit_code == 4
    assert "1 rows of batch 2" in refused.value.message
    assert everything(sold) == before
    assert sold.landed() == landed


def test_rows_that_todays_contract_takes_are_released_as_they_are_and_the_others_stay(
    sold: Shop,
) -> None:
    with pytest.raises(DataRejected, match="3 rows of batch 2 still break"):
        release_rows(sold, Correction(2, "they were right"))
    contract = sold.workspace.root / "sources" / "shop" / "contract.yml"
    contract.write_text(contract.read_text().replace("BETWEEN 1 AND 100", "BETWEEN 1 AND 600"))

    batch = release_rows(sold, Correction(2, "a wholesale customer"))

    assert (batch.rows_in, batch.rows_loaded, batch.rows_quarantined) == (1, 1, 0)
    assert sold.column("sales", "units") == [2, 500]
    assert sold.query("SELECT row_number FROM raw.releases") == [(3,)]


def test_a_row_is_released_once(sold: Shop, tmp_path: Path) -> None:
    file = mend(sold, tmp_path / "fixed.csv", units={"2": "5", "3": "50", "4": "9"})
    rows = pl.read_csv(file, infer_schema=False).filter(pl.col("_row") == "2")
    rows.write_csv(file)
    release_rows(sold, Correction(2, "typing errors", file))

    with pytest.raises(DataRejected, match="not released, once; \\[2\\] do not"):
        release_rows(sold, Correction(2, "typing errors", file))

    assert len(sold.query("SELECT * FROM raw.releases")) == 1


HEADER = "_file,_row,receipt,line,sku,units,price,sold_on"
FILE, ROW = "sales_2024-01-08.csv,", "2,r1,2,NA,1,1.00,2024-01-05"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([HEADER.replace(",sold_on", ""), FILE + ROW[:-11]], "'sold_on' is missing"),
        ([HEADER.replace("_row,", ""), FILE + ROW[2:]], "'_row' is missing"),
        ([HEADER + ",x", FILE + ROW + ",1"], "'x' is unknown"),
        ([HEADER], "each row must name"),
        ([HEADER, FILE + "1" + ROW[1:]], r"\[1\] do not"),
        ([HEADER, FILE + "x" + ROW[1:]], "each row must name"),
        ([HEADER, "sales_2024-01-07.csv," + ROW], r"refused row of sales_2024-01-08.csv"),
        ([HEADER, FILE + ROW, FILE + ROW], "each row must name"),
        ([HEADER, FILE + ROW + ",9"], "read as csv"),
        ([""], "read as csv"),
    ],
)
def test_a_file_whose_rows_do_not_fit_the_refused_ones_is_rejected(
    sold: Shop, lines: list[str], words: str
) -> None:
    file = sold.workspace.root / "fixed.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    before = everything(sold)

    with pytest.raises(DataRejected, match=words) as refused:
        release_rows(sold, Correction(2, "typing errors", file))

    assert "ghala quarantine show" in refused.value.next_step
    assert everything(sold) == before


def test_an_unknown_batch_an_early_day_and_a_batch_without_refused_rows_are_told(
    sold: Shop,
) -> None:
    with pytest.raises(UsageError, match="no batch 9; the last one is 2"):
        release_rows(sold, Correction(9, "why"))
    with pytest.raises(UsageError, match="arrived on 2024-01-08, after 2024-01-01"):
        release_rows(sold, Correction(2, "why"), as_of=date(2024, 1, 1))
    with pytest.raises(UsageError, match="Batch 1 has no such rows"):
        release_rows(sold, Correction(1, "why"))


def test_a_crash_before_the_commit_leaves_the_rows_in_quarantine_and_the_next_call_releases_them(
    sold: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = mend(
        sold, tmp_path / "fixed.csv",
        units={"2": "5", "3": "50", "4": "9"}, sku={"4": "NA"}, price={"4": ""},
    )  # fmt: skip
    before = everything(sold)
    whole = releasing.load

    def load_and_die(*arguments: Any, **options: Any) -> None:
        whole(*arguments, **options)
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(releasing, "load", load_and_die)
        with pytest.raises(SystemExit):
            release_rows(sold, Correction(2, "typing errors", file))

    assert everything(sold) == before
    batch = release_rows(sold, Correction(2, "typing errors", file))
    assert (batch.rows_in, batch.rows_loaded) == (3, 3)
    assert len([name for name in sold.landed() if name.startswith(".")]) == 0


def test_rows_of_a_parquet_feed_are_mended_in_csv_and_in_parquet(
    shop: Shop, tmp_path: Path
) -> None:
    day = date(2024, 1, 7)
    counts = pl.DataFrame(
        {"sku": ["a", "b", "c"], "counted_on": [day] * 3, "units": ["7", "many", "few"],
         "worth": ["1.50", "2.50", "3.50"]}
    )  # fmt: skip
    contract = shop.workspace.root / "sources" / "shop" / "contract.yml"
    contract.write_text(contract.read_text().replace("format: parquet", "format: parquet\n"
                        "    max_quarantined: 0.9"))  # fmt: skip
    shop.deliver("counts_2024-01-08.parquet", counts)
    shop.land()

    rows = write_rows(shop, tmp_path / "fixed.csv").with_columns(units=pl.lit("4"))
    rows.head(1).write_csv(tmp_path / "fixed.csv")
    first = release_rows(shop, Correction(2, "counted again", tmp_path / "fixed.csv"))
    typed = rows.tail(1).with_columns(
        pl.col("_row").cast(pl.Int64), pl.col("units").cast(pl.Int32),
        pl.col("counted_on").str.to_date(),
    ).drop("_reasons")  # fmt: skip
    typed.write_parquet(tmp_path / "fixed.parquet")
    second = release_rows(shop, Correction(2, "counted again", tmp_path / "fixed.parquet"))

    assert first.file.endswith(".parquet")
    assert [first.rows_loaded, second.rows_loaded] == [1, 1]
    assert shop.query(COUNTS_NOW) == [
        ("a", 7, "1.50"), ("b", 4, "2.50"), ("c", 4, "3.50"),
    ]  # fmt: skip


def test_a_release_does_not_make_an_overdue_feed_look_fresh(sold: Shop, tmp_path: Path) -> None:
    file = mend(
        sold, tmp_path / "fixed.csv",
        units={"2": "5", "3": "50", "4": "9"}, sku={"4": "NA"}, price={"4": ""},
    )  # fmt: skip
    late = MONDAY + timedelta(days=7)
    release_rows(sold, Correction(2, "typing errors", file), as_of=late)

    with pytest.raises(DataRejected, match="sales is overdue"):
        sold.land(late, allow_late=False)


def test_a_release_that_the_tables_deny_is_noticed(sold: Shop) -> None:
    with open_warehouse(sold.workspace) as warehouse:
        warehouse.execute("INSERT INTO raw.releases VALUES (2, 77, 2, 'x', '2024-01-09', 'y')")
    with (
        open_warehouse(sold.workspace) as warehouse,
        pytest.raises(DataRejected, match="Batch 2 has 4 rows, 1 are released into it"),
    ):
        verify_releases(warehouse)


def test_a_file_to_mend_is_never_written_over_another_and_holds_one_batch(
    sold: Shop, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_text("mine", encoding="utf-8")
    for chosen, target, words in (
        ({"batch": None}, "new.csv", "one batch"),
        ({}, "mine.csv", "exists already"),
        ({}, "new.xlsx", r"not called \*\.csv"),
    ):
        with pytest.raises(UsageError, match=words):
            write_rows(sold, tmp_path / target, **chosen)
    assert (tmp_path / "mine.csv").read_text() == "mine"

"""What a file in the inbox is called says whether it is whole, and how it is written."""

from datetime import datetime

import pytest
from tests.unit.warehouse.conftest import MONDAY, SALES, Shop

from ghala.contracts.errors import DataRejected, UsageError
from ghala.warehouse.drafting import draft_source
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.quarantine import Selection, require_known
from ghala.warehouse.releasing import Correction, release

LINE = "r1,1,NA,2,1.00,2024-01-05\n"


@pytest.mark.parametrize("ending", ["csv.tmp", "csv.filepart", "csv.part", "csv.crdownload"])
def test_a_file_that_is_still_written_is_let_be(embedded_shop: Shop, ending: str) -> None:
    embedded_shop.deliver(f"sales_{MONDAY}.{ending}", SALES + LINE)

    embedded_shop.land()

    assert embedded_shop.landed() == ["products_2024-01-01.csv"]


@pytest.mark.parametrize("ending", ["csv.xz", "parquet", "txt", "gz"])
def test_a_file_of_another_format_than_the_feeds_is_refused_by_its_name(
    embedded_shop: Shop, ending: str
) -> None:
    embedded_shop.deliver(f"sales_{MONDAY}.{ending}", SALES + LINE)

    with pytest.raises(DataRejected, match=r"allowed is \.csv or \.csv\.gz"):
        embedded_shop.land()

    assert embedded_shop.landed() == ["products_2024-01-01.csv"]


def test_a_folder_that_no_source_reads_is_told_of(
    embedded_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    stray = embedded_shop.workspace.inbox / "shoop" / f"sales_{MONDAY}.csv"
    stray.parent.mkdir(parents=True)
    stray.write_text(SALES + LINE, encoding="utf-8")

    embedded_shop.land()

    assert "inbox/shoop holds files that no source" in caplog.text


def test_a_drafted_source_hides_none_that_a_pack_brings(embedded_shop: Shop) -> None:
    sample = embedded_shop.workspace.inbox / "shop" / "products_2024-01-01.csv"

    with pytest.raises(UsageError, match="brings a source 'company'"):
        draft_source(embedded_shop.workspace, [sample], name="company")
    with pytest.raises(UsageError, match="does not exist"):
        draft_source(embedded_shop.workspace, [sample.with_name("nope.csv")], name="till")


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (Selection(batch=99999), "no batch 99999"),
        (Selection(source="shp"), "no source 'shp'"),
        (Selection(source="shop", feed="nope"), "no feed 'nope'"),
    ],
)
def test_what_is_asked_of_the_quarantine_must_be_there(
    embedded_shop: Shop, chosen: Selection, said: str
) -> None:
    embedded_shop.land()

    with (
        open_warehouse(embedded_shop.workspace) as warehouse,
        pytest.raises(UsageError, match=said),
    ):
        require_known(embedded_shop.workspace, warehouse, chosen)


def test_rows_are_not_released_from_a_folder(embedded_shop: Shop) -> None:
    embedded_shop.sell("r1,1,NA,2,1.00,2024-01-05", "r1,2,NA,500,1.00,2024-01-05")
    embedded_shop.land()
    folder, at = Correction(2, "mended", embedded_shop.workspace.inbox), datetime(2024, 1, 9, 8)

    with (
        open_warehouse(embedded_shop.workspace) as warehouse,
        pytest.raises(UsageError, match="is no file"),
    ):
        release(embedded_shop.workspace, warehouse, folder, by="amina", at=at, as_of=MONDAY)

"""A warehouse that is lost, or that an older snapshot no longer fits, is loaded from landing/."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ghala import flow, stewardship
from ghala.contracts.errors import ConfigurationError, DataRejected
from ghala.contracts.settings import Company
from ghala.house import House
from ghala.warehouse import releasing
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import unload, verify_landing
from ghala.warehouse.quarantine import Selection, verify_releases, write_refused
from ghala.warehouse.releasing import Correction, release
from ghala.warehouse.workspace import create_workspace

from .conftest import CONTRACT, MONDAY, PRODUCTS, SALES, Shop

TUESDAY, FRIDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=4)
ROWS = "SELECT receipt, line, sku, units, _arrived_on FROM raw.shop__sales ORDER BY 1, 2"
RELEASES = (
    "SELECT refused.file, row_number, released.file, released_by, released_at, reason"
    " FROM raw.releases JOIN raw.batches AS refused USING (batch)"
    " JOIN raw.batches AS released ON released.batch = into_batch ORDER BY 1, 2"
)


def release_all(shop: Shop, folder: Path, *, batch: int = 2) -> None:
    """Mend the two refused lines of Monday, and release them on Tuesday."""
    with open_warehouse(shop.workspace) as warehouse:
        file = folder / "fixed.csv"
        write_refused(shop.workspace, warehouse, Selection(batch=batch), target=file)
        pl.read_csv(file, infer_schema=False).with_columns(units=pl.lit("7")).write_csv(file)
        correction, at = Correction(batch, "typing error", file), datetime(2024, 1, 9, 8)
        release(shop.workspace, warehouse, correction, by="amina", at=at, as_of=TUESDAY)


@pytest.fixture
def mended(shop: Shop, tmp_path: Path) -> Shop:
    """Two files of sales; two lines of the first were refused, mended and released between."""
    good, bad = (
        "r1,1,NA,2,1.00,2024-01-05",
        ("r1,2,NA,x,1.00,2024-01-05", "r1,3,NA,500,,2024-01-05"),
    )
    shop.sell(good, *bad)
    shop.land()
    release_all(shop, tmp_path)
    shop.sell("r2,1,1E5,1,1.00,2024-01-08", on=FRIDAY)
    shop.land(FRIDAY)
    return shop


def state(shop: Shop) -> list[list[tuple[Any, ...]]]:
    with open_warehouse(shop.workspace) as warehouse:
        verify_releases(warehouse)
        assert verify_landing(shop.workspace, warehouse) == []
    return [shop.query(ROWS), shop.query(RELEASES)]


def test_rows_that_were_released_come_back_when_the_warehouse_is_loaded_again(
    mended: Shop,
) -> None:
    before = state(mended)
    with open_warehouse(mended.workspace) as warehouse:
        assert unload(mended.workspace, warehouse) == 4
    assert mended.query("SELECT count(*) FROM raw.quarantine") == [(0,)]

    files = [one.file for one in mended.land(FRIDAY)]

    assert state(mended) == before
    assert [units for _, _, _, units, _ in before[0]] == [2, 7, 7, 1]
    assert before[1][0][3:] == ("amina", datetime(2024, 1, 9, 8), "typing error")
    assert [Path(name).parent.name for name in files] == ["", "", "releases", ""]  # in their order
    assert mended.land(FRIDAY) == []


def test_a_lost_warehouse_file_needs_nothing_but_the_landing(
    embedded_shop: Shop, tmp_path: Path
) -> None:
    embedded_shop.sell("r1,1,NA,2,1.00,2024-01-05", "r1,2,NA,500,1.00,2024-01-05")
    embedded_shop.land()
    release_all(embedded_shop, tmp_path)
    before = state(embedded_shop)
    embedded_shop.workspace.warehouse.unlink()
    for file in embedded_shop.workspace.inbox.rglob("*.csv"):
        file.unlink()

    embedded_shop.land(FRIDAY)

    assert state(embedded_shop) == before


def test_a_released_row_that_the_contract_takes_today_is_not_loaded_twice(
    embedded_shop: Shop, tmp_path: Path
) -> None:
    embedded_shop.sell("r1,1,NA,2,1.00,2024-01-05", "r1,2,NA,500,1.00,2024-01-05")
    embedded_shop.land()
    release_all(embedded_shop, tmp_path)
    contract = embedded_shop.workspace.root / "sources" / "shop" / "contract.yml"
    looser = contract.read_text(encoding="utf-8").replace("BETWEEN 1 AND 100", "> 0")
    contract.write_text(looser, encoding="utf-8")
    embedded_shop.workspace.warehouse.unlink()

    embedded_shop.land(FRIDAY)

    assert embedded_shop.column("sales", "units") == [2, 500]
    assert embedded_shop.query("SELECT count(*) FROM raw.releases") == [(0,)]


def test_a_release_without_the_file_it_mends_is_told(embedded_shop: Shop, tmp_path: Path) -> None:
    file = embedded_shop.sell("r1,1,NA,2,1.00,2024-01-05", "r1,2,NA,500,1.00,2024-01-05")
    embedded_shop.land()
    release_all(embedded_shop, tmp_path)
    embedded_shop.workspace.warehouse.unlink()
    file.unlink()
    (embedded_shop.workspace.landing / "shop" / file.name).unlink()

    with pytest.raises(DataRejected, match="which is not loaded"):
        embedded_shop.land(FRIDAY)


def test_a_release_cut_short_after_its_batch_was_committed_is_put_into_place(
    embedded_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded_shop.sell("r1,1,NA,2,1.00,2024-01-05", "r1,2,NA,500,1.00,2024-01-05")
    embedded_shop.land()

    def stop(_content: Path, target: Path) -> str:
        if "landing" in target.parts:
            raise KeyboardInterrupt
        return place(_content, target)

    place = releasing.place
    monkeypatch.setattr(releasing, "place", stop)
    with pytest.raises(KeyboardInterrupt):
        release_all(embedded_shop, tmp_path)
    monkeypatch.undo()
    with open_warehouse(embedded_shop.workspace) as warehouse:
        assert verify_landing(embedded_shop.workspace, warehouse)

    embedded_shop.land(FRIDAY)

    assert embedded_shop.column("sales", "units") == [2, 7]
    state(embedded_shop)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A workspace of which a snapshot was taken after each of two days."""
    made = create_workspace(
        tmp_path / "duka",
        company=Company(name="Duka", demo=True),
        sources=["shop"],
        use_cases=["operations/demand"],
    )
    files = {
        "sources/shop/contract.yml": CONTRACT,
        "inbox/shop/products_2024-01-01.csv": PRODUCTS,
        f"inbox/shop/sales_{MONDAY}.csv": SALES + "r1,1,NA,2,1.00,2024-01-05\n",
        f"inbox/shop/sales_{FRIDAY}.csv": SALES + "r2,1,NA,3,1.00,2024-01-08\n",
    }
    for name, text in files.items():
        file = made.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    house = House(made, "amina")
    for day in (MONDAY, FRIDAY):
        flow.land(house, day, allow_late=True)
    return house


def sold(house: House) -> list[Any]:
    with house.warehouse() as warehouse:
        found = warehouse.rows("SELECT units FROM raw.shop__sales ORDER BY units")
    return [units for (units,) in found]


def test_after_a_restore_nothing_goes_on_until_the_warehouse_is_loaded_again(house: House) -> None:
    older = house.ledger.entries("snapshot")[0].body["address"]
    stewardship.restore_snapshot(house, older, as_of=FRIDAY)

    for step in (flow.land, flow.build):
        with pytest.raises(ConfigurationError, match=r"holds 1 file.*sales_2024-01-12") as refused:
            step(house, FRIDAY)
        assert "ghala land --anew" in refused.value.next_step

    assert len(flow.land(house, MONDAY, allow_late=True, anew=True)) == 2
    assert sold(house) == [2]
    assert len(house.ledger.entries("batch")) == 3  # nothing is told twice

    flow.land(house, FRIDAY, allow_late=True)  # the inbox still has the newer file
    assert sold(house) == [2, 3]


def test_after_the_newer_snapshot_is_restored_work_goes_on(house: House) -> None:
    older, newer = (entry.body["address"] for entry in house.ledger.entries("snapshot"))
    stewardship.restore_snapshot(house, older, as_of=FRIDAY)
    stewardship.restore_snapshot(house, newer, as_of=FRIDAY)

    assert flow.land(house, FRIDAY, allow_late=True) == []
    assert sold(house) == [2, 3]

"""Text packed with gzip comes in whole or not at all; a file that was cut short is not loaded."""

import gzip
import random
from datetime import timedelta

import pytest

from ghala.contracts.errors import DataRejected

from .conftest import MONDAY, SALES, Shop

NAME = f"sales_{MONDAY}.csv.gz"
LINES = "".join(f"r{n},1,{('00123', '1E5', 'NA')[n % 3]},2,1.00,2024-01-05\n" for n in range(300))
PACKED = gzip.compress((SALES + LINES).encode())


def sell_daily(shop: Shop, days: range, *, rows: int) -> None:
    """Deliver a file of so many rows on each of these days after Monday."""
    for number in days:
        day = MONDAY + timedelta(days=number)
        shop.sell(*(f"d{number},{n},NA,2,1.00,2024-01-05" for n in range(rows)), on=day)


def ask_for_half(shop: Shop) -> None:
    contract = shop.workspace.root / "sources" / "shop" / "contract.yml"
    text = contract.read_text(encoding="utf-8")
    sized = text.replace(
        "max_quarantined: 0.8", "max_quarantined: 0.8\n    min_share_of_median: 0.5"
    )
    contract.write_text(sized, encoding="utf-8")


def test_packed_text_is_read_as_exactly_as_plain_text(shop: Shop) -> None:
    shop.deliver(NAME, PACKED)

    receipts = shop.land()

    assert [(one.file, one.rows_loaded) for one in receipts[1:]] == [(NAME, 300)]
    assert shop.query("SELECT DISTINCT sku FROM raw.shop__sales ORDER BY sku") == [
        ("00123",), ("1E5",), ("NA",),
    ]  # fmt: skip
    assert shop.land() == []


def test_packed_and_plain_files_of_a_feed_come_in_together(shop: Shop) -> None:
    shop.deliver(NAME, PACKED)
    shop.sell("x1,1,NA,1,1.00,2024-01-05", on=MONDAY - timedelta(days=7))

    assert [one.rows_loaded for one in shop.land()] == [3, 1, 300]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_packed_text_that_was_cut_off_is_refused(shop: Shop, share: float) -> None:
    shop.land()
    shop.deliver(NAME, PACKED[: int(len(PACKED) * share)])

    with pytest.raises(DataRejected, match=r"cannot be read as gzip") as refused:
        shop.land()

    assert refused.value.exit_code == 4
    assert shop.column("sales", "receipt") == []
    assert NAME not in shop.landed()


def test_a_bit_that_flipped_in_packed_text_is_never_another_value(embedded_shop: Shop) -> None:
    embedded_shop.land()
    draw = random.Random(56)  # noqa: S311 - places, not secrets
    for _ in range(20):
        flipped = bytearray(PACKED)
        flipped[draw.randrange(10, len(PACKED))] ^= 1 << draw.randrange(8)
        embedded_shop.deliver(NAME, bytes(flipped))
        with pytest.raises(DataRejected, match="cannot be read as gzip"):
            embedded_shop.land()
    assert embedded_shop.column("sales", "receipt") == []


def test_plain_text_under_a_packed_name_is_refused(embedded_shop: Shop) -> None:
    embedded_shop.deliver(NAME, SALES + LINES)

    with pytest.raises(DataRejected, match="cannot be read as gzip"):
        embedded_shop.land()


def test_a_file_with_far_fewer_rows_than_usual_is_refused(shop: Shop) -> None:
    ask_for_half(shop)
    sell_daily(shop, range(0, 6), rows=20)
    shop.land(MONDAY + timedelta(days=5))
    sell_daily(shop, range(6, 7), rows=9)  # whole lines of a file that was cut short

    with pytest.raises(DataRejected, match=r"9 rows.*20 in the median.*50%") as refused:
        shop.land(MONDAY + timedelta(days=6))

    assert "--whole sales_2024-01-14.csv" in refused.value.next_step
    assert len(shop.column("sales", "receipt")) == 120


def test_a_small_file_that_is_whole_comes_in_when_a_person_says_so(embedded_shop: Shop) -> None:
    ask_for_half(embedded_shop)
    sell_daily(embedded_shop, range(0, 6), rows=20)
    sell_daily(embedded_shop, range(6, 7), rows=9)
    until = MONDAY + timedelta(days=6)
    with pytest.raises(DataRejected, match="cut short"):
        embedded_shop.land(until)
    assert len(embedded_shop.column("sales", "receipt")) == 120  # those before it came in

    [receipt] = embedded_shop.land(until, whole=["sales_2024-01-14.csv"])
    assert receipt.rows_loaded == 9

    embedded_shop.workspace.warehouse.unlink()  # what was taken once is taken again
    for file in embedded_shop.workspace.inbox.rglob("*.csv"):
        file.unlink()
    assert len(embedded_shop.land(until)) == 8


def test_the_first_files_of_a_feed_may_have_any_size(embedded_shop: Shop) -> None:
    ask_for_half(embedded_shop)
    sell_daily(embedded_shop, range(0, 4), rows=40)
    sell_daily(embedded_shop, range(4, 5), rows=1)

    assert len(embedded_shop.land(MONDAY + timedelta(days=4))) == 6

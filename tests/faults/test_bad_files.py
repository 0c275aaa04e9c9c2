"""Whole files that no one should have sent: refused with a reason, nothing of them is loaded."""

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ghala.contracts.errors import DataRejected
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.landing import land

DAY = date(2024, 1, 8)
CONTRACT = """
description: Orders, as text and as Parquet.
provenance: Made up for these tests.
licence: Apache-2.0
feeds:
  orders:
    description: One row per order.
    format: csv
    columns: {sku: {type: varchar, required: true}, units: {type: integer, required: true}}
  columnar:
    description: The same as Parquet.
    format: parquet
    columns: {sku: {type: varchar, required: true}, units: {type: integer, required: true}}
"""
HEADER = "sku,units\n"
Deliver = Callable[[str, bytes], None]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "sources" / "shop"
    folder.mkdir(parents=True)
    (folder / "contract.yml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "ghala.toml").write_text(
        'sources = ["shop"]\nuse_cases = ["operations/demand"]\n[company]\nname = "Duka"\n',
        encoding="utf-8",
    )
    (tmp_path / "inbox" / "shop").mkdir(parents=True)
    return Workspace(tmp_path)


def land_file(workspace: Workspace, name: str, content: bytes) -> list[tuple[str, int]]:
    """Land one file and return the rows that were loaded of it."""
    (workspace.inbox / "shop" / name).write_bytes(content)
    feed = name.partition("_")[0]
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        try:
            list(land(workspace, warehouse, DAY))
        finally:
            rows = warehouse.rows(f"SELECT sku, units FROM raw.shop__{feed}")
    return [(sku, units) for sku, units in rows]


def columnar(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


WHOLE = columnar(sku=[f"s{n}" for n in range(5000)], units=list(range(5000)))


def assert_refused(workspace: Workspace, name: str, content: bytes, *words: str) -> None:
    with pytest.raises(DataRejected) as refused:
        land_file(workspace, name, content)

    assert refused.value.exit_code == 4
    assert name in refused.value.message
    assert refused.value.next_step
    assert all(word in refused.value.message for word in words), refused.value.message
    assert not [file for file in workspace.landing.rglob("*") if file.is_file()]
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        assert warehouse.rows("FROM raw.batches") == []
        assert warehouse.rows("FROM raw.quarantine") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["'sku' is missing"]),
        (b"\n\n", ["'sku' is missing"]),
        (HEADER.encode(), ["0 of 0 rows", "empty"]),
        (b"sku,units\na,1\nb\nc,3\n", ["Line: 3", "Expected Number of Columns: 2 Found: 1"]),
        (b"sku,units\na,1\nb,2,9\n", ["Line: 3", "Found: 3"]),
        (b"sku,units\na,1\nTOTAL\n", ["Line: 3"]),
        (b'sku,units\n"a,1\nb,2\n', ["unterminated quote"]),
        (b"sku;units\na;1\n", ["'sku;units' is unknown"]),
        (b"sku\tunits\na\t1\n", ["is unknown"]),
        (b"# made by a till\nsku,units\na,1\n", ["'# made by a till' is unknown"]),
        (b"a,1\nb,2\n", ["'sku' is missing"]),
        (b"sku,sku,units\na,b,1\n", ["'sku' comes twice"]),
        (b"sku,,units\na,b,1\n", ["'' is unknown"]),
        (b"sku,units\r\na,1\nb,2\r\n", ["line 1 ends with CRLF, line 2 with LF"]),
        (b'sku,units\n"a\r\nb",1\nc,2\r\nd,3\n', ["line 1 ends with LF, line 4 with CRLF"]),
        (b"sku,units\na,1\rb,2\n", ["line 1 ends with LF, line 2 with CR"]),
        (b"sku,units\n\xe4,1\n", ["utf-8"]),
        (b"\xe4sku,units\na,1\n", ["utf-8"]),
        ("sku,units\na,1\n".encode("utf-16"), ["cannot be read as csv"]),
        (WHOLE, ["cannot be read as csv"]),
    ],
)
def test_a_text_file_that_breaks_its_form_is_refused_with_the_place(
    workspace: Workspace, content: bytes, words: list[str]
) -> None:
    assert_refused(workspace, "orders_2024-01-08.csv", content, *words)


def test_a_bad_line_far_down_is_found_and_named(workspace: Workspace) -> None:
    lines = HEADER + "".join(f"s{n},{n}\n" for n in range(50_000)) + "bad,1,2,3\n"

    assert_refused(workspace, "orders_2024-01-08.csv", lines.encode(), "Line: 50002")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_parquet_file_is_refused(workspace: Workspace, share: float) -> None:
    content = WHOLE[: int(len(WHOLE) * share)]

    assert_refused(workspace, "columnar_2024-01-08.parquet", content, "cannot be read as parquet")


def test_a_text_file_that_is_called_parquet_is_refused(workspace: Workspace) -> None:
    assert_refused(
        workspace, "columnar_2024-01-08.parquet", b"sku,units\na,1\n", "cannot be read as parquet"
    )


def test_a_parquet_file_without_rows_is_refused(workspace: Workspace) -> None:
    empty = columnar(sku=pl.Series([], dtype=pl.String), units=pl.Series([], dtype=pl.Int32))

    assert_refused(workspace, "columnar_2024-01-08.parquet", empty, "0 of 0 rows")


def test_a_list_where_one_value_is_agreed_is_refused(workspace: Workspace) -> None:
    nested = columnar(sku=["a", "b"], units=[[1, 2], [3]])

    assert_refused(workspace, "columnar_2024-01-08.parquet", nested, "type:units")


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"\xef\xbb\xbfsku,units\na,1\n", [("a", 1)]),
        (b"sku,units\r\na,1\r\nb,2\r\n", [("a", 1), ("b", 2)]),
        (b"sku,units\na,1\nb,2", [("a", 1), ("b", 2)]),
        (b'sku,units\r\n"a\nb",1\r\n"c\r\nd",2\r\n', [("a\nb", 1), ("c\r\nd", 2)]),
        (b'sku,units\n"a, ""big""\nbox",1\n', [('a, "big"\nbox', 1)]),
        (b"units,sku\n1,a\n", [("a", 1)]),
        ("sku,units\nmchele 🛒,1\n".encode(), [("mchele 🛒", 1)]),
        (b"sku,units\n1E5,1\n00123,2\nNA,3\nNULL,4\nnan,5\n=1+1,6\n",
         [("1E5", 1), ("00123", 2), ("NA", 3), ("NULL", 4), ("nan", 5), ("=1+1", 6)]),
        (b"sku,units\n12345678901234567890,1\n", [("12345678901234567890", 1)]),
    ],
)  # fmt: skip
def test_a_text_file_that_is_only_unusual_is_read_as_it_is(
    workspace: Workspace, content: bytes, rows: list[tuple[str, int]]
) -> None:
    assert land_file(workspace, "orders_2024-01-08.csv", content) == rows


def test_after_a_refusal_the_mended_file_of_the_same_name_comes_in(workspace: Workspace) -> None:
    with pytest.raises(DataRejected):
        land_file(workspace, "orders_2024-01-08.csv", b"sku,units\na\n")

    assert land_file(workspace, "orders_2024-01-08.csv", b"sku,units\na,1\n") == [("a", 1)]

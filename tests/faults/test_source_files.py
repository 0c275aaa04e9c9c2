"""Every way in which a delivered file is known to be wrong, and what becomes of each.

A file is rejected whole (exit code 4, the problem named, nothing loaded), or its bad rows go to
quarantine with reasons, or what it says is loaded exactly. The numbers are those of a list of bad
inputs for retail platforms: text files 1 to 46, Parquet and containers 47 to 72.
"""

import gzip
import io
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ghala.contracts.errors import DataRejected
from ghala.contracts.records import BatchReceipt
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land, verify_landing
from tests.servers import ENGINES

DAY = date(2026, 3, 2)
COLUMNS = """
      order_id: {type: varchar, required: true}
      sku: {type: varchar, required: true}
      store: {type: varchar, required: true}
      size: {type: varchar}
      units: {type: integer, required: true}
      price: {type: "decimal(12,2)"}
      sold_on: {type: date, required: true}
      sold_at: {type: timestamp}
      weight: {type: double}"""
RULES = """
    rules:
      - {name: sold_units, check: "coalesce(this.units, 1) BETWEEN 1 AND 100000", reason: too many}
      - {name: price_not_negative, check: "coalesce(this.price, 0) >= 0", reason: no gift}"""
CONTRACT = f"""
description: A shop's orders, as text and as Parquet.
provenance: Made up for these tests.
licence: Apache-2.0
timezone: Europe/London
feeds:
  orders:
    description: One row per order.
    format: csv
    key: [order_id]
    columns: {COLUMNS}{RULES}
  open:
    description: The same, from a system that often grows new columns.
    format: csv
    key: [order_id]
    new_columns: keep
    columns: {COLUMNS}{RULES}
  ledger:
    description: The same, with corrections.
    format: csv
    key: [order_id]
    corrections: true
    event_time: sold_on
    late_days: 30
    columns: {COLUMNS}{RULES}
  columnar:
    description: The same as Parquet.
    format: parquet
    key: [order_id]
    columns: {COLUMNS}{RULES}
"""
NAMES = ("order_id", "sku", "store", "size", "units", "price", "sold_on", "sold_at", "weight")
HEADER = ",".join(NAMES)
GOOD = {
    "order_id": "o1", "sku": "S1", "store": "N1", "size": "M", "units": "2", "price": "10.50",
    "sold_on": "2026-03-01", "sold_at": "2026-03-01 08:00:00", "weight": "0.5",
}  # fmt: skip


def line(**cells: str) -> str:
    """A row of text: the good one with other cells; quoted where they need it."""
    values = (GOOD | cells).values()
    return ",".join(f'"{v}"' if "," in v or "\n" in v else v for v in values)


def text(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    """A text file of these lines."""
    return "".join(f"{one}{end}" for one in (header, *lines)).encode()


def cell(**cells: str) -> bytes:
    """A file of a good row and, as its second, the same with other cells."""
    return text(line(), line(**({"order_id": "o2"} | cells)))


@dataclass(frozen=True)
class Rejected:
    """The file as a whole is refused; the message holds these words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """Row number to reasons of what is quarantined, and the exact values of what is loaded."""

    refused: dict[int, list[str]] = field(default_factory=dict)
    values: dict[str, list[Any]] = field(default_factory=dict)


def rejected(*words: str) -> Rejected:
    return Rejected(words)


def quarantined(*reasons: str, rows: int = 2) -> Taken:
    """The last of ``rows`` rows is refused for these reasons, the others are loaded."""
    return Taken({rows: list(reasons)}, {"order_id": [f"o{n}" for n in range(1, rows)]})


def loaded(**values: list[Any]) -> Taken:
    return Taken({}, values)


def _far_down() -> bytes:
    lines = [line(order_id=f"o{n}") for n in range(1, 40_001)]
    lines[29_999] = line(order_id="o30000", units="many")
    return text(*lines)


MOMENT = datetime(2026, 3, 1, 8)
TEXT_FILES: list[tuple[str, bytes, Rejected | Taken]] = [
    ("1 empty file", b"", rejected("empty")),
    ("1 only line ends", b"\n\n", rejected("empty")),
    ("2 header only", text(), rejected("0 of 0 rows", "empty")),
    ("3 no header", text(header=line()), rejected("header", "'order_id' is missing")),
    ("4 duplicate headers", text(line() + ",x", header=HEADER + ",sku"),
     rejected("'sku' comes twice")),
    ("5 blank header", text(line() + ",x", header=HEADER + ","), rejected("without a name")),
    ("6 renamed header", text(line(), header=HEADER.replace("units", "unit")),
     rejected("'units' is missing", "Did you mean 'units'")),
    ("7 swapped columns", text("S1,o1," + line()[6:], header="sku,order_id," + HEADER[13:]),
     loaded(order_id=["o1"], sku=["S1"], store=["N1"])),
    ("8 missing column", text("S1", header="sku"), rejected("'price' is missing")),
    ("9 extra column", text(line() + ",x", header=HEADER + ",note"),
     rejected("'note' is unknown")),
    ("10 header in capitals", text(line(), header=HEADER.upper()),
     rejected("'SKU' is unknown", "Did you mean 'sku'")),
    ("10 header with spaces", text(line(), header=HEADER.replace(",", ", ")),
     rejected("' sku' is unknown", "Did you mean 'sku'")),
    ("11 row too short", text(line(), "o2,S1,N1"), rejected("Line: 3", "Found: 3")),
    ("12 row too long", text(line(), line(order_id="o2") + ",9"),
     rejected("Line: 3", "Found: 10")),
    ("13 trailing delimiter", text(line() + ",", line(order_id="o2") + ","),
     loaded(order_id=["o1", "o2"], weight=[0.5, 0.5])),
    ("13 trailing delimiter with its header", text(line() + ",", header=HEADER + ","),
     rejected("without a name")),
    ("14 semicolons", text(line().replace(",", ";"), header=HEADER.replace(",", ";")),
     rejected("separated by ';'")),
    ("14 tabs", text(line().replace(",", "\t"), header=HEADER.replace(",", "\t")),
     rejected("separated by '\\t'")),
    ("14 decimal comma", cell(price="10,50"), quarantined("type:price")),
    ("15 thousands", cell(price="1,234.56"), quarantined("type:price")),
    ("15 thousands of units", cell(units="1,000"), quarantined("type:units")),
    ("16 currency sign", cell(price="£1.50"), quarantined("type:price")),
    ("16 currency code", cell(price="KES 5"), quarantined("type:price")),
    ("17 negative in brackets", cell(price="(5.00)"), quarantined("type:price")),
    ("18 minus behind", cell(price="5.00-"), quarantined("type:price")),
    ("19 Unicode minus", cell(price="−5.00"), quarantined("type:price")),
    ("20 thousands by no-break space", cell(price="1\u00a0234.56"), quarantined("type:price")),
    ("20 no-break space behind", cell(price="10.50\u00a0"), quarantined("type:price")),
    ("21 leading zeros", cell(sku="00123"), loaded(sku=["S1", "00123"])),
    ("22 a SKU like a number", cell(sku="1E5"), loaded(sku=["S1", "1E5"])),
    ("23 stores like nothing",
     text(*(line(order_id=f"o{n}", store=s) for n, s in enumerate(["NA", "NULL", "None", "nan"]))),
     loaded(store=["NA", "NULL", "None", "nan"])),
    ("23 no store", cell(store=""), quarantined("required:store")),
    ("24 sizes like truth values",
     text(line(order_id="a", size="T"), line(order_id="b", size="F")), loaded(size=["T", "F"])),
    ("25 an id of 20 digits", cell(order_id="12345678901234567890"),
     loaded(order_id=["o1", "12345678901234567890"])),
    ("26 a fraction of a unit", cell(units="1.7"), quarantined("type:units")),
    ("26 a whole number with a point", cell(units="2.0"), loaded(units=[2, 2])),
    ("27 three decimals", cell(price="2.509"), quarantined("type:price")),
    ("28 NaN", cell(weight="NaN"), quarantined("type:weight")),
    ("28 infinity", cell(weight="-Infinity"), quarantined("type:weight")),
    ("28 beyond every number", cell(weight="1e999"), quarantined("type:weight")),
    ("28 NaN money", cell(price="NaN"), quarantined("type:price")),
    ("29 negative price", cell(price="-1.00"), quarantined("price_not_negative")),
    ("30 a million million units", cell(units="1000000000000"), quarantined("type:units")),
    ("30 a million units", cell(units="1000000"), quarantined("sold_units")),
    ("31 ambiguous day", cell(sold_on="01/02/2026"), quarantined("type:sold_on")),
    ("32 days first and months first",
     text(line(), line(order_id="o2"), line(order_id="o3"),
          line(order_id="o4", sold_on="13/02/2026"), line(order_id="o5", sold_on="02/13/2026")),
     Taken({4: ["type:sold_on"], 5: ["type:sold_on"]}, {"order_id": ["o1", "o2", "o3"]})),
    ("33 a day that is none", cell(sold_on="2026-02-30"), quarantined("type:sold_on")),
    ("34 two digits of a year", cell(sold_on="01/02/26"), quarantined("type:sold_on")),
    ("34 two digits of a year first", cell(sold_on="26-02-01"), quarantined("type:sold_on")),
    ("35 a day counted by a spreadsheet", cell(sold_on="46111"), quarantined("type:sold_on")),
    ("36 milliseconds since 1970", cell(sold_at="1772438400000"), quarantined("type:sold_at")),
    ("37 mixed offsets",
     text(line(), line(order_id="o2", sold_at="2026-03-01T08:00:00Z"),
          line(order_id="o3", sold_at="2026-03-01T11:00:00+03:00")),
     Taken({3: ["type:sold_at"]}, {"sold_at": [MOMENT, MOMENT]})),
    ("38 byte order mark", b"\xef\xbb\xbf" + text(line()), loaded(order_id=["o1"])),
    ("39 UTF-16", text(line()).decode().encode("utf-16"), rejected("utf-8")),
    ("39 UTF-16 without a mark", text(line()).decode().encode("utf-16-le"), rejected("utf-8")),
    ("40 Latin-1", text(line(), line(order_id="o2", sku="Käse")).decode().encode("latin-1"),
     rejected("utf-8")),
    ("40 Latin-1 header", b"\xe4" + text(line()), rejected("utf-8")),
    ("41 NUL byte", cell(sku="S\0"), quarantined("type:sku")),
    ("42 Windows line ends", text(line(), line(order_id="o2"), end="\r\n"),
     loaded(order_id=["o1", "o2"], weight=[0.5, 0.5])),
    ("42 old Macintosh line ends", text(line(), line(order_id="o2"), end="\r"),
     loaded(order_id=["o1", "o2"], weight=[0.5, 0.5])),
    ("42 mixed line ends", text(line()) + line(order_id="o2").encode() + b"\r\n",
     rejected("line")),
    ("42 no last line end", text(line(), line(order_id="o2"))[:-1],
     loaded(order_id=["o1", "o2"], weight=[0.5, 0.5])),
    ("43 newline in quotes", cell(sku="big\nbox"), loaded(sku=["S1", "big\nbox"])),
    ("43 unclosed quote", text(line(), line(order_id='"o2')), rejected("quote")),
    ("43 unclosed quote that swallows rows",
     text(line(order_id='"o1'), line(order_id="o2"), line(order_id="o3")), rejected("quote")),
    ("43 quote inside a field", cell(sku='7" pan'), loaded(sku=["S1", '7" pan'])),
    ("44 short trailer", text(line(), "TOTAL"), rejected("Line: 3")),
    ("44 trailer of full width", text(line(), line(order_id="o2"), "TOTAL,,,,4,21.00,,,"),
     quarantined("required:sku", "required:store", "required:sold_on", rows=3)),
    ("45 another type far down", _far_down(), Taken({30_000: ["type:units"]})),
    ("46 a field of 5 MB", cell(sku="x" * 5_000_000), rejected("Line: 3", "line size")),
    ("46 zero width and right to left", cell(sku="S\u200b1\u202e\u05d0"),
     loaded(sku=["S1", "S\u200b1\u202e\u05d0"])),
    ("46 formula", cell(sku='=HYPERLINK(0)'), loaded(sku=["S1", "=HYPERLINK(0)"])),
    ("56 gzip under a text name", gzip.compress(text(line())), rejected("utf-8")),
    ("56 half a gzip", gzip.compress(text(line()))[:40], rejected("utf-8")),
]  # fmt: skip


def table(count: int = 2, **columns: pa.Array) -> pa.Table:
    """A Parquet table of ``count`` good rows with other columns."""
    good: dict[str, pa.Array] = {
        "order_id": pa.array([f"o{n}" for n in range(1, count + 1)]),
        "sku": pa.array(["S1"] * count),
        "store": pa.array(["N1"] * count),
        "size": pa.array(["M"] * count),
        "units": pa.array([2] * count, pa.int32()),
        "price": pa.array([Decimal("10.50")] * count, pa.decimal128(12, 2)),
        "sold_on": pa.array([date(2026, 3, 1)] * count),
        "sold_at": pa.array([MOMENT] * count, pa.timestamp("us")),
        "weight": pa.array([0.5] * count),
    }
    return pa.table(good | columns)


def parquet(rows: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, **options)
    return buffer.getvalue()


def moments(unit: str, zone: str | None = None) -> pa.Array:
    instants = [MOMENT, MOMENT + timedelta(hours=1)]
    if zone:
        instants = [one.replace(tzinfo=UTC) for one in instants]
    return pa.array(instants, pa.timestamp(unit, tz=zone))


def scaled(*prices: str, digits: int) -> pa.Array:
    return pa.array([Decimal(price) for price in prices], pa.decimal128(18, digits))


AT = {"sold_at": [MOMENT, MOMENT + timedelta(hours=1)]}
PARQUET_FILES: list[tuple[str, bytes, Rejected | Taken]] = [
    ("48 truncated", parquet(table(500))[:-40], rejected("cannot be read as parquet")),
    ("49 zero bytes", b"", rejected("cannot be read as parquet")),
    ("50 text under a Parquet name", text(line()), rejected("cannot be read as parquet")),
    ("58 whole numbers as text", parquet(table(units=pa.array(["2", "1.7"]))),
     quarantined("type:units")),
    ("58 whole numbers as fractions", parquet(table(units=pa.array([2.0, 1.7]))),
     quarantined("type:units")),
    ("58 longer whole numbers", parquet(table(units=pa.array([2, 10**12], pa.int64()))),
     quarantined("type:units")),
    ("58 money as fractions", parquet(table(price=pa.array([10.5, 10.505]))),
     quarantined("type:price")),
    ("58 days as text", parquet(table(sold_on=pa.array(["2026-03-01", "01/03/2026"]))),
     quarantined("type:sold_on")),
    ("58 SKU as a number", parquet(table(sku=pa.array([1, 2], pa.int64()))),
     loaded(sku=["1", "2"])),
    ("59 another order of columns", parquet(table().select(list(reversed(NAMES)))),
     loaded(order_id=["o1", "o2"], units=[2, 2])),
    ("60 more decimals, the same amount",
     parquet(table(price=scaled("10.5000", "3.2000", digits=4))),
     loaded(price=[Decimal("10.50"), Decimal("3.20")])),
    ("60 more decimals, another amount",
     parquet(table(price=scaled("10.5000", "3.2001", digits=4))), quarantined("type:price")),
    ("61 seconds", parquet(table(sold_at=moments("s"))), loaded(**AT)),
    ("61 milliseconds", parquet(table(sold_at=moments("ms"))), loaded(**AT)),
    ("61 nanoseconds", parquet(table(sold_at=moments("ns"))), loaded(**AT)),
    ("62 an instant in UTC", parquet(table(sold_at=moments("us", "UTC"))), loaded(**AT)),
    ("62 an instant shown in Nairobi", parquet(table(sold_at=moments("us", "Africa/Nairobi"))),
     loaded(**AT)),
    ("62 no zone", parquet(table(sold_at=moments("us"))), loaded(**AT)),
    ("63 INT96", parquet(table(sold_at=moments("ns")), use_deprecated_int96_timestamps=True),
     loaded(**AT)),
    ("64 a structure for a value",
     parquet(table(sku=pa.array([{"a": "S1"}, {"a": "S2"}]))), rejected("2 of 2 rows", "type:sku")),
    ("65 a list for a value", parquet(table(units=pa.array([[1], [2]]))),
     rejected("2 of 2 rows", "type:units")),
    ("41 NUL byte", parquet(table(sku=pa.array(["S1", "S\0"]))), quarantined("type:sku")),
]  # fmt: skip


@dataclass
class Shop:
    """What the shop's people do: deliver, land, look."""

    workspace: Workspace

    def deliver(self, name: str, content: bytes) -> Path:
        file = self.workspace.inbox / "shop" / name
        file.write_bytes(content)
        return file

    def land(self, as_of: date = DAY) -> list[BatchReceipt]:
        with open_warehouse(self.workspace) as warehouse:
            return list(land(self.workspace, warehouse, as_of))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with open_warehouse(self.workspace) as warehouse:
            return warehouse.rows(sql)

    def refused(self) -> dict[int, list[str]]:
        return dict(self.query("SELECT row_number, reasons FROM raw.quarantine"))

    def column(self, feed: str, name: str) -> list[Any]:
        return [row[0] for row in self.query(f'SELECT "{name}" FROM raw.shop__{feed}')]

    def landed(self) -> list[str]:
        return sorted(file.name for file in self.workspace.landing.rglob("*") if file.is_file())

    def state(self) -> dict[str, list[str]]:
        """Everything that landing keeps."""
        tables = ["raw.shop__orders", "raw.shop__ledger", "raw.quarantine", "raw.batches"]
        return {name: sorted(map(str, self.query(f"SELECT * FROM {name}"))) for name in tables}


def open_shop(root: Path, settings: str = "") -> Shop:
    folder = root / "sources" / "shop"
    folder.mkdir(parents=True)
    (folder / "contract.yml").write_text(CONTRACT, encoding="utf-8")
    (root / "ghala.toml").write_text(
        'sources = ["shop"]\nuse_cases = ["operations/demand"]\n[company]\nname = "Duka"\n'
        + settings,
        encoding="utf-8",
    )
    (root / "inbox" / "shop").mkdir(parents=True)
    return Shop(Workspace(root))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop whose warehouse is a DuckDB file; files are checked there on every engine."""
    return open_shop(tmp_path)


@pytest.fixture(params=ENGINES)
def any_shop(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    """A shop on each engine, for what depends on the rows that were loaded before."""
    if request.param == "duckdb":
        return open_shop(tmp_path)
    monkeypatch.setenv("GHALA_TEST_DSN", request.getfixturevalue("postgres_dsn"))
    return open_shop(
        tmp_path, '[warehouse]\nengine = "postgres"\ndsn_variable = "GHALA_TEST_DSN"\n'
    )


def assert_rejected(shop: Shop, name: str, words: tuple[str, ...]) -> None:
    with pytest.raises(DataRejected) as refused:
        shop.land()

    said = refused.value
    assert said.exit_code == 4
    assert said.next_step
    assert name in said.message
    assert [word for word in words if word not in said.message] == [], said.message
    assert len(said.message) < 1000
    assert name not in shop.landed()
    assert shop.query(f"FROM raw.batches WHERE file = '{name}'") == []
    assert shop.query("FROM raw.quarantine") == []


def assert_taken(shop: Shop, feed: str, expected: Taken) -> None:
    [receipt] = shop.land()

    assert receipt.rows_in == receipt.rows_loaded + receipt.rows_quarantined
    assert receipt.rows_quarantined == len(expected.refused)
    assert shop.refused() == expected.refused
    for name, values in expected.values.items():
        found = shop.column(feed, name)
        assert found == values
        assert [type(one) for one in found] == [type(one) for one in values]
    assert shop.query(f"SELECT count(*) FROM raw.shop__{feed}") == [(receipt.rows_loaded,)]


def parametrize(cases: list[tuple[str, bytes, Rejected | Taken]]) -> Callable[..., Any]:
    return pytest.mark.parametrize(
        ("content", "expected"), [case[1:] for case in cases], ids=[case[0] for case in cases]
    )


@parametrize(TEXT_FILES)
def test_a_text_file(shop: Shop, content: bytes, expected: Rejected | Taken) -> None:
    shop.deliver(f"orders_{DAY}.csv", content)

    if isinstance(expected, Rejected):
        assert_rejected(shop, f"orders_{DAY}.csv", expected.words)
    else:
        assert_taken(shop, "orders", expected)


@parametrize(PARQUET_FILES)
def test_a_parquet_file(shop: Shop, content: bytes, expected: Rejected | Taken) -> None:
    shop.deliver(f"columnar_{DAY}.parquet", content)

    if isinstance(expected, Rejected):
        assert_rejected(shop, f"columnar_{DAY}.parquet", expected.words)
    else:
        assert_taken(shop, "columnar", expected)


def test_every_number_of_the_list_is_tried() -> None:
    tried = {int(name.split()[0]) for name, _, _ in TEXT_FILES}
    assert set(range(1, 47)) <= tried


def test_58_a_type_that_changes_between_files_of_one_history_changes_no_value(shop: Shop) -> None:
    kinds = [pa.int32(), pa.int64(), pa.int16(), pa.float64(), pa.string()]
    for day, kind in enumerate(kinds):
        rows = table(
            order_id=pa.array([f"d{day}a", f"d{day}b"]),
            units=pa.array(["1", "2"]).cast(kind)
            if kind == pa.string()
            else pa.array([1, 2], kind),
        )
        shop.deliver(f"columnar_{DAY - timedelta(days=day)}.parquet", parquet(rows))
    shop.land()

    assert sorted(shop.column("columnar", "units")) == [1] * 5 + [2] * 5
    assert shop.refused() == {}


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip"])
def test_47_a_bit_that_flips_in_a_landed_file_is_found_and_the_file_is_named(
    shop: Shop, codec: str
) -> None:
    name = f"columnar_{DAY}.parquet"
    shop.deliver(name, parquet(table(200), compression=codec))
    shop.land()
    landed = shop.workspace.landing / "shop" / name
    whole, draw = landed.read_bytes(), random.Random(47)  # noqa: S311 - places, not secrets

    with DuckDBWarehouse(shop.workspace.warehouse) as warehouse:
        for _ in range(25):
            flipped = bytearray(whole)
            flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
            landed.write_bytes(flipped)
            [told] = verify_landing(shop.workspace, warehouse)
            assert name in told
        landed.write_bytes(whole)
        assert verify_landing(shop.workspace, warehouse) == []


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip"])
def test_47_a_bit_that_flipped_on_the_way_is_found_where_the_sender_wrote_checksums(
    shop: Shop, codec: str
) -> None:
    whole = parquet(table(200), compression=codec, write_page_checksum=True, use_dictionary=False)
    truth = [tuple(row.values()) for row in table(200).to_pylist()]
    draw, missed = random.Random(4747), 0  # noqa: S311
    for _ in range(20):
        flipped = bytearray(whole)
        flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        file = shop.deliver(f"columnar_{DAY}.parquet", bytes(flipped))
        try:
            shop.land()
        except DataRejected:
            file.unlink()
            continue
        columns = ", ".join(f'"{name}"' for name in NAMES)
        missed += shop.query(f"SELECT {columns} FROM raw.shop__columnar") != truth
        for sql in ("FROM raw.shop__columnar", "FROM raw.batches", "FROM raw.quarantine"):
            shop.query(f"DELETE {sql}")
        (shop.workspace.landing / "shop" / file.name).unlink()

    assert missed == 0


def test_72_a_file_that_is_still_being_written_is_refused_and_comes_in_once_it_is_whole(
    shop: Shop,
) -> None:
    name, whole = f"orders_{DAY}.csv", text(*(line(order_id=f"o{n}") for n in range(50)))
    file = shop.deliver(name, whole[: len(whole) // 2])
    assert_rejected(shop, name, ("Line:",))

    file.write_bytes(whole)
    [receipt] = shop.land()

    assert receipt.rows_loaded == 50


def test_72_a_file_that_grew_after_it_was_landed_is_told(shop: Shop) -> None:
    file = shop.deliver(f"orders_{DAY}.csv", text(line()))
    shop.land()
    file.write_bytes(text(line(), line(order_id="o2")))

    with pytest.raises(DataRejected, match="has changed since it was landed"):
        shop.land()
    assert shop.column("orders", "order_id") == ["o1"]


def test_the_same_file_twice_is_once(any_shop: Shop) -> None:
    any_shop.deliver(f"orders_{DAY}.csv", text(line(), line(order_id="o2", units="x")))
    any_shop.land()
    before = any_shop.state()

    assert any_shop.land() == []
    assert any_shop.state() == before


def test_the_same_rows_under_another_name_are_known(any_shop: Shop) -> None:
    rows = [line(order_id=f"o{n}") for n in range(4)]
    any_shop.deliver(f"orders_{DAY}.csv", text(*rows))
    any_shop.land()
    before = any_shop.state()
    later = f"orders_{DAY + timedelta(days=1)}.csv"

    for content, words in (
        (text(*rows), "same content"),
        (text(*reversed(rows)), "already_loaded"),
    ):
        any_shop.deliver(later, content)
        with pytest.raises(DataRejected, match=words):
            any_shop.land(DAY + timedelta(days=1))
        assert any_shop.state() == before


def test_a_few_known_rows_in_a_new_file_are_quarantined(any_shop: Shop) -> None:
    any_shop.deliver(f"orders_{DAY}.csv", text(line(), line(order_id="o2")))
    any_shop.deliver(
        f"orders_{DAY + timedelta(days=1)}.csv", text(line(order_id="o2"), line(order_id="o3"))
    )
    any_shop.land(DAY + timedelta(days=1))

    assert any_shop.column("orders", "order_id") == ["o1", "o2", "o3"]
    assert any_shop.refused() == {1: ["already_loaded"]}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_order_in_which_files_come_does_not_change_what_is_known_at_the_end(
    any_shop: Shop, order: tuple[int, ...]
) -> None:
    days = [DAY - timedelta(days=2 - n) for n in range(3)]
    files = [
        text(line(), line(order_id="o2", units="1")),
        text(line(order_id="o2", units="5"), line(order_id="o3")),
        text(line(order_id="o2", units="9"), line(order_id="o4")),
    ]
    for n in order:
        any_shop.deliver(f"ledger_{days[n]}.csv", files[n])
        any_shop.land()

    newest = any_shop.query(
        "SELECT order_id, units FROM raw.shop__ledger AS this WHERE _arrived_on = (SELECT"
        " max(_arrived_on) FROM raw.shop__ledger WHERE order_id = this.order_id) ORDER BY order_id"
    )
    assert newest == [("o1", 2), ("o2", 9), ("o3", 2), ("o4", 2)]
    versions = any_shop.query(
        "SELECT _arrived_on, units FROM raw.shop__ledger WHERE order_id = 'o2' ORDER BY 1"
    )
    assert versions == list(zip(days, (1, 5, 9), strict=True))


def test_a_correction_is_a_new_version_and_what_changes_nothing_is_known(any_shop: Shop) -> None:
    any_shop.deliver(f"ledger_{DAY - timedelta(days=1)}.csv", text(line(), line(order_id="o2")))
    any_shop.deliver(f"ledger_{DAY}.csv", text(line(units="3"), line(order_id="o2")))
    any_shop.land()

    before = DAY - timedelta(days=1)
    versions = any_shop.query(
        "SELECT order_id, units, _arrived_on FROM raw.shop__ledger ORDER BY order_id, _arrived_on"
    )
    assert versions == [("o1", 2, before), ("o1", 3, DAY), ("o2", 2, before)]
    assert any_shop.refused() == {2: ["already_loaded"]}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_what_was_known_on_a_day_does_not_depend_on_the_order_of_landing(
    shop: Shop, order: tuple[int, ...]
) -> None:
    """Of an order the units were told as 2, 3, 3 again and 5; the same news twice is none."""
    days = [DAY + timedelta(days=number) for number in range(4)]
    for number in order:
        told = line(units=f"{(2, 3, 3, 5)[number]}"), line(order_id=f"other{number}")
        shop.deliver(f"ledger_{days[number]}.csv", text(*told))
        shop.land(days[-1])

    known = [
        shop.query(
            "SELECT units FROM raw.shop__ledger WHERE order_id = 'o1'"
            f" AND _arrived_on <= DATE '{day}' ORDER BY _arrived_on DESC, _batch DESC LIMIT 1"
        )
        for day in days
    ]
    assert known == [[(2,)], [(3,)], [(3,)], [(5,)]]


def test_a_row_that_comes_later_than_agreed_is_quarantined(any_shop: Shop) -> None:
    any_shop.deliver(
        f"ledger_{DAY}.csv",
        text(
            line(sold_on=f"{DAY - timedelta(days=30)}"),
            line(order_id="o2", sold_on=f"{DAY - timedelta(days=31)}"),
        ),
    )
    any_shop.land()

    assert any_shop.column("ledger", "order_id") == ["o1"]
    assert any_shop.refused() == {2: ["too_late"]}


def read_json(value: Any) -> Any:
    """DuckDB gives JSON as text, PostgreSQL as what it says."""
    return json.loads(value) if isinstance(value, str) else value


def test_a_new_column_is_parked_where_the_contract_keeps_it_and_it_is_told(
    any_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    before = DAY - timedelta(days=1)
    any_shop.deliver(f"open_{before}.csv", text(line()))
    any_shop.deliver(
        f"open_{DAY}.csv",
        text(
            line(order_id="o2") + ",hello,1E5",
            line(order_id="o3", units="x") + ",bad,",
            header=HEADER + ",note,code 2",
        ),
    )
    any_shop.land()

    parked = any_shop.query("SELECT order_id, _extra FROM raw.shop__open ORDER BY 1")
    assert [(order, read_json(extra)) for order, extra in parked] == [
        ("o1", None), ("o2", {"note": "hello", "code 2": "1E5"}),
    ]  # fmt: skip
    [(record,)] = any_shop.query("SELECT record FROM raw.quarantine")
    assert read_json(record)["note"] == "bad"
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 1
    assert all(word in told[0] for word in (f"open_{DAY}.csv", "'note'", "'code 2'"))


def test_a_missing_column_is_refused_also_where_new_ones_are_kept(shop: Shop) -> None:
    shop.deliver(f"open_{DAY}.csv", text(line(), header=HEADER.replace("units", "pieces")))

    assert_rejected(shop, f"open_{DAY}.csv", ("'units' is missing",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (text(line(order_id="o9"), header=HEADER.replace("price", "amount")), ("'price'",)),
        (text("o9,S1,N1,M,2,2026-03-01,,0.5", header=HEADER.replace(",price", "")),
         ("'price' is missing",)),
        (text(*(line(order_id=f"r{n}", units="two") for n in range(9))),
         ("9 of 9 rows", "type:units")),
    ],
    ids=["renamed", "removed", "retyped"],
)  # fmt: skip
def test_a_changed_schema_in_mid_history_leaves_the_data_before_it(
    shop: Shop, content: bytes, words: tuple[str, ...]
) -> None:
    before = f"orders_{DAY - timedelta(days=1)}.csv"
    shop.deliver(before, text(line()))
    shop.deliver(f"orders_{DAY}.csv", content)

    assert_rejected(shop, f"orders_{DAY}.csv", words)
    assert shop.landed() == [before]
    assert shop.column("orders", "order_id") == ["o1"]


@pytest.mark.parametrize(
    ("zone", "changing", "hours"),
    [
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Asia/Kolkata", date(2026, 3, 29), 24),
        ("Africa/Nairobi", date(2026, 10, 25), 24),
    ],
)
def test_on_days_of_23_and_25_hours_every_sale_counts_once_on_its_day(
    shop: Shop, *, zone: str, changing: date, hours: float
) -> None:
    """A sale every half hour, as instants in UTC; the local day is derived as staging does it."""
    midnight = datetime(changing.year, changing.month, changing.day, tzinfo=ZoneInfo(zone))
    begin = (midnight - timedelta(days=1)).astimezone(UTC)
    instants = [begin + timedelta(minutes=30 * n) for n in range(4 * 48)]
    arrived = changing + timedelta(days=5)
    shop.deliver(
        f"orders_{arrived}.csv",
        text(
            *(
                line(order_id=f"o{n}", sold_on=f"{changing}", sold_at=f"{one:%Y-%m-%dT%H:%M:%SZ}")
                for n, one in enumerate(instants)
            )
        ),
    )
    shop.land(arrived)

    per_day = dict(
        shop.query(
            f"SELECT CAST(sold_at AT TIME ZONE 'UTC' AT TIME ZONE '{zone}' AS DATE), count(*)"
            " FROM raw.shop__orders GROUP BY 1"
        )
    )
    assert per_day[changing] == 2 * hours
    assert sum(per_day.values()) == len(instants)
    assert shop.query("SELECT count(DISTINCT sold_at) FROM raw.shop__orders") == [(len(instants),)]


def test_an_hour_that_autumn_has_twice_is_kept_apart_only_by_its_offset(any_shop: Shop) -> None:
    """A wall clock's 01:30 is loaded as it is; an offset is refused rather than dropped."""
    any_shop.deliver(
        "orders_2026-10-26.csv",
        text(
            line(order_id="o1", sold_on="2026-10-25", sold_at="2026-10-25T00:30:00Z"),
            line(order_id="o2", sold_on="2026-10-25", sold_at="2026-10-25T01:30:00Z"),
            line(order_id="o3", sold_on="2026-10-25", sold_at="2026-10-25T01:30:00+01:00"),
        ),
    )
    any_shop.land(date(2026, 10, 26))

    assert any_shop.column("orders", "sold_at") == [
        datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 25, 1, 30),
    ]  # fmt: skip
    assert any_shop.refused() == {3: ["type:sold_at"]}

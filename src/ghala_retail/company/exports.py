"""What the company's systems export: one file per feed and day of arrival."""

from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ghala_retail.company.draws import Array
from ghala_retail.company.world import START

PARQUET = frozenset(
    ["agents", "customers", "assignments", "web_orders", "web_lines", "agent_orders",
     "agent_lines", "stock", "tasks"]
)  # fmt: skip
WAITING = 40
"""Files that may wait for the writer before the simulation waits for it."""
EPOCH = (START - date(1970, 1, 1)).days
Rows = Mapping[str, pa.Array]


def days(numbers: Array, *, unless: Array | None = None) -> pa.Array:
    """Dates from days counted from the first one; empty under the mask."""
    return pa.array((numbers + EPOCH).astype(np.int32), mask=unless).cast(pa.date32())


def moments(day: Array | int, seconds: Array) -> pa.Array:
    """Times in UTC."""
    at = (np.asarray(day) + EPOCH).astype(np.int64) * 86_400 + seconds
    return pa.array((at * 1_000_000).astype(np.int64)).cast(pa.timestamp("us"))


def decimal(values: Array, digits: int = 2, *, unless: Array | None = None) -> pa.Array:
    """Exact decimals, as money is kept."""
    whole = np.round(np.asarray(values, dtype=float) * 10**digits).astype(np.int64)
    words = np.stack([whole, whole >> 63], axis=1)
    made = pa.Array.from_buffers(
        pa.decimal128(12, digits), len(whole), [None, pa.py_buffer(words.tobytes())]
    )
    return made if unless is None else pa.compute.if_else(pa.array(~unless), made, None)


def words(names: Array | tuple[str, ...], codes: Array, *, unless: Array | None = None) -> pa.Array:
    """Text by its place in a list of names."""
    return pa.array(np.asarray(names, dtype=object)).take(
        pa.array(np.asarray(codes).astype(np.int64), mask=unless)
    )


def whole(values: Array, *, unless: Array | None = None, bits: int = 32) -> pa.Array:
    """Whole numbers of 32 or 64 bits."""
    kind = pa.int64() if bits == 64 else pa.int32()
    return pa.array(np.asarray(values).astype(kind.to_pandas_dtype()), mask=unless)


class Outbox:
    """Collects rows by the day on which they arrive, and writes each day's files once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._waiting: dict[int, dict[str, list[pa.Table]]] = defaultdict(
            lambda: defaultdict(list)
        )  # fmt: skip
        self._writer = ThreadPoolExecutor(1)
        self._writing: list[Future[None]] = []
        self.rows: dict[str, int] = defaultdict(int)

    def send(self, feed: str, rows: Rows | pa.Table, *, arrives: int) -> None:
        """Rows that arrive on a day; nothing happens when there are none."""
        table = rows if isinstance(rows, pa.Table) else pa.table(dict(rows))
        if table.num_rows:
            self._waiting[arrives][feed].append(table)

    def send_late(self, feed: str, table: pa.Table, *, arrives: Array) -> None:
        """Rows that arrive on a day each."""
        for day in np.unique(arrives):
            self.send(feed, table.filter(pa.array(arrives == day)), arrives=int(day))

    def taken(self, feed: str, day: int) -> pa.Table | None:
        """Take back what waits for a day, to let it arrive on another."""
        tables = self._waiting[day].pop(feed, [])
        return pa.concat_tables(tables) if tables else None

    def close_day(self, day: int) -> None:
        """Write what arrives on a day."""
        name = (START.fromordinal(START.toordinal() + day)).isoformat()
        for feed, tables in sorted(self._waiting.pop(day, {}).items()):
            table = pa.concat_tables(tables)
            self.rows[feed] += table.num_rows
            ending = "parquet" if feed in PARQUET else "csv"
            file = self.folder / f"{feed}_{name}.{ending}"
            self._writing.append(self._writer.submit(_write, table, file))
        while len(self._writing) > WAITING:
            self._writing.pop(0).result()

    def close(self) -> None:
        """Wait until every file is written; what would arrive after the last day is not sent."""
        for writing in self._writing:
            writing.result()
        self._writer.shutdown()


def _write(table: pa.Table, file: Path) -> None:
    if file.suffix == ".parquet":
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)
        return
    frame = pl.DataFrame(pl.from_arrow(table))
    frame.write_csv(file, datetime_format="%Y-%m-%d %H:%M:%S")

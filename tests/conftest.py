"""Data and commands that several rooms of tests share."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ghala_retail.sources.completejourney.deliveries import data_folder
from tests.servers import S3, empty_database, running_postgres, running_s3

Run = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = [sys.executable, "-c", "from ghala.cli.main import main; main()"]


def run_ghala(
    *arguments: str, where: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, as a user would."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=where,
        env={**os.environ, "GHALA_DEBUG": "1", **environment},
    )


def read_json(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON that a command printed; its errors are shown when it failed."""
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def small_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cut of The Complete Journey: the 150 best sold SKUs in the 25 busiest stores."""
    data, cut = data_folder(), tmp_path_factory.mktemp("small_year")
    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE skus AS SELECT product_id FROM '{data}/transactions.parquet'"
        f" JOIN '{data}/products.parquet' USING (product_id)"
        " WHERE department NOT IN ('FUEL', 'MISCELLANEOUS')"
        " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 150"
    )
    connection.execute(
        f"CREATE TABLE stores AS SELECT store_id FROM '{data}/transactions.parquet'"
        " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 25"
    )
    both = "SEMI JOIN skus USING (product_id) SEMI JOIN stores USING (store_id)"
    for name in ("transactions", "promotions"):
        connection.execute(f"COPY (FROM '{data}/{name}.parquet' {both}) TO '{cut}/{name}.parquet'")
    only = {"products": "SEMI JOIN skus USING (product_id)", "coupons": "LIMIT 500"}
    for name in ("products", "coupons", "campaigns", "campaign_descriptions", "demographics"):
        query = f"FROM '{data}/{name}.parquet' {only.get(name, '')}"
        connection.execute(f"COPY ({query}) TO '{cut}/{name}.parquet'")
    return cut


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server. A test that cannot have one fails; it is not skipped."""
    with running_postgres() as address:
        yield address


@pytest.fixture
def postgres_dsn(postgres_server: str) -> Iterator[str]:
    """The address of an empty database."""
    with empty_database(postgres_server) as address:
        yield address


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 server. A test that cannot have one fails; it is not skipped."""
    with running_s3() as server:
        yield server

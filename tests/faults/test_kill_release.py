"""A release that is killed anywhere is fully in or fully out, and the ledger learns of it."""

import random
import signal
import subprocess
import time
from pathlib import Path

import polars as pl

from ghala.contracts.settings import Company, Workspace
from ghala.ledger.book import Ledger
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.quarantine import verify_releases
from ghala.warehouse.workspace import create_workspace
from tests.conftest import COMMAND, read_json, run_ghala
from tests.unit.warehouse.conftest import CONTRACT, PRODUCTS, SALES

DAY, BATCHES = "2024-01-08", 6


def make_workspace(root: Path) -> Workspace:
    """A shop with six batches of sales, each of which has three refused lines."""
    company = Company(name="Duka", demo=True)
    workspace = create_workspace(
        root, company=company, sources=["shop"], use_cases=["operations/demand"]
    )
    files = {
        "sources/shop/contract.yml": CONTRACT, f"inbox/shop/products_{DAY}.csv": PRODUCTS,
    } | {
        f"inbox/shop/sales_2024-01-{day:02d}.csv": SALES
        + "".join(f"r{day},{n},NA,{5 if n > 3 else 500},1.00,2024-01-01\n" for n in range(1, 9))
        for day in range(1, BATCHES + 1)
    }  # fmt: skip
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(f"products_{DAY}", "products"), encoding="utf-8")
    products = root / "inbox" / "shop" / f"products_{DAY}.csv"
    products.rename(products.with_name("products_2024-01-01.csv"))
    read_json(run_ghala("land", "--as-of", DAY, "--json", "--allow-late", "--workspace", str(root)))
    return workspace


def released(workspace: Workspace, batch: int) -> int:
    """How many rows of a batch are released; each is one loaded row of its new batch."""
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        verify_releases(warehouse)
        rows = warehouse.rows(
            "SELECT count(*), count(DISTINCT into_batch) FROM raw.releases WHERE batch = ?", [batch]
        )
        [(loaded, refused)] = warehouse.rows(
            "SELECT (SELECT count(*) FROM raw.shop__sales), (SELECT count(*) FROM raw.quarantine)"
        )
        [(told, kept)] = warehouse.rows(
            "SELECT sum(rows_loaded), sum(rows_quarantined) FROM raw.batches WHERE feed = 'sales'"
        )
    assert (loaded, refused) == (told, kept)
    [(count, into)] = rows
    assert into == (1 if count else 0)
    return int(count)


def test_a_release_that_is_killed_is_fully_in_or_fully_out(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "duka")
    root, draw = ["--workspace", str(workspace.root)], random.Random(7)  # noqa: S311 - moments
    seconds = 0.0
    for batch in range(2, BATCHES + 2):
        fixed = tmp_path / f"fixed_{batch}.csv"
        show = ("quarantine", "show", "--batch", str(batch), "--out", str(fixed), "--json")
        read_json(run_ghala(*show, *root))
        pl.read_csv(fixed, infer_schema=False).with_columns(units=pl.lit("5")).write_csv(fixed)
        words = ["quarantine", "release", "--batch", str(batch), "--file", str(fixed), *root]
        begun = time.monotonic()
        process = subprocess.Popen([*COMMAND, *words], stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=draw.uniform(0.2, 0.9) * seconds if seconds else None)
            seconds = time.monotonic() - begun
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            if released(workspace, batch) == 0:
                read_json(run_ghala(*words, "--json"))
        assert released(workspace, batch) == 3

    read_json(run_ghala("land", "--as-of", "2024-01-09", "--allow-late", "--json", *root))
    told = Ledger(workspace.ledger, actor="test").entries("release")
    assert [entry.body["rows"] for entry in told] == [3] * BATCHES

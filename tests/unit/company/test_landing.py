"""Everything that a simulated company exports passes its contract, but for the planted faults."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from ghala.contracts.records import BatchReceipt
from ghala.contracts.settings import Workspace
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.landing import land
from ghala_retail.company.truth import read_facts

from .conftest import Make

REFUSALS = {
    "test_orders": "real_order",
    "negative_stock": "no_negative_stock",
    "blank_customer": "required:customer_id",
}


def open_workspace(folder: Path, root: Path) -> Workspace:
    """A workspace into whose inbox the company's systems have written."""
    (root / "ghala.toml").write_text(
        'sources = ["company"]\nuse_cases = ["operations/demand"]\n[company]\nname = "Duka"\n',
        encoding="utf-8",
    )
    (root / "inbox").symlink_to(folder / "inbox")
    return Workspace(root)


def land_all(folder: Path, root: Path) -> list[BatchReceipt]:
    """Land the exports of a company in a workspace of its own."""
    workspace = open_workspace(folder, root)
    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        return list(land(workspace, warehouse, date(2024, 12, 31), allow_late=True))


def test_only_the_planted_faults_are_refused(company: Make, tmp_path: Path) -> None:
    folder = company("endogenous", 100)
    reasons: Counter[str] = Counter()
    for receipt in land_all(folder, tmp_path):
        assert receipt.rows_in == receipt.rows_loaded + receipt.rows_quarantined
        reasons.update(receipt.reasons)

    planted: Counter[str] = Counter()
    for fault in read_facts(folder)["faults"]:
        planted[fault["name"]] += fault["rows"]
    for fault, reason in REFUSALS.items():
        assert reasons.pop(reason) == planted[fault] > 0
    again = reasons.pop("already_loaded", 0)
    assert planted["resent"] * 0.9 <= again <= planted["resent"] * 1.1
    assert not reasons


def test_a_company_whose_stock_comes_late_lands_day_by_day_without_a_hand(
    company: Make, tmp_path: Path
) -> None:
    folder = company("endogenous", 100)
    late = next(one for one in read_facts(folder)["faults"] if one["name"] == "late_file")
    workspace, due = open_workspace(folder, tmp_path), date.fromisoformat(late["start"])
    assert not (workspace.inbox / "company" / f"stock_{due}.parquet").exists()

    with DuckDBWarehouse(workspace.warehouse) as warehouse:
        for day in range(-1, 5):
            list(land(workspace, warehouse, due + timedelta(days=day)))


def test_nothing_is_refused_where_nothing_is_wrong(company: Make, tmp_path: Path) -> None:
    for receipt in land_all(company("null", 60), tmp_path):
        assert receipt.rows_quarantined == 0, receipt

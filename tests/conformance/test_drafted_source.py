"""A source drafted from samples and finished by a person is built alike on both engines."""

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ghala.contracts.settings import Workspace
from ghala.warehouse.build import BuildResult, build
from ghala.warehouse.drafting import draft_source
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.entities import check_sources
from ghala.warehouse.landing import land
from tests.conformance.test_engines import Tables, differences, profile, read_tables
from tests.servers import ENGINES

SETTINGS = """
sources = ["till"]
use_cases = ["operations/demand"]
[company]
name = "Duka"
timezone = "Africa/Nairobi"
[profiles.team.warehouse]
engine = "postgres"
dsn_variable = "GHALA_WAREHOUSE_DSN"
"""
FILES = {
    "items_2026-02-02.csv": "SKU,Name,Category\n00123,Sugar,Food\n1E5,Salt,Food\n",
    "sales_2026-02-03.csv": (
        "Receipt,SKU,Qty,Total,Sold at,Branch,Customer\n"
        "0001,00123,2,21.00,2026-02-02 08:30:00,NA,C1\n"
        "0001,1E5,1,1.00,2026-02-02 08:30:00,NA,C1\n"
        "0002,00123,3,31.50,2026-02-02 22:30:00,K1,\n"
    ),
}
DECISIONS = {
    '"TODO what till is: one sentence"': "The tills of our branches.",
    '"TODO which system it is, and who is asked about it"': "Till, ask the shop manager.",
    '"TODO whose data it is"': "Our own data.",
    "timezone: UTC": "timezone: Africa/Nairobi",
    '"TODO one row per what"': "What the header says.",
    '"Sold at" AS ordered_at': (
        "\"Sold at\" AT TIME ZONE 'Africa/Nairobi' AT TIME ZONE 'UTC' AS ordered_at"
    ),
    "CAST(NULL AS date) AS ordered_on": 'CAST("Sold at" AS date) AS ordered_on',
    "CAST(NULL AS decimal(12,2)) AS discount": "0 AS discount",
    "CAST(NULL AS varchar) AS currency": "'KES' AS currency",
}


def finish(folder: Path) -> None:
    """Decide what the draft leaves open, and take away the marks of what was read and accepted."""
    files = [folder / "contract.yml", *folder.glob("staging/*.sql")]
    open_decisions = set(DECISIONS)
    for file in files:
        text = file.read_text(encoding="utf-8")
        for asked, decided in DECISIONS.items():
            open_decisions -= {asked} if asked in text else set()
            text = text.replace(asked, decided)
        text = re.sub(r"(--|#|) TODO.*|.*that says TODO.*", "", text)
        file.write_text(text, encoding="utf-8")
    assert not open_decisions, "the draft asks for each of them"


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> dict[str, tuple[Tables, BuildResult]]:
    """What each engine holds, and how its build went."""
    root = tmp_path_factory.mktemp("drafted") / "duka"
    inbox = root / "inbox" / "till"
    inbox.mkdir(parents=True)
    (root / "ghala.toml").write_text(SETTINGS, encoding="utf-8")
    for name, text in FILES.items():
        (inbox / name).write_text(text, encoding="utf-8")
    draft_source(Workspace(root), sorted(inbox.iterdir()), name="till")
    finish(root / "sources" / "till")
    found = {}
    for engine in ENGINES:
        with profile(engine, postgres_server):
            workspace = Workspace(root)
            with open_warehouse(workspace) as warehouse:
                list(land(workspace, warehouse, date(2026, 2, 3)))
            result = build(workspace)
            with open_warehouse(workspace) as warehouse:
                found[engine] = read_tables(warehouse), result
    [checked] = check_sources(Workspace(root))["sources"]
    assert (checked["to_do"], checked["unknown"]) == ([], [])
    return found


def test_every_table_is_equal_to_the_row(built: dict[str, tuple[Tables, BuildResult]]) -> None:
    (on_file, one), (on_server, other) = built["duckdb"], built["postgres"]

    assert one == other
    assert one.failures == ()
    assert set(on_file) == set(on_server)
    wrong = {name: differences(table, on_server[name]) for name, table in on_file.items()}
    assert {name: columns for name, columns in wrong.items() if columns} == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_delivered_is_in_the_core(
    built: dict[str, tuple[Tables, BuildResult]], engine: str
) -> None:
    lines = built[engine][0]["core.order_lines"].sort("order_id", "sku")

    assert lines.select("sku", "location_id", "units", "revenue").rows() == [
        ("00123", "NA", 2, Decimal("21.00")),
        ("1E5", "NA", 1, Decimal("1.00")),
        ("00123", "K1", 3, Decimal("31.50")),
    ]
    assert lines["ordered_at"].to_list()[2] == datetime(2026, 2, 2, 19, 30)
    assert set(lines["ordered_on"]) == {date(2026, 2, 2)}, "the local day"
    assert set(built[engine][0]["core.products"]["name"]) == {"Sugar", "Salt"}

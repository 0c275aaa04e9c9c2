"""One company on both engines: the same files land, build, learn, score and are published alike."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from psycopg2.extensions import make_dsn

from ghala.contracts import discovery
from ghala.contracts.settings import Company, Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.examples import Request, read_examples
from ghala.features.history import views_of
from ghala.monitoring.outcomes import Accuracy, measure
from ghala.serving.scoring import score
from ghala.training.train import gather, train
from ghala.warehouse.build import BuildResult, build
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land, receipts
from ghala.warehouse.predictions import match_outcomes
from ghala.warehouse.publish import publish
from ghala.warehouse.workspace import create_workspace
from ghala_retail.sources.completejourney.deliveries import deliver
from tests.servers import ENGINES, empty_database
from tests.unit.retail_warehouse import conftest as twelve_days

FIRST, SECOND = date(2017, 8, 7), date(2017, 8, 14)
USE_CASE = "operations/demand"
PASSWORD = "kept-in-the-environment"  # noqa: S105
LAYERS = ("raw.", "platform.", "staging.", "core.", "features.", "marts_")
Tables = dict[str, pl.DataFrame]


@dataclass
class Seen:
    """What one engine held and said at the end."""

    tables: Tables = field(default_factory=dict)
    published: Tables = field(default_factory=dict)
    examples: pl.DataFrame = field(default_factory=pl.DataFrame)
    accuracy: list[Accuracy] = field(default_factory=list)
    builds: list[BuildResult] = field(default_factory=list)
    landed_again: int = 0
    telling: list[Path] = field(default_factory=list)


@contextmanager
def profile(engine: str, server: str) -> Iterator[None]:
    """A person's environment in which the workspace's warehouse is on this engine."""
    if engine == "duckdb":
        with patch.dict(os.environ):
            os.environ.pop("GHALA_PROFILE", None)
            yield
        return
    with empty_database(server) as address:
        secret = make_dsn(address, password=PASSWORD)
        team = {"GHALA_PROFILE": "team", "GHALA_WAREHOUSE_DSN": secret}
        with patch.dict(os.environ, team):
            yield
            holding = [name for name, text in os.environ.items() if PASSWORD in text]
            assert holding == ["GHALA_WAREHOUSE_DSN"], "nothing else is left in the environment"


def make_workspace(root: Path, data: Path) -> Workspace:
    company = Company(name="small", currency="USD", timezone="America/New_York", demo=True)
    workspace = create_workspace(
        root, company=company, sources=["completejourney"], use_cases=[USE_CASE]
    )
    deliver(workspace.inbox / "completejourney", data)
    return workspace


def go(workspace: Workspace, as_of: date, *, role: str, seen: Seen) -> None:
    """One turn of the loop, by the rooms' own functions; the first engine trains the version."""
    use_case = discovery.use_cases(workspace)[USE_CASE]
    with open_warehouse(workspace) as warehouse:
        list(land(workspace, warehouse, as_of))
        seen.landed_again += len(list(land(workspace, warehouse, as_of)))
    seen.builds.append(build(workspace))
    trained = workspace.state / "trained"
    if not trained.exists():
        with open_warehouse(workspace) as warehouse:
            material = gather(workspace, warehouse, use_case, as_of=as_of)
        version = train(workspace, use_case, material, as_of=as_of, champion=None).version
        trained.write_text(str(version), encoding="utf-8")
    roles = {int(trained.read_text(encoding="utf-8")): role}
    with open_warehouse(workspace) as warehouse:
        score(workspace, warehouse, use_case, roles=roles, as_of=as_of)
        match_outcomes(warehouse, use_case, as_of)


def look(workspace: Workspace, seen: Seen) -> None:
    use_case = discovery.use_cases(workspace)[USE_CASE]
    with open_warehouse(workspace) as warehouse:
        seen.accuracy = measure(warehouse, use_case, as_of=SECOND, weeks=8, version=1)
        seen.examples = read_past(workspace, warehouse, use_case)
        found = publish(workspace, warehouse, as_of=SECOND)
        seen.tables = read_tables(warehouse)
        assert len(receipts(warehouse)) == seen.tables["raw.batches"].height
    with found.reading() as connection:
        for file in sorted(found.folder.glob("marts_*.parquet")):
            frame = pl.DataFrame(connection.sql(f"SELECT * FROM {file.stem}").to_arrow_table())
            seen.published[file.stem] = frame


def read_past(workspace: Workspace, warehouse: Warehouse, use_case: UseCase) -> pl.DataFrame:
    views = views_of(workspace, use_case)
    origins = [SECOND - timedelta(weeks=n) for n in range(1, 13)]
    request = Request(origins, share=0.4, whole_from=SECOND - timedelta(weeks=4))
    return read_examples(warehouse, use_case, views=views, request=request, as_of=SECOND)


def read_tables(warehouse: Warehouse) -> Tables:
    names = warehouse.rows(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
    )
    return {
        name: warehouse.frame(f"SELECT * FROM {name}")
        for (name,) in names
        if name.startswith(LAYERS)
    }


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, small_year: Path, postgres_server: str
) -> dict[str, Seen]:
    """The same workspace, first on a file and then moved to a database: its landing is all it has.

    On the file the second week is built on top of the first, as it is on the database.
    """
    workspace = make_workspace(tmp_path_factory.mktemp("engines") / "shop", small_year)
    seen = {engine: Seen() for engine in ENGINES}
    for engine in ENGINES:
        with profile(engine, postgres_server):
            here = Workspace(workspace.root)
            go(here, FIRST, role="shadow", seen=seen[engine])
            go(here, SECOND, role="champion", seen=seen[engine])
            look(here, seen[engine])
            seen[engine].telling = [
                file
                for file in workspace.root.rglob("*")
                if file.is_file() and PASSWORD.encode() in file.read_bytes()
            ]
    return seen


def unequal(tables: dict[str, Tables], layer: str) -> dict[str, list[str]]:
    """What differs between the engines in the tables of a layer, of which there are some."""
    on_file, on_server = tables["duckdb"], tables["postgres"]
    assert set(on_file) == set(on_server)
    compared = [name for name in on_file if name.startswith(layer)]
    assert compared
    wrong = {name: differences(on_file[name], on_server[name]) for name in compared}
    return {name: found for name, found in wrong.items() if found}


def differences(one: pl.DataFrame, other: pl.DataFrame) -> list[str]:
    """Every column that differs: exactly, and floats by more than 1e-9 of their size."""
    if one.columns != other.columns or one.height != other.height:
        return [f"{one.columns} x {one.height} is not {other.columns} x {other.height}"]
    one, other = _in_order(one), _in_order(other)
    return [name for name in one.columns if _differs(one[name], other[name])]


def _differs(one: pl.Series, other: pl.Series) -> bool:
    if one.dtype != other.dtype or one.is_null().ne(other.is_null()).any():
        return True
    if one.dtype != pl.Float64:
        return bool(one.ne_missing(other).any())
    gap = (one - other).abs() / one.abs().clip(lower_bound=1.0)
    return bool((gap > 1e-9).any())


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Whole numbers and money as one exact type, then rows by what is exact."""
    exact = [name for name, kind in frame.schema.items() if kind.is_integer() or kind.is_decimal()]
    same = frame.with_columns(pl.col(exact).cast(pl.Decimal(38, 6)))
    sortable = [n for n, kind in same.schema.items() if not kind.is_nested()]
    return same.sort(sorted(sortable, key=lambda n: (same.schema[n].is_float(), n)))


def test_the_difference_of_two_tables_is_found() -> None:
    table = pl.DataFrame({"sku": ["a", "b"], "units": [1, 2], "share": [0.1, 0.2]})

    assert differences(table, table.reverse()) == []
    for name, value in (("sku", "c"), ("units", 3), ("share", 0.1 + 1e-8), ("share", None)):
        assert differences(table, table.with_columns(pl.lit(value).alias(name)))
    assert differences(table, table.head(1))


def test_both_engines_have_the_same_tables(both: dict[str, Seen]) -> None:
    names = set(both["duckdb"].tables)

    assert names == set(both["postgres"].tables)
    for layer in LAYERS:
        assert any(name.startswith(layer) for name in names), layer


@pytest.mark.parametrize("layer", LAYERS)
def test_every_table_of_a_layer_is_equal_to_the_row(both: dict[str, Seen], layer: str) -> None:
    tables = {engine: seen.tables for engine, seen in both.items()}

    assert unequal(tables, layer) == {}
    assert any(rows.height for name, rows in tables["duckdb"].items() if name.startswith(layer))


def test_every_model_and_test_of_the_build_passes_on_both(both: dict[str, Seen]) -> None:
    assert both["duckdb"].builds == both["postgres"].builds
    assert all(built.models > 20 and not built.failures for built in both["duckdb"].builds)


def test_no_file_of_the_workspace_tells_the_password(both: dict[str, Seen]) -> None:
    assert both["postgres"].telling == []


def test_what_is_landed_again_is_passed_over_on_both(both: dict[str, Seen]) -> None:
    assert [seen.landed_again for seen in both.values()] == [0, 0]


def test_the_past_is_drawn_and_known_alike(both: dict[str, Seen]) -> None:
    examples = both["duckdb"].examples

    assert examples.schema == both["postgres"].examples.schema
    assert differences(examples, both["postgres"].examples) == []
    order = ["grain", "series", "as_of", "target_week"]
    assert examples.select(order).equals(both["postgres"].examples.select(order))


def test_accuracy_is_measured_alike(both: dict[str, Seen]) -> None:
    on_file, on_server = both["duckdb"].accuracy, both["postgres"].accuracy

    assert [one.grain for one in on_file] == ["category_store", "sku_chain"]
    for one, other in zip(on_file, on_server, strict=True):
        assert (one.grain, one.weeks) == (other.grain, other.weeks)
        assert one.loss == pytest.approx(other.loss, rel=1e-9)
        assert one.figures == pytest.approx(other.figures, rel=1e-9, abs=1e-9)


def test_news_of_every_kind_is_known_alike(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> None:
    """Corrections, cancellations, late rows and moves, built over what was there before."""
    found: dict[str, Tables] = {}
    for engine in ENGINES:
        with profile(engine, postgres_server):
            company = twelve_days.Company(tmp_path_factory.mktemp("twelve_days") / engine)
            for as_of, deliver_news in twelve_days.STAGES:
                deliver_news(company)
                if as_of > twelve_days.day(5):  # two builds: the second one over the first
                    company.load(as_of)
            with open_warehouse(company.workspace) as warehouse:
                found[engine] = read_tables(warehouse)

    on_file, on_server = found["duckdb"], found["postgres"]
    assert set(on_file) == set(on_server)
    assert on_file["core.order_lines"]["superseded_on"].count() > 0
    wrong = {name: differences(table, on_server[name]) for name, table in on_file.items()}
    assert {name: columns for name, columns in wrong.items() if columns} == {}


def test_readers_see_the_same_published_build(both: dict[str, Seen]) -> None:
    on_file, on_server = both["duckdb"].published, both["postgres"].published

    assert set(on_file) == set(on_server)
    assert on_file["marts_operations.demand_forecasts"].height > 0
    for name, frame in on_file.items():
        assert differences(frame, on_server[name]) == [], name

"""A company with every kind of news is known alike on both engines, to the row."""

from pathlib import Path

import pytest

from ghala.warehouse.engines.opening import open_warehouse
from tests.conformance.test_engines import LAYERS, Tables, profile, read_tables, unequal
from tests.servers import ENGINES
from tests.unit.retail_warehouse.conftest import STAGES, Company


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> dict[str, Tables]:
    """What each engine holds after the builds of twelve days."""
    found = {}
    for engine in ENGINES:
        folder: Path = tmp_path_factory.mktemp(engine)
        with profile(engine, postgres_server):
            company = Company(folder / "duka")
            for as_of, deliver in STAGES:
                deliver(company)
                company.load(as_of)
            with open_warehouse(company.workspace) as warehouse:
                found[engine] = read_tables(warehouse)
    return found


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "platform."])
def test_every_table_of_a_layer_is_equal_to_the_row(tables: dict[str, Tables], layer: str) -> None:
    assert unequal(tables, layer) == {}

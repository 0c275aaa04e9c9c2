"""A company is known alike on both engines, to the row: with every kind of news, and simulated."""

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ghala.contracts.settings import Company as Settings
from ghala.contracts.settings import Workspace
from ghala.warehouse.build import build
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land
from ghala.warehouse.workspace import create_workspace
from ghala_retail.company.simulate import simulate
from ghala_retail.company.world import make_plan
from tests.conformance.test_engines import LAYERS, Tables, profile, read_tables, unequal
from tests.servers import ENGINES
from tests.unit.retail_warehouse.conftest import STAGES, Company

DAYS, LIMIT = 40, 180.0
"""Of the simulated company; and the seconds that all of it may take on two idle cores."""
every_layer = pytest.mark.parametrize("layer", [one for one in LAYERS if one != "platform."])


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


@pytest.fixture(scope="module")
def simulated(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> tuple[dict[str, Tables], dict[str, float]]:
    """What each engine holds of a tiny simulated company, and the seconds of every step."""
    root, seconds, found = tmp_path_factory.mktemp("simulated"), dict[str, float](), {}

    def timed(name: str, step: Callable[[], object]) -> None:
        begun = time.monotonic()
        step()
        seconds[name] = time.monotonic() - begun

    plan = make_plan("tiny", "endogenous", seed=7, days=DAYS)
    timed("simulate", lambda: simulate(plan, root / "company"))
    workspace = create_workspace(
        root / "duka", company=Settings(name="Duka"), sources=["company"],
        use_cases=["operations/demand"],
    )  # fmt: skip
    (workspace.inbox / "company").symlink_to(root / "company" / "inbox" / "company")
    last = plan.date(DAYS)
    for engine in ENGINES:
        with profile(engine, postgres_server):
            here = Workspace(workspace.root)
            timed(f"land on {engine}", lambda here=here: _land(here, last))
            timed(f"build on {engine}", lambda here=here: build(here))
            with open_warehouse(here) as warehouse:
                found[engine] = read_tables(warehouse)
    return found, seconds


def _land(workspace: Workspace, as_of: date) -> None:
    with open_warehouse(workspace) as warehouse:
        list(land(workspace, warehouse, as_of, allow_late=True))


@every_layer
def test_every_table_of_a_layer_is_equal_to_the_row(tables: dict[str, Tables], layer: str) -> None:
    assert unequal(tables, layer) == {}


@every_layer
def test_a_simulated_company_is_equal_to_the_row(
    simulated: tuple[dict[str, Tables], dict[str, float]], layer: str
) -> None:
    held = simulated[0]["duckdb"]

    assert held["core.order_lines"].height > 20_000
    assert held["raw.quarantine"].height > 0, "its planted faults"
    assert unequal(simulated[0], layer) == {}


def test_a_simulated_company_comes_from_nothing_to_two_built_warehouses_within_its_time(
    simulated: tuple[dict[str, Tables], dict[str, float]],
) -> None:
    """On cores that others use too it takes as much longer as the machine has more to do."""
    seconds = simulated[1]
    print({name: round(value, 1) for name, value in seconds.items()})

    crowd = max(1.0, max(os.getloadavg()) / (os.cpu_count() or 1))
    assert sum(seconds.values()) <= LIMIT * crowd, seconds

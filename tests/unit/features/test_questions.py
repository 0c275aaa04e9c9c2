"""A use case that misspells a column, or waits for one that it does not use, is told so at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import kiosk
from tests.servers import ENGINES, open_engine

from ghala.contracts.discovery import use_case
from ghala.contracts.errors import ConfigurationError
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.history import views_of
from ghala.features.questions import require_answers, require_used
from ghala.warehouse.engines.engine import Warehouse

PLACE = f"use_cases/{kiosk.NAME}"


@pytest.fixture(params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: str
) -> Iterator[Warehouse]:
    with open_engine(request.param, tmp_path, postgres_server) as opened:
        opened.execute("CREATE SCHEMA features")
        opened.execute(
            "CREATE TABLE features.kiosk_weeks"
            " (series VARCHAR, week DATE, known_on DATE, units DOUBLE PRECISION)"
        )
        yield opened


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with the kiosk's use case, which may be changed."""
    root = tmp_path / "kiosk"
    made = Workspace(root)
    names = [kiosk.NAME, "operations/demand"]
    kiosk.write(made, {
        "ghala.toml": f'sources = ["company"]\nuse_cases = {names}\n[company]\nname = "Kiosk"\n',
        f"{PLACE}/use_case.py": kiosk.USE_CASE,
        f"{PLACE}/subjects.sql": kiosk.SUBJECTS,
        f"{PLACE}/outcomes.sql": kiosk.OUTCOMES,
        "features/kiosk.py": kiosk.FEATURES,
    })  # fmt: skip
    kiosk.set_policy(made)
    return made


def goods(workspace: Workspace) -> UseCase:
    return use_case(workspace, kiosk.NAME)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "subjects.sql",
            "goods.week =",
            "goods.weak =",
            r"subjects\.sql cannot be answered: .*weak",
        ),
        ("subjects.sql", "features.kiosk_weeks", "features.gone", r"answered: .*gone"),
        ("outcomes.sql", "units AS actual", "sold AS actual", r"outcomes\.sql cannot .*sold"),
        (
            "outcomes.sql",
            "units AS actual",
            "units",
            r"outcomes\.sql does not say actual\. It says",
        ),
        ("subjects.sql", "goods.series, 1 AS", "1 AS", r"subjects\.sql does not say series"),
    ],
)
def test_what_a_question_names_in_vain_or_does_not_say_is_named(
    workspace: Workspace, warehouse: Warehouse, *, file: str, old: str, new: str, said: str
) -> None:
    require_answers(warehouse, goods(workspace))
    path = workspace.root / PLACE / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(ConfigurationError, match=said) as refused:
        require_answers(warehouse, goods(workspace))

    assert str(path) in refused.value.next_step


@pytest.mark.parametrize(
    ("optional", "file", "named", "is_used"),
    [
        ("()", "outcomes.sql", "", False),
        ("('operations/demand',)", "outcomes.sql", "", True),  # it can do without
        ("()", "subjects.sql", "\n-- platform.operations__demand_predictions", True),
        ("()", "outcomes.sql", "\n-- marts_operations.demand_forecasts", True),
        ("()", "../../../warehouse/models/features/kiosk_weeks.sql",
         "SELECT * FROM {{ source('platform', 'operations__demand_predictions') }}", True),
    ],
)  # fmt: skip
def test_a_use_case_uses_what_it_cannot_do_without(
    workspace: Workspace, *, optional: str, file: str, named: str, is_used: bool
) -> None:
    reads = f'    reads = ("operations/demand",)\n    optional = {optional}\n    money ='
    text = kiosk.USE_CASE.replace("    money =", reads)
    place = workspace.root / PLACE / file
    before = place.read_text(encoding="utf-8") if place.is_file() else ""
    kiosk.write(workspace, {f"{PLACE}/use_case.py": text, f"{PLACE}/{file}": before + named})
    found = goods(workspace)

    if is_used:
        require_used(workspace, found, views_of(workspace, found))
        return
    with pytest.raises(ConfigurationError, match="reads operations/demand and cannot do without"):
        require_used(workspace, found, views_of(workspace, found))

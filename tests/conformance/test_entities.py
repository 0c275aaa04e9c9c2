"""What a pack says that sources may bring is what its models read, and what use cases need."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import jinja2
import pytest

from ghala.contracts import discovery
from ghala.contracts.settings import Workspace
from ghala.warehouse.entities import Entity, check_sources, read_entities

PACKS = discovery.packs()


class Anything(jinja2.ChainableUndefined):
    """What dbt gives to a model at run time and is of no matter here."""

    def __call__(self, *_given: Any, **_named: Any) -> "Anything":
        return self


def read_by_models(pack: Path) -> dict[str, dict[str, str | None]]:
    """The columns that the pack's models take of each staging entity, with the types if said."""
    found: dict[str, dict[str, str | None]] = defaultdict(dict)

    def from_sources(entity: str, columns: Any) -> str:
        found[entity] |= columns if isinstance(columns, dict) else dict.fromkeys(columns)
        return ""

    environment = jinja2.Environment(  # noqa: S701 - SQL, not HTML
        undefined=Anything, extensions=["jinja2.ext.do"]
    )
    macros = "".join(
        re.sub(r"{% test .*?{% endtest %}", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        for file in sorted((pack / "warehouse" / "macros").glob("*.sql"))
        if file.stem != "from_sources"
    )
    for model in sorted((pack / "warehouse" / "models").rglob("*.sql")):
        text = macros + model.read_text(encoding="utf-8")
        environment.from_string(text).render(
            from_sources=from_sources, config=lambda **_: "", ref=str, var=lambda *_: "",
            is_incremental=lambda: False,
        )  # fmt: skip
    return found


@pytest.fixture
def entities(tmp_path: Path) -> dict[str, Entity]:
    return read_entities(Workspace(tmp_path))


def test_the_declared_entities_are_those_that_models_read(entities: dict[str, Entity]) -> None:
    read: dict[str, dict[str, str | None]] = {}
    for pack in PACKS.values():
        read |= read_by_models(pack)
    assert read, "no model reads a source: this test would pass on nothing"
    assert {name: sorted(entity.columns) for name, entity in entities.items()} == {
        name: sorted(columns) for name, columns in read.items()
    }
    for name, columns in read.items():
        for column, kind in columns.items():
            assert kind in (None, entities[name].columns[column].type), f"{name}.{column}"


def test_an_entity_says_its_grain_and_its_key_is_among_its_columns(
    entities: dict[str, Entity],
) -> None:
    for name, entity in entities.items():
        assert entity.description.startswith("One row per"), name
        assert set(entity.key) <= set(entity.columns), name
        assert set(entity.instead) <= set(entities), name


def with_every_use_case(root: Path, source: str) -> Workspace:
    """A workspace of one source that runs every use case of the packs."""
    names = sorted(
        file.parent.relative_to(pack / "use_cases").as_posix()
        for pack in PACKS.values()
        for file in (pack / "use_cases").glob("*/*/use_case.py")
    )
    (root / "ghala.toml").write_text(
        f'sources = ["{source}"]\nuse_cases = {names}\n[company]\nname = "All"\n',
        encoding="utf-8",
    )
    return Workspace(root)


def test_every_use_case_needs_entities_that_are_declared(
    tmp_path: Path, entities: dict[str, Entity]
) -> None:
    workspace = with_every_use_case(tmp_path, "completejourney")
    for name, use_case in discovery.use_cases(workspace).items():
        assert use_case.needs, f"{name} says nothing of what it needs"
        assert set(use_case.needs) <= set(entities), name


def test_the_company_brings_what_every_use_case_needs(tmp_path: Path) -> None:
    assert check_sources(with_every_use_case(tmp_path, "company"))["missing"] == []


def test_a_source_without_any_promotion_plan_runs_no_demand_model(tmp_path: Path) -> None:
    missing = check_sources(with_every_use_case(tmp_path, "online_retail"))["missing"]

    assert ("operations/demand", "promotions") in [(m["use_case"], m["entity"]) for m in missing]

"""Every dbt model says its grain, its owner and its key, and a key that is none is found."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest

from ghala.contracts import discovery
from ghala.contracts.settings import Workspace
from ghala.warehouse import build

PACKS = discovery.packs().values()
KEYS = {"is_key", "is_staged_key"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every model of every source and use case as dbt reads it, with its tests under `tests`."""
    root = tmp_path_factory.mktemp("everything")
    sources = sorted(file.parent.name for pack in PACKS for file in pack.glob("sources/*/staging"))
    use_cases = sorted(
        file.parent.relative_to(pack / "use_cases").as_posix()
        for pack in PACKS
        for file in pack.glob("use_cases/*/*/use_case.py")
    )
    (root / "ghala.toml").write_text(
        f'sources = {sources}\nuse_cases = {use_cases}\n[company]\nname = "All"\n', encoding="utf-8"
    )
    succeeded, _ = build._invoke(Workspace(root), ["parse"])
    assert succeeded
    manifest = json.loads((root / ".ghala/dbt/target/manifest.json").read_text(encoding="utf-8"))
    nodes = manifest["nodes"].values()
    found = {node["unique_id"]: {**node, "tests": []} for node in nodes if _is(node, "model")}
    for node in nodes:
        if _is(node, "test") and node.get("attached_node") in found:
            found[node["attached_node"]]["tests"].append(node["test_metadata"])
    return {node["name"]: node for node in found.values()}


def _is(node: dict[str, Any], kind: str) -> bool:
    return bool(node["resource_type"] == kind)


def test_all_layers_of_all_packs_are_looked_at(models: dict[str, dict[str, Any]]) -> None:
    files = {file.stem for pack in PACKS for file in pack.rglob("*.sql") if _is_model(file)}

    assert {"stg_company__orders", "order_lines", "demand_history", "price_ladder"} <= files
    assert files <= models.keys()


def _is_model(file: Path) -> bool:
    return bool({"models", "staging", "marts", "features"} & set(file.parts))


def test_every_model_states_its_grain_and_its_owner(models: dict[str, dict[str, Any]]) -> None:
    unstated = {
        name
        for name, model in models.items()
        if not re.search(r"(^|\. )One row\b", model["description"])
        or not model["config"]["meta"].get("owner")
    }

    assert unstated == set()


def test_every_model_asks_whether_its_key_is_one(models: dict[str, dict[str, Any]]) -> None:
    without = {
        name for name, model in models.items() if not KEYS & {t["name"] for t in model["tests"]}
    }

    assert without == set()


def test_a_staging_query_is_asked_over_what_is_new(models: dict[str, dict[str, Any]]) -> None:
    asked = {
        name: {test["name"] for test in model["tests"]} & KEYS
        for name, model in models.items()
        if name.startswith("stg_")
    }

    assert {name for name, found in asked.items() if found != {"is_staged_key"}} == set()


@pytest.mark.parametrize(
    ("rows", "optional", "wrong"),
    [
        ("(1, 'a'), (1, 'b'), (2, 'a')", [], []),
        ("(1, 'a'), (2, 'b'), (1, 'a')", [], [(1, "a", 2)]),
        ("(1, 'a'), (2, NULL)", [], [(2, None, 1)]),
        ("(1, 'a'), (2, NULL)", ["second"], []),
        ("(2, NULL), (2, NULL)", ["second"], [(2, None, 2)]),
    ],
)
def test_a_key_that_comes_twice_or_lacks_a_value_is_found(
    rows: str, optional: list[str], wrong: list[Any]
) -> None:
    [macro] = [file for pack in PACKS for file in pack.glob("warehouse/macros/is_key.sql")]
    text = re.sub(r"{% test .*?{% endtest %}", "", macro.read_text("utf-8"), flags=re.DOTALL)
    module = jinja2.Environment().from_string(text).module  # noqa: S701 - SQL, not HTML
    sql = module.key_faults("given", ["first", "second"], optional)  # type: ignore[attr-defined]

    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE given AS FROM (VALUES {rows}) AS made (first, second)")
        assert connection.execute(sql).fetchall() == wrong

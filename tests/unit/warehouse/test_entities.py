from pathlib import Path

import pytest

from ghala.contracts import discovery
from ghala.contracts.errors import ConfigurationError
from ghala.contracts.settings import Workspace
from ghala.warehouse.entities import check_sources, find_obstacles, read_entities

CONTRACT = """
description: "TODO one sentence"
provenance: Made up for these tests.
licence: Apache-2.0
feeds:
  sales:
    description: One row per line.
    format: csv
    columns: {sku: {type: varchar}}
"""
NEEDS = ("order_lines", "products", "promotions", "calendar_events")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "ghala.toml").write_text(
        'sources = ["till"]\nuse_cases = ["operations/demand"]\n[company]\nname = "Duka"\n',
        encoding="utf-8",
    )
    (tmp_path / "sources" / "till" / "staging").mkdir(parents=True)
    (tmp_path / "sources" / "till" / "contract.yml").write_text(CONTRACT, encoding="utf-8")
    return Workspace(tmp_path)


def stage(workspace: Workspace, *entities: str, text: str = "SELECT 1\n") -> None:
    for entity in entities:
        file = workspace.root / "sources" / "till" / "staging" / f"stg_till__{entity}.sql"
        file.write_text(text, encoding="utf-8")


def missing(workspace: Workspace) -> list[str]:
    return [one["words"] for one in check_sources(workspace)["missing"]]


def test_each_use_case_says_what_it_lacks_until_every_need_is_mapped(workspace: Workspace) -> None:
    assert missing(workspace) == [f"operations/demand needs {need}: not mapped" for need in NEEDS]

    stage(workspace, *NEEDS[:-1])
    assert missing(workspace) == ["operations/demand needs calendar_events: not mapped"]

    stage(workspace, NEEDS[-1])
    assert missing(workspace) == []


def test_what_a_person_has_still_to_decide_is_listed_with_its_place(workspace: Workspace) -> None:
    stage(workspace, "products", text="SELECT\n    sku, -- TODO which?\nFROM x\n")

    [source] = check_sources(workspace)["sources"]

    assert source["brings"] == ["products"]
    assert source["to_do"] == [
        'contract.yml:2: TODO one sentence"', "staging/stg_till__products.sql:2: TODO which?"
    ]  # fmt: skip


def test_a_staging_query_for_no_entity_is_told_with_the_nearest(workspace: Workspace) -> None:
    stage(workspace, "order_line")

    [source] = check_sources(workspace)["sources"]

    assert "order_line: Did you mean 'order_lines'?" in source["unknown"][0]


def test_a_need_that_no_pack_declares_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = discovery.use_case(workspace, "operations/demand")
    monkeypatch.setattr(type(found), "needs", ("orderlines",))

    [words] = missing(workspace)
    assert words.startswith("operations/demand needs orderlines: no entity of a pack. Did you mean")


def test_a_workspace_may_declare_entities_of_its_own_and_what_does_instead(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = workspace.root / "warehouse" / "entities.yml"
    own.parent.mkdir()
    own.write_text(
        "entities:\n  repairs:\n    description: One row per repair.\n    key: [id]\n"
        "    instead: [tickets, parts]\n    columns: {id: {type: varchar}}\n",
        encoding="utf-8",
    )
    found = discovery.use_case(workspace, "operations/demand")
    monkeypatch.setattr(type(found), "needs", ("repairs",))
    assert {"repairs", "order_lines"} <= set(read_entities(workspace))

    stage(workspace, "tickets")
    assert missing(workspace) == ["operations/demand needs repairs: not mapped"]
    stage(workspace, "parts")
    assert missing(workspace) == []
    own.write_text("entities: {repairs: {keys: [id]}}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="unknown key"):
        read_entities(workspace)


READER = """
from ghala.evaluation.score import Score
from tests.mean_model import MeanModel

class Reader(MeanModel, Score):
    entity, horizon_days, baselines = ("sku",), 28, ("rate",)
    reads = READS
    optional = OPTIONAL
"""


def add_reader(
    workspace: Workspace, name: str, *reads: str, optional: tuple[str, ...] = ()
) -> Workspace:
    """A use case of the workspace that reads the predictions of others."""
    folder = workspace.root / "use_cases" / name
    folder.mkdir(parents=True)
    text = READER.replace("READS", repr(reads)).replace("OPTIONAL", repr(optional))
    (folder / "use_case.py").write_text(text, encoding="utf-8")
    (folder / "policy.yml").write_text("owner: Tests\nunit: operations\n", encoding="utf-8")
    settings = workspace.root / "ghala.toml"
    named = settings.read_text(encoding="utf-8").replace(
        "use_cases = [", f'use_cases = ["{name}", '
    )
    settings.write_text(named, encoding="utf-8")
    return Workspace(workspace.root)


def test_what_cannot_run_says_why_and_so_does_whatever_reads_it(workspace: Workspace) -> None:
    stage(workspace, *NEEDS[:-1])
    both = add_reader(workspace, "operations/orders", "operations/demand")
    all_three = add_reader(both, "operations/trucks", "operations/orders", "operations/routes")

    assert find_obstacles(all_three) == {
        "operations/demand": "needs calendar_events: not mapped",
        "operations/orders": "reads operations/demand, which cannot run here",
        "operations/trucks": "reads operations/orders, which cannot run here;"
        " reads operations/routes, which ghala.toml does not name",
    }


def test_nothing_is_in_the_way_of_a_use_case_whose_needs_are_met(workspace: Workspace) -> None:
    stage(workspace, *NEEDS)

    assert find_obstacles(add_reader(workspace, "operations/orders", "operations/demand")) == {}


def test_a_use_case_runs_without_one_that_it_can_do_without(workspace: Workspace) -> None:
    stage(workspace, *NEEDS[:-1])
    demand = ("operations/demand",)

    assert add_reader(workspace, "operations/orders", *demand, optional=demand)
    assert "operations/orders" not in find_obstacles(Workspace(workspace.root))


@pytest.mark.parametrize(
    ("reads", "optional", "said"),
    [
        ((), ("operations/demand",), "which it does not read"),
        (("operations/demnad",), ("operations/demnad",), "nowhere. Did you mean 'operations/d"),
    ],
)
def test_a_name_of_nothing_that_could_be_done_without_is_refused(
    workspace: Workspace, reads: tuple[str, ...], optional: tuple[str, ...], *, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        find_obstacles(add_reader(workspace, "operations/orders", *reads, optional=optional))

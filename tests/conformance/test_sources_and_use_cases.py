"""What every source and every use case promises, asked of each that is found."""

import re
from pathlib import Path

import duckdb
import pytest

from ghala.contracts import discovery
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.evaluation.forecast import Forecast
from ghala.features.history import views_of
from ghala.warehouse.contract import Source, read_contract

SOURCES = {
    file.parent.name: file.parent
    for pack in discovery.packs().values()
    for file in sorted((pack / "sources").glob("*/contract.yml"))
}
SOURCE_FOLDERS = {
    folder.name
    for pack in discovery.packs().values()
    for folder in (pack / "sources").iterdir()
    if folder.is_dir() and not folder.name.startswith("_")
}
USE_CASES = {
    file.parent.relative_to(pack / "use_cases").as_posix(): file.parent
    for pack in discovery.packs().values()
    for file in sorted((pack / "use_cases").glob("*/*/use_case.py"))
}
FILES = ("use_case.py", "policy.yml", "README.md", "subjects.sql", "outcomes.sql")

every_source = pytest.mark.parametrize("name", sorted(SOURCES))
every_use_case = pytest.mark.parametrize("name", sorted(USE_CASES))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace that reads every source and runs every use case."""
    (tmp_path / "ghala.toml").write_text(
        f'sources = {sorted(SOURCES)}\nuse_cases = {sorted(USE_CASES)}\n[company]\nname = "All"\n',
        encoding="utf-8",
    )
    return Workspace(tmp_path)


def contract_of(name: str) -> Source:
    return read_contract(SOURCES[name] / "contract.yml")


def test_something_is_found_to_be_asked() -> None:
    assert SOURCES
    assert USE_CASES


def test_every_folder_of_a_source_holds_a_contract() -> None:
    assert set(SOURCES) == SOURCE_FOLDERS


def test_a_workspace_with_everything_in_it_is_readable(workspace: Workspace) -> None:
    assert set(discovery.sources(workspace)) == set(SOURCES)
    assert set(discovery.use_cases(workspace)) == set(USE_CASES)


@every_source
def test_a_source_says_what_it_is_where_it_comes_from_and_under_which_licence(name: str) -> None:
    contract = contract_of(name)

    for said in (contract.description, contract.provenance, contract.licence):
        assert len(said.split()) >= 3, said
    assert contract.feeds
    for feed in contract.feeds.values():
        assert feed.description


@every_source
def test_a_source_has_staging_sql_for_what_it_delivers(name: str) -> None:
    staging = SOURCES[name] / "staging"
    files = sorted(staging.glob("*.sql"))
    read = set(
        re.findall(r"source\('raw', '(\w+)'\)", "".join(f.read_text("utf-8") for f in files))
    )
    described = (staging / "staging.yml").read_text(encoding="utf-8")

    assert files
    assert read
    assert read <= {f"{name}__{feed}" for feed in contract_of(name).feeds}
    for file in files:
        assert file.name.startswith(f"stg_{name}__")
        assert f"- name: {file.stem}\n    description:" in described, file.name


@every_source
def test_every_rule_of_a_source_has_a_reason_and_its_own_name(name: str) -> None:
    for feed in contract_of(name).feeds.values():
        for rule in feed.rules:
            assert len(rule.reason.split()) >= 3, rule.name
            assert rule.check.strip()
        names = [rule.name for rule in feed.rules]
        assert len(names) == len(set(names))
        assert not {"duplicate_key", "already_loaded"} & set(names)


@every_source
def test_every_reference_points_to_the_key_of_a_feed_of_the_source(name: str) -> None:
    feeds = contract_of(name).feeds
    for feed in feeds.values():
        for column, reference in feed.references.items():
            assert column in feed.columns
            assert feeds[reference.feed].key == (reference.column,), "else rows would multiply"
            assert reference.name not in ("this", "loaded", "typed", "delivered")


@every_source
def test_the_key_of_every_feed_is_made_of_columns_that_are_never_missing(name: str) -> None:
    for feed in contract_of(name).feeds.values():
        assert feed.key
        for column in feed.key:
            assert feed.columns[column].required, column


@every_source
def test_every_type_of_a_contract_is_known_to_the_warehouse(name: str) -> None:
    with duckdb.connect() as connection:
        for feed in contract_of(name).feeds.values():
            for column in feed.columns.values():
                found = connection.execute(f"SELECT NULL::{column.type}").fetchall()
                assert found == [(None,)], column.type


@every_source
def test_a_source_whose_feeds_come_regularly_says_how_often(name: str) -> None:
    assert any(feed.every_days for feed in contract_of(name).feeds.values())


@every_use_case
@pytest.mark.parametrize("file", FILES)
def test_the_folder_of_a_use_case_is_whole(name: str, file: str) -> None:
    assert (USE_CASES[name] / file).is_file()
    assert (USE_CASES[name] / file).read_text(encoding="utf-8").strip()


@every_use_case
def test_the_policy_of_a_use_case_names_its_owner_its_unit_and_who_approves(
    workspace: Workspace, name: str
) -> None:
    found = discovery.use_case(workspace, name)
    policy = found.policy

    assert policy.unit == name.partition("/")[0]
    assert policy.owner
    assert policy.approval.rule == "auto" or policy.approval.role
    if isinstance(found, Forecast):
        low, high = found.policy.gates.coverage
        assert 0 < low < 0.8 < high < 1


@every_use_case
def test_a_use_case_is_named_by_its_path_and_says_what_it_is_for(
    workspace: Workspace, name: str
) -> None:
    found = discovery.use_case(workspace, name)

    assert found.name == name
    assert found.folder == USE_CASES[name]
    assert found.unit in ("finance", "marketing", "operations")
    assert type(found).__doc__
    assert type(found).__doc__ != UseCase.__doc__
    card = (found.folder / "README.md").read_text(encoding="utf-8")
    assert name in card.splitlines()[0]


@every_use_case
def test_a_use_case_says_what_its_rows_are_about(workspace: Workspace, name: str) -> None:
    found = discovery.use_case(workspace, name)

    for said in (found.entity, found.target, found.baselines):
        assert said
        assert isinstance(said, tuple)
        assert all(isinstance(word, str) for word in said)
    assert found.baseline in found.baselines
    assert found.horizon_days > 0
    assert set(found.policy.gates.metrics) <= set(found.metrics)


@every_use_case
def test_the_features_that_a_use_case_asks_for_are_declared_and_described(
    workspace: Workspace, name: str
) -> None:
    for view in views_of(workspace, discovery.use_case(workspace, name)):
        assert view.description
        assert view.owner
        assert len(set(view.columns)) == len(view.columns)


@every_use_case
def test_the_two_questions_of_a_use_case_are_one_statement_each_and_know_their_time(
    workspace: Workspace, name: str
) -> None:
    found = discovery.use_case(workspace, name)
    for sql in (found.subjects_sql, found.outcomes_sql):
        assert len(duckdb.extract_statements(sql)) == 1
        assert duckdb.extract_statements(sql)[0].type == duckdb.StatementType.SELECT
    assert re.search(r"\borigins\b", found.subjects_sql)
    assert re.search(r"known_on\s*<=\s*\w*\.?as_of", found.subjects_sql)
    assert {"known_on", "actual"} <= set(re.findall(r"\w+", found.outcomes_sql))

from pathlib import Path

import pytest

from ghala.contracts.discovery import policy_file, sources, use_case, use_cases
from ghala.contracts.errors import ConfigurationError, UsageError
from ghala.contracts.settings import Workspace

from .conftest import SETTINGS, USE_CASE

REFUNDS = "finance/refunds"


def configure(workspace: Workspace, old: str, new: str) -> Workspace:
    (workspace.root / "ghala.toml").write_text(SETTINGS.replace(old, new), encoding="utf-8")
    return Workspace(workspace.root)


def own_file(workspace: Workspace) -> Path:
    return workspace.root / "use_cases" / "finance" / "refunds" / "use_case.py"


def test_the_packs_and_the_workspaces_own_use_cases_are_found(workspace: Workspace) -> None:
    found = use_cases(workspace)

    assert list(found) == ["operations/demand", REFUNDS]
    assert found[REFUNDS].unit == "finance"
    assert found[REFUNDS].policy.owner == "Treasury"
    assert found[REFUNDS].folder == own_file(workspace).parent


def test_only_the_use_cases_that_the_settings_name_are_run(workspace: Workspace) -> None:
    alone = configure(workspace, '"operations/demand", ', "")

    assert list(use_cases(alone)) == [REFUNDS]


def test_the_workspaces_own_policy_wins(workspace: Workspace) -> None:
    own = workspace.root / "policies" / "finance" / "refunds.yml"
    own.parent.mkdir(parents=True)
    own.write_text("owner: The board\nunit: finance\n", encoding="utf-8")

    assert use_case(workspace, REFUNDS).policy.owner == "The board"
    assert policy_file(workspace, REFUNDS, own_file(workspace).parent) == own


def test_a_use_case_of_the_workspace_goes_before_the_packs_of_the_same_name(
    workspace: Workspace,
) -> None:
    folder = workspace.root / "use_cases" / "operations" / "demand"
    folder.mkdir(parents=True)
    (folder / "use_case.py").write_text(USE_CASE, encoding="utf-8")
    (folder / "policy.yml").write_text("owner: Ourselves\nunit: operations\n", encoding="utf-8")

    assert use_case(workspace, "operations/demand").policy.owner == "Ourselves"


def test_an_unknown_use_case_is_a_usage_error_with_a_suggestion(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="Did you mean 'operations/demand'") as refused:
        use_case(workspace, "operations/demnd")

    assert refused.value.exit_code == 2
    assert "ghala.toml" in refused.value.next_step


def test_settings_that_name_an_unknown_use_case_are_a_configuration_error(
    workspace: Workspace,
) -> None:
    wrong = configure(workspace, REFUNDS, "finance/refund")

    for look in (use_cases, lambda at: use_case(at, "finance/refund")):
        with pytest.raises(ConfigurationError, match="Did you mean 'finance/refunds'") as refused:
            look(wrong)
        assert refused.value.exit_code == 3


def test_settings_that_name_an_unknown_source_are_refused_with_a_suggestion(
    workspace: Workspace,
) -> None:
    wrong = configure(workspace, "completejourney", "completejorney")

    with pytest.raises(ConfigurationError, match="Did you mean 'completejourney'") as refused:
        sources(wrong)
    assert refused.value.exit_code == 3


def test_the_workspaces_own_source_is_found_beside_the_packs(workspace: Workspace) -> None:
    folder = workspace.root / "sources" / "shop"
    folder.mkdir(parents=True)
    (folder / "contract.yml").write_text("description: ours\n", encoding="utf-8")
    both = configure(workspace, '["completejourney"]', '["shop", "completejourney"]')

    assert list(sources(both)) == ["shop", "completejourney"]
    assert sources(both)["shop"] == folder


def test_a_use_case_that_cannot_be_imported_is_named_every_time(workspace: Workspace) -> None:
    own_file(workspace).write_text("import nothing_of_this_name\n", encoding="utf-8")

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="nothing_of_this_name") as refused:
            use_case(workspace, REFUNDS)
        assert "use_case.py" in refused.value.message


def test_a_use_case_that_lacks_a_method_is_told_which(workspace: Workspace) -> None:
    own_file(workspace).write_text(USE_CASE.partition("    def save")[0], encoding="utf-8")

    with pytest.raises(ConfigurationError, match="lacks load, save"):
        use_case(workspace, REFUNDS)


@pytest.mark.parametrize("count", [0, 2])
def test_a_use_case_file_holds_one_class(workspace: Workspace, count: int) -> None:
    text = USE_CASE + USE_CASE.partition("\n\n")[2].replace("Refunds", "Returns")
    own_file(workspace).write_text(text if count else "value = 1\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=f"holds {count} use case classes"):
        use_case(workspace, REFUNDS)


def test_a_baseline_without_quantiles_is_not_compared_by_pinball_loss(
    workspace: Workspace,
) -> None:
    policy = own_file(workspace).parent / "policy.yml"
    gates = "owner: Treasury\nunit: finance\ngates:\n  baseline: naive\n"

    policy.write_text(gates, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="naive has no quantiles"):
        use_case(workspace, REFUNDS)

    policy.write_text(gates + "  metrics: [wape]\n", encoding="utf-8")
    assert use_case(workspace, REFUNDS).policy.gates.baseline == "naive"


def test_a_policy_that_names_an_unknown_baseline_is_refused_with_a_suggestion(
    workspace: Workspace,
) -> None:
    (own_file(workspace).parent / "policy.yml").write_text(
        "owner: Treasury\nunit: finance\ngates:\n  baseline: smart_men\n", encoding="utf-8"
    )

    with pytest.raises(ConfigurationError, match="Did you mean 'smart_mean'"):
        use_case(workspace, REFUNDS)


def let_read(workspace: Workspace, *reads: str) -> None:
    text = USE_CASE.replace("    features = ()\n", f"    reads = {reads!r}\n")
    own_file(workspace).write_text(text, encoding="utf-8")


def test_a_use_case_comes_after_those_whose_predictions_it_reads(workspace: Workspace) -> None:
    both = configure(
        workspace, '"operations/demand", "finance/refunds"', f'"{REFUNDS}", "operations/demand"'
    )
    let_read(both, "operations/demand")

    assert list(use_cases(both)) == ["operations/demand", REFUNDS]


def test_prices_and_events_come_before_demand_and_demand_before_what_follows_from_it(
    tmp_path: Path,
) -> None:
    chain = ["finance/pricing", "marketing/events", "operations/demand"]
    after = ["operations/fleet", "operations/replenishment", "operations/workforce"]
    (tmp_path / "ghala.toml").write_text(
        f'sources = ["company"]\nuse_cases = {[*after, *chain[::-1]]}\n[company]\nname = "Duka"\n',
        encoding="utf-8",
    )

    found = list(use_cases(Workspace(tmp_path)))

    assert set(found[:2]) == set(chain[:2])
    assert found[2] == chain[2]
    assert set(found[3:]) == set(after)


def test_use_cases_that_read_each_other_in_a_circle_are_refused(workspace: Workspace) -> None:
    let_read(workspace, REFUNDS)

    with pytest.raises(ConfigurationError, match=f"circle: {REFUNDS}"):
        use_cases(workspace)


def test_a_use_case_whose_name_cannot_be_a_table_is_refused(workspace: Workspace) -> None:
    folder = own_file(workspace).parent
    folder.rename(folder.with_name("re-funds"))
    renamed = configure(workspace, REFUNDS, "finance/re-funds")

    with pytest.raises(ConfigurationError, match="cannot be a table's name"):
        use_cases(renamed)


def test_a_number_of_another_kind_is_an_unknown_key(workspace: Workspace) -> None:
    (own_file(workspace).parent / "policy.yml").write_text(
        "owner: Treasury\nunit: finance\ngates:\n  min_stability: 0.9\n", encoding="utf-8"
    )

    with pytest.raises(ConfigurationError, match=r"gates\.min_stability: unknown key"):
        use_case(workspace, REFUNDS)


def test_a_policy_of_another_unit_is_refused_with_the_one_that_it_is_of(
    workspace: Workspace,
) -> None:
    (own_file(workspace).parent / "policy.yml").write_text(
        "owner: Treasury\nunit: finanze\n", encoding="utf-8"
    )

    with pytest.raises(ConfigurationError, match=r"'finance', not 'finanze'\. Did you mean 'fin"):
        use_case(workspace, REFUNDS)

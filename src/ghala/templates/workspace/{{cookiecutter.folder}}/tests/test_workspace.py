"""What must hold for this workspace before a change is merged."""

from ghala.contracts.discovery import sources, use_cases
from ghala.contracts.settings import find_workspace

WORKSPACE = find_workspace()


def test_every_source_named_in_the_settings_is_there() -> None:
    assert list(sources(WORKSPACE)) == list(WORKSPACE.settings.sources)


def test_every_use_case_named_in_the_settings_is_there_with_a_valid_policy() -> None:
    assert list(use_cases(WORKSPACE)) == list(WORKSPACE.settings.use_cases)


def test_every_role_that_a_policy_asks_for_is_held_by_someone() -> None:
    held = {role for person in WORKSPACE.settings.people.values() for role in person.roles}
    asked = {
        case.policy.approval.role
        for case in use_cases(WORKSPACE).values()
        if case.policy.approval.rule == "one_named_role"
    }
    assert asked <= held

"""What must hold for {{ cookiecutter.unit }}/{{ cookiecutter.name }} before a change is merged."""

from pathlib import Path

from ghala.contracts.discovery import use_case
from ghala.contracts.settings import find_workspace

FOLDER = Path(__file__).parent
CASE = use_case(find_workspace(FOLDER), "{{ cookiecutter.unit }}/{{ cookiecutter.name }}")


def test_the_use_case_is_whole_and_its_policy_is_valid() -> None:
    assert CASE.folder == FOLDER
    assert CASE.baseline in CASE.baselines
    assert CASE.policy.unit == CASE.unit


def test_the_questions_to_the_warehouse_know_their_time() -> None:
    assert "origins" in CASE.subjects_sql
    assert "known_on <= origins.as_of" in CASE.subjects_sql
    assert "known_on" in CASE.outcomes_sql

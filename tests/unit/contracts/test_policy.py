from datetime import date
from pathlib import Path

import pytest

from ghala.contracts.errors import ConfigurationError
from ghala.contracts.policy import Policy
from ghala.contracts.policy import read_policy as read_by_rules
from ghala.evaluation.forecast import ForecastPolicy

LEAST = "owner: Planning\nunit: operations\n"


def read_policy(path: Path) -> ForecastPolicy:
    return read_by_rules(path, ForecastPolicy)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refused:
        read_policy(write(tmp_path, text))
    assert refused.value.exit_code == 3
    assert refused.value.next_step
    return refused.value


def test_a_policy_of_owner_and_unit_has_every_other_number(tmp_path: Path) -> None:
    policy = read_policy(write(tmp_path, LEAST))

    assert (policy.owner, policy.unit) == ("Planning", "operations")
    assert policy.approval.rule == "one_named_role"
    assert policy.gates.metrics == ("wape", "pinball")
    assert policy.gates.coverage == (0.75, 0.85)
    assert policy.retrain.max_age_weeks == 13
    assert policy.alerts.max_loss is None


def test_a_number_that_is_given_wins_and_its_neighbours_keep_their_defaults(tmp_path: Path) -> None:
    policy = read_policy(write(tmp_path, LEAST + "gates:\n  max_abs_bias: 0.02\n"))

    assert policy.gates.max_abs_bias == 0.02
    assert policy.gates.confidence == Policy(owner="x", unit="x").gates.confidence


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    said = refusal(tmp_path, LEAST + "ownr: Someone\n").message

    assert "policy.yml: ownr: unknown key" in said
    assert "Did you mean 'owner'?" in said


def test_an_unknown_key_further_down_is_named_with_its_place(tmp_path: Path) -> None:
    said = refusal(tmp_path, LEAST + "retrain:\n  max_age_week: 4\n").message

    assert "retrain.max_age_week" in said
    assert "Did you mean 'max_age_weeks'?" in said
    assert "owner" not in said.partition("Known:")[2]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("unit: operations\n", "owner"),
        ("owner: ''\nunit: operations\n", "owner"),
        (LEAST + "backtest:\n  weeks: eight\n", "backtest.weeks"),
        (LEAST + "backtest:\n  weeks: 1\n", "backtest.weeks"),
        (LEAST + "gates:\n  confidence: 1.2\n", "gates.confidence"),
        (LEAST + "gates:\n  coverage: [0.8]\n", "gates.coverage"),
        (LEAST + "gates:\n  metrics: [mape]\n", "gates.metrics"),
        (LEAST + "approval:\n  rule: whoever\n", "approval.rule"),
        (LEAST + "retrain: 4\n", "retrain"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    said = refusal(tmp_path, text)

    assert f"policy.yml: {key}" in said.message
    assert key in said.next_step


@pytest.mark.parametrize("word", ["yes", "no", "on", "true"])
def test_a_yaml_truth_is_never_taken_for_a_number(tmp_path: Path, word: str) -> None:
    said = refusal(tmp_path, LEAST + f"retrain:\n  max_age_weeks: {word}\n").message

    assert "true or false" in said


@pytest.mark.parametrize("number", [".inf", ".nan", "-.inf"])
def test_a_limit_that_nothing_can_break_is_refused(tmp_path: Path, number: str) -> None:
    assert "gates.max_abs_bias" in refusal(
        tmp_path, LEAST + f"gates:\n  max_abs_bias: {number}\n"
    ).message  # fmt: skip


def test_a_key_written_twice_is_refused_by_its_line(tmp_path: Path) -> None:
    said = refusal(tmp_path, LEAST + "owner: Someone else\n").message

    assert "'owner' is written twice" in said
    assert "line" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("owner: [unclosed\n", "is not YAML"),
        ("\towner: tabs\n", "is not YAML"),
        ("owner: !!python/object/apply:os.system ['true']\n", "is not YAML"),
        ("just words\n", "holds no keys"),
        ("", "holds no keys"),
    ],
)
def test_what_is_not_a_mapping_of_plain_values_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    assert words in refusal(tmp_path, text).message


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_bytes(b"owner: \xff\xfe\nunit: operations\n")

    with pytest.raises(ConfigurationError, match="is not YAML"):
        read_policy(path)


def test_a_yaml_bomb_is_refused_with_a_short_message(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for one, before in zip("bcdefghi", "abcdefgh", strict=True):
        bomb += f"{one}: &{one} [{', '.join(['*' + before] * 9)}]\n"

    assert len(refusal(tmp_path, bomb + "owner: *i\nunit: x\n").message) < 2000


def test_a_missing_policy_says_which_file_and_how_to_get_it_back(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.yml cannot be read") as refused:
        read_policy(tmp_path / "gone.yml")

    assert "git checkout" in refused.value.next_step


def test_an_approval_that_nobody_could_give_is_refused(tmp_path: Path) -> None:
    assert "approval.role" in refusal(tmp_path, LEAST + "approval:\n  role: ''\n").message


@pytest.mark.parametrize(
    ("schedule", "as_of", "due"),
    [
        ("daily", 2, True), ("daily", 1, False), ("weekly", 2, False), ("weekly", 7, False),
        ("weekly", 8, True), ("weekly, on Mondays", 7, False), ("weekly, on Mondays", 8, True),
        ("weekly, on Thursdays", 4, True), ("weekly, on Thursdays", 5, False),
    ],
)  # fmt: skip
def test_a_scoring_is_due_when_the_schedule_says_so(
    *, schedule: str, as_of: int, due: bool
) -> None:
    policy = Policy(owner="x", unit="x", schedule=schedule)

    assert policy.is_due(date(2024, 1, as_of), last=None)
    assert policy.is_due(date(2024, 1, as_of), last=date(2024, 1, 1)) is due


def test_a_schedule_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "schedule" in refusal(tmp_path, LEAST + "schedule: every full moon\n").message

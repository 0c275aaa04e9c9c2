import pytest

from ghala.contracts.errors import (
    CheckFailed,
    ConfigurationError,
    DataRejected,
    Denied,
    GhalaError,
    TryAgain,
    UsageError,
    suggest,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (CheckFailed, 1),
        (UsageError, 2),
        (ConfigurationError, 3),
        (DataRejected, 4),
        (Denied, 5),
        (GhalaError, 70),
        (TryAgain, 75),
    ],
)
def test_every_kind_of_failure_has_the_promised_exit_code(
    kind: type[GhalaError], code: int
) -> None:
    error = kind("It rained.", "Take an umbrella.")

    assert error.exit_code == code
    assert (str(error), error.next_step) == ("It rained.", "Take an umbrella.")


def test_a_near_miss_is_suggested_and_every_known_word_is_listed() -> None:
    assert (
        suggest("demnd", ["pricing", "demand"]) == "Did you mean 'demand'? Known: demand, pricing."
    )


def test_a_word_in_other_letters_is_suggested_as_it_is_written() -> None:
    assert suggest("SKU", ["sku", "Units"]).startswith("Did you mean 'sku'?")
    assert suggest("unit", ["sku", "Units"]).startswith("Did you mean 'Units'?")


def test_nothing_is_suggested_for_a_word_that_is_near_to_none() -> None:
    assert suggest("zzz", ["demand"]) == "Known: demand."
    assert suggest("zzz", []) == "Known: none."

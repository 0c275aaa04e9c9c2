"""From which day on the past can be replayed."""

from datetime import date, timedelta

import polars as pl
import pytest

from ghala.contracts.errors import DataRejected
from ghala.rehearsal import days_to_replay

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(weeks=n) for n in range(6)]
EXAMPLES = pl.DataFrame({"as_of": DAYS, "known_on": [day + timedelta(weeks=3) for day in DAYS]})


def test_the_replay_begins_once_an_outcome_was_known() -> None:
    assert days_to_replay(EXAMPLES, "finance/refunds", since=DAYS[3]) == DAYS[3:]


@pytest.mark.parametrize("since", [DAYS[0], DAYS[1], DAYS[2], date(2025, 1, 1)])
def test_a_day_on_which_nothing_could_be_learned_is_refused(since: date) -> None:
    with pytest.raises(DataRejected, match="no outcome was known") as refused:
        days_to_replay(EXAMPLES, "finance/refunds", since=since)
    assert "fewer --weeks" in refused.value.next_step

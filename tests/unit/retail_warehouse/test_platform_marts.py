"""BI tools read the platform's own facts in marts, from versions to refused rows."""

from typing import Any

import pytest
from tests.unit.retail_warehouse.conftest import Company, day, deliver_until_the_fifth, line

from ghala import flow
from ghala.house import House
from ghala.ledger.book import Note
from ghala.warehouse.landing import land
from ghala.warehouse.publish import read_published

USE_CASE = "operations/demand"
Row = tuple[Any, ...]


def note(kind: str, version: int | None = None, **body: Any) -> Note:
    return Note(kind, body, USE_CASE if version else None, version, day(5))


STORY = (
    note("training", 1, run="r1", reasons=["asked for"], figures={}, leaks=[]),
    note("transition", 1, to="staging", reason="registered"),
    note("transition", 1, to="uat", reason="passed the gates of staging"),
    note("request", 1, role="head of operations"),
    note("approval", 1, comment="looks right"),
    note("transition", 1, to="production", reason="passed the gates of uat"),
    note("training", 2, run="r2", reasons=["bias"], figures={}, leaks=[]),
    note("transition", 2, to="staging", reason="registered"),
    note("transition", 2, to="uat", reason="passed the gates of staging"),
    note("transition", 2, to="production", reason="passed the gates of uat"),
    note("transition", 1, to="production", reason="rollback: sold out", left=2),
    note("training", 3, run="r3", reasons=["asked for"], figures={}, leaks=[]),
    note("alert", 1, message="sales doubled"),
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company of one build, in whose ledger two versions went to production."""
    made = Company(tmp_path_factory.mktemp("platform") / "duka")
    deliver_until_the_fifth(made)
    made.deliver(
        "web_lines",
        day(5),
        line((100, 3), "A", 1),
        line((100, 4), "C", 1),
        line((100, 5), "A", -1),
        line((100, 6), "B", -2),
    )
    house = House(made.workspace, "asha")
    with house.warehouse() as warehouse:
        assert list(land(made.workspace, warehouse, day(5), allow_late=True))
    house.ledger.append(*STORY)
    flow.build(house, day(5))
    house.ledger.append(note("run"))
    flow.publish(house, day(5))
    return made


def read(company: Company, sql: str) -> list[Row]:
    return [tuple(row.values()) for row in read_published(company.workspace).query(sql)]


def test_a_version_stands_where_its_last_move_left_it(company: Company) -> None:
    found = read(
        company, "SELECT version, stage, run, trained_by FROM marts_platform.versions ORDER BY 1"
    )
    assert found == [
        (1, "production", "r1", "asha"),
        (2, "archived", "r2", "asha"),
        (3, None, "r3", "asha"),
    ]


def test_a_move_lasts_until_the_version_or_the_stage_is_taken(company: Company) -> None:
    found = read(
        company, "SELECT version, stage, left_at IS NULL AS stands FROM marts_platform.transitions"
        " ORDER BY number",
    )  # fmt: skip
    assert [row[:2] for row in found if row[2]] == [(1, "production")]
    assert len(found) == 7


def test_approvals_and_alerts_say_who_what_and_why(company: Company) -> None:
    asked = "SELECT kind, actor, role_asked, comment FROM marts_platform.approvals ORDER BY number"
    assert read(company, asked) == [
        ("request", "asha", "head of operations", None),
        ("approval", "asha", None, "looks right"),
    ]
    alerts = "SELECT use_case, version, message FROM marts_platform.alerts"
    assert read(company, alerts) == [(USE_CASE, 1, "sales doubled")]


def test_a_run_names_the_build_it_stands_on(company: Company) -> None:
    [(as_of, models, tests)] = read(
        company, "SELECT as_of, models_built, tests_passed FROM marts_platform.runs"
    )
    assert as_of == day(5)
    assert models > 50
    assert tests > 50


def test_batches_and_refused_rows_are_counted(company: Company) -> None:
    loaded = "SELECT sum(rows_in) = sum(rows_loaded) + sum(rows_quarantined), sum(rows_quarantined)"
    assert read(company, f"{loaded} FROM marts_platform.batches") == [(True, 2)]
    refused = "SELECT source, feed, arrived_on, rule, rows_refused, rows_released"
    assert read(company, f"{refused} FROM marts_platform.quarantine_days") == [
        ("company", "web_lines", day(5), "positive_units", 2, 0)
    ]

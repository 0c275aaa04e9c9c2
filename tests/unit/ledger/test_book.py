import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from ghala.contracts import clock
from ghala.contracts.errors import CheckFailed, Denied, TryAgain
from ghala.contracts.records import Stage
from ghala.ledger.book import GENESIS, Change, Ledger, Note
from ghala.ledger.stages import replay
from ghala.ledger.words import tell
from ghala.monitoring.health import _clock, _examine

DAY = date(2024, 1, 8)
DEMAND = "operations/demand"


def write(ledger: Ledger, count: int) -> None:
    ledger.append(*(Note("alert", {"message": f"number {n}"}, DEMAND) for n in range(count)))


def tamper(path: Path, *statements: str) -> None:
    """Change the file behind the ledger's back, as someone with a shell could."""
    with closing(sqlite3.connect(path)) as raw:
        for trigger in ("entries_no_update", "entries_no_delete"):
            raw.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            raw.execute(statement)
        raw.commit()


def promote(ledger: Ledger, version: int, *, expected: int | None) -> None:
    note = Note("transition", {"to": "production", "reason": "test"}, DEMAND, version, DAY)
    ledger.change_stages(DEMAND, [Change(Stage.PRODUCTION, version, expected)], note=note)


def test_facts_are_read_back_in_the_order_in_which_they_were_written(ledger: Ledger) -> None:
    ledger.append(
        Note("training", {"figure": 0.5, "day": DAY}, DEMAND, 1, DAY),
        Note("alert", {"message": "late"}, "finance/refunds"),
    )

    training, alert = ledger.entries()
    assert (training.number, training.kind, training.version, training.as_of) == (
        1, "training", 1, DAY,
    )  # fmt: skip
    assert training.body == {"figure": 0.5, "day": "2024-01-08"}
    assert training.actor == "amina"
    assert [e.number for e in ledger.entries("alert")] == [alert.number] == [2]
    assert ledger.entries(use_case=DEMAND, version=2) == []
    assert ledger.last("training", DEMAND).number == 1
    assert ledger.last("training", "finance/refunds") is None


def test_a_clock_that_is_set_back_moves_no_fact_and_the_doctor_tells_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2024, 1, 8, 12, tzinfo=UTC)
    for hours, version in ((0, 1), (-2, 2), (0, 3)):
        monkeypatch.setattr(clock, "now", lambda moment=noon + timedelta(hours=hours): moment)
        promote(ledger, version, expected=version - 1 or None)
        if hours:
            found = _examine("clock", lambda: _clock(ledger))
            assert found["state"] == "ok", "the newest fact is of this clock"

    assert [(one.number, one.version) for one in ledger.entries()] == [(1, 1), (2, 2), (3, 3)]
    assert ledger.verify() == 3
    assert ledger.holder(DEMAND, Stage.PRODUCTION) == 3
    assert replay(ledger.entries())[DEMAND]["production"].version == 3
    monkeypatch.setattr(clock, "now", lambda: noon - timedelta(minutes=59))
    found = _examine("clock", lambda: _clock(ledger))
    assert found["state"] == "warn"
    assert "0:59:00 later: it was set back" in found["words"]


def test_the_chain_of_an_untouched_ledger_holds(ledger: Ledger) -> None:
    assert ledger.verify() == 0
    write(ledger, 12)

    assert ledger.verify() == 12
    first, second, *_ = ledger.entries()
    assert (first.previous, second.previous) == (GENESIS, first.digest)


def test_the_chain_holds_after_the_ledger_was_opened_again(ledger: Ledger, path: Path) -> None:
    write(ledger, 3)
    again = Ledger(path, actor="baraka")
    write(again, 2)

    assert again.verify() == ledger.verify() == 5
    assert [entry.actor for entry in again.entries()] == ["amina"] * 3 + ["baraka"] * 2
    again.engine.dispose()


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("""UPDATE entries SET body = '{"message": "nothing"}' WHERE number = 4""", 4),
        ("UPDATE entries SET actor = 'someone else' WHERE number = 7", 7),
        ("UPDATE entries SET recorded_at = '2020-01-01 00:00:00.000000' WHERE number = 1", 1),
        ("UPDATE entries SET use_case = NULL WHERE number = 9", 9),
        ("DELETE FROM entries WHERE number = 5", 5),
        ("UPDATE entries SET number = 99 WHERE number = 3", 3),
        (
            "INSERT INTO entries SELECT 10, kind, use_case, version, as_of, actor, recorded_at,"
            " NULL, body, previous, digest FROM entries WHERE number = 9",
            10,
        ),
    ],
)
def test_a_fact_that_was_changed_removed_or_put_in_is_found_by_its_number(
    ledger: Ledger, path: Path, *, statement: str, number: int
) -> None:
    write(ledger, 9)
    tamper(path, statement)

    with pytest.raises(CheckFailed, match=f"broken at entry {number}:") as broken:
        ledger.verify()
    assert broken.value.exit_code == 1
    assert "backup" in broken.value.next_step


def test_a_key_that_is_written_twice_is_one_fact(ledger: Ledger) -> None:
    ledger.append(Note("run", {"try": 1}, as_of=DAY, key="run:2024-01-08"))
    ledger.append(Note("run", {"try": 2}, as_of=DAY, key="run:2024-01-08"))

    assert [entry.body for entry in ledger.entries("run")] == [{"try": 1}]
    assert ledger.find("run:2024-01-08").body == {"try": 1}
    assert ledger.find("run:2024-01-09") is None
    assert ledger.verify() == 1


def test_facts_written_together_are_written_all_or_none(ledger: Ledger) -> None:
    cyclic: dict[str, object] = {}
    cyclic["self"] = cyclic

    with pytest.raises(ValueError, match="Circular"):
        ledger.append(Note("alert", {"message": "first"}), Note("alert", cyclic))

    assert ledger.entries() == []


def test_a_stage_moves_only_on_what_the_mover_believes(ledger: Ledger) -> None:
    promote(ledger, 1, expected=None)
    with pytest.raises(Denied, match="version 1 holds production by now, not None") as denied:
        promote(ledger, 2, expected=None)

    assert denied.value.exit_code == 5
    assert ledger.holder(DEMAND, Stage.PRODUCTION) == 1
    assert [entry.version for entry in ledger.entries("transition")] == [1]


def test_when_one_of_two_moves_is_denied_neither_happens(ledger: Ledger) -> None:
    promote(ledger, 1, expected=None)
    changes = [Change(Stage.UAT, 2, None), Change(Stage.PRODUCTION, 2, 7)]

    with pytest.raises(Denied):
        ledger.change_stages(DEMAND, changes, note=Note("transition", {}, DEMAND, 2, DAY))

    assert {s: h.version for s, h in ledger.holders(DEMAND).items()} == {"production": 1}


def test_a_ledger_that_another_process_holds_can_be_tried_again(path: Path) -> None:
    book = Ledger(path, actor="amina")
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with book.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(TryAgain) as busy:
            write(book, 1)
        holder.execute("ROLLBACK")

    assert busy.value.exit_code == 75
    write(book, 1)
    assert book.verify() == 1
    book.engine.dispose()


def test_a_file_that_is_no_ledger_is_not_written_over(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"precious" * 1000)

    with pytest.raises(SQLAlchemyError):
        Ledger(path, actor="amina")
    assert path.read_bytes() == b"precious" * 1000


def test_every_kind_of_fact_is_told_as_a_sentence(ledger: Ledger) -> None:
    counts = {"rows_in": 1200, "rows_loaded": 1000, "rows_quarantined": 200}
    verdicts = [{"decision": "fail", "reason": "Too biased."}, {"decision": "pass", "reason": "x"}]
    ledger.append(
        Note("batch", {"source": "shop", "file": "a.csv", **counts}),
        Note("verdict", {"stage": "staging", "passed": False, "verdicts": verdicts}, DEMAND, 3),
        Note("decision", {"due": False, "reasons": []}, DEMAND),
        Note("transition", {"to": "uat", "reason": "passed"}, DEMAND, 3),
        Note("something new", {}, DEMAND),
    )

    assert [tell(entry)["words"] for entry in ledger.entries()] == [
        "shop/a.csv: 1,200 rows in, 1,000 loaded, 200 quarantined",
        "version 3 failed the gates of staging. Too biased.",
        "keep: nothing asks for a new version",
        "version 3 to uat: passed",
        "something new",
    ]


def test_a_ledger_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    file = tmp_path / "closed" / "ledger.db"
    Ledger(file, actor="amina").append(Note("run", {}, key="run:1"))
    script = (
        "import os, sys; from pathlib import Path; from ghala.ledger.book import Ledger\n"
        "file = Path(sys.argv[1]); Ledger(file.with_name('other.db'), actor='x').entries()\n"
        "file.parent.chmod(0o555)  # and from here on as somebody who owns nothing\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "print(Ledger(Path(sys.argv[1]), actor='reader').entries()[0].key)"
    )
    file.chmod(0o444)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to(tempfile.gettempdir()) and folder.stat().st_mode & 0o5 != 0o5:
            folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=False
    )
    file.parent.chmod(0o755)

    assert (done.stdout.strip(), done.returncode) == ("run:1", 0), done.stderr

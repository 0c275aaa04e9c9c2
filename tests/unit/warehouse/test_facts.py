"""The warehouse holds the ledger's facts, each once, and follows the ledger that is there."""

from datetime import date
from pathlib import Path

from tests.unit.warehouse.conftest import Shop

from ghala.house import House
from ghala.ledger.book import Ledger, Note

MONDAY = date(2024, 1, 8)
ALERT = Note("alert", {"message": "sales doubled"}, "operations/demand", 3, MONDAY)


def copied(shop: Shop, ledger: Path | None = None) -> list[tuple[object, ...]]:
    house = House(shop.workspace, "asha")
    if ledger is not None:
        house.__dict__["ledger"] = Ledger(ledger, actor="asha")
    with house.warehouse() as warehouse:
        house.copy_facts(warehouse)
        return warehouse.rows(
            "SELECT number, kind, use_case, version, as_of, actor, words, body ->> 'message'"
            " FROM platform.facts ORDER BY number"
        )


def test_a_fact_is_copied_once_with_its_sentence(shop: Shop) -> None:
    ledger = House(shop.workspace, "asha").ledger
    ledger.append(ALERT)
    first = copied(shop)
    ledger.append(Note("run", {}, as_of=MONDAY))

    found = copied(shop)

    assert found == copied(shop)
    assert found[:1] == first
    assert found == [
        (1, "alert", "operations/demand", 3, MONDAY, "asha", "sales doubled", "sales doubled"),
        (2, "run", None, None, MONDAY, "asha", "the loop ran to its end", None),
    ]


def test_the_facts_of_another_ledger_replace_those_that_were_there(
    embedded_shop: Shop, tmp_path: Path
) -> None:
    House(embedded_shop.workspace, "asha").ledger.append(ALERT, Note("run", {}, as_of=MONDAY))
    copied(embedded_shop)
    Ledger(tmp_path / "restored.db", actor="asha").append(Note("run", {}, as_of=MONDAY))

    found = copied(embedded_shop, tmp_path / "restored.db")

    assert [row[:2] for row in found] == [(1, "run")]


def test_an_empty_ledger_empties_the_facts(embedded_shop: Shop, tmp_path: Path) -> None:
    House(embedded_shop.workspace, "asha").ledger.append(ALERT)
    copied(embedded_shop)

    assert copied(embedded_shop, tmp_path / "new.db") == []

"""A real ledger in a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ghala.ledger.book import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    book = Ledger(path, actor="amina")
    yield book
    book.engine.dispose()

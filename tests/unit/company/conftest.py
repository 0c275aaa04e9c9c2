"""Small simulated companies, each made once."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ghala_retail.company.simulate import simulate
from ghala_retail.company.world import make_plan

Make = Callable[[str, int], Path]


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The folder of a tiny company by its world and number of days."""
    made: dict[tuple[str, int], Path] = {}

    def make(world: str, days: int) -> Path:
        if (world, days) not in made:
            folder = tmp_path_factory.mktemp(f"{world}-{days}")
            simulate(make_plan("tiny", world, seed=7, days=days), folder)
            made[world, days] = folder
        return made[world, days]

    return make


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[Path, str], list[tuple[object, ...]]]:
    """Ask the exports of a company in SQL: {feed} stands for all files of a feed."""

    def query(folder: Path, sql: str) -> list[tuple[object, ...]]:
        inbox = folder / "inbox" / "company"
        with duckdb.connect() as connection:
            for feed in sorted({file.stem.rpartition("_")[0] for file in inbox.iterdir()}):
                ending = next(inbox.glob(f"{feed}_2*")).suffix[1:]
                connection.execute(
                    f"CREATE VIEW {feed} AS FROM read_{ending}('{inbox}/{feed}_2*', filename=true)"
                )
            return connection.execute(sql).fetchall()

    return query

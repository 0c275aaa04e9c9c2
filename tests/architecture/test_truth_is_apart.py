"""No model can look at the truth that it will be judged by."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
BLIND = (
    SOURCE / "ghala",
    SOURCE / "ghala_retail" / "use_cases",
    SOURCE / "ghala_retail" / "features",
    SOURCE / "ghala_retail" / "sources",
    SOURCE / "ghala_retail" / "warehouse",
)
FILES = [
    file
    for room in BLIND
    for file in sorted(room.rglob("*"))
    if file.suffix in (".py", ".sql", ".yml", ".html")
]
NAMES = re.compile(r"ghala_retail\.company|company[./]truth|truth/\w+\.parquet")


def test_there_is_something_to_look_through() -> None:
    assert len(FILES) > 100
    assert NAMES.search("from ghala_retail.company.truth import read_table")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_model_feature_source_or_platform_module_names_the_truth(file: Path) -> None:
    found = NAMES.search(file.read_text(encoding="utf-8"))
    assert found is None, f"{file} names {found.group() if found else ''}"


def test_only_the_witness_and_its_readers_know_where_the_truth_is_kept() -> None:
    company = SOURCE / "ghala_retail" / "company"
    users = {
        file.name
        for file in company.glob("*.py")
        if "company.truth" in file.read_text(encoding="utf-8")
    }
    assert users == {"witness.py"}

"""What one use case says is a feature view of others, whatever its kind."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
from tests.mean_model import MeanModel

from ghala.contracts.errors import ConfigurationError, DataRejected
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import DAY, TEXT
from ghala.evaluation.score import Score
from ghala.evaluation.segment import Segment
from ghala.features.definitions import Said, predictions_of
from ghala.features.examples import Request, read_subjects
from ghala.features.history import views_of
from ghala.features.reading import read_history, read_newest
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.predictions import create_tables
from ghala.warehouse.predictions import predictions_of as table_with

from .conftest import record
from .test_history import day, sale

GROUPS = predictions_of(
    "marketing/groups",
    name="shop_group",
    owner="Marketing",
    entity=("shop",),
    says=(Said("segment", TEXT), Said("since", DAY, name="group_since")),
    ttl_days=10,
)
SAID = pl.DataFrame(
    {
        "version": [1, 1, 2, 3],
        "role": ["champion", "champion", "champion", "shadow"],
        "shop": ["a", "b", "a", "a"],
        "as_of": [day(1), day(1), day(8), day(8)],
        "segment": ["loyal", "new", "lapsed", "never heard"],
        "since": [day(0), day(0), day(7), day(7)],
    },
    schema_overrides={"version": pl.Int32},
)


class Groups(MeanModel, Segment):
    """Which group a shop belongs to."""

    entity, baselines, horizon_days = ("shop",), (), 7
    kept: ClassVar[dict[str, str]] = {"since": DAY}
    name = "marketing/groups"


class Visits(MeanModel, Score):
    """Who visits, given the group."""

    entity, baselines, horizon_days = ("shop",), (), 7
    features, reads = ("shop_group",), ("marketing/groups",)

    def __init__(self, folder: Path) -> None:
        self.name, self.folder = "marketing/visits", folder
        (folder / "subjects.sql").write_text(
            "SELECT DISTINCT origins.as_of, shop FROM origins"
            " JOIN core.sales ON arrived <= origins.as_of",
            encoding="utf-8",
        )


class Undemanding(Visits):
    """Who visits, with the group if there is one."""

    optional = ("marketing/groups",)


@pytest.fixture
def spoken(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A warehouse in which two versions of the groups were champion, and a third in shadow."""
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS platform")
    create_tables(warehouse, Groups())
    table, names = table_with(Groups()), ", ".join(SAID.columns)
    with warehouse.relation("said", SAID):
        warehouse.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM said")
    yield warehouse
    warehouse.execute(f"DROP TABLE {table}")


def ask(warehouse: Warehouse, shop: str, *days: int) -> pl.DataFrame:
    request = pl.DataFrame({"shop": shop, "as_of": [day(n) for n in days]})
    return read_history(warehouse, GROUPS, request)


def test_a_segment_is_read_from_its_day_on_with_its_version_until_it_lapses(
    spoken: Warehouse,
) -> None:
    found = ask(spoken, "a", 0, 1, 7, 8, 17, 18)

    assert found["segment"].to_list() == [None, "loyal", "loyal", "lapsed", "lapsed", None]
    assert found["version"].to_list() == [None, 1, 1, 2, 2, None]
    assert found["said_on"].to_list() == [None, day(1), day(1), day(8), day(8), None]
    assert found["group_since"].to_list()[3] == day(7)


def test_the_newest_predictions_can_be_kept_online(spoken: Warehouse) -> None:
    assert GROUPS.online
    kept = read_newest(spoken, GROUPS, day(9)).sort("shop")

    assert kept.select("shop", "version", "segment").rows() == [("a", 2, "lapsed"), ("b", 1, "new")]


def test_before_anything_was_said_each_row_has_nulls_of_the_same_types(
    warehouse: Warehouse,
) -> None:
    found = ask(warehouse, "a", 3, 3)

    assert found.height == 2
    assert found.null_count().row(0) == (2,) * found.width
    assert found.schema["segment"] == pl.String
    assert (found.schema["version"], found.schema["said_on"]) == (pl.Int32, pl.Date)
    assert read_newest(warehouse, GROUPS, day(9)).is_empty()


def subjects(warehouse: Warehouse, use_case: Visits, as_of: date) -> pl.DataFrame:
    record(warehouse, [sale(shop, n, n) for shop in ("a", "b", "c") for n in range(9)])
    return read_subjects(warehouse, use_case, views=[GROUPS], request=Request([as_of]))


def test_a_use_case_that_cannot_do_without_waits_until_the_other_has_spoken(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    with pytest.raises(DataRejected, match="reads marketing/groups, of which nothing") as refused:
        subjects(warehouse, Visits(tmp_path), day(8))
    assert "optional" in refused.value.next_step


def test_what_was_said_later_does_not_count_as_spoken(spoken: Warehouse, tmp_path: Path) -> None:
    spoken.execute(f"UPDATE {table_with(Groups())} SET as_of = ?", [day(9)])
    with pytest.raises(DataRejected, match=f"by {day(8)}"):
        subjects(spoken, Visits(tmp_path), day(8))


def test_a_use_case_that_can_do_without_gets_every_row_with_nulls(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    found = subjects(warehouse, Undemanding(tmp_path), day(8))

    assert found["shop"].to_list() == ["a", "b", "c"]
    assert found["segment"].to_list() == [None] * 3


def test_whoever_was_not_spoken_of_has_nulls_beside_the_others(
    spoken: Warehouse, tmp_path: Path
) -> None:
    found = subjects(spoken, Visits(tmp_path), day(8))

    assert found["segment"].to_list() == ["lapsed", "new", None]


VIEWS = """
from ghala.contracts.use_case import TEXT
from ghala.features.definitions import Said, predictions_of

groups, others = (
    predictions_of(f"marketing/{what}", name=f"shop_{what}", owner="Marketing", entity=("shop",),
                   says=(Said("segment", TEXT),))
    for what in ("groups", "others")
)
"""


def test_predictions_are_features_only_of_what_is_read_and_named_apart(tmp_path: Path) -> None:
    settings = 'sources = ["completejourney"]\nuse_cases = ["operations/demand"]\n'
    (tmp_path / "ghala.toml").write_text(settings + '[company]\nname = "Duka"\n', encoding="utf-8")
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "said.py").write_text(VIEWS, encoding="utf-8")
    workspace, reader = Workspace(tmp_path), Visits(tmp_path)

    def choose(features: tuple[str, ...], *reads: str) -> list[tuple[str, ...]]:
        kind = type("Reader", (Visits,), {"features": features, "reads": reads})
        return [view.columns for view in views_of(workspace, kind(reader.folder))]

    both = ("marketing/groups", "marketing/others")
    assert choose(("shop_groups.segment", "shop_others.said_on"), *both) == [
        ("segment",), ("said_on",),
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="which marketing/groups says, and does not read"):
        choose(("shop_groups",), "marketing/others")
    with pytest.raises(ConfigurationError, match=r"two features 'version'.*shop_groups.*others"):
        choose(("shop_groups", "shop_others"), *both)
    with pytest.raises(ConfigurationError, match="Did you mean 'segment'"):
        choose(("shop_groups.segmnt",), *both)

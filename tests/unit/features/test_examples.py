from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.mean_model import MeanModel

from ghala.contracts.errors import DataRejected
from ghala.contracts.settings import Workspace
from ghala.evaluation.score import Score
from ghala.features.definitions import FeatureView, Window
from ghala.features.examples import Request, read_examples, read_subjects
from ghala.features.served import SAMPLE_ROWS, find_leaks, keep_served, read_served, served_on
from ghala.warehouse.engines.engine import Warehouse

from .conftest import RECENT, make_view, record
from .test_history import day, sale


class Visits(MeanModel, Score):
    """How much each shop sells on the day."""

    entity = ("shop",)
    target = ("on_day",)
    features = ("recent",)

    def __init__(self, folder: Path) -> None:
        self.name, self.folder = "operations/visits", folder


@pytest.fixture
def use_case(tmp_path: Path, warehouse: Warehouse) -> Visits:
    """Forty shops that sell every day; what they sold is known a day later."""
    record(warehouse, [sale(f"s{shop:02}", n, shop + n) for shop in range(40) for n in range(60)])
    (tmp_path / "subjects.sql").write_text(
        "SELECT DISTINCT origins.as_of, shop, origins.as_of AS on_day"
        " FROM origins JOIN core.sales ON arrived <= origins.as_of",
        encoding="utf-8",
    )
    (tmp_path / "outcomes.sql").write_text(
        "SELECT shop, day AS on_day, arrived AS known_on, units AS actual FROM core.sales",
        encoding="utf-8",
    )
    return Visits(tmp_path)


def subjects(
    warehouse: Warehouse, use_case: Visits, origins: Sequence[date], **options: Any
) -> pl.DataFrame:
    request = Request(origins, **options)
    return read_subjects(warehouse, use_case, views=[RECENT], request=request)


def test_each_subject_comes_once_a_day_in_a_settled_order_with_its_features(
    warehouse: Warehouse, use_case: Visits
) -> None:
    found = subjects(warehouse, use_case, [day(21), day(14)])

    assert found.height == 80
    assert found.select("shop", "as_of").rows()[:3] == [
        ("s00", day(14)), ("s00", day(21)), ("s01", day(14)),
    ]  # fmt: skip
    assert found["units_7"][0] == sum(range(7, 14))
    assert found.columns == ["as_of", "shop", "on_day", *RECENT.columns]


def test_a_view_of_more_than_the_entity_gives_each_subject_its_own_features(
    warehouse: Warehouse, use_case: Visits
) -> None:
    (use_case.folder / "subjects.sql").write_text(
        "SELECT DISTINCT origins.as_of, shop, origins.as_of + ahead AS on_day,"
        " CAST(extract('isodow' FROM origins.as_of + ahead) AS BIGINT) AS weekday"
        " FROM origins JOIN core.sales ON arrived <= origins.as_of"
        " CROSS JOIN (VALUES (0), (3)) AS steps (ahead)",
        encoding="utf-8",
    )
    weekday = FeatureView(
        name="weekday",
        entity=("shop", "weekday"),
        source="(SELECT *, CAST(extract('isodow' FROM day) AS BIGINT) AS weekday FROM core.sales)",
        event_time="day",
        known_on="arrived",
        description="What a shop sold on a day of the week.",
        owner="Tests",
        windows=(Window("same_14", "mean", "units", 14),),
    )
    found = read_subjects(warehouse, use_case, views=[weekday], request=Request([day(21)]))

    assert found.height == 80
    means = found.filter(pl.col("shop") == "s00").select("on_day", "same_14").rows()
    # The same weekdays before day 21 are 7 and 14; those of day 24 are 10 and 17.
    assert means == [(day(21), 10.5), (day(24), 13.5)]


def test_before_anything_was_known_the_next_step_is_said(
    warehouse: Warehouse, use_case: Visits
) -> None:
    with pytest.raises(DataRejected, match="nothing was known by 2024-03-01") as refused:
        subjects(warehouse, use_case, [day(0)])

    assert refused.value.exit_code == 4
    assert "--as-of" in refused.value.next_step


def test_examples_are_past_subjects_with_what_was_known_to_have_happened(
    warehouse: Warehouse, use_case: Visits
) -> None:
    found = read_examples(
        warehouse,
        use_case,
        views=[RECENT],
        request=Request([day(14), day(21), day(28)]),
        as_of=day(28),
    )

    assert found["as_of"].unique().sort().to_list() == [day(14), day(21)]
    assert (found["known_on"] <= day(28)).all()
    first = found.row(0, named=True)
    assert (first["shop"], first["actual"]) == ("s00", 14)
    assert first["most_14"] == 13


def test_before_any_outcome_there_is_nothing_to_learn_from(
    warehouse: Warehouse, use_case: Visits
) -> None:
    with pytest.raises(DataRejected, match="no outcome was known by 2024-03-15"):
        read_examples(
            warehouse, use_case, views=[RECENT], request=Request([day(14)]), as_of=day(14)
        )


def test_a_draw_of_the_entities_is_the_same_every_time_and_spares_the_judged_days(
    warehouse: Warehouse, use_case: Visits
) -> None:
    origins = [day(n) for n in range(10, 50)]
    drawn = subjects(warehouse, use_case, origins, share=0.3, whole_from=day(40))
    again = subjects(warehouse, use_case, origins[::-1], share=0.3, whole_from=day(40))
    whole = subjects(warehouse, use_case, origins)

    assert drawn.equals(again)
    before = drawn.filter(pl.col("as_of") < day(40))
    assert drawn.height - before.height == 10 * 40
    assert before.height / (30 * 40) == pytest.approx(0.3, abs=0.05)
    assert drawn.join(whole, on=whole.columns, nulls_equal=True, how="anti").is_empty()


def test_what_was_served_is_kept_by_its_day_and_read_back(
    warehouse: Warehouse, use_case: Visits, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "workspace")
    assert served_on(workspace, use_case) == []
    for number in (21, 14):
        keep_served(workspace, use_case, subjects(warehouse, use_case, [day(number)]))

    assert served_on(workspace, use_case) == [day(14), day(21)]
    assert read_served(workspace, use_case, day(14)).height == 40
    assert SAMPLE_ROWS > 40


def test_late_arrivals_are_no_leak_and_a_history_that_was_rewritten_is_one(
    warehouse: Warehouse, use_case: Visits, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "workspace")
    keep_served(workspace, use_case, subjects(warehouse, use_case, [day(21)]))

    def leaks() -> list[str]:
        return find_leaks(workspace, warehouse, use_case, views=[RECENT], before=day(40))

    assert leaks() == []
    warehouse.execute("INSERT INTO core.sales VALUES ('s00', $on, $known, 999, false)",
                      {"on": day(18), "known": day(35)})  # fmt: skip
    assert leaks() == []
    warehouse.execute("UPDATE core.sales SET units = units + 1 WHERE day = $on AND shop = 's07'",
                      {"on": day(20)})  # fmt: skip
    assert "units_7 differs in 1 of 40 rows served" in leaks()


def test_a_feature_that_looks_ahead_is_found_when_its_future_has_arrived(
    warehouse: Warehouse, use_case: Visits, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "workspace")
    ahead = make_view("recent", *RECENT.windows)
    warehouse.execute(
        "CREATE VIEW core.leaking AS SELECT shop, day, arrived, promoted,"
        " sum(units) OVER (PARTITION BY shop) AS units FROM core.sales"
    )
    ahead = type(ahead)(**{**vars(ahead), "source": "core.leaking"})
    request = Request([day(59)])
    keep_served(
        workspace, use_case, read_subjects(warehouse, use_case, views=[ahead], request=request)
    )
    warehouse.execute("INSERT INTO core.sales SELECT shop, day + 30, arrived + 30, units, promoted"
                      " FROM core.sales")  # fmt: skip

    found = find_leaks(workspace, warehouse, use_case, views=[ahead], before=day(90))

    assert "newest_14 differs in 40 of 40 rows served" in found

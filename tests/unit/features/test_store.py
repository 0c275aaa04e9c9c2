"""The feature store as people use it: from Python, over a workspace on either engine."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from tests.servers import ENGINES, empty_database

import ghala
from ghala.contracts.errors import ConfigurationError, TryAgain, UsageError
from ghala.contracts.settings import Workspace
from ghala.features.definitions import Window
from ghala.features.store import FeatureStore
from ghala.warehouse.engines.opening import open_warehouse

from .conftest import EVENTS, Event, make_view, record
from .test_history import day, sale

VIEWS = """
from ghala.features.definitions import FeatureView, Window, days_since, ratio

shop = FeatureView(
    name="shop", entity=("shop",), source="core.sales", event_time="day", known_on="arrived",
    description="What a shop sells.", owner="Sales", online=True, ttl_days=60,
    windows=(
        Window("units_7", "sum", "units", 7), Window("units_30", "sum", "units", 30),
        Window("days_7", "count", "day", 7), Window("last_day", "max", "day", 365),
        Window("last_promoted", "last", "promoted", 30),
    ),
    derived=(ratio("trend", "units_7", "units_30"), days_since("idle_days", "last_day")),
)
still = FeatureView(
    name="still", entity=("shop",), source="core.sales", event_time="day", known_on="arrived",
    description="", owner="Sales", windows=(Window("units_7", "count", "units", 7),),
)
nowhere = FeatureView(
    name="nowhere", entity=("shop",), source="core.nothing", event_time="day",
    known_on="arrived", description="", owner="", windows=(Window("n", "count", "day", 7),),
)
wrong = FeatureView(
    name="wrong", entity=("shop",), source="core.sales", event_time="day", known_on="arrived",
    description="", owner="", online=True, windows=(Window("n", "sum", "unit", 7),),
)
late = FeatureView(
    name="late", entity=("shop",), source="core.sales", event_time="day", known_on="came",
    description="", owner="", online=True, windows=(Window("n", "sum", "units", 7),),
)
"""
SETTINGS = """
sources = ["completejourney"]
use_cases = ["operations/demand"]
[company]
name = "Duka"
timezone = "Africa/Nairobi"
"""
ON_POSTGRES = """
[{}]
engine = "postgres"
dsn_variable = "GHALA_TEST_STORE"
"""
SALES: list[Event] = [sale(f"s{shop}", n, n * shop) for shop in range(1, 6) for n in range(30)]


@pytest.fixture(params=ENGINES)
def store(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    *,
    postgres_server: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[FeatureStore]:
    """A workspace's store, with both its databases embedded or both on a server."""
    on_server = ON_POSTGRES.format("warehouse") + ON_POSTGRES.format("online")
    settings = SETTINGS + (on_server if request.param == "postgres" else "")
    (tmp_path / "ghala.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "shops.py").write_text(VIEWS, encoding="utf-8")
    with empty_database(postgres_server) as address:
        monkeypatch.setenv("GHALA_TEST_STORE", address)
        opened = ghala.Workspace(tmp_path).features
        with open_warehouse(opened.workspace) as warehouse:
            warehouse.execute("CREATE SCHEMA core")
            record(warehouse, SALES)
        yield opened


def materialize(store: FeatureStore, as_of: date) -> list[dict[str, object]]:
    with open_warehouse(store.workspace) as warehouse:
        return store.materialize(as_of, ["shop"], warehouse=warehouse)


def test_history_adds_what_was_asked_for_to_the_rows_in_their_order(store: FeatureStore) -> None:
    request = pl.DataFrame(
        {
            "why": ["b", "a", "new", "b", "lost"],
            "shop": ["s2", "s1", "s9", "s2", None],
            "as_of": [day(10), day(20), day(10), day(10), day(10)],
        }
    )

    found = store.history(request, ["shop.idle_days", "still.units_7", "shop.units_7"])

    assert found.select(request.columns).equals(request)
    assert found.columns[3:] == ["shop.idle_days", "still.units_7", "shop.units_7"]
    assert found["shop.units_7"].to_list() == [2 * sum(range(3, 10)), sum(range(13, 20)),
                                               None, 2 * sum(range(3, 10)), None]  # fmt: skip
    assert found["shop.idle_days"].to_list() == [1, 1, None, 1, None]
    assert found["still.units_7"].to_list() == [7, 7, None, 7, None]


def test_a_view_without_a_feature_means_all_of_them(store: FeatureStore) -> None:
    request = pl.DataFrame({"shop": ["s1"], "as_of": [day(9)]})

    assert store.history(request, ["shop"]).columns == [
        "shop", "as_of", "shop.units_7", "shop.units_30", "shop.days_7", "shop.last_day",
        "shop.last_promoted", "shop.trend", "shop.idle_days",
    ]  # fmt: skip


def test_a_time_counts_as_its_day_in_the_company_s_zone(store: FeatureStore) -> None:
    late = datetime(2024, 3, 10, 22, 30, tzinfo=UTC)  # it is the eleventh in Nairobi
    moments = pl.DataFrame({"shop": ["s1"], "as_of": [late]})
    text = pl.DataFrame({"shop": ["s1"], "as_of": ["2024-03-11"]})

    found = store.history(moments, ["shop.units_7"])

    assert found["as_of"].to_list() == [late]
    assert found["shop.units_7"].to_list() == [sum(range(3, 10))]
    assert store.history(text, ["shop.units_7"])["shop.units_7"].to_list() == [sum(range(3, 10))]


def test_what_is_kept_online_is_what_history_says_of_that_day(store: FeatureStore) -> None:
    kept = materialize(store, day(20))
    request = pl.DataFrame({"shop": ["s3", "s9", "s1", "s3", None]})

    found = store.online(request, ["shop"])

    assert kept == [{"view": "shop", "as_of": day(20), "entities": 5}]
    then = store.history(request.with_columns(as_of=day(20)), ["shop"]).drop("as_of")
    assert found.schema == then.schema
    assert found.equals(then)


def test_keeping_again_replaces_everything_that_was_kept(store: FeatureStore) -> None:
    materialize(store, day(20))
    [kept] = materialize(store, day(29 + 60))
    request = pl.DataFrame({"shop": ["s1"]})

    assert kept["entities"] == 5
    assert store.online(request, ["shop.idle_days"])["shop.idle_days"].to_list() == [60]
    [kept] = materialize(store, day(29 + 61))
    assert kept["entities"] == 0
    assert store.online(request, ["shop.idle_days"])["shop.idle_days"].to_list() == [None]


def test_what_was_kept_once_is_renewed_and_nothing_else(store: FeatureStore) -> None:
    with open_warehouse(store.workspace) as warehouse:
        assert store.renew(day(19), warehouse=warehouse) == []
        store.materialize(day(20), ["shop"], warehouse=warehouse)
        renewed = store.renew(day(21), warehouse=warehouse)

    assert [one["as_of"] for one in renewed] == [day(21)]
    found = store.online(pl.DataFrame({"shop": ["s1"]}), ["shop.last_day"])
    assert found["shop.last_day"].to_list() == [day(20)]


def test_the_check_names_what_is_kept_and_is_not_what_history_says(store: FeatureStore) -> None:
    materialize(store, day(20))
    with open_warehouse(store.workspace) as warehouse:
        assert store.check(warehouse=warehouse) == []
        table = store.kept.database.table("shop")
        with store.kept.database.writing():
            store.kept.database.execute(f"UPDATE {table} SET units_7 = 1 WHERE shop = 's4'")

        found = store.check(warehouse=warehouse)

    assert found == [f"online shop of {day(20)}: units_7 differs in 1 of 5 rows served"]


def test_the_check_counts_what_is_missing_and_what_is_stale(store: FeatureStore) -> None:
    materialize(store, day(20))
    with open_warehouse(store.workspace) as warehouse:
        table = store.kept.database.table("shop")
        with store.kept.database.writing():
            store.kept.database.execute(f"DELETE FROM {table} WHERE shop = 's4'")

        assert store.check(warehouse=warehouse, due=day(20)) == [
            f"online shop of {day(20)}: 1 of 5 entities are missing"
        ]
        record(warehouse, [*SALES, *(sale("s6", n, 1) for n in range(15))])
        found = store.check(warehouse=warehouse, due=day(21))

    assert found == [
        f"online shop of {day(20)}: 2 of 6 entities are missing",
        f"online shop of {day(20)}: stale, {day(21)} was due",
    ]


def test_what_was_kept_by_another_definition_is_stale(store: FeatureStore) -> None:
    materialize(store, day(20))
    other = FeatureStore(store.workspace)
    other.views["shop"] = replace(store.views["shop"], ttl_days=61)
    with open_warehouse(store.workspace) as warehouse:
        found = other.check(warehouse=warehouse)

    assert found == ["online shop: stale, kept by another definition"]


def test_an_entity_that_has_lapsed_since_is_answered_with_nulls(store: FeatureStore) -> None:
    with open_warehouse(store.workspace) as warehouse:
        record(warehouse, [event for event in SALES if event[0] != "s1" or event[1] < day(10)])
        store.materialize(day(30), ["shop"], warehouse=warehouse)
    request = pl.DataFrame({"shop": ["s1", "s2"]})

    def idle(as_of: date | None) -> list[int | None]:
        return store.online(request, ["shop.idle_days"], as_of=as_of)["shop.idle_days"].to_list()

    assert idle(None) == [21, 1]
    assert idle(day(9 + 60)) == [21, 1]
    assert idle(day(9 + 61)) == [None, 1]
    assert idle(day(29 + 61)) == [None, None]
    assert store.ages(["shop.idle_days"], day(33)) == [
        {"view": "shop", "as_of": day(30), "age_days": 3, "lapses_after_days": 60}
    ]


def test_values_of_another_definition_are_not_passed_off_as_this_one(store: FeatureStore) -> None:
    materialize(store, day(20))
    view = store.views["shop"]
    with pytest.raises(TryAgain, match="another definition"):
        store.kept.fetch(view, pl.DataFrame({"shop": ["s1"]}), definition="older")


@pytest.mark.parametrize(
    ("columns", "features", "kind", "said"),
    [
        ({"shop": ["s1"], "as_of": [day(1)]}, ["shop.unit_7"], UsageError, "'units_7'"),
        ({"shop": ["s1"], "as_of": [day(1)]}, ["shp.units_7"], UsageError, "'shop'"),
        ({"shop": ["s1"], "as_of": [day(1)]}, [], UsageError, "No feature"),
        ({"shop": ["s1"]}, ["shop"], UsageError, "no column 'as_of'"),
        ({"as_of": [day(1)]}, ["shop"], UsageError, "no column 'shop'"),
        ({"shop": ["s1"], "as_of": [20240301]}, ["shop"], UsageError, "no days"),
        ({"shop": ["s1"], "as_of": ["March"]}, ["shop"], UsageError, "no days"),
        ({"shop": ["s1"], "as_of": [day(1)]}, ["nowhere"], TryAgain, "is not there"),
        ({"shop": ["s", "s"], "as_of": ["", None]}, ["shop"], UsageError, "no days"),
        ({"shop": ["s", "s"], "as_of": [day(1), None]}, ["shop"], UsageError, "empty in 1 of 2"),
        (
            {"shop": ["s"], "as_of": ["2024-03-01"], "shop.units_7": [1]},
            ["shop"],
            UsageError,
            "already has the column 'shop.units_7'",
        ),
        ({"shop": ["s1"], "as_of": [day(1)]}, ["wrong"], ConfigurationError, "'wrong'.*unit"),
        ({"shop": ["s1"], "as_of": [day(1)]}, ["late"], ConfigurationError, "'late'.*came"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(
    store: FeatureStore,
    columns: dict[str, list[object]],
    *,
    features: list[str],
    kind: type,
    said: str,
) -> None:
    with pytest.raises(kind, match=said):
        store.history(pl.DataFrame(columns), features)


def test_a_view_that_is_not_kept_online_says_so(store: FeatureStore) -> None:
    request = pl.DataFrame({"shop": ["s1"]})
    with pytest.raises(UsageError, match="not declared online"):
        store.online(request, ["still"])
    with pytest.raises(TryAgain, match="never kept online"):
        store.online(request, ["shop"])
    with pytest.raises(UsageError, match=r"already has the column 'shop\.units_7'"):
        store.online(request.with_columns(pl.lit(1).alias("shop.units_7")), ["shop"])


@pytest.mark.parametrize("name", ["wrong", "late"])
def test_a_view_that_the_database_cannot_read_is_named(store: FeatureStore, name: str) -> None:
    with (
        open_warehouse(store.workspace) as warehouse,
        pytest.raises(ConfigurationError, match=f"{name!r} cannot be read"),
    ):
        store.materialize(day(20), [name], warehouse=warehouse)


def test_two_views_of_one_name_are_refused_and_one_that_is_imported_is_not(tmp_path: Path) -> None:
    (tmp_path / "ghala.toml").write_text(SETTINGS, encoding="utf-8")
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "shops.py").write_text(VIEWS, encoding="utf-8")
    (folder / "again.py").write_text(VIEWS, encoding="utf-8")
    assert "shop" in FeatureStore(Workspace(tmp_path)).views

    (folder / "other.py").write_text(VIEWS.replace("ttl_days=60", "ttl_days=61"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"'shop': in .*again\.py and in .*other\.py"):
        _ = FeatureStore(Workspace(tmp_path)).views


@pytest.mark.parametrize("view", ["my-view", "my view", "7"])
def test_a_view_that_is_no_identifier_is_refused(view: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a feature view"):
        make_view(view, Window("n", "count", "day", 7))


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
import ghala
from ghala.features import online
from ghala.warehouse.engines.opening import open_warehouse

def fill_half(self, name, frame):
    fill(self, name, frame.head(3))
    os.kill(os.getpid(), signal.SIGKILL)

kind = getattr(online, sys.argv[2])
fill, kind.fill = kind.fill, fill_half
store = ghala.Workspace(sys.argv[1]).features
with open_warehouse(store.workspace) as warehouse:
    store.materialize(date.fromisoformat(sys.argv[3]), ["shop"], warehouse=warehouse)
"""


def test_a_kill_while_values_are_written_leaves_the_old_set_whole(store: FeatureStore) -> None:
    materialize(store, day(20))
    request = pl.DataFrame({"shop": [f"s{n}" for n in range(1, 6)]})
    before = store.online(request, ["shop"])
    database = type(store.kept.database).__name__

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(store.workspace.root), database,
         day(25).isoformat()],
        check=False, env=dict(os.environ),
    )  # fmt: skip

    assert done.returncode == -signal.SIGKILL
    assert store.online(request, ["shop"]).equals(before)
    materialize(store, day(25))
    assert not store.online(request, ["shop"]).equals(before)


def test_events_and_views_speak_of_the_same_columns() -> None:
    assert set(EVENTS) >= {"shop", "day", "arrived", "units", "promoted"}

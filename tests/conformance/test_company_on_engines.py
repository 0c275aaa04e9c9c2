"""A company is known alike on both engines, to the row: with every kind of news, and simulated."""

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ghala.contracts import discovery
from ghala.contracts.discovery import packs
from ghala.contracts.errors import DataRejected
from ghala.contracts.settings import Company as Settings
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import NUMBER, TEXT, WHOLE, UseCase
from ghala.features.examples import Request, read_examples, read_subjects
from ghala.features.history import views_of
from ghala.warehouse.build import BuildResult, build
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import land
from ghala.warehouse.predictions import match_outcomes, replace_predictions
from ghala.warehouse.workspace import create_workspace
from ghala_retail.company.simulate import simulate
from ghala_retail.company.world import make_plan
from tests.conformance.test_engines import (
    LAYERS,
    Tables,
    differences,
    profile,
    read_tables,
    unequal,
)
from tests.conformance.test_sources_and_use_cases import USE_CASES
from tests.servers import ENGINES
from tests.unit.retail_warehouse.conftest import STAGES, Company

DAYS, LIMIT = 77, 180.0
"""Of the simulated company; and the seconds that all of it may take on two idle cores."""
every_layer = pytest.mark.parametrize("layer", [one for one in LAYERS if one != "platform."])
every_use_case = pytest.mark.parametrize("name", sorted(USE_CASES))
WORDS: dict[str, tuple[str | None, ...]] = {
    "action": ("change", "hold"),
    "next_arm": ("control", "up", None),
    "next_block": ("2024-03-18",),
    "segment": ("loyal", "new"),
    "stage": ("active",),
    "kind": ("offer", "category"),
    "offer": ("voucher",),
    "crew": ("core",),
    "event": ("weekend",),
}
"""What a model may say in words; of other things it says nothing."""
OF_A_POINT = ("axis_1", "axis_2", "segment_axis_1", "segment_axis_2", "inertia", "stability")
"""Figures of the map, where each item has one place."""
EMPTY_MARTS = {
    "marts_marketing.campaign_uplift",  # four weeks after what was said
    "marts_marketing.contact_list",  # everybody is in a lot
    "marts_marketing.value_accuracy",  # thirteen weeks after
    "marts_operations.fleet_next_day",  # no routes are made up
}
"""Marts of units without a row, and why."""
TOLD_LATE = {"marketing/events", "marketing/positioning", "marketing/targeting"}
"""Use cases whose first outcomes are known later than the simulated days."""
Subjects = dict[tuple[str, date], pl.DataFrame]


@dataclass
class Simulated:
    """A tiny simulated company with all use cases of the pack, on each engine."""

    seconds: dict[str, float] = field(default_factory=dict)
    tables: dict[str, Tables] = field(default_factory=dict)
    builds: dict[str, BuildResult] = field(default_factory=dict)
    subjects: dict[str, Subjects] = field(default_factory=dict)
    examples: dict[str, Tables] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> dict[str, Tables]:
    """What each engine holds after the builds of twelve days."""
    found = {}
    for engine in ENGINES:
        folder: Path = tmp_path_factory.mktemp(engine)
        with profile(engine, postgres_server):
            company = Company(folder / "duka")
            for as_of, deliver in STAGES:
                deliver(company)
                company.load(as_of)
            with open_warehouse(company.workspace) as warehouse:
                found[engine] = read_tables(warehouse)
    return found


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Simulated:
    """Both engines from the same exports; what champions say is made up once and told to both.

    On the file a build without their words came before, as in a company's first weeks.
    """
    root, seen = tmp_path_factory.mktemp("simulated"), Simulated()
    plan = make_plan("tiny", "endogenous", seed=7, days=DAYS)
    with seen.timed("simulate"):
        simulate(plan, root / "company")
    workspace = make_workspace(root / "duka", root / "company" / "inbox" / "company")
    last = plan.date(DAYS)
    said: Subjects = {}
    for engine in ENGINES:
        with profile(engine, postgres_server):
            here = Workspace(workspace.root)
            with seen.timed(f"land on {engine}"), open_warehouse(here) as warehouse:
                list(land(here, warehouse, last, allow_late=True))
            with seen.timed(f"build on {engine}"):
                if not said:
                    build(here)
                    said = make_up_words(here, last)
                tell(here, said)
                seen.builds[engine] = build(here)
            with seen.timed(f"read on {engine}"), open_warehouse(here) as warehouse:
                seen.subjects[engine] = ask_subjects(here, warehouse, last)
                seen.examples[engine] = ask_examples(here, warehouse, last)
                for use_case in discovery.use_cases(here).values():
                    match_outcomes(warehouse, use_case, last)
                seen.tables[engine] = read_tables(warehouse)
    return seen


def make_workspace(root: Path, exports: Path) -> Workspace:
    """One that carries its models' decisions out, so that the plan holds them."""
    made = create_workspace(
        root, company=Settings(name="Duka"), sources=["company"], use_cases=sorted(USE_CASES)
    )
    settings = root / "ghala.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f"{text}\n[variables]\ndecisions_planned = true\n", encoding="utf-8")
    (made.inbox / "company").symlink_to(exports)
    return Workspace(root)


def ask_subjects(workspace: Workspace, warehouse: Warehouse, last: date) -> Subjects:
    """What each use case would be asked about on two Mondays, where something is known."""
    monday, found = last - timedelta(days=last.weekday()), Subjects()
    for name, use_case in discovery.use_cases(workspace).items():
        views = views_of(workspace, use_case)
        for day in (monday - timedelta(weeks=3), monday):
            with suppress(DataRejected):
                found[name, day] = read_subjects(
                    warehouse, use_case, views=views, request=Request([day])
                )
    return found


def ask_examples(workspace: Workspace, warehouse: Warehouse, last: date) -> Tables:
    """What each use case would learn from, where anything of the first weeks has come true."""
    monday, found = last - timedelta(days=last.weekday()), Tables()
    origins = [monday - timedelta(weeks=weeks) for weeks in (5, 4)]
    for name, use_case in discovery.use_cases(workspace).items():
        views = views_of(workspace, use_case)
        with suppress(DataRejected):
            found[name] = read_examples(
                warehouse, use_case, views=views, request=Request(origins), as_of=last
            )
    return found


def make_up_words(workspace: Workspace, last: date) -> Subjects:
    """What a champion of each use case might have said of its subjects; figures go by the row."""
    cases = discovery.use_cases(workspace)
    with open_warehouse(workspace) as warehouse:
        asked = ask_subjects(workspace, warehouse, last)
    return {
        (name, day): subjects.select(
            *cases[name].key,
            *(_made_up(column, kind, subjects) for column, kind in _columns(cases[name])),
            version=pl.lit(1, pl.Int32),
            role=pl.lit("champion"),
        )
        for (name, day), subjects in asked.items()
    }


def _columns(use_case: UseCase) -> Iterable[tuple[str, str]]:
    return {**use_case.columns, **use_case.kept}.items()


def _made_up(column: str, kind: str, subjects: pl.DataFrame) -> pl.Expr:
    """A column of predictions: what the subject says itself, else one of a few values, by row."""
    row = pl.int_range(pl.len())
    if column in subjects.columns:
        return pl.col(column).cast({NUMBER: pl.Float64, WHOLE: pl.Int32, TEXT: pl.String}[kind])
    if kind == WHOLE:
        return (row % 5).cast(pl.Int32).alias(column)
    if kind == NUMBER:
        return (pl.lit(0.5) if column in OF_A_POINT else (1 + row % 9) / 10).alias(column)
    words = pl.Series(WORDS.get(column, (None,)), dtype=pl.String)
    return pl.lit(words).gather(row % len(words)).alias(column)


def tell(workspace: Workspace, said: Subjects) -> None:
    with open_warehouse(workspace) as warehouse:
        for (name, day), words in said.items():
            use_case = discovery.use_case(workspace, name)
            replace_predictions(warehouse, use_case, words, as_of=day)


@every_layer
def test_every_table_of_a_layer_is_equal_to_the_row(tables: dict[str, Tables], layer: str) -> None:
    assert unequal(tables, layer) == {}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_simulated_company_is_equal_to_the_row(simulated: Simulated, layer: str) -> None:
    held = simulated.tables["duckdb"]

    assert held["core.order_lines"].height > 20_000
    assert held["raw.quarantine"].height > 0, "its planted faults"
    assert unequal(simulated.tables, layer) == {}


def test_every_model_and_mart_of_the_pack_is_built_on_both(simulated: Simulated) -> None:
    assert not [one.failures for one in simulated.builds.values() if one.failures]
    held = simulated.tables["postgres"]

    models = {file.stem for pack in packs().values() for file in pack.rglob("*.sql")
              if "models" in file.parts or "marts" in file.parts}  # fmt: skip
    assert models <= {name.partition(".")[2] for name in held}
    of_units = {name for name in held if re.match("marts_(?!platform)", name)}
    assert {name for name in of_units if held[name].is_empty()} == EMPTY_MARTS
    decided = held["features.plan_snapshot"].filter(pl.col("what") == "decided price")
    assert decided.height > 0, "decisions are planned"


@every_use_case
def test_the_same_is_asked_of_every_use_case_on_both(simulated: Simulated, name: str) -> None:
    asked = simulated.subjects
    days = [day for one, day in asked["duckdb"] if one == name]

    assert days == [day for one, day in asked["postgres"] if one == name]
    assert days, "something is known of the newest Monday"
    for day in days:
        assert differences(*(asked[engine][name, day] for engine in ENGINES)) == []


@every_use_case
def test_the_same_is_learned_by_every_use_case_on_both(simulated: Simulated, name: str) -> None:
    learned = [simulated.examples[engine].get(name, pl.DataFrame()) for engine in ENGINES]

    assert differences(*learned) == []
    assert learned[0].height > 0 or name in TOLD_LATE


def test_a_simulated_company_comes_from_nothing_to_two_built_warehouses_within_its_time(
    simulated: Simulated,
) -> None:
    """On cores that others use too it takes as much longer as the machine has more to do."""
    print({name: round(value, 1) for name, value in simulated.seconds.items()})

    crowd = max(1.0, max(os.getloadavg()) / (os.cpu_count() or 1))
    assert sum(simulated.seconds.values()) <= LIMIT * crowd, simulated.seconds

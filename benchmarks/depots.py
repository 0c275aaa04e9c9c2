"""What the benchmarks of trucks and of people share: a company's depots as a use case sees them."""

import json
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

import ghala_retail
from ghala.contracts.discovery import use_case
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.features.examples import Request, read_examples
from ghala.features.history import views_of
from ghala.warehouse.engines.duckdb import DuckDBWarehouse
from ghala.warehouse.predictions import create_tables

RESULTS = Path(__file__).parent / "results"
MODELS = Path(ghala_retail.__file__).parent / "warehouse" / "models" / "features"
SETTINGS = """sources = ["company"]
use_cases = ["operations/demand", "operations/fleet", "operations/workforce"]
[company]
name = "benchmark"
timezone = "Africa/Nairobi"
"""


CORE = ("calendar", "location_history", "order_lines", "orders", "shifts", "tasks", "trips")
PRODUCTS = """
CREATE VIEW core.products AS SELECT * FROM company.core.product_history
WHERE superseded_on IS NULL AND valid_to IS NULL
"""


@contextmanager
def opened(company: Path) -> Iterator[tuple[Workspace, DuckDBWarehouse]]:
    """A warehouse that reads a company's core, with the two tables on depots made from the pack.

    The company is only read, and may have been built before these tables were thought of.
    """
    with TemporaryDirectory() as place:
        root = Path(place)
        (root / "ghala.toml").write_text(SETTINGS, encoding="utf-8")
        workspace = Workspace(root)
        with DuckDBWarehouse(root / "warehouse.duckdb", memory_limit="3GB") as warehouse:
            create_tables(warehouse, use_case(workspace, "operations/demand"))
            file = company / ".ghala" / "warehouse.duckdb"
            warehouse.execute(f"ATTACH '{file}' AS company (READ_ONLY)")
            for schema in ("core", "features"):
                warehouse.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            for name in CORE:
                warehouse.execute(f"CREATE VIEW core.{name} AS FROM company.core.{name}")
            warehouse.execute(PRODUCTS)
            for name in ("depot_trips", "depot_work"):
                warehouse.execute(f"CREATE TABLE features.{name} AS {_render(name)}")
            yield workspace, warehouse


def _render(name: str) -> str:
    """A model of the pack as plain SQL."""
    from jinja2 import Environment

    def local_time(moment: str) -> str:
        return f"{moment} AT TIME ZONE 'UTC' AT TIME ZONE 'Africa/Nairobi'"

    text = (MODELS / f"{name}.sql").read_text(encoding="utf-8")
    sql = Environment(autoescape=False).from_string(text)  # noqa: S701 - SQL of the pack
    return sql.render(ref=lambda name: f"core.{name}", local_time=local_time)


def examples_of(
    workspace: Workspace, warehouse: DuckDBWarehouse, found: UseCase, *, days: Sequence[date]
) -> pl.DataFrame:
    """What was asked on these days, with what then happened, whenever it became known."""
    views = views_of(workspace, found)
    return read_examples(
        warehouse, found, views=views, request=Request(days), as_of=days[-1] + timedelta(days=99)
    )


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of a few runs, and its 90 % interval by Student's t."""
    from scipy.stats import t

    given = np.asarray(values)
    half = 0.0
    if len(given) > 1:
        half = float(t.ppf(0.95, len(given) - 1) * given.std(ddof=1) / np.sqrt(len(given)))
    return float(given.mean()), float(given.mean() - half), float(given.mean() + half)


def folds(first: date, last: date, *, weeks: int) -> Iterator[tuple[date, date]]:
    """The spans that one fit has to judge: from its day to the next fit's."""
    while first < last:
        yield first, min(first + timedelta(weeks=weeks), last)
        first += timedelta(weeks=weeks)


def write(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print every seed, then the mean of each figure with its 90 % interval; keep both as JSON."""
    figures = [name for name, value in rows[0].items() if isinstance(value, float)]
    means = {figure: interval([float(row[figure]) for row in rows]) for figure in figures}
    for row in rows:
        print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}))
    for figure, (mean, low, high) in means.items():
        print(f"{figure:40} {mean:14,.4f}   90 % {low:,.4f} to {high:,.4f}   ({len(rows)} seeds)")
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"rows": list(rows), "means": means}, indent=1)
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def peak_gb() -> float:
    """The largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

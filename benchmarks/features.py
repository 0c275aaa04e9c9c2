"""How long do features take at the size of a company, offline, beside Feast and online?

    python benchmarks/features.py FOLDER --size small|full [--memory-gb 7] [--without-feast]
    python benchmarks/features.py FOLDER --size full --built WORKSPACE

Reads the orders and lines of FOLDER/company (simulated first when it is not there), or the order
lines of a WORKSPACE that was built, into a warehouse of their own, with every correction, and asks
it for

1. `customer`, 30 windows and 5 more features, for random customers and days;
2. the newest values of a history of one row per customer and day, beside Feast with its DuckDB
   offline store on the same rows, in an environment of its own; the answers are compared;
3. one customer's 30 features from the online store, again and again.

Each retrieval runs in a process of its own; memory is the largest resident size of that process as
the kernel accounts for it. Prints a table and writes JSON beside.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

import ghala
from ghala.warehouse.engines.opening import open_warehouse

RESULTS = Path(__file__).parent / "results"
GHALA = [sys.executable, "-c", "from ghala.cli.main import main; main()"]
ROWS = {"tiny": 30_000, "small": 300_000, "full": 2_000_000}
LATEST = {"tiny": (200_000, 20_000), "small": (2_000_000, 150_000), "full": (13_000_000, 1_000_000)}
GETS = 5_000
SETTINGS = """sources = ["company"]
use_cases = ["operations/demand"]
[company]
name = "benchmark"
[warehouse]
memory_gb = {}
"""
BUILT = """
CREATE TABLE core.order_lines AS
SELECT order_id, line, sku, channel, customer_id, location_id, ordered_on, is_cancelled, units,
    discount, revenue, known_on, superseded_on
FROM built.core.order_lines
"""
# The core's own rules, in one go: a state of a line counts while its order's state does.
STATES = """
SELECT *, lead(known_on) OVER (PARTITION BY {key} ORDER BY known_on) AS superseded_on
FROM (SELECT *, CAST(right(parse_filename(filename, true), 10) AS DATE) AS known_on
      FROM read_parquet({files}, filename = true))
"""
ORDER_LINES = """
CREATE TABLE core.order_lines AS
SELECT CAST(lines.order_id AS VARCHAR) AS order_id, lines.line, lines.sku, orders.channel,
    CAST(orders.customer_id AS VARCHAR) AS customer_id, orders.depot_id AS location_id,
    CAST(orders.ordered_at + INTERVAL 3 HOUR AS DATE) AS ordered_on,
    orders.status = 'cancelled' AS is_cancelled,
    CASE WHEN orders.status = 'cancelled' THEN 0 ELSE lines.units END AS units,
    CASE WHEN orders.status = 'cancelled' THEN 0 ELSE lines.discount_kes END AS discount,
    CAST(CASE WHEN orders.status = 'cancelled' THEN 0
        ELSE lines.units * lines.unit_price_kes - lines.discount_kes END
        AS DECIMAL(12, 2)) AS revenue,
    greatest(lines.known_on, orders.known_on) AS known_on,
    least(lines.superseded_on, orders.superseded_on) AS superseded_on
FROM line_states AS lines JOIN order_states AS orders USING (order_id)
WHERE (orders.superseded_on IS NULL OR lines.known_on <= orders.superseded_on)
  AND (lines.superseded_on IS NULL OR orders.known_on <= lines.superseded_on)
"""
# One row per customer and day on which they ordered.
HISTORY = """
CREATE TABLE core.latest AS
SELECT customer_id, ordered_on AS day, CAST(ordered_on + 1 AS DATE) AS known_on,
    count(DISTINCT order_id) AS orders, CAST(sum(units) AS BIGINT) AS units,
    CAST(sum(revenue) AS DOUBLE) AS spend, CAST(sum(discount) AS DOUBLE) AS discount,
    CAST(max(revenue) AS DOUBLE) AS basket
FROM core.order_lines WHERE superseded_on IS NULL AND customer_id IS NOT NULL
GROUP BY customer_id, ordered_on ORDER BY hash(customer_id, ordered_on) LIMIT {}
"""
EVERYONE = (
    "SELECT DISTINCT customer_id FROM core.order_lines WHERE customer_id IS NOT NULL ORDER BY ALL"
)
LATEST_VIEW = """
from ghala.features.definitions import FeatureView, Window

latest = FeatureView(
    name="latest", entity=("customer_id",), source="core.latest", event_time="day",
    known_on="known_on", description="The newest values.", owner="Benchmark",
    windows=tuple(Window(name, "last", name)
                  for name in ("orders", "units", "spend", "discount", "basket")),
)
"""


def measure(*command: str) -> tuple[dict[str, float], str]:
    """Wall and processor seconds, peak GB and the output of one run of a command."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{' '.join(command)} failed"
    seconds, used = time.perf_counter() - begun, usage.ru_utime + usage.ru_stime
    return {"s": seconds, "processor s": used, "GB": usage.ru_maxrss / 1e6}, said


def prepare(folder: Path, *, size: str, memory_gb: int, built: Path | None) -> Path:
    """A workspace whose warehouse holds the order lines; an earlier one is used again."""
    root = folder / "workspace"
    if (root / ".complete").is_file():
        return root
    company = folder / "company"
    if built is None and not company.exists():
        subprocess.run([*GHALA, "simulate", str(company), "--size", size], check=True)
    shutil.rmtree(root, ignore_errors=True)
    (root / "features").mkdir(parents=True)
    (root / "ghala.toml").write_text(SETTINGS.format(memory_gb), encoding="utf-8")
    (root / "features" / "latest.py").write_text(LATEST_VIEW, encoding="utf-8")
    with open_warehouse(ghala.Workspace(root).features.workspace) as warehouse:
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS core")
        if built is None:
            load(warehouse.execute, company / "inbox" / "company")
        else:
            copy(warehouse.execute, built)
        warehouse.execute(HISTORY.format(LATEST[size][0]))
    (root / ".complete").touch()
    return root


def copy(execute: Callable[[str], None], built: Path) -> None:
    """Order lines with every state, from a warehouse that is only read."""
    execute(f"ATTACH '{built / '.ghala' / 'warehouse.duckdb'}' AS built (READ_ONLY)")
    execute(BUILT)
    execute("DETACH built")


def load(execute: Callable[[str], None], inbox: Path) -> None:
    """Order lines with every state, from what the systems exported."""
    for name, key in (("order", "order_id"), ("line", "order_id, line")):
        parts = " UNION ALL ".join(
            "SELECT *, '{}' AS channel FROM ({})".format(
                channel, STATES.format(key=key, files=f"'{inbox}/{channel}_{name}s_*.parquet'")
            )
            for channel in ("web", "agent")
        )
        execute(f"CREATE TEMP TABLE {name}_states AS {parts}")
    execute(ORDER_LINES)


def ask_for(root: Path, *, rows: int, name: str) -> Path:
    """A request for random customers on random days, duplicates and strangers among them."""
    random = np.random.default_rng(7)
    with open_warehouse(ghala.Workspace(root).features.workspace) as warehouse:
        known = warehouse.frame(EVERYONE)
    everyone = known["customer_id"].to_numpy()
    chosen = everyone[random.integers(0, len(everyone), rows)]
    chosen[:: rows // 100] = "stranger"
    days = np.datetime64("2024-03-01") + random.integers(0, 670, rows)
    frame = pl.DataFrame({"customer_id": chosen.astype(str), "as_of": days.astype("datetime64[D]")})
    file = root.parent / f"{name}.parquet"
    frame.with_columns(pl.col("as_of").cast(pl.Date)).write_parquet(file)
    return file


def retrieve(root: Path, request: Path, feature: str) -> tuple[dict[str, float], Path]:
    """Seconds and GB of a retrieval by the command line, file to file."""
    answer = request.with_name(f"{request.stem}_answer.parquet")
    options = ("--feature", feature, "--out", str(answer), "--workspace", str(root))
    cost, _ = measure(*GHALA, "features", "history", str(request), *options)
    asked, found = pl.read_parquet(request), pl.read_parquet(answer)
    assert found.select(asked.columns).equals(asked), "one row in is one row out, in order"
    known = found.filter(pl.any_horizontal(pl.col(found.columns[2:]).is_not_null())).height
    return {"rows": found.height, "rows with values": known, **cost}, answer


def feast_python(folder: Path) -> Path:
    """The interpreter of Feast's own environment, made once."""
    python = folder / "feast" / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "feast")], check=True)
        install = ("-m", "pip", "install", "--quiet", "feast[duckdb]==0.67.0")
        subprocess.run([str(python), *install], check=True)
    return python


def beside_feast(root: Path, request: Path, answer: Path) -> dict[str, float]:
    """Feast's seconds and GB on the same rows, and how many of its answers differ from ours."""
    folder = root.parent
    asked = pl.read_parquet(request)
    # Feast sees what happened up to the very moment: the last second before the day.
    before = pl.col("as_of").cast(pl.Datetime("us", "UTC")) - pl.duration(seconds=1)
    number = pl.int_range(pl.len()).alias("number")
    asked.select("customer_id", number, event_timestamp=before).write_parquet(
        folder / "feast_request.parquet"
    )
    with open_warehouse(ghala.Workspace(root).features.workspace) as warehouse:
        history = warehouse.frame("SELECT * EXCLUDE (known_on) FROM core.latest")
    moment = pl.col("day").cast(pl.Datetime("us", "UTC")).alias("event_timestamp")
    history.with_columns(moment).drop("day").write_parquet(folder / "history.parquet")
    script = Path(__file__).with_name("feast_latest.py")
    cost, said = measure(str(feast_python(folder)), str(script), str(folder))
    theirs = pl.read_parquet(folder / "feast_answer.parquet").sort("number")
    ours = pl.read_parquet(answer).with_columns(number)
    both = ours.join(theirs, on="number", how="left")
    names = ("orders", "units", "spend", "discount", "basket")
    wrong = [pl.col(f"latest.{name}").ne_missing(pl.col(name)) for name in names]
    return {
        "rows": theirs.height,
        "rows lost": asked.height - theirs.height,
        "answers that differ": both.filter(pl.any_horizontal(wrong)).height,
        "retrieval alone (s)": float(said.split()[-1]),
        **cost,
    }


def answer_online(root: Path) -> dict[str, float]:
    """Milliseconds of one customer's 30 features, one get after another in one process."""
    store = ghala.Workspace(root).features
    begun = time.perf_counter()
    with open_warehouse(store.workspace) as warehouse:
        [kept] = store.materialize(date(2025, 12, 1), ["customer"], warehouse=warehouse)
        names = [f"customer.{window.name}" for window in store.views["customer"].windows]
        some = warehouse.frame(f"SELECT * FROM ({EVERYONE}) AS everyone USING SAMPLE 5000 ROWS")
    taken = time.perf_counter() - begun
    times, used = [], []
    for customer in np.resize(some["customer_id"].to_list(), GETS):
        request = pl.DataFrame({"customer_id": [customer]})
        begun, before = time.perf_counter(), time.process_time()
        answer = store.online(request, names)
        times.append(1000 * (time.perf_counter() - begun))
        used.append(1000 * (time.process_time() - before))
        assert answer.shape == (1, 1 + len(names))
    p50, p99 = np.percentile(times, [50, 99])
    return {
        "features": len(names),
        "entities kept": float(str(kept["entities"])),
        "materialize (s)": taken,
        "gets": GETS,
        "p50 (ms)": float(p50),
        "p99 (ms)": float(p99),
        "p99, processor (ms)": float(np.percentile(used, 99)),
    }


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=sorted(ROWS), default="small")
    parser.add_argument("--memory-gb", type=int, default=7)
    parser.add_argument("--without-feast", action="store_true")
    parser.add_argument("--built", type=Path, help="a workspace whose warehouse is built")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    built = chosen.built.resolve() if chosen.built else None
    root = prepare(
        chosen.folder.resolve(), size=chosen.size, memory_gb=chosen.memory_gb, built=built
    )
    result: dict[str, dict[str, float]] = {
        "preparation": {"s": time.perf_counter() - begun, "cores": os.cpu_count() or 0}
    }
    request = ask_for(root, rows=ROWS[chosen.size], name="windows")
    result["history, 30 windows"], _ = retrieve(root, request, "customer")
    request = ask_for(root, rows=LATEST[chosen.size][1], name="latest")
    result["newest values"], answer = retrieve(root, request, "latest")
    if not chosen.without_feast:
        result["newest values, Feast"] = beside_feast(root, request, answer)
        ours, theirs = result["newest values"], result["newest values, Feast"]
        ours["times faster than Feast"] = theirs["s"] / ours["s"]
        ours["times faster than Feast's retrieval alone"] = (
            theirs["retrieval alone (s)"] / ours["s"]
        )
    result["online"] = answer_online(root)
    for part, figures in result.items():
        for name, figure in figures.items():
            print(f"{part:25} {name:38} {figure:14,.2f}")
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"features_{chosen.size}.json"
    file.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

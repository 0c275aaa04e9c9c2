"""A tiny shop in a real workspace, and a process that does the steps of its loop when told.

Run as a program, it imports everything once and then forks a worker per line of its input
(``STEP YYYY-MM-DD``), so that a hundred steps can be killed without a hundred cold starts. It
answers ``begun PID`` when the worker starts its step and ``ended CODE`` when it is over.
"""

import os
import sys
import traceback
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ghala.contracts.settings import Company, Workspace

FIRST = date(2026, 3, 2)
ROWS, BAD = 40, 4
CONTRACT = """
description: A shop's till, one file a day.
provenance: Made up for these tests.
licence: Apache-2.0
timezone: Africa/Nairobi
feeds:
  sales:
    description: One line of a receipt.
    format: csv
    key: [receipt, sku]
    columns:
      receipt: {type: varchar, required: true}
      sku: {type: varchar, required: true}
      units: {type: integer, required: true}
      amount: {type: "decimal(12,2)", required: true}
      sold_on: {type: date, required: true}
    rules:
      - {name: sold_units, check: this.units > 0, reason: a sale has a unit}
"""
STAGING = {
    "order_lines": """
SELECT receipt AS order_id, sku, 'c' || sku AS customer_id, 'duka' AS location_id,
    CAST(sold_on AS TIMESTAMP) AS ordered_at, sold_on AS ordered_on, units,
    amount AS revenue, 0 AS discount, 'KES' AS currency, _arrived_on AS known_on, _batch AS batch
FROM {{ source('raw', 'duka__sales') }}
""",
    "products": """
SELECT sku, min(_arrived_on) AS known_on, min(_batch) AS batch
FROM {{ source('raw', 'duka__sales') }} GROUP BY sku
""",
}
MART = """
-- One row: how many lines the build holds.
SELECT count(*) AS lines, sum(units) AS units FROM {{ ref('order_lines') }}
"""


def open_shop(root: Path) -> Workspace:
    """A workspace whose only source is the shop, with a mart that counts its lines."""
    from ghala.warehouse.workspace import create_workspace

    made = create_workspace(
        root,
        company=Company(name="Duka", demo=True),
        sources=["duka"],
        use_cases=["operations/demand"],
    )
    files = {f"sources/duka/staging/stg_duka__{name}.sql": sql for name, sql in STAGING.items()}
    files |= {
        "sources/duka/contract.yml": CONTRACT,
        "warehouse/models/marts/operations/duka_lines.sql": MART,
    }
    for name, content in files.items():
        file = made.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return made


def sell(workspace: Workspace, day: int, *, rows: int = ROWS) -> None:
    """Deliver one day's file: ``rows`` lines, the last ``BAD`` of which break a rule."""
    arrived = FIRST + timedelta(days=day)
    lines = [
        f"d{day}r{n},s{n % 9},{0 if n >= rows - BAD else 1 + n % 5},{n}.50,{arrived}\n"
        for n in range(rows)
    ]
    folder = workspace.inbox / "duka"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".partial"
    partial.write_text("receipt,sku,units,amount,sold_on\n" + "".join(lines), encoding="utf-8")
    partial.replace(folder / f"sales_{arrived}.csv")


@dataclass(frozen=True)
class Worker:
    """Does one step of the loop in a process of its own."""

    workspace: Workspace

    def do(self, step: str, as_of: date) -> int:
        """Run ``land``, ``build``, ``publish`` or ``all`` of them; 0 when it went well."""
        from ghala import flow

        house = flow.House(self.workspace, "duka")
        with house.working():
            for one in ("land", "build", "publish") if step == "all" else (step,):
                getattr(flow, one)(house, as_of)
        return 0

    def fork(self, step: str, as_of: date) -> int:
        """Fork a child for the step and wait for its end, which may be a signal."""
        child = os.fork()
        if child == 0:
            code = 70
            try:
                print(f"begun {os.getpid()}", flush=True)
                code = self.do(step, as_of)
            except Exception:  # the parent tells the test
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Serve the steps that standard input asks for."""
    import dbt.adapters.duckdb.connections
    import dbt.adapters.postgres.connections
    import dbt.cli.main
    import dvc.repo

    from ghala import flow
    from ghala.warehouse import build, landing, publish, snapshots
    from ghala.warehouse.engines import postgres

    warm = (dbt.cli.main, dbt.adapters.duckdb.connections, dvc.repo, flow, postgres)
    assert all((*warm, dbt.adapters.postgres.connections, build, landing, publish, snapshots))
    worker = Worker(Workspace(Path(sys.argv[1])))
    print("ready", flush=True)
    for line in sys.stdin:
        step, day = line.split()
        print(f"ended {worker.fork(step, date.fromisoformat(day))}", flush=True)


if __name__ == "__main__":
    main()

"""The truth about a simulated company: written apart, read by whoever judges a model.

No model, feature or source may import this module; a test sees to that.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl

from ghala.contracts.errors import UsageError, suggest

TABLES = {
    "elasticities": "SKU x zone: own-price elasticity, and the price that would earn most",
    "segment_elasticities": "SKU x segment: own-price elasticity",
    "skus": "SKU: attraction, slope, reference price and elasticity there",
    "customers": "customer: segment, price weight, visits a day, whom offers put off, last day",
    "agents": "agent: skill, chance to relay an offer, last day",
    "promotions": "promotion: lift, and where it came from; units and KES",
    "campaigns": "campaign: contacts, who was reached, visits it caused",
    "responses": "campaign x customer drawn: visits missed at its start, uplift type",
    "lost_demand": "SKU x depot x day: units that nobody could sell",
    "days": "day: visits, units wanted, lost, substituted; orders, revenue, margin",
}


def write_table(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Write one table of the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(folder / f"{name}.parquet")


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Write what is no table: the plan, shocks, faults and parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(facts, indent=1, sort_keys=True)
    (folder / "facts.json").write_text(text, encoding="utf-8")


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """One table of the truth of a simulation; ``folder`` holds its inbox and truth.

    Raises:
        UsageError: there is no such table, or no simulation.
    """
    if name not in TABLES:
        raise UsageError(f"No table {name!r}. {suggest(name, TABLES)}", "Name one of these.")
    file = folder / "truth" / f"{name}.parquet"
    if not file.is_file():
        raise UsageError(f"{folder} holds no truth.", "Make it: ghala simulate OUT")
    return pl.read_parquet(file)


def read_facts(folder: Path) -> dict[str, Any]:
    """The plan, shocks, faults and parameters of a simulation."""
    facts: dict[str, Any] = json.loads((folder / "truth" / "facts.json").read_text("utf-8"))
    return facts

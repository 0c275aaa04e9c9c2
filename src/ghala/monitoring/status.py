"""The state of everything, in plain values, from the ledger alone."""

from collections import defaultdict
from datetime import date
from typing import Any

from ghala.contracts.discovery import use_cases
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.ledger.book import Ledger
from ghala.ledger.tables import Entry
from ghala.warehouse.contract import read_sources
from ghala.warehouse.entities import find_obstacles


def describe(workspace: Workspace, ledger: Ledger) -> dict[str, Any]:
    """Every use case and every source, as the console, the API and the CLI show them."""
    company, obstacles = workspace.settings.company, find_obstacles(workspace)
    published, ran = ledger.last("publication"), ledger.last("run")
    return {
        "workspace": company.name,
        "currency": company.currency,
        "timezone": company.timezone,
        "as_of": _day(published) or _day(ran),
        "build": published.body["build"] if published else None,
        "use_cases": [
            {**_use_case(ledger, found), "skipped": obstacles.get(name)}
            for name, found in use_cases(workspace).items()
        ],
        "sources": _sources(workspace, ledger),
    }


def _use_case(ledger: Ledger, use_case: UseCase) -> dict[str, Any]:
    name = use_case.name
    watched = ledger.last("monitoring", name)
    held = ledger.holders(name)
    training, scoring = ledger.last("training", name), ledger.last("scoring", name)
    return {
        "name": name,
        "unit": use_case.unit,
        "owner": use_case.policy.owner,
        "predicts": use_case.noun,
        "schedule": use_case.policy.schedule,
        "reads": list(use_case.reads),
        "stages": {
            stage: {"version": holder.version, "since": holder.since.isoformat()}
            for stage, holder in held.items()
        },
        "last_training": _what(training),
        "last_scoring": _what(scoring),
        "waits": _waits(ledger, name, training),
        "accuracy": watched.body["accuracy"] if watched else [],
        "drift": watched.body["drift"] if watched else None,
        "alerts": [
            {"as_of": _day(watched), "message": message}
            for message in (watched.body["alerts"] if watched else [])
        ],
        "next_retrain": _next_retrain(watched, training),
        "awaiting_approval": [
            {
                "version": entry.version,
                "role": entry.body["role"],
                "pack": _pack(ledger, name, entry.version),
            }
            for entry in ledger.entries("request", name)
            if "uat" in held and held["uat"].version == entry.version
        ],
    }


def _waits(ledger: Ledger, name: str, training: Entry | None) -> str | None:
    """Why the newest wish to train could not be met yet."""
    wait = ledger.last("wait", name)
    if wait is None or (training is not None and training.number > wait.number):
        return None
    return str(wait.body["message"])


def _next_retrain(watched: Entry | None, training: Entry | None) -> dict[str, Any]:
    if watched is None:
        return {"due": True, "on": None, "reasons": ["never trained"]}
    decision = watched.body["decision"]
    if decision["due"] and training is not None and training.number > watched.number:
        return {"due": False, "on": None, "reasons": []}
    return {"due": decision["due"], "on": decision["next_due"], "reasons": decision["reasons"]}


def _sources(workspace: Workspace, ledger: Ledger) -> list[dict[str, Any]]:
    by_feed: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in ledger.entries("batch"):
        by_feed[entry.body["source"], entry.body["feed"]].append(entry.body)
    rows = []
    for source, contract in read_sources(workspace).items():
        for feed, spec in contract.feeds.items():
            batches = by_feed[source, feed]
            rows.append(
                {
                    "source": source,
                    "feed": feed,
                    "description": spec.description,
                    "batches": len(batches),
                    "rows_landed": sum(batch["rows_in"] for batch in batches),
                    "rows_loaded": sum(batch["rows_loaded"] for batch in batches),
                    "rows_quarantined": sum(batch["rows_quarantined"] for batch in batches),
                    "last_arrival": max((b["arrived_on"] for b in batches), default=None),
                    "benchmark": contract.benchmark,
                    "provenance": contract.provenance,
                    "licence": contract.licence,
                }
            )
    return rows


def _pack(ledger: Ledger, name: str, version: int | None) -> str | None:
    kept = ledger.last("pack", name, version=version)
    return str(kept.body["file"]) if kept else None


def _what(entry: Entry | None) -> dict[str, Any] | None:
    return {"version": entry.version, "as_of": _day(entry)} if entry else None


def _day(entry: Entry | None) -> str | None:
    day: date | None = entry.as_of if entry else None
    return day.isoformat() if day else None

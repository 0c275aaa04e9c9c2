"""The facts of the ledger as sentences."""

import json
from collections.abc import Callable
from typing import Any

from ghala.ledger.tables import Entry

Body = dict[str, Any]


def tell(entry: Entry) -> dict[str, Any]:
    """One fact: who, when, what, and one sentence that says it."""
    sentence = _SENTENCES.get(entry.kind)
    return {
        "number": entry.number,
        "as_of": entry.as_of.isoformat() if entry.as_of else None,
        "recorded_at": entry.recorded_at.isoformat() + "Z",
        "kind": entry.kind,
        "use_case": entry.use_case,
        "version": entry.version,
        "actor": entry.actor,
        "words": sentence(entry.version, entry.body) if sentence else entry.kind,
    }


def in_full(entry: Entry) -> dict[str, Any]:
    """One fact with all that it holds, and the sentence that says it."""
    columns = ("number", "kind", "use_case", "version", "as_of", "actor", "recorded_at", "digest")
    held = {name: getattr(entry, name) for name in columns}
    return {**held, "words": tell(entry)["words"], "body": json.dumps(entry.body)}


def _batch(_version: int | None, body: Body) -> str:
    return (
        f"{body['source']}/{body['file']}: {body['rows_in']:,} rows in,"
        f" {body['rows_loaded']:,} loaded, {body['rows_quarantined']:,} quarantined"
    )


def _verdict(version: int | None, body: Body) -> str:
    failed = [v["reason"] for v in body["verdicts"] if v["decision"] != "pass"]
    said = "passed" if body["passed"] else "failed"
    return f"version {version} {said} the gates of {body['stage']}. {' '.join(failed)}".strip()


def _decision(_version: int | None, body: Body) -> str:
    said = "retrain" if body["due"] else "keep"
    return f"{said}: {'; '.join(body['reasons']) or 'nothing asks for a new version'}"


def _training(version: int | None, body: Body) -> str:
    return f"version {version} trained, because {'; '.join(body['reasons'])}"


def _scoring(_version: int | None, body: Body) -> str:
    roles = ", ".join(f"version {version} as {role}" for version, role in body["roles"].items())
    return f"{body['rows']:,} predictions by {roles}"


def _monitoring(_version: int | None, body: Body) -> str:
    drift = f", {body['drift']['share']:.0%} of the inputs drifted" if body["drift"] else ""
    return f"{body['outcomes']:,} outcomes matched{drift}"


_SENTENCES: dict[str, Callable[[int | None, Body], str]] = {
    "batch": _batch,
    "snapshot": lambda _v, body: f"{body['files']} files are snapshot {body['address']}",
    "restoration": lambda _v, body: (
        f"{body['files']} landed files are again those of snapshot {body['address']}"
    ),
    "release": lambda _v, body: (
        f"{body['rows']:,} rows of {body['source']}/{body['feed']} batch {body['from_batch']}"
        f" released into batch {body['into_batch']}: {body['reason']}"
    ),
    "refusal": lambda _v, body: body["message"],
    "build": lambda _v, body: (
        "; ".join(body["failures"])
        or f"{body['models']} models built, {body['tests_passed']} tests passed"
    ),
    "training": _training,
    "verdict": _verdict,
    "transition": lambda v, body: f"version {v} to {body['to']}: {body['reason']}",
    "request": lambda v, body: (
        f"version {v} asks for the approval of"
        f" {'someone' if body.get('people', 1) == 1 else '{} people'.format(body['people'])}"
        f" with the role {body['role']}"
    ),
    "pack": lambda v, body: f"what version {v} is signed by: {body['file']}",
    "approval": lambda v, body: f"version {v} approved. {body['comment']}",
    "reproduction": lambda v, body: (
        f"version {v} was made again"
        f" {'with the same result' if body['is_reproduced'] else 'with another result'}"
        f"{': ' if body['differs'] else ''}{'; '.join(body['differs'][:5])}"
    ),
    "rejection": lambda v, body: f"version {v} rejected. {body['comment']}",
    "scoring": _scoring,
    "monitoring": _monitoring,
    "decision": _decision,
    "wait": lambda _v, body: body["message"],
    "alert": lambda _v, body: body["message"],
    "publication": lambda _v, body: f"build {body['build']} published",
    "run": lambda _v, _body: "the loop ran to its end",
}

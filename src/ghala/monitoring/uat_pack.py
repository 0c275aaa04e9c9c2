"""The UAT pack: one page that shows a business user two versions side by side, with money."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ghala.contracts.dialect import quoted
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.evaluation.bootstrap import relative_gain
from ghala.evaluation.gates import name_entities
from ghala.ledger.book import Ledger, Note
from ghala.monitoring.outcomes import measure, write_loss
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.manifest import write_durably
from ghala.warehouse.predictions import create_tables, outcome_key, outcomes_of, predictions_of

_EXAMPLES = 20
_WEEKS = 52


@dataclass(frozen=True)
class Pair:
    """The version in UAT and whom it stands beside; None is the baseline."""

    version: int
    champion: int | None

    @property
    def rival(self) -> str:
        """Whom it stands beside, in words."""
        return "the simple rule" if self.champion is None else f"version {self.champion}"

    def answer_of(self, use_case: UseCase) -> str:
        """The column of the rival's predictions that holds its answer."""
        return use_case.baseline if self.champion is None else use_case.answer


def pack_file(workspace: Workspace, use_case: str, version: int) -> Path:
    """Where the pack of a version is kept."""
    return workspace.reports / use_case / f"uat-{version}.html"


def write_pack(
    workspace: Workspace,
    warehouse: Warehouse,
    use_case: UseCase,
    *,
    ledger: Ledger,
    pair: Pair,
    as_of: date,
) -> Path:
    """Write the pack of a version in UAT, and its digest into the ledger."""
    rows, beside = _both(warehouse, use_case, pair, as_of=as_of)
    shown = {
        **_story(workspace, use_case, ledger, pair=pair),
        "as_of": as_of,
        "compared": _compare(warehouse, use_case, pair, as_of=as_of),
        "money": _count_money(use_case, rows, beside, who=pair.answer_of(use_case)),
        **_examples(use_case, rows, pair),
    }
    file = pack_file(workspace, use_case.name, pair.version)
    file.parent.mkdir(parents=True, exist_ok=True)
    page = _render(shown)
    write_durably(file, page)
    digest = hashlib.sha256(page.encode()).hexdigest()
    body = {"file": file.relative_to(workspace.root).as_posix(), "sha256": digest}
    key = f"pack:{use_case.name}:{pair.version}:{digest}"
    ledger.append(Note("pack", body, use_case.name, pair.version, as_of, key))
    return file


def _render(shown: dict[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("uat_pack.html").render(shown)


def _story(
    workspace: Workspace, use_case: UseCase, ledger: Ledger, *, pair: Pair
) -> dict[str, Any]:
    trained = ledger.last("training", use_case.name, version=pair.version)
    said = ledger.entries("verdict", use_case.name, version=pair.version)
    newest = {entry.body["stage"]: entry.body["verdicts"] for entry in said}
    rule, company = use_case.policy.approval, workspace.settings.company
    return {
        "name": use_case.name,
        "version": pair.version,
        "rival": pair.rival,
        "company": company.name,
        "currency": company.currency,
        "trained_by": trained.actor if trained else "unknown",
        "trained_as_of": trained.as_of if trained else "unknown",
        "reasons": trained.body["reasons"] if trained else [],
        "verdicts": [verdict for verdicts in newest.values() for verdict in verdicts],
        "people": rule.people,
        "role": rule.role,
    }


def _compare(
    warehouse: Warehouse, use_case: UseCase, pair: Pair, *, as_of: date
) -> list[dict[str, Any]]:
    def look(version: int, beside: int | None) -> list[Any]:
        return measure(
            warehouse, use_case, as_of=as_of, weeks=_WEEKS, version=version, beside=beside
        )

    champion = pair.champion
    beside = {} if champion is None else {a.grain: a.loss for a in look(champion, pair.version)}
    return [
        {
            "group": one.grain or use_case.name,
            "metric": one.metric.replace("_", " "),
            "weeks": one.weeks,
            "own": write_loss(one.metric, one.loss).split()[-1],
            "rival": write_loss(one.metric, beside.get(one.grain, one.baseline_loss)).split()[-1],
            "baseline": write_loss(one.metric, one.baseline_loss).split()[-1],
        }
        for one in look(pair.version, champion)
    ]


def _both(
    warehouse: Warehouse, use_case: UseCase, pair: Pair, *, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What each said of the same subjects, row by row, and what happened where it is known.

    The first frame also holds the rival's answer, in ``rival``. Without a champion both frames are
    the version's own, which carry the baseline's answer.
    """
    create_tables(warehouse, use_case)
    rows = _said(warehouse, use_case, pair.version, as_of=as_of)
    if pair.champion is None:
        return rows.with_columns(rival=pl.col(use_case.baseline)), rows
    theirs = _said(warehouse, use_case, pair.champion, as_of=as_of)
    keys = list(use_case.key)
    rows = rows.join(
        theirs.select(*keys, rival=pl.col(use_case.answer)),
        on=keys, how="inner", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    beside = rows.select(keys).join(
        theirs, on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return rows, beside


def _said(warehouse: Warehouse, use_case: UseCase, version: int, *, as_of: date) -> pl.DataFrame:
    """All that a version said until a day; ``actual`` is null where it is not known yet."""
    own = ", ".join(f"own.{quoted(c)}" for c in (*use_case.key, *use_case.columns, *use_case.kept))
    return warehouse.frame(
        f"""
        SELECT {own}, happened.actual
        FROM {predictions_of(use_case)} AS own
        LEFT JOIN {outcomes_of(use_case)} AS happened
            ON {_equal("happened", outcome_key(use_case))} AND happened.known_on <= $as_of
        WHERE own.version = $version AND own.as_of <= $as_of
        ORDER BY {", ".join(f"own.{quoted(name)}" for name in use_case.key)}""",  # noqa: S608 - the columns of the use case
        {"as_of": as_of, "version": version},
    )


def _equal(other: str, key: Sequence[str]) -> str:
    return " AND ".join(f"{other}.{quoted(name)} = own.{quoted(name)}" for name in key)


def _count_money(
    use_case: UseCase, rows: pl.DataFrame, beside: pl.DataFrame, *, who: str
) -> dict[str, Any] | None:
    """What acting on each would have cost, where it is known what happened."""
    known, theirs = (said.filter(pl.col("actual").is_not_null()) for said in (rows, beside))
    if use_case.money is None or known.is_empty():
        return None
    costs = [
        use_case.losses(known, use_case.money, who=use_case.answer),
        use_case.losses(theirs, use_case.money, who=who),
    ]
    own, rival = (float(cost.to_numpy().sum()) for cost in costs)
    gates, seed = use_case.policy.gates, use_case.policy.seed
    pairs = pl.DataFrame(
        {"series": name_entities(use_case, known), "loss": costs[0], "rival": costs[1]}
    )
    gain = relative_gain(pairs, confidence=gates.confidence, seed=seed)
    low, high = sorted((gain.low * rival, gain.high * rival))
    return {
        "rows": f"{known.height:,}",
        "own": f"{own:,.0f}",
        "rival": f"{rival:,.0f}",
        "gain": f"{abs(rival - own):,.0f}",
        "is_less": own <= rival,
        "interval": f"with {gates.confidence:.0%} confidence {low:,.0f} to {high:,.0f} less",
    }


def _examples(use_case: UseCase, rows: pl.DataFrame, pair: Pair) -> dict[str, Any]:
    """The subjects of which the two say the most different things."""
    answer = pl.col(use_case.answer)
    if rows[use_case.answer].dtype.is_numeric():
        differing = rows.with_columns(gap=(answer - pl.col("rival")).abs()).sort(
            "gap", descending=True, maintain_order=True
        ).filter(pl.col("gap") > 0)  # fmt: skip
    else:
        differing = rows.filter(answer != pl.col("rival"))
    shown = differing.head(_EXAMPLES).select(*use_case.key, use_case.answer, "rival", "actual")
    named = {use_case.answer: f"version {pair.version}", "rival": pair.rival, "actual": "happened"}
    columns = [named.get(name, name.replace("_", " ")) for name in shown.columns]
    return {
        "example_columns": columns,
        "examples": [[_write(value) for value in row] for row in shown.rows()],
    }


def _write(value: Any) -> str:
    if value is None:
        return "not known yet"
    return f"{value:,.1f}" if isinstance(value, float) else str(value)

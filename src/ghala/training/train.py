"""Train one version: examples, backtest, final fit, everything logged and signed."""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from ghala.contracts import clock
from ghala.contracts.errors import DataRejected
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.evaluation.gates import name_entities, split
from ghala.evaluation.probes import Probed
from ghala.features.checks import find_early_labels
from ghala.features.definitions import FeatureView
from ghala.features.examples import Request, find_caps, read_examples
from ghala.features.history import views_of
from ghala.features.questions import ORIGINS, require_answers, require_used
from ghala.features.served import find_leaks
from ghala.features.training_set import describe_rows, keep_training_set
from ghala.registry.versions import REFERENCE, Registry, RunRecord
from ghala.training.backtest import backtest, fit, folds, judge, origins_before
from ghala.training.plots import draw_backtest
from ghala.training.probing import probe
from ghala.training.provenance import keep_provenance, uncommitted
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.snapshots import current_snapshot

REFERENCE_ROWS = 4000
BACKTEST = "backtest.parquet"
CHAMPION = "champion.parquet"


@dataclass(frozen=True)
class Trained:
    """A new version, and the backtest that its gates will look at."""

    version: int
    run: str
    figures: dict[str, float]
    leaks: list[str]
    probes: Probed
    features: str
    rows: int


@dataclass(frozen=True)
class Material:
    """What a version learns from, read before the warehouse is closed."""

    examples: pl.DataFrame
    views: list[FeatureView]
    leaks: list[str]


def gather(
    workspace: Workspace, warehouse: Warehouse, use_case: UseCase, *, as_of: date
) -> Material:
    """Read the examples known on ``as_of``, and look for leaks in them.

    Raises:
        DataRejected: no outcome was known yet.
    """
    views = views_of(workspace, use_case)
    require_used(workspace, use_case, views)
    require_answers(warehouse, use_case)
    request = _request(warehouse, use_case, as_of)
    leaks = find_leaks(workspace, warehouse, use_case, views=views, before=as_of)
    examples = read_examples(warehouse, use_case, views=views, request=request, as_of=as_of)
    return Material(examples, views, [*find_early_labels(examples, as_of), *leaks])


def train(
    workspace: Workspace,
    use_case: UseCase,
    material: Material,
    *,
    as_of: date,
    champion: int | None,
) -> Trained:
    """Fit, backtest, log and register a version on what was known on ``as_of``.

    Raises:
        DataRejected: too little was known to learn and to judge.
    """
    examples = material.examples
    judged = _judge(use_case, examples, as_of)
    model = fit(use_case, examples)
    registry = Registry(workspace)
    with tempfile.TemporaryDirectory(dir=workspace.state) as place:
        record = _record(workspace, use_case, material, folder=Path(place), as_of=as_of)
        features = record.tags["ghala.features"]
        record.metrics.update(_figures(use_case, judged))
        use_case.save(model, record.model)
        _sample(examples, use_case).write_parquet(record.model / REFERENCE)
        draw_backtest(use_case, judged, folder=record.plots)
        probed = probe(use_case, examples, as_of=as_of, model=record.model)
        judged.write_parquet(record.model / BACKTEST)
        if champion is not None:
            beside = _judge_champion(registry, use_case, examples, champion=champion, as_of=as_of)
            beside.write_parquet(record.model / CHAMPION)
        version = registry.register(use_case.name, record)
    run = registry.run_of(use_case.name, version)
    return Trained(version, run, record.metrics, material.leaks, probed, features, examples.height)


def read_backtest(
    workspace: Workspace, use_case: str, version: int
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The backtest that was kept with a version, and the champion's over the same weeks."""
    model = Registry(workspace).fetch(use_case, version)
    beside = model / CHAMPION
    champion = pl.read_parquet(beside) if beside.is_file() else None
    return pl.read_parquet(model / BACKTEST), champion


def _request(warehouse: Warehouse, use_case: UseCase, as_of: date) -> Request:
    rule = use_case.policy.backtest
    weeks = rule.training_origins + rule.weeks
    first = _first_origin(warehouse, use_case, as_of=as_of, weeks=weeks)
    origins = origins_before(use_case, as_of, first=first, weeks=weeks)
    judged_from = next(folds(use_case, as_of))[0]
    caps = find_caps(warehouse, use_case, origin=origins[-1], most=rule.most_subjects)
    return Request(origins, rule.training_share, judged_from, caps)


def _first_origin(warehouse: Warehouse, use_case: UseCase, *, as_of: date, weeks: int) -> date:
    """The first day from which something can be learned.

    Outcomes of the days after ``as_of`` have an origin of their own; others must have been known.
    """
    candidates = origins_before(use_case, as_of, first=date.min, weeks=weeks)
    warehouse.keep("origins", ORIGINS, {"days": candidates})
    column = "as_of" if "as_of" in use_case.target else "known_on"
    first = warehouse.scalar(
        f"SELECT min({column}) FROM ({use_case.outcomes_sql}) AS happened"  # noqa: S608 - the use case's own
    )
    if not isinstance(first, date) or first > candidates[-1]:
        raise DataRejected(
            f"{use_case.name}: no outcome was known by {as_of}; the first came on {first}.",
            "Train on a later --as-of.",
        )
    return first


def _judge(use_case: UseCase, examples: pl.DataFrame, as_of: date) -> pl.DataFrame:
    judged = backtest(use_case, examples, as_of=as_of)
    if judged.is_empty():
        raise DataRejected(
            f"{use_case.name}: what was known by {as_of} does not reach back far enough for a"
            f" backtest of {use_case.policy.backtest.weeks} weeks.",
            "Train on a later --as-of, or shorten the backtest in the policy.",
        )
    return judged


def _judge_champion(
    registry: Registry, use_case: UseCase, examples: pl.DataFrame, *, champion: int, as_of: date
) -> pl.DataFrame:
    """The champion's predictions of the folds that began after it was trained: unseen by it."""
    trained = date.fromisoformat(registry.parameter(use_case.name, champion, "as_of"))
    starts = [start for start, _ in folds(use_case, as_of) if start >= trained]
    unseen = examples.filter(pl.col("as_of") >= min(starts, default=as_of))
    model = use_case.load(registry.fetch(use_case.name, champion))
    return judge(use_case, model, unseen)


def _record(
    workspace: Workspace, use_case: UseCase, material: Material, *, folder: Path, as_of: date
) -> RunRecord:
    examples = material.examples
    origin = describe_rows(use_case, examples, views=material.views, as_of=as_of)
    kept = keep_training_set(workspace, examples, origin)
    model, plots = folder / "model", folder / "plots"
    for made in (model, plots):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
    snapshot = current_snapshot(workspace)
    tags = {
        "ghala.use_case": use_case.name,
        "ghala.owner": use_case.policy.owner,
        "ghala.git_commit": snapshot.commit,
        "ghala.data_snapshot": snapshot.address,
        "ghala.uncommitted": ", ".join(uncommitted(workspace)) or "nothing",
        "ghala.features": origin.definitions,
        "ghala.training_set": kept,
        **keep_provenance(model, origin.columns),
    }
    parameters: dict[str, str | int | float] = {
        "as_of": as_of.isoformat(),
        "seed": use_case.policy.seed,
        "rows": examples.height,
        "origins": examples["as_of"].n_unique(),
        "policy": hashlib.sha256(
            json.dumps(use_case.policy.model_dump(), sort_keys=True).encode()
        ).hexdigest()[:16],
    }
    return RunRecord(parameters, {}, tags, model, plots)


def _figures(use_case: UseCase, judged: pl.DataFrame) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, rows in split(use_case, judged):
        found = use_case.figures(rows)
        for who in (use_case.answer, *use_case.baselines):
            loss = use_case.losses(rows, use_case.headline, who=who)
            found[f"{who}.{use_case.headline}"] = float(loss.to_numpy().mean())
        found["entities"] = float(name_entities(use_case, rows).n_unique())
        figures |= {f"{name}.{figure}" if name else figure: v for figure, v in found.items()}
    return figures


def _sample(examples: pl.DataFrame, use_case: UseCase) -> pl.DataFrame:
    recent = examples.filter(pl.col("as_of") >= pl.col("as_of").max() - 8 * clock.WEEK)
    return recent.sample(min(REFERENCE_ROWS, recent.height), seed=use_case.policy.seed)

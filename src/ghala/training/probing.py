"""Try a version out while its examples are at hand: shuffled outcomes, other seeds, time, size."""

from datetime import date
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from ghala.contracts.use_case import UseCase, hindsight_of
from ghala.evaluation.metrics import relative_difference
from ghala.evaluation.pairs import beside_baseline
from ghala.evaluation.probes import (
    Probed,
    correlate_features,
    gain_of,
    plant_future,
    shuffle_outcomes,
)
from ghala.training.backtest import fit, folds, judge

_LEAST_ENTITIES = 50
_TIMED_ROWS = 1000
_ENOUGH_ROWS, _MOST_DEALS = 10_000, 9


def probe(use_case: UseCase, examples: pl.DataFrame, *, as_of: date, model: Path) -> Probed:
    """Fit anew on a share of the entities, at least four times, and look at the features.

    Every fit is made by a fresh use case on what was known before the judged window; the model in
    the folder ``model`` is timed and measured.
    """
    policy = use_case.policy
    some = _share_of(examples, use_case, policy.probes.share)
    cut = next(folds(use_case, as_of))[0]
    past = some.filter((pl.col("as_of") < cut) & (pl.col("known_on") <= cut))
    ahead = some.filter(pl.col("as_of") >= cut)
    first, again = (_refit(use_case, past, ahead, seed=policy.seed) for _ in range(2))
    other = _refit(use_case, past, ahead, seed=policy.seed + 1)
    losses = [float(_pairs(use_case, said, beside=first)["loss"].sum()) for said in (first, other)]
    shuffled = _gain_of_shuffled(use_case, past, ahead, beside=first)
    planted = plant_future(some.drop(use_case.learned), entity=use_case.entity, seed=policy.seed)
    return Probed(
        shuffled=shuffled,
        correlations=correlate_features(planted, entity=use_case.entity),
        refit_difference=relative_difference(first, again),
        seed_spread=abs(losses[1] - losses[0]) / max(abs(losses[0]), 1e-12),
        ms_per_thousand=_time(use_case, model, examples),
        model_mb=sum(file.stat().st_size for file in model.rglob("*") if file.is_file()) / 1e6,
    )


def fresh(use_case: UseCase) -> UseCase:
    """The same use case without anything that an earlier fit may have left in it."""
    made = type(use_case)()
    made.name, made.folder, made.policy = use_case.name, use_case.folder, use_case.policy
    return made


def _share_of(examples: pl.DataFrame, use_case: UseCase, share: float) -> pl.DataFrame:
    """The examples of every n-th entity, in the order of their names; of all, where few are."""
    entity = examples.select(pl.struct(use_case.entity).rank("dense")).to_series()
    step = min(round(1 / share), entity.n_unique() // _LEAST_ENTITIES)
    return examples.filter(entity % max(step, 1) == 0)


def _refit(
    use_case: UseCase, past: pl.DataFrame, ahead: pl.DataFrame, *, seed: int
) -> pl.DataFrame:
    made = fresh(use_case)
    made.policy = use_case.policy.model_copy(update={"seed": seed})
    return judge(made, fit(made, past), ahead)


def _gain_of_shuffled(
    use_case: UseCase, past: pl.DataFrame, ahead: pl.DataFrame, *, beside: pl.DataFrame
) -> tuple[float, float, float] | None:
    """The gain after fits on shuffled outcomes; of few rows one deal may look good by chance."""
    if use_case.is_tuned_only:
        return None
    policy = use_case.policy
    deals = min(max(_ENOUGH_ROWS // max(past.height, 1), 1), _MOST_DEALS)
    losses = []
    for seed in range(policy.seed, policy.seed + deals):
        said = _refit(use_case, shuffle_outcomes(past, seed=seed), ahead, seed=policy.seed)
        if relative_difference(said, beside) == 0:
            return None
        losses.append(_pairs(use_case, said, beside=beside)["loss"].to_numpy())
    rows = _pairs(use_case, beside, beside=beside)
    rows = rows.with_columns(loss=pl.Series(np.mean(losses, axis=0)))
    return gain_of(rows, confidence=policy.gates.confidence, seed=policy.seed)


def _pairs(use_case: UseCase, said: pl.DataFrame, *, beside: pl.DataFrame) -> pl.DataFrame:
    """Losses beside those of the baseline as the honest fit knows it."""
    return beside_baseline(use_case, said).with_columns(beside_baseline(use_case, beside)["rival"])


def _time(use_case: UseCase, folder: Path, examples: pl.DataFrame) -> float:
    model = use_case.load(folder)
    subjects = examples.drop(hindsight_of(use_case))
    rows = np.resize(np.arange(subjects.height), _TIMED_ROWS)
    asked = subjects[rows]
    begun = perf_counter()
    use_case.predict(model, asked)
    return 1000 * (perf_counter() - begun)

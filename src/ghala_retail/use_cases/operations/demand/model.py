"""The model of one grain: which candidate, at which level, with which interval."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import xlogy

from ghala.evaluation.intervals import Dispersion, fit_dispersion
from ghala.evaluation.paths import Shocks, fit_shocks
from ghala_retail.use_cases.operations.demand import boosting
from ghala_retail.use_cases.operations.demand.prices import typical_elasticity, with_price_effect
from ghala_retail.use_cases.operations.demand.smart_mean import (
    INPUTS,
    CalendarIndex,
    fit_index,
    read_index,
    smart_mean,
    sum_cells,
)

CANDIDATES = ("smart_mean", "boosting", "average")

_VALIDATION_BLOCKS = 3
_BLOCK = timedelta(weeks=4)
_LEVEL_DECAY = 0.5
_LEVEL_PRIOR = 4.0
_NAMES = ("as_of", "series", "target_week", "location_id", "category")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GrainModel:
    """A fitted model; ``level`` and ``dispersion`` are kept for every candidate, ``shocks`` are
    what the errors of the chosen one have in common."""

    booster: str
    index: CalendarIndex
    chosen: str
    level: dict[str, float]
    dispersion: dict[str, Dispersion]
    scores: dict[str, float]
    shocks: Shocks
    elasticity: float | None = None
    """That of a SKU of which pricing says nothing; None where pricing had not spoken."""

    def means(self, subjects: pl.DataFrame) -> dict[str, Floats]:
        """The calibrated mean of every candidate for all of some weeks, in units per week."""
        return self._means(subjects, are_whole=True)

    def apart(self, subjects: pl.DataFrame) -> Floats:
        """The chosen mean of each row by itself, whatever others are asked about beside it."""
        return self._means(subjects, are_whole=False)[self.chosen]

    def _means(self, subjects: pl.DataFrame, *, are_whole: bool) -> dict[str, Floats]:
        subjects = with_price_effect(subjects, self.elasticity)
        booster = lgb.Booster(model_str=self.booster)
        raw = _candidates(subjects, self.index, booster, are_whole=are_whole)
        return {name: raw[name] * self.level[name] for name in CANDIDATES}


@dataclass
class Fitting:
    """Fits grain models; what was learned from the same rows once is not learned again."""

    seed: int
    _known: dict[tuple[object, ...], tuple[CalendarIndex, lgb.Booster]] = field(
        default_factory=dict
    )

    def fit(self, examples: pl.DataFrame) -> GrainModel:
        """Choose and calibrate on the last twelve weeks by rolling origins, then refit on all.

        Candidates, their level and their dispersion are judged out of sample only. The score is the
        Poisson deviance, which the true mean minimises; WAPE rewards a forecast that is too low.

        Raises:
            ValueError: fewer weeks are known than the validation needs.
        """
        elasticity = typical_elasticity(examples)
        examples = with_price_effect(examples, elasticity)
        scored = self._validate(examples)
        level, scores, dispersion = {}, {}, {}
        actual = scored["actual"].to_numpy()
        for name in CANDIDATES:
            factors = _levels(scored, name)
            level[name] = factors[-1]
            calibrated = scored[name].to_numpy() * _factor_of_origin(scored, factors)
            scores[name] = _score(actual, calibrated)
            dispersion[name] = fit_dispersion(actual, calibrated, seed=self.seed)
        last = examples["target_week"].max()
        assert isinstance(last, date)  # noqa: S101 - the frame's contract
        index, booster = self._train(examples, last + timedelta(weeks=1))
        chosen = min(CANDIDATES, key=lambda name: scores[name])
        errors = scored.with_columns(mean=pl.col(chosen) * level[chosen])
        shocks = fit_shocks(errors)
        # Three months see few of the weeks in which all moved together; half a year sees more.
        shocks = replace(shocks, everywhere=max(shocks.everywhere, index.spread))
        return GrainModel(
            booster.model_to_string(), index, chosen, level, dispersion, scores, shocks,
            elasticity,
        )  # fmt: skip

    def _validate(self, examples: pl.DataFrame) -> pl.DataFrame:
        """Predict the last three blocks of four weeks, each by a model fitted before it."""
        last, first = examples["target_week"].max(), examples["as_of"].min()
        assert isinstance(last, date)  # noqa: S101 - the frame's contract
        assert isinstance(first, date)  # noqa: S101
        if last - first < (_VALIDATION_BLOCKS + 1) * _BLOCK:
            raise ValueError("fewer weeks are known than the inner validation needs")
        parts = []
        for block in range(_VALIDATION_BLOCKS, 0, -1):
            cut = last + timedelta(weeks=1) - block * _BLOCK
            index, booster = self._train(examples, cut)
            is_held = pl.col("as_of").is_between(cut, cut + _BLOCK, closed="left")
            held = examples.filter(is_held, ~pl.col("is_upset"))
            means = _candidates(held, index, booster, are_whole=True)
            parts.append(held.select(*_NAMES, "actual").with_columns(**means))
        return pl.concat(parts)

    def _train(self, examples: pl.DataFrame, cut: date) -> tuple[CalendarIndex, lgb.Booster]:
        """Learn from what came true before ``cut``, without copying more than is learned from."""
        is_known = (pl.col("target_week") < cut) & ~pl.col("is_upset")
        columns = ("as_of", "target_week", "actual", "sold_weeks", *INPUTS)
        known = examples.lazy().filter(is_known).select(columns).collect()
        sums = known.select("actual", "sold_weeks").sum().row(0)
        key = (
            examples["grain"][0],
            known["target_week"].max(),
            known.height,
            *sums,
            known["price_effect"].sum(),
        )
        if key not in self._known:
            index = fit_index(known)
            rows = examples.select(is_known.arg_true()).to_series()
            booster = boosting.train(examples, index, rows=rows, seed=self.seed)
            self._known[key] = index, booster
        return self._known[key]


def save(model: GrainModel, folder: Path) -> None:
    """Write LightGBM's text and JSON; neither runs code when loaded."""
    folder.mkdir(parents=True)
    content = asdict(model)
    (folder / "booster.txt").write_text(content.pop("booster"), encoding="utf-8")
    (folder / "model.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def load(folder: Path) -> GrainModel:
    """Read what ``save`` wrote."""
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return GrainModel(
        booster=(folder / "booster.txt").read_text(encoding="utf-8"),
        index=read_index(content["index"]),
        chosen=content["chosen"],
        level=content["level"],
        dispersion={
            name: Dispersion(tuple(part["centres"]), tuple(part["values"]))
            for name, part in content["dispersion"].items()
        },
        scores=content["scores"],
        shocks=Shocks(**content["shocks"]),
        elasticity=content.get("elasticity"),
    )


def _candidates(
    subjects: pl.DataFrame, index: CalendarIndex, booster: lgb.Booster, *, are_whole: bool
) -> dict[str, Floats]:
    smart = smart_mean(subjects, index)
    boosted = boosting.boost(booster, subjects, smart)
    if are_whole:
        boosted = boosting.keep_totals(subjects, boosted, smart)
    return {"smart_mean": smart, "boosting": boosted, "average": (smart + boosted) / 2}


def _levels(scored: pl.DataFrame, name: str) -> list[float]:
    """The correction of the level as it was known at each origin, and at the end.

    An exponentially weighted mean of the logarithm of past total errors, pulled toward none.
    """
    cells = sum_cells(scored, ("actual", name)).with_columns(
        pl.col("actual", name).clip(lower_bound=1.0)
    )
    error = np.log(cells["actual"].to_numpy() / cells[name].to_numpy())
    target = cells["target_week"].to_numpy()
    factors = []
    for end in [*scored["as_of"].unique().sort().to_numpy(), target.max() + np.timedelta64(7, "D")]:
        known = target < end
        age = (end - target[known]).astype("timedelta64[D]").astype(np.float64) / 7.0 - 1.0
        weight = (1.0 - _LEVEL_DECAY) ** age
        mean = (weight * error[known]).sum() / (weight.sum() + _LEVEL_PRIOR)
        factors.append(float(np.exp(mean)))
    return factors


def _factor_of_origin(scored: pl.DataFrame, factors: list[float]) -> Floats:
    origins = scored["as_of"].unique().sort().to_numpy()
    return np.asarray(factors)[np.searchsorted(origins, scored["as_of"].to_numpy())]


def _score(actual: Floats, mean: Floats) -> float:
    """Mean Poisson deviance per unit sold (Gneiting 2011: consistent for the mean)."""
    loss = xlogy(actual, actual / mean) - actual + mean
    return float(2 * loss.sum() / max(float(actual.sum()), 1.0))

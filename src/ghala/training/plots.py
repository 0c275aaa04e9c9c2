"""Pictures of a backtest, kept with the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ghala.contracts.use_case import UseCase
from ghala.evaluation.forecast import Forecast
from ghala.evaluation.gates import split
from ghala.evaluation.metrics import pit


@singledispatch
def draw_backtest(use_case: UseCase, judged: pl.DataFrame, *, folder: Path) -> None:
    """Write, per group, the mean loss per target of the version and of each baseline."""
    target = use_case.target[0]
    for name, rows in split(use_case, judged):
        with _figure(folder / f"backtest{f'_{name}' if name else ''}.svg") as (axis, _):
            for who in (use_case.answer, *use_case.baselines):
                losses = use_case.losses(rows, use_case.headline, who=who)
                daily = rows.with_columns(loss=losses).group_by(target).agg(pl.col("loss").mean())
                daily = daily.sort(target)
                axis.plot(daily[target].to_numpy(), daily["loss"].to_numpy(), "-o", label=who)
            axis.set_title(f"{name or use_case.name}: {use_case.headline.replace('_', ' ')}")
            axis.tick_params(axis="x", rotation=30)
            axis.legend()


@draw_backtest.register
def _(use_case: Forecast, judged: pl.DataFrame, *, folder: Path) -> None:
    """Write, per grain, the weekly totals beside the forecast and the PIT histogram."""
    for grain, rows in split(use_case, judged):
        with _figure(folder / f"backtest_{grain}.svg", columns=2) as (left, right):
            weekly = (
                rows.filter(pl.col("horizon") == 1)
                .group_by("target_week")
                .agg(pl.col("actual", "mean", use_case.baseline).sum())
                .sort("target_week")
            )
            styles = {"actual": "k-o", "mean": "C0-s", use_case.baseline: "C1--"}
            for column, style in styles.items():
                left.plot(
                    weekly["target_week"].to_numpy(), weekly[column].to_numpy(), style, label=column
                )
            left.set_title(f"{grain}: units per week, one week ahead")
            left.tick_params(axis="x", rotation=30)
            left.legend()
            said = (rows[name].to_numpy() for name in ("actual", "mean", "dispersion"))
            values = pit(*said, seed=use_case.policy.seed)
            right.hist(values, bins=np.linspace(0, 1, 11), density=True, color="C0", edgecolor="w")
            right.axhline(1, color="k", linewidth=1)
            right.set_title("Randomised PIT (flat is right)")


@contextmanager
def _figure(file: Path, *, columns: int = 1) -> Iterator[tuple[Any, Any]]:
    """The first and the last of the axes of a picture that is written at the end."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, columns, figsize=(5 * columns, 3.5), layout="constrained")
    every = np.atleast_1d(axes)
    yield every[0], every[-1]
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)

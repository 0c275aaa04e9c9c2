"""Pictures of a backtest, kept with the run."""

from pathlib import Path

import numpy as np
import polars as pl

from ghala.evaluation.metrics import pit


def draw_backtest(judged: pl.DataFrame, folder: Path, *, seed: int) -> None:
    """Write, per grain, the weekly totals beside the forecast and the PIT histogram."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    for (grain,), rows in judged.group_by("grain", maintain_order=True):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
        weekly = (
            rows.filter(pl.col("horizon") == 1)
            .group_by("target_week")
            .agg(pl.col("actual", "mean", "smart_mean").sum())
            .sort("target_week")
        )
        for column, style in (("actual", "k-o"), ("mean", "C0-s"), ("smart_mean", "C1--")):
            left.plot(
                weekly["target_week"].to_numpy(), weekly[column].to_numpy(), style, label=column
            )
        left.set_title(f"{grain}: units per week, one week ahead")
        left.tick_params(axis="x", rotation=30)
        left.legend()
        values = pit(*(rows[c].to_numpy() for c in ("actual", "mean", "dispersion")), seed=seed)
        right.hist(values, bins=np.linspace(0, 1, 11), density=True, color="C0", edgecolor="w")
        right.axhline(1, color="k", linewidth=1)
        right.set_title("Randomised PIT (flat is right)")
        figure.savefig(folder / f"backtest_{grain}.svg", metadata={"Date": None})
        plt.close(figure)

# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %%
# ruff: noqa: D100, ERA001, T201

# %% [markdown]
# # operations/demand: what it said, what happened, and what it had seen
#
# Reads the published build, the same that the console and the API read, and the samples of the
# feature store that were kept when forecasts were made. It opens neither the warehouse nor a model,
# so it can run while the pipeline runs.
#
# The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the one that this is
# run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
import polars as pl

from ghala.contracts.discovery import use_case
from ghala.features.history import views_of
from ghala.warehouse.publish import find_shown, look_up

USE_CASE = "operations/demand"
KEYS = ["grain", "series", "as_of", "target_week"]

# %% [markdown]
# ## What it said, and what happened
#
# WAPE is the sum of the absolute errors over the sum of what was sold: 0.20 means that a fifth of
# the units was misplaced. Bias is above zero when forecasts are too high. The smart mean is the
# simple rule that a version has to beat, the recent mean is the mean of the last four weeks.

# %%
accuracy = look_up("FROM marts_operations.demand_accuracy")
if accuracy.height:
    weighted = [
        ((pl.col(name) * pl.col("units")).sum() / pl.col("units").sum()).round(3).alias(name)
        for name in ("wape", "wape_smart_mean", "wape_recent_mean", "bias")
    ]
    per_week = accuracy.group_by("grain", "role", "target_week").agg(
        pl.col("units").sum(), *weighted
    )
    with pl.Config(tbl_rows=-1, tbl_cols=-1):
        print(per_week.sort("grain", "role", "target_week"))
else:
    print("No forecast has come true yet.")

# %% [markdown]
# ## How wide it was
#
# The share of outcomes at or below each quantile. For small counts it is more than the quantile's
# name says, because many outcomes equal the quantile.

# %%
forecasts = look_up("FROM marts_operations.demand_forecasts")
known = forecasts.filter(pl.col("actual").is_not_null()) if forecasts.height else forecasts
if known.height:
    shares = [
        (pl.col("actual") <= pl.col(name)).mean().round(3).alias(name)
        for name in ("p10", "p50", "p90")
    ]
    print(known.group_by("grain", "role").agg(pl.len().alias("forecasts"), *shares).sort("grain"))
else:
    print("No forecast has come true yet.")

# %% [markdown]
# ## What the feature store holds
#
# Every view that the use case reads, as it is declared.

# %%
workspace = find_shown()
if workspace is not None:
    print(f"{workspace.settings.company.name} in {workspace.root}")
    for view in views_of(workspace, use_case(workspace, USE_CASE)):
        print(f"{view.name} ({', '.join(view.entity)}), from {view.source}: {view.description}")
        print(f"  {len(view.columns)} features: {', '.join(view.columns[:6])}, ...")

# %% [markdown]
# ## Examples: features as they were served, beside what then happened
#
# Each scoring keeps a sample of its subjects with their features. Joined to outcomes it is what a
# model learns from: the training set is the scoring set of the past.

# %%
kept = sorted((workspace.state / "served" / USE_CASE).glob("*.parquet")) if workspace else []
if kept and known.height:
    served = pl.concat((pl.read_parquet(file) for file in kept), how="diagonal_relaxed")
    happened = known.select(*KEYS, "actual").unique(KEYS)
    examples = served.join(happened, on=KEYS)
    print(f"{served.height:,} rows served on {len(kept)} dates, {examples.height:,} have come true")
    shown = [*KEYS, "units_1", "clean_8", "mailer_share", "lift", "actual"]
    with pl.Config(tbl_cols=-1, tbl_rows=10):
        print(
            examples.select(name for name in shown if name in examples.columns).sort(KEYS).head(10)
        )
else:
    print("No features were served yet for a week that has come true.")

# %% [markdown]
# ## Does the plan move sales as the lift says?
#
# What was sold over the usual weeks' units, per class of promotion, beside the lift expected of it.

# %%
if kept and known.height and examples.height:
    print(
        examples.group_by("grain", "lift_class")
        .agg(
            pl.len().alias("rows"),
            pl.col("lift").mean().round(2),
            (pl.col("actual").sum() / pl.col("clean_8").sum()).round(2).alias("actual / clean_8"),
        )
        .sort("grain", "lift_class")
    )
else:
    print("Nothing to compare yet.")

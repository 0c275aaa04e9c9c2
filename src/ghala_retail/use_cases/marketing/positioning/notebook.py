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
# # marketing/positioning: which offer for whom, and who buys what
#
# Reads the published build, the same that the console and the API read, so it can run while the
# pipeline runs. The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the
# one that this is run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
import polars as pl

from ghala.warehouse.publish import look_up

# %% [markdown]
# ## What is put before whom
#
# The offer of each segment on the newest day, with what campaigns have shown it to earn.

# %%
decisions = look_up("FROM marts_marketing.positioning_decisions")
if decisions.height:
    newest = decisions.filter(pl.col("as_of") == pl.col("as_of").max(), role="champion")
    shown = ["segment", "item", "decision", "one_offer", "effect", "effect_low", "effect_high"]
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=60):
        print(newest.filter(kind="offer").select(*shown, "reason").sort("segment", "item"))
        print(newest.filter(kind="tier", decision=1.0).select("segment", "item", "affinity"))
else:
    print("Nothing has been decided yet.")

# %% [markdown]
# ## The map
#
# Points on one side of the origin go together more than usual. `inertia` is the share of the
# differences that two axes show, `stability` how much of the map stays in other draws of customers.

# %%
points = look_up("FROM marts_marketing.perceptual_map")
if points.height:
    newest = points.filter(pl.col("as_of") == pl.col("as_of").max(), role="champion")
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=60):
        print(newest.select("kind", "point", "axis_1", "axis_2").sort("kind", "point"))
        print(newest.select("inertia", "stability").unique())
else:
    print("There is no map yet.")

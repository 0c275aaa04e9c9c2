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
# # operations/workforce: people planned, and the work that came up
#
# Reads the published build, the same that the console and the API read, so it can run while the
# pipeline runs. The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the
# one that this is run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
import polars as pl

from ghala.warehouse.publish import look_up

# %% [markdown]
# ## The roster of the week
#
# Whole people who begin a full and a short shift, per depot, crew and shift.

# %%
roster = look_up("FROM marts_operations.workforce_roster")
if roster.height:
    print(
        roster.group_by("location_id", "crew")
        .agg(
            pl.col("full_starting", "short_starting", "expected_hours").sum(),
            pl.col("people_needed", "people_there").max(),
        )
        .sort("location_id", "crew")
    )
    told = roster.filter(pl.col("infeasible").is_not_null())
    print(told.select("location_id", "crew", "infeasible").unique().sort("location_id"))
else:
    print("No version is in production yet.")

# %% [markdown]
# ## Planned hours and the work that came up

# %%
hours = look_up("FROM marts_operations.workforce_hours")
if hours.height:
    with pl.Config(tbl_cols=-1, tbl_rows=-1):
        print(hours.sort("role", "week", "task"))
else:
    print("No week has come true yet.")

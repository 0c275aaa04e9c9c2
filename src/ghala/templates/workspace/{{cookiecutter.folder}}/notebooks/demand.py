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

# %% [markdown]
# # How good was the demand forecast, week by week?
#
# Reads the published build, the same that the console, the API and Tableau read. WAPE is the sum of
# absolute errors over the sum of what was sold: 0.20 means that a fifth of the units was misplaced.
# The smart mean is the strong simple rule that a model has to beat.

# %%
import polars as pl
from ghala.contracts.errors import TryAgain
from ghala.contracts.settings import find_workspace
from ghala.warehouse.publish import read_published

workspace = find_workspace()
print(workspace.settings.company.name)

# %%
try:
    build = read_published(workspace)
    print(f"Build {build.number}, as of {build.as_of}")
except TryAgain as nothing:
    build = None
    print(nothing.message, nothing.next_step)

# %% [markdown]
# ## Accuracy per week

# %%
IS_THERE = """
    SELECT count(*) AS tables
    FROM information_schema.tables
    WHERE table_schema = 'marts_operations' AND table_name = 'demand_accuracy'
"""
# Weighting by units gives the WAPE of all horizons together.
PER_WEEK = """
    SELECT
        grain,
        target_week,
        role,
        sum(units) AS units,
        round(sum(wape * units) / nullif(sum(units), 0), 4) AS wape,
        round(sum(wape_smart_mean * units) / nullif(sum(units), 0), 4) AS wape_smart_mean,
        round(sum(bias * units) / nullif(sum(units), 0), 4) AS bias
    FROM marts_operations.demand_accuracy
    GROUP BY ALL
    ORDER BY ALL
"""

rows = []
if build is not None and build.query(IS_THERE)[0]["tables"]:
    rows = build.query(PER_WEEK)

if rows:
    with pl.Config(tbl_rows=-1, tbl_cols=-1):
        print(pl.DataFrame(rows))
else:
    print("No forecast of the published build has come true yet.")

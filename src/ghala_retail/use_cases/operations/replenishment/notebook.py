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
# # operations/replenishment: what to order, from whom, and which least orders are dear
#
# Reads the published build, the same that the console and the API read, so it can run while the
# pipeline runs. The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the
# one that this is run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
import polars as pl

from ghala.warehouse.publish import look_up

# %% [markdown]
# ## The orders of this Monday
#
# One line per supplier and depot; `infeasible` says why an order cannot be placed.

# %%
lines = look_up("FROM marts_operations.replenishment_lines")
if lines.height:
    print(
        lines.filter(pl.col("units") > 0)
        .group_by("supplier_id", "location_id")
        .agg(pl.len().alias("lines"), pl.col("units", "cost_kes").sum())
        .sort("cost_kes", descending=True)
        .head(20)
    )
    refused = lines.filter(pl.col("infeasible").is_not_null())
    print(refused.select("location_id", "infeasible").unique().sort("location_id"))
else:
    print("There is nothing to order, or no version is in production yet.")

# %% [markdown]
# ## Least orders to negotiate
#
# What a supplier's least order costs all depots a year beyond the cycle that would be best, and at
# how many units it would cost nothing.

# %%
minimums = look_up("FROM marts_operations.supplier_minimums")
if minimums.height:
    newest = minimums.filter(pl.col("as_of") == pl.col("as_of").max())
    print(
        newest.group_by("supplier_id")
        .agg(
            pl.col("moq_units").max(),
            pl.col("moq_wanted").min(),
            pl.col("moq_cost_year_kes").sum(),
        )
        .sort("moq_cost_year_kes", descending=True)
        .head(20)
    )

# %% [markdown]
# ## The least value of an order, per zone, of agents and of customers
#
# A proposal to test before it is set: how many orders are raised to it is assumed.

# %%
print(look_up("FROM marts_operations.minimum_order_values ORDER BY zone, buyer"))

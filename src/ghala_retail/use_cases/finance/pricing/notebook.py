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
# # finance/pricing: which prices to change, and what is believed of the demand
#
# Reads the published build, the same that the console and the API read, so it can run while the
# pipeline runs. The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the
# one that this is run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
import polars as pl

from ghala.warehouse.publish import look_up

decisions = look_up("FROM marts_finance.pricing_decisions")

# %% [markdown]
# ## What was decided, and why

# %%
if not decisions.is_empty():
    newest = decisions.filter(pl.col("as_of") == pl.col("as_of").max())
    print(newest.group_by("action", "reason", "evidence").len().sort("len", descending=True))
    print(newest.select("elasticity", "elasticity_low", "elasticity_high", "gain").describe())

# %% [markdown]
# ## The changes that are expected to gain most

# %%
changes = look_up("FROM marts_finance.price_changes")
if not changes.is_empty():
    shown = ("sku", "zone", "price_now", "price", "elasticity", "gain_a_week", "probability")
    print(changes.sort("gain_a_week", descending=True).select(shown).head(15))

# %% [markdown]
# ## What the next block of tests would show

# %%
tests = look_up("FROM marts_finance.price_tests")
if not tests.is_empty():
    print(tests.group_by("test_arm").agg(pl.len(), pl.col("detectable_difference").min()))

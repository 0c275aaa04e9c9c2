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
# Reads the published build, the same that the console and the API read. The workspace is
# `GHALA_WORKSPACE`, else the one that this is run in. Without a workspace or a build the notebook
# says so and shows nothing.

# %%
import json

import polars as pl

from ghala.contracts.errors import GhalaError
from ghala.contracts.settings import Workspace, find_workspace


def open_workspace() -> Workspace | None:
    """The workspace to look at, or None with the reason printed."""
    try:
        return find_workspace(None)
    except GhalaError as error:
        print(f"There is no workspace to look at. {error.message} {error.next_step}")
        return None


def read_mart(found: Workspace | None, name: str) -> pl.DataFrame:
    """One relation of the published build; empty, with the reason printed, when there is none."""
    pointer = found.published / "current.json" if found else None
    if pointer is None or not pointer.is_file():
        print("Nothing is published yet: run `ghala run` in the workspace first.")
        return pl.DataFrame()
    build = json.loads(pointer.read_text(encoding="utf-8"))
    file = pointer.parent / f"{build['build']:06d}" / f"{name}.parquet"
    return pl.read_parquet(file) if file.is_file() else pl.DataFrame()


workspace = open_workspace()
decisions = read_mart(workspace, "marts_finance.pricing_decisions")

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
changes = read_mart(workspace, "marts_finance.price_changes")
if not changes.is_empty():
    shown = ("sku", "zone", "price_now", "price", "elasticity", "gain_a_week", "probability")
    print(changes.sort("gain_a_week", descending=True).select(shown).head(15))

# %% [markdown]
# ## What the next block of tests would show

# %%
tests = read_mart(workspace, "marts_finance.price_tests")
if not tests.is_empty():
    print(tests.group_by("test_arm").agg(pl.len(), pl.col("detectable_difference").min()))

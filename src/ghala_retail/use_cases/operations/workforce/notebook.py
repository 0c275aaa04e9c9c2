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
    file = pointer.parent / f"{build['build']:06d}" / f"marts_operations.{name}.parquet"
    return pl.read_parquet(file) if file.is_file() else pl.DataFrame()


workspace = open_workspace()

# %% [markdown]
# ## The roster of the week
#
# Whole people who begin a full and a short shift, per depot, crew and shift.

# %%
roster = read_mart(workspace, "workforce_roster")
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
hours = read_mart(workspace, "workforce_hours")
if hours.height:
    with pl.Config(tbl_cols=-1, tbl_rows=-1):
        print(hours.sort("role", "week", "task"))
else:
    print("No week has come true yet.")

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
# # marketing/segmentation: who customers are, and what they will bring
#
# Reads the published build, the same that the console and the API read. It opens neither the
# warehouse nor a model, so it can run while the pipeline runs.
#
# The workspace is `GHALA_WORKSPACE`, else the one that this is run in, else the demonstration in
# `./demo`. Without a workspace or a build the notebook says so and shows nothing.

# %%
import hashlib
import json
import os
from pathlib import Path

import polars as pl

from ghala.contracts.errors import GhalaError
from ghala.contracts.settings import SETTINGS_FILE, Workspace, find_workspace


def open_workspace() -> Workspace | None:
    """The workspace to look at, or None with the reason printed."""
    demo = Path("demo")
    is_demo = "GHALA_WORKSPACE" not in os.environ and (demo / SETTINGS_FILE).is_file()
    try:
        found = find_workspace(demo if is_demo else None)
        print(f"{found.settings.company.name} in {found.root}")
    except GhalaError as error:
        print(f"There is no workspace to look at. {error.message} {error.next_step}")
        print("For the demonstration: make demo")
        return None
    return found


def read_mart(found: Workspace | None, name: str) -> pl.DataFrame:
    """One relation of the published build; empty, with the reason printed, when there is none."""
    pointer = found.published / "current.json" if found else None
    if pointer is None or not pointer.is_file():
        print("Nothing is published yet: run `ghala run` in the workspace first.")
        return pl.DataFrame()
    build = json.loads(pointer.read_text(encoding="utf-8"))
    file = pointer.parent / f"{build['build']:06d}" / f"{name}.parquet"
    print(f"{name}: build {build['build']}, as of {build['as_of']}")
    if not file.is_file():
        return pl.DataFrame()
    content = file.read_bytes()
    written = json.loads((file.parent / "MANIFEST.json").read_text(encoding="utf-8"))[file.name]
    if hashlib.sha256(content).hexdigest() != written:
        raise ValueError(f"{file} is not what was published; run `ghala publish`.")
    return pl.read_parquet(content)


workspace = open_workspace()

# %% [markdown]
# ## The segments
#
# How many customers each holds on the newest day, and what is expected of them in a year.

# %%
profiles = read_mart(workspace, "marts_marketing.segment_profiles")
if profiles.height:
    newest = profiles.filter(pl.col("as_of") == pl.col("as_of").max(), role="champion")
    with pl.Config(tbl_rows=-1, fmt_str_lengths=60):
        print(
            newest.group_by("segment")
            .agg(pl.col("customers", "orders_13w", "clv_52w").sum())
            .with_columns(clv_each=pl.col("clv_52w") / pl.col("customers"))
            .sort("clv_52w", descending=True)
        )
        print(newest.group_by("stage").agg(pl.col("customers", "clv_52w").sum()).sort("stage"))
else:
    print("Nobody has been labelled yet.")

# %% [markdown]
# ## Who moved
#
# From one scoring to the next, by stage of life; those who stayed are left out.

# %%
moved = read_mart(workspace, "marts_marketing.segment_movements")
if moved.height:
    print(
        moved.filter(pl.col("from_stage") != pl.col("to_stage"))
        .group_by("from_stage", "to_stage")
        .agg(pl.col("customers", "clv_52w_gained").sum())
        .sort("customers", descending=True)
    )
else:
    print("There is one scoring only, or none.")

# %% [markdown]
# ## Did the orders come?
#
# What was expected of 13 weeks beside what came, and the error beside that of saying "as before".

# %%
accuracy = read_mart(workspace, "marts_marketing.value_accuracy")
if accuracy.height:
    print(accuracy.sort("version", "stage"))
else:
    print("No scoring is 13 weeks old yet.")

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
# ## What is put before whom
#
# The offer of each segment on the newest day, with what campaigns have shown it to earn.

# %%
decisions = read_mart(workspace, "marts_marketing.positioning_decisions")
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
points = read_mart(workspace, "marts_marketing.perceptual_map")
if points.height:
    newest = points.filter(pl.col("as_of") == pl.col("as_of").max(), role="champion")
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=60):
        print(newest.select("kind", "point", "axis_1", "axis_2").sort("kind", "point"))
        print(newest.select("inertia", "stability").unique())
else:
    print("There is no map yet.")

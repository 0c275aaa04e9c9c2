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
# # operations/fleet: trucks booked, trucks needed, and the routes of the next day
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
# ## The outlook: trucks per depot and day
#
# `expected_trucks` is what is expected to go out, `trucks` what to commit to: own and contract.

# %%
outlook = read_mart(workspace, "fleet_outlook")
if outlook.height:
    weekly = outlook.with_columns(week=pl.col("day").dt.truncate("1w"))
    print(
        weekly.group_by("week")
        .agg(pl.col("own", "contract", "expected_spot", "expected_trucks", "expected_cost").sum())
        .sort("week")
    )
    print(outlook.filter(pl.col("infeasible").is_not_null()).select("location_id", "infeasible"))
else:
    print("No version is in production yet.")

# %% [markdown]
# ## What it cost, beside simpler rules

# %%
costs = read_mart(workspace, "fleet_costs")
if costs.height:
    with pl.Config(tbl_cols=-1):
        print(costs.sort("role", "week"))
else:
    print("No booking has come true yet.")

# %% [markdown]
# ## The next day's routes
#
# `least_trucks` is the bound by litres and stops, `sweep_trucks` what going around the depot takes.

# %%
routes = read_mart(workspace, "fleet_next_day")
if routes.height:
    newest = routes.filter(pl.col("as_of") == pl.col("as_of").max()).sort("location_id")
    print(newest.select("location_id", "drops_known", "least_trucks", "sweep_trucks",
                        "routed_trucks", "routed_km", "size_known"))  # fmt: skip
    for number, route in enumerate(json.loads(newest["routes"][0]), start=1):
        print(f"{newest['location_id'][0]}, truck {number} ({route['hire']}):", *route["stops"][:8])
else:
    print("No routes were laid yet.")

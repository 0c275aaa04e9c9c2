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
# Reads the published build, the same that the console and the API read, so it can run while the
# pipeline runs. The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the
# one that this is run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
import json

import polars as pl

from ghala.warehouse.publish import look_up

# %% [markdown]
# ## The outlook: trucks per depot and day
#
# `expected_trucks` is what is expected to go out, `trucks` what to commit to: own and contract.

# %%
outlook = look_up("FROM marts_operations.fleet_outlook")
if outlook.height:
    weekly = outlook.with_columns(week=pl.col("day").dt.truncate("1w"))
    print(
        weekly.group_by("week")
        .agg(
            pl.col(
                "own_trucks",
                "contract_trucks",
                "expected_spot_trucks",
                "expected_trucks",
                "expected_cost_kes",
            ).sum()
        )
        .sort("week")
    )
    print(outlook.filter(pl.col("infeasible").is_not_null()).select("location_id", "infeasible"))
else:
    print("No version is in production yet.")

# %% [markdown]
# ## What it cost, beside simpler rules

# %%
costs = look_up("FROM marts_operations.fleet_costs")
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
routes = look_up("FROM marts_operations.fleet_next_day")
if routes.height:
    newest = routes.filter(pl.col("as_of") == pl.col("as_of").max()).sort("location_id")
    print(newest.select("location_id", "drops_known", "least_trucks", "sweep_trucks",
                        "routed_trucks", "routed_km", "size_known"))  # fmt: skip
    for number, route in enumerate(json.loads(newest["routes"][0]), start=1):
        print(f"{newest['location_id'][0]}, truck {number} ({route['hire']}):", *route["stops"][:8])
else:
    print("No routes were laid yet.")

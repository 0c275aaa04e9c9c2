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
# Reads the published build, the same that the console and the API read, so it can run while the
# pipeline runs. The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the
# one that this is run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
import polars as pl

from ghala.warehouse.publish import look_up

# %% [markdown]
# ## The segments
#
# How many customers each holds on the newest day, and what is expected of them in a year.

# %%
profiles = look_up("FROM marts_marketing.segment_profiles")
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
moved = look_up("FROM marts_marketing.segment_movements")
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
accuracy = look_up("FROM marts_marketing.value_accuracy")
if accuracy.height:
    print(accuracy.sort("version", "stage"))
else:
    print("No scoring is 13 weeks old yet.")

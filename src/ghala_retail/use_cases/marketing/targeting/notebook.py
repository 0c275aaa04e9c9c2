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
# # marketing/targeting: whom it chose, why, and what contacts brought
#
# Reads the published build, the same that the console and the API read. The workspace is
# `GHALA_WORKSPACE`, else the one that this is run in. Without a workspace or a build the notebook
# says so and shows nothing.

# %%
import polars as pl

from ghala.contracts.errors import GhalaError
from ghala.contracts.settings import find_workspace
from ghala.warehouse.publish import read_published


def read_mart(query: str) -> pl.DataFrame:
    """Rows of the published build; empty, with the reason printed, when there is none."""
    try:
        return pl.DataFrame(read_published(find_workspace(None)).query(query))
    except GhalaError as error:
        print(f"Nothing to look at. {error.message} {error.next_step}")
        return pl.DataFrame()


# %% [markdown]
# ## What it decided last, and why

# %%
print(
    read_mart(
        "SELECT as_of, offer, reason, count(*) AS customers, avg(value) AS expected_kes,"
        " avg(uplift) AS uplift FROM marts_marketing.targeting_decisions"
        " WHERE role = 'champion' GROUP BY ALL ORDER BY as_of DESC, customers DESC LIMIT 20"
    )
)

# %% [markdown]
# ## What contacts brought, by lot
#
# `is_chosen` are those to whom the model would have made the campaign's offer. Their uplift should
# be higher than that of the others, and higher than what the contact and the discount cost.

# %%
print(read_mart("SELECT * FROM marts_marketing.campaign_uplift ORDER BY as_of, is_chosen"))

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
# Reads the published build, the same that the console and the API read, so it can run while the
# pipeline runs. The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the
# one that this is run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
from ghala.warehouse.publish import look_up

# %% [markdown]
# ## What it decided last, and why

# %%
print(
    look_up(
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
print(look_up("FROM marts_marketing.campaign_uplift ORDER BY as_of, is_chosen"))

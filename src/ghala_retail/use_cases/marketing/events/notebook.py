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
# # marketing/events: what is planned, and what is blocked
#
# Reads the published build, the same that the console and the API read, so it can run while the
# pipeline runs. The workspace is `GHALA_WORKSPACE`, else the demonstration in `./demo`, else the
# one that this is run in. Without a workspace or a build the notebook says so and shows nothing.

# %%
from ghala.warehouse.publish import look_up

# %% [markdown]
# ## The calendar of the weeks ahead

# %%
print(
    look_up(
        "SELECT week, category, event, depth, on_front_page, count(*) AS locations,"
        " sum(expected_gain) AS expected_gain FROM marts_marketing.event_calendar"
        " GROUP BY ALL ORDER BY week, expected_gain DESC"
    )
)

# %% [markdown]
# ## What would be worth more than it costs, and cannot run

# %%
print(
    look_up(
        "SELECT target_week, category, blocked, count(*) AS locations"
        " FROM marts_marketing.events_decisions WHERE role = 'champion' AND blocked IS NOT NULL"
        " GROUP BY ALL ORDER BY target_week, locations DESC LIMIT 20"
    )
)

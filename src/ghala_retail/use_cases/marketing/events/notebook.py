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
# ## The calendar of the weeks ahead

# %%
print(
    read_mart(
        "SELECT week, category, event, depth, on_front_page, count(*) AS locations,"
        " sum(expected_gain) AS expected_gain FROM marts_marketing.event_calendar"
        " GROUP BY ALL ORDER BY week, expected_gain DESC"
    )
)

# %% [markdown]
# ## What would be worth more than it costs, and cannot run

# %%
print(
    read_mart(
        "SELECT target_week, category, blocked, count(*) AS locations"
        " FROM marts_marketing.events_decisions WHERE role = 'champion' AND blocked IS NOT NULL"
        " GROUP BY ALL ORDER BY target_week, locations DESC LIMIT 20"
    )
)

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

# %% [markdown]
# # {{ cookiecutter.unit }}/{{ cookiecutter.name }}: what it said, and what happened
#
# Reads the published build, the same that the console, the API and Tableau read.

# %%
from pathlib import Path

import polars as pl
from ghala.contracts.errors import TryAgain
from ghala.contracts.settings import find_workspace
from ghala.warehouse.publish import read_published

FOLDER = Path(__file__).parent if "__file__" in globals() else Path.cwd()
SAID = "SELECT * FROM {{ cookiecutter.mart }} WHERE role = 'champion'"
workspace = find_workspace(FOLDER)

# %%
rows = []
try:
    build = read_published(workspace)
    if (build.folder / "{{ cookiecutter.mart }}.parquet").is_file():
        rows = build.query(SAID)
except TryAgain as nothing:
    print(nothing.message, nothing.next_step)

print(pl.DataFrame(rows) if rows else "Nothing was predicted by a champion yet.")

"""The smallest model that is one: the mean of what happened, kept as JSON."""

import json
from pathlib import Path
from typing import Any

import polars as pl


class MeanModel:
    """The four methods of a use case, for tests in which the model itself does not matter."""

    def fit(self, examples: pl.DataFrame, *, seed: int) -> Any:
        return examples.select(pl.col("actual").mean()).item()

    def predict(self, model: Any, subjects: pl.DataFrame) -> pl.DataFrame:
        return subjects.with_columns(mean=pl.lit(model))

    def save(self, model: Any, folder: Path) -> None:
        (folder / "mean.json").write_text(json.dumps(model), encoding="utf-8")

    def load(self, folder: Path) -> Any:
        return json.loads((folder / "mean.json").read_text(encoding="utf-8"))

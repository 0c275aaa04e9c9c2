"""{{ cookiecutter.unit }}/{{ cookiecutter.name }}: how many units of each SKU are sold, this week and the next."""

import json

import numpy as np
import polars as pl
from ghala.evaluation.forecast import Forecast
from ghala.evaluation.intervals import Dispersion, fit_dispersion, quantiles
from scipy.optimize import nnls

INPUTS = [pl.lit(1.0).alias("level"), "weekly_1", "weekly_4", "weekly_12"]


class {{ cookiecutter.class_name }}(Forecast):
    """The rates of the last week, month and quarter, weighed by what they told in the past."""

    baselines, quantile_baselines = ("weekly_4", "weekly_12"), ()
    needs = ("orders", "lines", "products")

    def fit(self, examples, *, seed):
        actual = examples["actual"].to_numpy()
        scale = 1 / np.sqrt(1 + examples["weekly_4"].to_numpy())  # large counts spread more
        weights, _ = nnls(examples.select(INPUTS).to_numpy() * scale[:, None], actual * scale)
        spread = fit_dispersion(actual, _mean(weights, examples), seed=seed)
        return {"weights": weights.tolist(), "spread": [spread.centres, spread.values]}

    def predict(self, model, subjects):
        mean, spread = _mean(model["weights"], subjects), Dispersion(*model["spread"])
        said = {name: quantiles(level, mean, spread) for name, level in self.quantiles.items()}
        return subjects.with_columns(**said, mean=mean, dispersion=spread.at(mean))

    def save(self, model, folder):
        (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")

    def load(self, folder):
        return json.loads((folder / "model.json").read_text(encoding="utf-8"))


def _mean(weights, rows):
    return rows.select(INPUTS).to_numpy() @ np.array(weights)

"""{{ cookiecutter.unit }}/{{ cookiecutter.name }}: how many lines of each SKU come back."""

import lightgbm as lgb
import polars as pl
from ghala.evaluation.score import Score

INPUTS = ["sold_7", "sold_28", "sold_84", "returned_28", "returned_84"]
LEARNING = {"objective": "poisson", "num_leaves": 7, "learning_rate": 0.05, "verbose": -1}


class {{ cookiecutter.class_name }}(Score):
    """How many lines of a SKU come back in the 28 days from a day on."""

    entity = ("sku",)
    horizon_days = 29  # the files of a day arrive on the next
    baselines = ("last_28",)
    needs = ("orders", "lines", "products", "returns")

    def fit(self, examples, *, seed):
        data = lgb.Dataset(examples.select(INPUTS).to_numpy(), examples["actual"].to_numpy())
        rules = {**LEARNING, "seed": seed, "deterministic": True, "num_threads": 1}
        return lgb.train(rules, data, num_boost_round=100)

    def predict(self, model, subjects):
        mean = model.predict(subjects.select(INPUTS).to_numpy())
        return subjects.select(mean=pl.Series(mean), last_28="returned_28")

    def save(self, model, folder):
        model.save_model(folder / "model.txt")

    def load(self, folder):
        return lgb.Booster(model_file=folder / "model.txt")

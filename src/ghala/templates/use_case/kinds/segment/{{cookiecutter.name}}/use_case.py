"""{{ cookiecutter.unit }}/{{ cookiecutter.name }}: which customers are alike in what they buy next."""

import json

import polars as pl
from ghala.evaluation.segment import Segment


class {{ cookiecutter.class_name }}(Segment):
    """What a customer is by the orders of the last weeks; next to it, whether there was any."""

    entity = ("customer_id",)
    horizon_days = 29  # the files of a day arrive on the next
    baselines = ("active",)
    needs = ("orders",)

    def fit(self, examples, *, seed):
        index = _index(examples)
        return {"edges": sorted({index.quantile(q) for q in (0.5, 0.8, 0.95)})}

    def predict(self, model, subjects):
        labels = [f"level_{n}" for n in range(len(model["edges"]) + 1)]
        active = pl.when(pl.col("orders_28") > 0).then(pl.lit("yes")).otherwise(pl.lit("no"))
        levels = _index(subjects).cut(model["edges"], labels=labels).cast(pl.String)
        return subjects.select(segment=levels, active=active)

    def save(self, model, folder):
        (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")

    def load(self, folder):
        return json.loads((folder / "model.json").read_text(encoding="utf-8"))


def _index(rows):
    return 2.0 * rows["orders_28"] + rows["orders_84"]  # what is recent tells more

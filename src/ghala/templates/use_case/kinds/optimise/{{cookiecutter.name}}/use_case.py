"""{{ cookiecutter.unit }}/{{ cookiecutter.name }}: how many units of each SKU to have ready for the next seven days."""

import json

import polars as pl
from ghala.contracts.use_case import NUMBER
from ghala.evaluation.optimise import Optimise

LEFT_OVER, LACKING = 0.02, 0.30  # what a unit too many or too few costs, as a share of its price
FACTORS = [n / 20 for n in range(10, 81)]


class {{ cookiecutter.class_name }}(Optimise):
    """The usual week of a SKU, times what would have cost least in the past."""

    entity = ("sku",)
    horizon_days = 8  # the files of a day arrive on the next
    baselines = ("weekly_4", "weekly_1")
    needs = ("orders", "lines", "products")
    kept = {"price": NUMBER}  # noqa: RUF012

    def fit(self, examples, *, seed):
        spent = {f: self.cost(examples, (examples["weekly_4"] * f).ceil()).sum() for f in FACTORS}
        return {"factor": min(spent, key=spent.get)}

    def predict(self, model, subjects):
        broken = pl.when(pl.col("price").is_null()).then(pl.lit("no price is known"))
        ready = (pl.col("weekly_4") * model["factor"]).ceil()
        return subjects.with_columns(decision=ready, infeasible=broken)

    def cost(self, rows, decision):
        over = decision - rows["actual"]
        return rows["price"] * (LEFT_OVER * over.clip(0) + LACKING * (-over).clip(0))

    def save(self, model, folder):
        (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")

    def load(self, folder):
        return json.loads((folder / "model.json").read_text(encoding="utf-8"))

"""marketing/segmentation: who customers are by how they buy, and what they will bring."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from ghala.contracts.use_case import NUMBER, TEXT
from ghala.evaluation.segment import Segment
from ghala_retail.use_cases.marketing.segmentation.buying import (
    Buying,
    Spending,
    fit_buying,
    fit_spending,
)
from ghala_retail.use_cases.marketing.segmentation.habits import Mixture, count_items, fit_mixture
from ghala_retail.use_cases.marketing.segmentation.naming import (
    name_rfm,
    name_segments,
    name_stages,
)

_RFM = {"recency": "idle_days", "frequency": "orders", "money": "spend"}
_HIATUS = 0.75
"""Quantile of the days since the newest order up to which the hiatus rule calls one active."""
_YEARLY_DISCOUNT = 0.12
_CHUNK = 200_000


@dataclass(frozen=True)
class Model:
    """Segments with their names, the rates of buying and spending, and the baselines' edges."""

    mixture: Mixture
    names: tuple[str, ...]
    buying: Buying
    spending: Spending
    quintiles: dict[str, list[float]]
    hiatus_days: float
    trials: list[dict[str, float]]


class Segmentation(Segment):
    """A behavioural segment per customer; beside it the stage of life and the value to come."""

    entity = ("customer_id",)
    horizon_days = 29  # the files of a day arrive on the next
    features = ("customer_lifetime",)
    watched = ("spend_per_order",)
    baselines = ("rfm", "hiatus")
    needs = ("order_lines",)
    kept: ClassVar[dict[str, str]] = {
        "certainty": NUMBER, "rfm_segment": TEXT, "stage": TEXT, "chance_alive": NUMBER,
        "orders_13w": NUMBER, "orders_52w": NUMBER, "spend_per_order": NUMBER, "clv_52w": NUMBER,
    }  # fmt: skip

    def fit(self, examples: pl.DataFrame, *, seed: int) -> Model:
        """Fit on what each customer was last known to be; outcomes teach nothing."""
        rows = examples.sort("as_of", "customer_id").unique(
            "customer_id", keep="last", maintain_order=True
        )
        again, last, age = _clock(rows)
        mixture, trials = fit_mixture(rows["habits"], rows["orders"], seed=seed)
        steps = (0.2, 0.4, 0.6, 0.8)
        return Model(
            mixture=mixture,
            names=tuple(name_segments(mixture)),
            buying=fit_buying(again, last, age),
            spending=fit_spending(*_money(rows), seed=seed),
            quintiles={
                name: [float(rows[column].quantile(q) or 0.0) for q in steps]
                for name, column in _RFM.items()
            },
            hiatus_days=float(rows["idle_days"].quantile(_HIATUS) or 0.0),
            trials=[asdict(trial) for trial in trials],
        )

    def predict(self, model: Model, subjects: pl.DataFrame) -> pl.DataFrame:
        """Label every customer, beside the baselines; same rows, same order."""
        scores = {
            name: _score(subjects[column], model.quintiles[name], falling=name == "recency")
            for name, column in _RFM.items()
        }
        recency, frequency, money = (pl.col(name) for name in scores)
        said = subjects.select("orders", "age_days", "idle_days").with_columns(
            *_label(model, subjects["habits"]), **scores, **_value(model, subjects)
        )
        active = pl.col("idle_days") <= model.hiatus_days
        return said.with_columns(
            rfm=pl.format("R{}F{}M{}", recency, frequency, money),
            hiatus=pl.when(active).then(pl.lit("active")).otherwise(pl.lit("inactive")),
            rfm_segment=name_rfm(recency, frequency, money),
            stage=name_stages(pl.col("orders"), pl.col("age_days"), pl.col("chance_alive")),
        )

    def losses(self, rows: pl.DataFrame, metric: str, *, who: str) -> pl.Series:
        """As of every segmentation, among those who bought: what an order was worth.

        Who did not buy had no order to be wrong about.
        """
        bought = rows["actual"].to_numpy() > 0
        losses = np.zeros(rows.height)
        losses[bought] = super().losses(rows.filter(bought), metric, who=who).to_numpy()
        return pl.Series("loss", losses)

    def save(self, model: Model, folder: Path) -> None:
        """Write one JSON file and one of arrays."""
        said = {name: value for name, value in vars(model).items() if name != "mixture"}
        said |= {"buying": asdict(model.buying), "spending": asdict(model.spending)}
        said["items"] = model.mixture.items
        (folder / "model.json").write_text(json.dumps(said, indent=1), encoding="utf-8")
        arrays = {"chances": model.mixture.chances, "shares": model.mixture.shares}
        np.savez(folder / "mixture.npz", allow_pickle=False, **arrays)

    def load(self, folder: Path) -> Model:
        """Read what ``save`` wrote."""
        said = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        with np.load(folder / "mixture.npz", allow_pickle=False) as arrays:
            mixture = Mixture(tuple(said.pop("items")), arrays["chances"], arrays["shares"])
        return Model(
            mixture=mixture,
            names=tuple(said.pop("names")),
            buying=Buying(**said.pop("buying")),
            spending=Spending(**said.pop("spending")),
            **said,
        )


def _clock(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orders after the first, weeks from the first to the newest, weeks since the first."""
    age = np.round(rows["age_days"].to_numpy() / 7)
    again = rows["orders"].to_numpy().astype(np.float64) - 1
    last = np.round((rows["age_days"] - rows["idle_days"]).to_numpy() / 7)
    return np.maximum(again, 0), last, age


def _money(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return rows["orders"].to_numpy().astype(np.float64), rows["spend_per_order"].to_numpy()


def _score(values: pl.Series, edges: list[float], *, falling: bool) -> pl.Series:
    """The quintile, 5 the best."""
    passed = np.searchsorted(np.array(edges), values.cast(pl.Float64).to_numpy())
    return pl.Series(5 - passed if falling else passed + 1, dtype=pl.Int8)


def _label(model: Model, bags: pl.Series) -> list[pl.Series]:
    """The likeliest segment of each bag, and how sure that is."""
    names, labels, sure = np.array(model.names), [], []
    for begin in range(0, max(len(bags), 1), _CHUNK):
        counts = count_items(bags.slice(begin, _CHUNK), model.mixture.items)
        belongs = model.mixture.belongs(counts)
        labels.append(names[belongs.argmax(1)])
        sure.append(belongs.max(1))
    certainty = np.concatenate(sure).astype(np.float64)
    return [pl.Series("segment", np.concatenate(labels)), pl.Series("certainty", certainty)]


def _value(model: Model, subjects: pl.DataFrame) -> dict[str, pl.Series]:
    """What the rates of buying and spending foretell; alike customers are worked out once."""
    clock = np.column_stack(_clock(subjects))
    kinds, place = np.unique(clock, axis=0, return_inverse=True)
    again, last, age = kinds.T
    buying = model.buying
    ahead = {w: buying.orders(again, last, age=age, weeks=w)[place] for w in (13, 52)}
    orders, mean = _money(subjects)
    spend = model.spending.per_order(orders, np.nan_to_num(mean))
    half_a_year = (1 + _YEARLY_DISCOUNT) ** -0.5  # a year's orders come at its middle on average
    return {
        "chance_alive": pl.Series(buying.chance_alive(again, last, age)[place]),
        "orders_13w": pl.Series(ahead[13]),
        "orders_52w": pl.Series(ahead[52]),
        "spend_per_order": pl.Series(spend),
        "clv_52w": pl.Series(ahead[52] * spend * half_a_year),
    }

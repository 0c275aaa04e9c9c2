"""marketing/positioning: which offer and price tier to put before each segment, and the map."""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.stats import norm

from ghala.contracts.records import Verdict
from ghala.contracts.use_case import NUMBER, TEXT
from ghala.evaluation.bootstrap import relative_gain
from ghala.evaluation.gates import name_entities
from ghala.evaluation.optimise import Optimise
from ghala.evaluation.verdicts import make_verdict
from ghala_retail.use_cases.marketing.positioning.mapping import draw_map, lifts

Model = dict[str, float]

_SURE = 0.8
"""The probability with which a segment's own choice must be better than one offer for all."""
_INTERVAL = 0.90
_ONE = ["as_of", "segment"]
_MAP = ("category", "brand", "tier")


class Positioning(Optimise):
    """1 for what to put before a segment, 0 for what not: at most one offer, and one price tier.

    Offers are chosen by what randomised campaigns earned, price tiers by what a segment buys more
    often than others: an association, of which no test has shown that it earns anything.
    """

    entity = ("segment", "item")
    horizon_days = 105  # each of three offers runs every 84 days for 14, told 3 days later
    watched = ("customers",)
    baselines = ("one_offer", "nothing")
    needs = ("order_lines", "products", "prices", "campaigns", "campaign_exposures")
    reads = ("marketing/segmentation",)
    kept: ClassVar[dict[str, str]] = {
        "kind": TEXT, "reason": TEXT, "customers": NUMBER, "effect": NUMBER, "effect_low": NUMBER,
        "effect_high": NUMBER, "affinity": NUMBER, "axis_1": NUMBER, "axis_2": NUMBER,
        "segment_axis_1": NUMBER, "segment_axis_2": NUMBER, "inertia": NUMBER,
        "stability": NUMBER,
    }  # fmt: skip

    def fit(self, examples: pl.DataFrame, *, seed: int) -> Model:
        """Learn how much segments differ in what an offer earns; 0 before there are segments."""
        newest = examples.filter(pl.col("as_of") == pl.col("as_of").max())
        own = newest.drop_nulls(["effect", "error", "overall_effect"]).filter(pl.col("error") > 0)
        gaps = own.select(
            squared=(pl.col("effect") - pl.col("overall_effect")) ** 2,
            noise=pl.col("error") ** 2,
        )
        weights = 1 / gaps["noise"].to_numpy()
        excess = weights @ (gaps["squared"] - gaps["noise"]).to_numpy()
        spread = max(float(excess / weights.sum()), 0.0) if len(weights) else 0.0
        return {"spread": spread**0.5, "seed": float(seed)}

    def predict(self, model: Model, subjects: pl.DataFrame) -> pl.DataFrame:
        """Decide for every segment and place it on the map; same rows, same order."""
        rows = _shrink(subjects.with_row_index("row"), model["spread"]).with_columns(
            kind=pl.col("item").str.split(":").list.first()
        )
        days = [_place(day, seed=int(model["seed"])) for _, day in rows.group_by("as_of")]
        rows = _choose(pl.concat(days))
        return rows.sort("row").with_columns(
            nothing=pl.lit(0.0), infeasible=pl.lit(None, pl.String)
        )

    def save(self, model: Model, folder: Path) -> None:
        """Write one JSON file."""
        (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")

    def load(self, folder: Path) -> Model:
        """Read what ``save`` wrote."""
        model: Model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return model

    def cost(self, rows: pl.DataFrame, decision: pl.Series) -> pl.Series:
        """Money left on the table beside knowing what the next campaign would earn."""
        actual = rows["actual"]
        return (actual.clip(lower_bound=0.0) - decision * actual) * rows["customers"]

    def checks(self, rows: pl.DataFrame) -> list[Verdict]:
        """Decisions can be carried out, and are not below one offer for all."""
        gates = self.policy.gates
        pairs = pl.DataFrame({
            "series": name_entities(self, rows),
            "loss": self.losses(rows, self.headline, who=self.answer),
            "rival": self.losses(rows, self.headline, who=self.baseline),
        })  # fmt: skip
        gain = relative_gain(pairs, confidence=gates.confidence, seed=self.policy.seed)
        words = (
            f"what it leaves on the table is {gain.estimate:+.1%} better than {self.baseline}"
            f" ({gates.confidence:.0%} interval {gain.low:+.1%} to {gain.high:+.1%});"
            " the interval must not lie below 0."
        )
        figures = {"gain": gain.estimate, "low": gain.low, "high": gain.high}
        verdict = make_verdict(
            f"not_below_{self.baseline}", words, passed=gain.high >= 0, figures=figures
        )
        return [*super().checks(rows), verdict]


def _shrink(rows: pl.DataFrame, spread: float) -> pl.DataFrame:
    """What an offer earns in a segment: its own campaigns, drawn towards those over everyone."""
    own, noise = pl.col("effect"), pl.col("error") ** 2
    whole, doubt = pl.col("overall_effect"), pl.col("overall_error") ** 2
    known = own.is_not_null() & (pl.col("segment") != "everyone")
    trust = pl.when(known).then(spread**2 / (spread**2 + noise)).otherwise(0.0)
    rows = rows.with_columns(trust=trust).with_columns(
        mean=pl.when(pl.col("trust") > 0).then(
            pl.col("trust") * own + (1 - pl.col("trust")) * whole
        ).otherwise(whole),
        deviation=((1 - pl.col("trust")) * (spread**2 + (1 - pl.col("trust")) * doubt)).sqrt(),
    )  # fmt: skip
    width = float(norm.ppf(0.5 + _INTERVAL / 2)) * pl.col("deviation")
    return rows.with_columns(
        effect=pl.col("mean"), effect_low=pl.col("mean") - width, effect_high=pl.col("mean") + width
    )


def _place(day: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """The points of one day on the map, and how typical each item is of each segment."""
    seen = day.filter(pl.col("kind").is_in(_MAP))
    segments, items = (seen[name].unique().sort() for name in ("segment", "item"))
    counts = np.zeros((len(segments), len(items)))
    at = [seen[name].replace_strict(known, range(len(known)), return_dtype=pl.Int64)
          if len(known) else pl.Series([], dtype=pl.Int64)
          for name, known in (("segment", segments), ("item", items))]  # fmt: skip
    counts[at[0].to_numpy(), at[1].to_numpy()] = seen["lines"].fill_null(0).to_numpy()
    found, typical = draw_map(counts, seed=seed), lifts(counts)
    kinds = items.str.split(":").list.first().to_numpy()
    for kind in set(kinds):
        typical[:, kinds == kind] = lifts(counts[:, kinds == kind])
    points = {name: pl.DataFrame({
        name: known, f"{prefix}axis_1": place[:, 0], f"{prefix}axis_2": place[:, 1]
    }) for name, known, prefix, place in (
        ("segment", segments, "segment_", found.rows), ("item", items, "", found.columns)
    )}  # fmt: skip
    affinity = seen.select("row", affinity=pl.Series(typical[at[0].to_numpy(), at[1].to_numpy()]))
    placed = day.join(affinity, on="row", how="left")
    for name, frame in points.items():
        placed = placed.join(frame, on=name, how="left")
    axes = [name for name in placed.columns if "axis" in name]
    return placed.with_columns(
        pl.col(axes).fill_null(0.0),
        inertia=pl.lit(found.inertia), stability=pl.lit(found.stability),
    )  # fmt: skip


def _choose(rows: pl.DataFrame) -> pl.DataFrame:
    """One offer for all where nothing surely is better; the tier that a segment buys most of."""
    offers, tiers = rows.filter(kind="offer"), rows.filter(kind="tier")
    rest = rows.filter(~pl.col("kind").is_in(["offer", "tier"])).with_columns(
        decision=pl.lit(0.0), one_offer=pl.lit(0.0), reason=pl.lit("on the map only")
    )
    return pl.concat([_choose_offers(offers), _choose_tiers(tiers), rest], how="diagonal")


def _choose_offers(offers: pl.DataFrame) -> pl.DataFrame:
    whole, value, doubt = (pl.col(n) for n in ("overall_effect", "mean", "deviation"))
    is_one = (whole == whole.max().over("as_of")) & (whole > 0)
    rows = offers.with_columns(one_offer=is_one.fill_null(value=False).cast(pl.Float64))
    one = pl.col("one_offer") == 1
    rows = rows.with_columns(
        base=pl.when(one).then(value).sum().over(_ONE),
        base_doubt=pl.when(one).then(doubt).sum().over(_ONE),
        is_best=(value == value.max().over(_ONE)).fill_null(value=False),
    )
    top = value.max().over(_ONE)
    gap = pl.max_horizontal(top, pl.lit(0.0)) - pl.col("base")
    risk = (
        pl.col("base_doubt") ** 2 + pl.when(top > 0).then(doubt.max().over(_ONE)).otherwise(0) ** 2
    )
    surely = gap > float(norm.ppf(_SURE)) * risk.sqrt()
    own = pl.when(top > 0).then(pl.col("is_best")).otherwise(pl.lit(value=False))
    chosen = pl.when(surely).then(own).otherwise(one)
    return rows.with_columns(
        decision=chosen.fill_null(value=False).cast(pl.Float64),
        reason=pl.when(value.is_null())
        .then(pl.lit("no campaign held customers out: nothing shows what it earns"))
        .when(surely)
        .then(pl.lit("surely better for this segment than one offer for all"))
        .otherwise(pl.lit("as for everyone: nothing is surely better")),
    ).drop("base", "base_doubt", "is_best")


def _choose_tiers(tiers: pl.DataFrame) -> pl.DataFrame:
    sold = pl.col("lines").sum().over("as_of", "item")
    return tiers.with_columns(
        decision=(pl.col("affinity") == pl.col("affinity").max().over(_ONE)).cast(pl.Float64),
        one_offer=(sold == sold.max().over("as_of")).cast(pl.Float64),
        reason=pl.lit("bought more often than by other segments; no test shows that it earns"),
    )

"""What an event does: the lift of its SKUs, what it takes from the shelf and from later weeks.

The logarithm of an event's lift is a mixed linear model: a common level, depth and front page; how
far each category, each kind of event and each pair of them stands off, and how much more or less a
category answers to depth. How far such groups differ is learned from the events themselves by their
marginal likelihood (empirical Bayes; Morris 1983), so that a category with few events is pulled
toward the others. Each event counts by its sampling error: a Poisson count over an expectation that
is itself an estimate.

Of the units that an event adds, a share is switched from the other SKUs of its subcategories, and a
share is only bought earlier; the rest expands the category. Both shares start from a third
(van Heerde, Leeflang & Wittink 2004) and are moved by the data as far as the data can tell.

Events fall on days that are busy anyway: a school event meets twice the usual demand for paper. How
much more than usual would have been sold without the event is learned for each kind of event, from
the locations and the categories without it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

Array = NDArray[np.float64]
FEWEST_EVENTS = 8
THIRD, UNSURE = 1 / 3, 0.15
"""What is believed of both shares before any event was seen: mean and standard deviation."""
UNEVEN = 0.05
"""Relative error of an expectation beside its Poisson error: shelves differ between locations."""
_DIFFUSE = 25.0
_GROUPS = ("category", "depth", "event", "pair")
_FILE, _NAMES = "response.npz", "response.json"


@dataclass(frozen=True)
class Share:
    """What is believed of a number, such as a share of the added units: mean and deviation."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Response:
    """What events of a company do.

    Attributes:
        columns: what each coefficient stands for.
        mean: of the coefficients of the log lift.
        covariance: of the same.
        spread: standard deviation of one event around its expectation, in logs.
        switching: by category, the share taken from the rest of the shelf; ``""`` is any other.
        pull_forward: the share that is bought earlier.
        mix: what a unit of the event earns beyond the mean of its SKUs, as a share of its price:
            dear and cheap SKUs do not gain alike.
        bustle: by kind of event, the logarithm of what would have been sold without it over the
            usual; ``""`` is any other.
    """

    columns: tuple[str, ...]
    mean: Array
    covariance: Array
    spread: float
    switching: dict[str, Share]
    pull_forward: Share
    mix: Share
    bustle: dict[str, Share]

    def log_lifts(self, events: pl.DataFrame) -> tuple[Array, Array]:
        """Mean and standard deviation of the log lift of each of some ``events``, one a row.

        They have ``category, event, depth, featured``. A category or kind of event that was never
        seen is as uncertain as such groups differ.
        """
        x = design(events, self.columns)
        variance = np.einsum("ij,jk,ik->i", x, self.covariance, x) + self._unseen(events)
        return x @ self.mean, np.sqrt(variance + self.spread**2)

    def share_of(self, category: str) -> Share:
        """The share that a category's events take from the rest of its shelf."""
        return self.switching.get(category, self.switching[""])

    def bustle_of(self, event: str) -> Share:
        """How busy the days of a kind of event are without it, in logs."""
        return self.bustle.get(event, self.bustle[""])

    def _unseen(self, events: pl.DataFrame) -> Array:
        """The variance between categories where one is new."""
        known = {name.partition(":")[2] for name in self.columns if name.startswith("category:")}
        seen = events["category"].is_in(sorted(known)).to_numpy()
        return np.where(seen, 0.0, UNSURE**2)

    def save(self, folder: Path) -> None:
        """Write arrays without pickle, and names and shares as JSON."""
        np.savez(folder / _FILE, mean=self.mean, covariance=self.covariance)
        names = {
            "columns": self.columns,
            "spread": self.spread,
            "switching": {name: [one.mean, one.sd] for name, one in self.switching.items()},
            "pull_forward": [self.pull_forward.mean, self.pull_forward.sd],
            "mix": [self.mix.mean, self.mix.sd],
            "bustle": {name: [one.mean, one.sd] for name, one in self.bustle.items()},
        }
        (folder / _NAMES).write_text(json.dumps(names, indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Response":
        """Read what ``save`` wrote."""
        names = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
        with np.load(folder / _FILE, allow_pickle=False) as arrays:
            mean, covariance = arrays["mean"], arrays["covariance"]
        return cls(
            tuple(names["columns"]), mean, covariance, names["spread"],
            {name: Share(*one) for name, one in names["switching"].items()},
            Share(*names["pull_forward"]), Share(*names["mix"]),
            {name: Share(*one) for name, one in names["bustle"].items()},
        )  # fmt: skip


def fit_response(cells: pl.DataFrame) -> Response:
    """Learn from what events did, one row per category, location and week.

    Raises:
        ValueError: fewer than ``FEWEST_EVENTS`` events are known, or nothing was sold in any.
    """
    events = gather_events(cells)
    if events.height < FEWEST_EVENTS:
        raise ValueError(
            f"{events.height} events have run whose effect is known; {FEWEST_EVENTS} are needed"
        )
    if not events["own_units"].sum():
        raise ValueError("nothing was sold in any event")
    columns = _columns_of(events)
    x, (y, variance) = design(events, columns), measure(events)
    groups = np.array([_group(name) for name in columns])
    spreads = _learn_spreads(x, y, variance=variance, groups=groups)
    mean, covariance = _posterior(x, y, variance=variance + spreads[-1] ** 2,
                                  prior=_prior(groups, spreads))  # fmt: skip
    lifts = np.exp(x @ mean) - 1
    return Response(
        columns, mean, covariance, float(spreads[-1]),
        # While an event is sold out it draws nothing from the shelf: what was due in stock counts.
        _learn_switching(events, lifts * events["own_expected"].to_numpy()),
        _learn_pull_forward(cells), _learn_mix(events), _learn_bustle(events),
    )  # fmt: skip


def gather_events(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells in which an event ran, each once, summed over the locations of the event."""
    sums = (
        "own_units", "own_expected", "own_base", "rest_units", "rest_expected", "rest_base",
        "own_usual", "own_earned", "own_revenue", "own_margin",
    )  # fmt: skip
    ran = cells.filter(pl.col("own_expected") > 0)
    once = ran.unique(["category", "location_id", "target_week"], keep="last", maintain_order=True)
    weight = pl.col("own_expected") / pl.col("own_expected").sum()
    return (
        once.group_by("category", "target_week", "event")
        .agg(
            pl.col(sums).sum(),
            pl.col("own_controls", "rest_controls").max(),
            (pl.col("depth") * weight).sum(),
            (pl.col("featured") * weight).sum(),
        )
        .sort("category", "target_week", "event")
    )


def measure(events: pl.DataFrame) -> tuple[Array, Array]:
    """The log lift of each event as it was measured, and its sampling variance."""
    units, expected, controls = (
        events[name].to_numpy() + 0.5 for name in ("own_units", "own_expected", "own_controls")
    )
    # `expected` rests on eight weeks of the same shelves: about eight times its units.
    variance = 1 / units + 1 / (8 * expected) + 1 / controls + UNEVEN**2
    return np.log(units / expected), variance


def design(events: pl.DataFrame, columns: tuple[str, ...]) -> Array:
    """One row per event, one column per coefficient."""
    depth = pl.col("depth") - 0.15
    found = []
    for column in columns:
        kind, _, name = column.partition(":")
        category, _, event = name.rpartition("|")
        found.append(
            {
                "level": pl.lit(1.0),
                "depth": depth,
                "featured": pl.col("featured").cast(pl.Float64),
                "category": (pl.col("category") == name).cast(pl.Float64),
                "depth_of": (pl.col("category") == name).cast(pl.Float64) * depth,
                "event": (pl.col("event") == name).cast(pl.Float64),
                "pair": ((pl.col("category") == category) & (pl.col("event") == event)).cast(
                    pl.Float64
                ),
            }[kind].alias(column)
        )
    return events.select(found).to_numpy().astype(np.float64)


def _columns_of(events: pl.DataFrame) -> tuple[str, ...]:
    categories = events["category"].unique().sort().to_list()
    kinds = events["event"].unique().sort().to_list()
    pairs = events.select(pl.format("pair:{}|{}", "category", "event")).to_series()
    return (
        "level", "depth", "featured",
        *(f"category:{name}" for name in categories),
        *(f"depth_of:{name}" for name in categories),
        *(f"event:{name}" for name in kinds),
        *pairs.unique().sort().to_list(),
    )  # fmt: skip


def _group(column: str) -> int:
    """Which spread a coefficient has; -1 is none: it is free."""
    kind = column.partition(":")[0]
    order = ("category", "depth_of", "event", "pair")
    return order.index(kind) if kind in order else -1


def _prior(groups: NDArray[np.int64], spreads: Array) -> Array:
    return np.where(groups < 0, _DIFFUSE, spreads[groups.clip(min=0)] ** 2)


def _learn_spreads(x: Array, y: Array, *, variance: Array, groups: NDArray[np.int64]) -> Array:
    """The spreads of the groups, and of one event, that make the measured lifts most likely."""

    def cost(logs: Array) -> float:
        spreads = np.exp(logs)
        k = (x * _prior(groups, spreads)) @ x.T
        k[np.diag_indices_from(k)] += variance + spreads[-1] ** 2
        factor = cho_factor(k, lower=True)
        fit = float(y @ cho_solve(factor, y)) / 2 + float(np.log(np.diag(factor[0])).sum())
        # A half-normal of scale 1 keeps a spread that the data say nothing of from running off.
        return fit + float((spreads**2).sum()) / 2

    start = np.log(np.array([0.2, 1.0, 0.2, 0.1, 0.1]))
    bounds = [(np.log(0.01), np.log(3.0))] * len(start)
    found: Array = np.exp(minimize(cost, start, method="L-BFGS-B", bounds=bounds).x)
    return found


def _posterior(x: Array, y: Array, *, variance: Array, prior: Array) -> tuple[Array, Array]:
    precision = (x.T / variance) @ x + np.diag(1 / prior)
    factor = cho_factor(precision, lower=True)
    covariance: Array = cho_solve(factor, np.eye(len(prior)))
    mean: Array = covariance @ (x.T @ (y / variance))
    return mean, covariance


def _learn_switching(events: pl.DataFrame, lifts: Array) -> dict[str, Share]:
    """How much of the lift the rest of the shelf lost, by category."""
    names = events["category"].to_numpy()
    rest, expected, base, controls = (
        events[name].to_numpy()
        for name in ("rest_units", "rest_expected", "rest_base", "rest_controls")
    )
    scale = base / np.maximum(expected, 1e-9)
    lost = np.where(expected > 0, (expected - rest) * scale, 0.0)
    noise = expected + expected**2 * (1 / (controls + 1) + UNEVEN**2) + 1
    weight = np.where(expected > 0, lifts**2 / (noise * scale.clip(min=1) ** 2), 0.0)
    slope = np.where(np.abs(lifts) > 1e-9, lost / np.where(lifts == 0, 1, lifts), 0.0)
    pooled = _update(Share(THIRD, UNSURE), slope, weight)
    between = 0.1
    found = {"": Share(pooled.mean, float(np.hypot(pooled.sd, between)))}
    for name in np.unique(names):
        mine = names == name
        found[str(name)] = _update(found[""], slope[mine], weight[mine])
    return found


def _learn_pull_forward(cells: pl.DataFrame) -> Share:
    """How much of their lift events took from the eight weeks after them."""
    after = cells.filter(pl.col("after_expected") > 0).unique(
        ["category", "location_id", "target_week"], keep="last", maintain_order=True
    )
    after = after.group_by("category", "target_week").agg(
        pl.col("after_units", "after_expected", "after_lift").sum()
    ).sort("category", "target_week")  # fmt: skip
    if after.height < FEWEST_EVENTS:
        return Share(THIRD, UNSURE)
    lost = (after["after_expected"] - after["after_units"]).to_numpy()
    lift, expected = after["after_lift"].to_numpy(), after["after_expected"].to_numpy()
    relative = max(float(np.mean((lost / expected) ** 2)), 1e-6)
    weight = lift**2 / (relative * expected**2)
    slope = np.where(np.abs(lift) > 1e-9, lost / np.where(lift == 0, 1, lift), 0.0)
    return _update(Share(THIRD, UNSURE), slope, weight)


def _learn_mix(events: pl.DataFrame) -> Share:
    """How far the unit margin of what an event sold lies from that of its SKUs on average.

    The spread is one event's, not the mean's; it counts what sampling adds to it as well.
    """
    sold = events.filter((pl.col("own_units") > 0) & (pl.col("own_revenue") > 0))
    price = sold["own_revenue"] / sold["own_base"]
    usual = sold["own_margin"] / sold["own_base"] - price * sold["depth"]
    gap = ((sold["own_earned"] / sold["own_units"] - usual) / price).to_numpy()
    weight = np.sqrt(sold["own_units"].to_numpy())
    mean = float(np.average(gap, weights=weight))
    return Share(mean, float(np.sqrt(np.average((gap - mean) ** 2, weights=weight))))


def _learn_bustle(events: pl.DataFrame) -> dict[str, Share]:
    """How much more than usual was due, by kind of event; kinds are drawn toward each other.

    Variances by moments (DerSimonian & Laird 1986), of one event and between kinds; a measurement
    counts as at most three deviations off its kind (Huber 1981), for controls sell out at times.
    """
    usual, due, controls = (
        events[name].to_numpy() + 0.5 for name in ("own_usual", "own_expected", "own_controls")
    )
    logs, noise = np.log(due / usual), 1 / controls + 1 / (8 * usual)
    kinds, at = np.unique(events["event"].to_numpy(), return_inverse=True)
    usual_log = np.array([np.median(logs[at == kind]) for kind in range(len(kinds))])[at]
    reach = 3 * 1.4826 * float(np.median(np.abs(logs - usual_log)))
    logs = usual_log + (logs - usual_log).clip(-reach, reach)
    weight = 1 / (noise + UNEVEN)
    total = np.bincount(at, weight)
    mean = np.bincount(at, weight * logs) / total
    one = max(float(np.average((logs - mean[at]) ** 2 - noise, weights=weight)), UNEVEN**2)
    error = np.bincount(at, weight**2 * (noise + one)) / total**2
    middle = float(np.average(mean, weights=total))
    between = max(float(np.average((mean - middle) ** 2 - error, weights=total)), UNEVEN**2)
    trust = between / (between + error)
    found = {"": Share(middle, float((between + one) ** 0.5))}
    for kind, own, share, doubt in zip(kinds, mean, trust, (1 - trust) * between, strict=True):
        found[str(kind)] = Share(
            float(middle + share * (own - middle)), float((doubt + one) ** 0.5)
        )
    return found


def _update(prior: Share, slope: Array, weight: Array) -> Share:
    """A normal belief after measured slopes, each with its precision; a share lies in 0..1."""
    precision = 1 / prior.sd**2 + float(weight.sum())
    mean = (prior.mean / prior.sd**2 + float((slope * weight).sum())) / precision
    return Share(float(np.clip(mean, 0.0, 1.0)), float(precision**-0.5))

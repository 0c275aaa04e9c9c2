"""What is learned: the service level of each class of SKU, and how the rivals are best tuned."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.use_cases.operations.replenishment.lead_time import LeadTimeDemand
from ghala_retail.use_cases.operations.replenishment.replay import World, arrange, live
from ghala_retail.use_cases.operations.replenishment.rules import (
    Cycles,
    Levels,
    Shared,
    chance_to_last,
    cover_levels,
    forecast_levels,
    join_orders,
    lot_weeks,
    textbook_levels,
)
from ghala_retail.use_cases.operations.replenishment.terms import Costs

Floats = NDArray[np.float64]
Numbers = tuple[float, ...]
Rule = Callable[[Floats, Numbers], Levels]

CLASSES = ("A fast", "A slow", "B fast", "B slow", "C fast", "C slow")
_SHARES = (0.8, 0.95)
"""Of what a week's demand earns: classes A and B."""
_FAST = 3.0
"""Units a week."""
_ODDS = (0.2, 0.5, 1.2, 3.0, 10.0, 40.0)
"""Of being sold out in a cycle, over those at which holding and lost sales balance."""
_CYCLES = tuple(product((0.35, 0.5, 0.8), (0.6, 0.9), (1.0, 2.0, 4.0)))
"""Those of ``Shared``; waiting for more than four times an order's cost leaves shelves empty."""
_SAFETY = (0.0, 0.5, 0.84, 1.28, 1.645, 2.05, 2.6)
_PARTS = ((0.03,), (0.1,), (0.3,), (1.0,))
"""How much of an order's fixed cost a textbook's lot of a single SKU is made to bear."""
_COVERS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
_CELLS = 2_500
"""At most about so many SKUs in depots are tuned on, by whole orders."""


@dataclass(frozen=True)
class Tuned:
    """A policy's number by class, and those that all classes share."""

    by_class: tuple[float, ...]
    shared: Numbers


@dataclass(frozen=True)
class Ordering:
    """A fitted model.

    ``cuts`` are the values a week, in KES, from which a SKU in a depot is of class B and A.
    """

    cuts: tuple[float, float]
    service: Tuned
    textbook: Tuned
    cover: Tuned
    weekly_cost: dict[str, float]

    def classes(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        """The class of each row, as its place in ``CLASSES``."""
        value = (rows["pace"] * rows["missed"]).to_numpy()
        letter = 2 - np.searchsorted(self.cuts, value, side="right")
        return np.asarray(2 * letter + (rows["pace"].to_numpy() < _FAST))

    def levels(self, rows: pl.DataFrame, cycles: Cycles, costs: Costs) -> dict[str, Levels]:
        """The levels of the model and of its rivals, by the column that holds their answer."""
        rules = _rules(rows, cycles, costs)
        of = self.classes(rows)
        tuned = {"decision": self.service, "textbook": self.textbook, "cover": self.cover}
        return {
            name: rules[name](np.array(one.by_class)[of], one.shared) for name, one in tuned.items()
        }

    def service_of(self, rows: pl.DataFrame, cycles: Cycles, costs: Costs) -> Floats:
        """The chance to last through a cycle that each row is given."""
        weeks = lot_weeks(rows, cycles, costs, longer=self.service.shared[0])
        return chance_to_last(rows, weeks, np.array(self.service.by_class)[self.classes(rows)])


def tune(rows: pl.DataFrame, costs: Costs, *, seed: int) -> Ordering:
    """Tune the three policies by living through the past weeks with each of their numbers.

    Args:
        rows: described examples with ``actual``, a year of weeks at best.
        costs: what things cost.
        seed: of the lead times that are drawn, and of the orders that are tuned on.

    Raises:
        ValueError: fewer than eight weeks are known.
    """
    if rows["as_of"].n_unique() < 8:
        raise ValueError("fewer than eight weeks are known, too few to live through")
    rows = _draw(rows, seed)
    cuts = _cut(rows)
    start = Ordering(cuts, *(Tuned((0.0,), ()),) * 3, {})
    world, of = arrange(rows, seed=seed), start.classes(rows)
    rules = _rules(rows, join_orders(rows, costs), costs)
    grids = {
        "decision": (_ODDS, _CYCLES),
        "textbook": (_SAFETY, _PARTS),
        "cover": (_COVERS, ((),)),
    }
    found = {
        name: _tune(world, rule, costs, of=of, grid=grids[name]) for name, rule in rules.items()
    }
    weeks = rows["as_of"].n_unique()
    return replace(
        start,
        service=found["decision"][0], textbook=found["textbook"][0], cover=found["cover"][0],
        weekly_cost={name: cost / weeks for name, (_, cost) in found.items()},
    )  # fmt: skip


def save(model: Ordering, folder: Path) -> None:
    """Write JSON, which runs no code when loaded."""
    (folder / "model.json").write_text(json.dumps(asdict(model), indent=1), encoding="utf-8")


def load(folder: Path) -> Ordering:
    """Read what ``save`` wrote."""
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    tuned = {
        name: Tuned(*(tuple(content[name][part]) for part in ("by_class", "shared")))
        for name in ("service", "textbook", "cover")
    }
    return Ordering(tuple(content["cuts"]), **tuned, weekly_cost=content["weekly_cost"])


def _rules(rows: pl.DataFrame, cycles: Cycles, costs: Costs) -> dict[str, Rule]:
    wanted = LeadTimeDemand(rows["lead_mean"].to_numpy(), rows["lead_dispersion"].to_numpy())
    return {
        "decision": lambda by, shared: forecast_levels(
            rows, cycles, wanted, odds=by, shared=Shared(*shared), costs=costs
        ),
        "textbook": lambda by, shared: textbook_levels(rows, costs, z=by, lots=shared[0]),
        "cover": lambda by, _: cover_levels(rows, weeks=by),
    }


def _tune(
    world: World, rule: Rule, costs: Costs, *, of: NDArray[np.int64],
    grid: tuple[Sequence[float], Sequence[Numbers]],
) -> tuple[Tuned, float]:  # fmt: skip
    """The numbers that cost least: each class its own, under the best that they share."""
    best: tuple[Tuned, float] | None = None
    for shared in grid[1]:
        costs_of = np.array([
            np.bincount(of, live(world, rule(np.full(len(of), number), shared), costs).cost,
                        len(CLASSES))
            for number in grid[0]
        ])  # fmt: skip
        chosen = tuple(grid[0][place] for place in costs_of.argmin(axis=0))
        total = float(live(world, rule(np.array(chosen)[of], shared), costs).cost.sum())
        if best is None or total < best[1]:
            best = Tuned(chosen, shared), total
    assert best is not None  # noqa: S101 - no grid is empty
    return best


def _cut(rows: pl.DataFrame) -> tuple[float, float]:
    value = np.sort((rows["pace"] * rows["missed"]).to_numpy())[::-1]
    share = np.cumsum(value) / max(float(value.sum()), 1e-9)
    a, b = (float(value[min(int((share < part).sum()), len(value) - 1)]) for part in _SHARES)
    return b, max(a, b)


def _draw(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Whole orders (supplier and depot) until there are enough SKUs in depots."""
    orders = rows.group_by("supplier_id", "location_id").agg(cells=pl.col("sku").n_unique())
    orders = orders.sort("supplier_id", "location_id").sample(fraction=1, shuffle=True, seed=seed)
    enough = orders.filter(pl.col("cells").cum_sum() - pl.col("cells") < _CELLS)
    return rows.join(enough, on=["supplier_id", "location_id"], how="semi", maintain_order="left")

"""A kiosk with one use case of its own, small enough to walk the whole road in a test.

It sells eight goods. Every other week is a payday week, in which all of them sell double; what
each sold in the last four weeks is the simple rule, and the model learns what payday adds.
"""

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from ghala.contracts.settings import Workspace
from ghala.warehouse import repository
from tests.faults.duka import open_shop

NAME = "operations/goods"
MONDAY = date(2026, 1, 5)
WEEKS = 16
GOODS = 8

POLICY: dict[str, Any] = {
    "owner": "Kiosk",
    "unit": "operations",
    "backtest": {"weeks": 4, "refit_every_weeks": 2, "training_origins": 8},
    "gates": {"metrics": ["wape"], "max_abs_bias": 0.2, "coverage": [0.0, 1.0]},
    "uat": {"shadow_weeks": 1, "max_loss_ratio": 1.5},
    "approval": {"rule": "auto"},
    "slices": {"columns": ["region"], "alike": ["region"], "min_rows": 8},
}

USE_CASE = '''
"""operations/goods: how much of each good will be sold this week."""

import json

import polars as pl

from ghala.evaluation.forecast import Forecast


class Goods(Forecast):
    """The mean of the last four weeks, times what payday adds or takes."""

    features = ("kiosk_goods",)
    money = "waste"

    def fit(self, examples, *, seed):
        sums = examples.group_by("is_payday").agg(pl.col("actual").sum(), pl.col("units_28").sum())
        rows = sums.sort("is_payday").iter_rows(named=True)
        return {str(row["is_payday"]): row["actual"] / row["units_28"] for row in rows}

    def predict(self, model, subjects):
        factor = pl.col("is_payday").cast(pl.String).replace_strict(model, return_dtype=pl.Float64)
        mean, recent = pl.col("units_28") * factor, pl.col("units_28")
        return subjects.select(
            "grain", "series", "as_of", "target_week", "horizon", dispersion=pl.lit(0.02),
            mean=mean, p10=0.8 * mean, p50=mean, p90=1.2 * mean,
            naive=pl.col("units_7"), recent_mean=recent,
            smart_mean=recent, smart_mean_p10=0.8 * recent, smart_mean_p50=recent,
            smart_mean_p90=1.2 * recent,
        )

    def losses(self, rows, metric, *, who):
        if metric != self.money:
            return super().losses(rows, metric, who=who)
        # What is left over is thrown away, what was lacking is a lost margin.
        return (rows[who] - rows["actual"]).abs() * 10.0

    def save(self, model, folder):
        (folder / "factors.json").write_text(json.dumps(model), encoding="utf-8")

    def load(self, folder):
        return json.loads((folder / "factors.json").read_text(encoding="utf-8"))
'''

FEATURES = '''
"""What a good sold lately."""

from ghala.features.definitions import FeatureView, Window

KIOSK = FeatureView(
    name="kiosk_goods", entity=("series",), source="features.kiosk_weeks", event_time="week",
    known_on="known_on", description="Units per week of a good.", owner="Kiosk", online=True,
    windows=tuple(Window(f"units_{n}", "mean", "units", days=n) for n in (7, 28)),
)
'''

WEEKS_SQL = """
-- One row: a good and a week, as known on the Monday after it.
SELECT sku AS series, CAST(date_trunc('week', ordered_on) AS DATE) AS week,
    max(known_on) AS known_on, CAST(sum(units) AS DOUBLE PRECISION) AS units
FROM {{ ref('order_lines') }} GROUP BY 1, 2
"""

SUBJECTS = """
SELECT origins.as_of, 'good' AS grain, goods.series, 1 AS horizon, origins.as_of AS target_week,
    CASE WHEN goods.series < 's4' THEN 'north' ELSE 'south' END AS region,
    CAST((origins.as_of - DATE '2026-01-05') / 7 AS INTEGER) % 2 AS is_payday
FROM origins
INNER JOIN (SELECT DISTINCT series, week, known_on FROM features.kiosk_weeks) AS goods
    ON goods.week = origins.as_of - 7 AND goods.known_on <= origins.as_of
"""

OUTCOMES = """
SELECT 'good' AS grain, series, week AS target_week, known_on, units AS actual
FROM features.kiosk_weeks
"""


def monday(week: int) -> date:
    """The first day of a week, and the day on which the file of the week before arrives."""
    return MONDAY + timedelta(weeks=week)


FIRST, SECOND = monday(14), monday(15)


def open_kiosk(root: Path, **policy: Any) -> Workspace:
    """A workspace that has sold for ``WEEKS`` weeks; nothing is landed yet.

    ``policy`` replaces whole sections of the kiosk's own.
    """
    workspace = open_shop(root)
    place = f"use_cases/{NAME}"
    write(workspace, {
        f"{place}/use_case.py": USE_CASE,
        f"{place}/subjects.sql": SUBJECTS,
        f"{place}/outcomes.sql": OUTCOMES,
        f"{place}/README.md": "# Goods\n",
        "features/kiosk.py": FEATURES,
        "warehouse/models/features/kiosk_weeks.sql": WEEKS_SQL,
    })  # fmt: skip
    settings = (root / "ghala.toml").read_text(encoding="utf-8")
    write(workspace, {"ghala.toml": settings.replace("operations/demand", NAME)})
    set_policy(workspace, **policy)
    for week in range(WEEKS):
        sell(workspace, week)
    repository.commit(root, "Sell goods", ".")
    return Workspace(root)


def walk(root: Path, actor: str) -> Workspace:
    """A kiosk after two weeks of the loop: version 1 was trained, tested in shadow and promoted."""
    from ghala import flow
    from ghala.house import House

    house = House(open_kiosk(root), actor)
    for day in (FIRST, SECOND):
        flow.run(house, day)
    house.ledger.engine.dispose()
    return house.workspace


def set_policy(workspace: Workspace, **sections: Any) -> None:
    """Write the policy of the kiosk's use case."""
    text = yaml.safe_dump({**POLICY, **sections}, sort_keys=False)
    write(workspace, {f"use_cases/{NAME}/policy.yml": text})


def write(workspace: Workspace, files: dict[str, str]) -> None:
    for name, content in files.items():
        file = workspace.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


def sell(workspace: Workspace, week: int, *, factor: float = 1.0) -> None:
    """Deliver what was sold in a week; the file arrives on the Monday after."""
    draw = random.Random(week)  # noqa: S311 - sales, not secrets
    lines = [
        f"w{week}g{good}n{n},s{good},"
        f"{max(1, round(factor * (1 + week % 2) * (good + 2) * draw.uniform(1, 5)))},"
        f"{n + 1}.50,{monday(week) + timedelta(days=n)}\n"
        for good in range(GOODS)
        for n in range(7)
    ]
    folder = workspace.inbox / "duka"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"sales_{monday(week + 1)}.csv").write_text(
        "receipt,sku,units,amount,sold_on\n" + "".join(lines), encoding="utf-8"
    )

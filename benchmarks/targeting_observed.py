"""What can be said of campaigns whose audience somebody chose: The Complete Journey's.

    python benchmarks/targeting_observed.py

There was no lot, so that who got a campaign differs from who did not in more than the campaign.
The chance of getting one is estimated from what a household bought before, and shown per type of
campaign are the *overlap* (share of households that could have been on either side), the effect on
spending in the first 28 days, in dollars (doubly robust, 90 % interval over households), and a
*placebo*: the same estimate for the 28 days before the campaign, from what was known before those.
No campaign moves the days before it: a placebo away from zero says that the effect is not the
campaign's doing either.
"""

from pathlib import Path

import duckdb
import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala_retail.sources.completejourney.deliveries import data_folder
from ghala_retail.use_cases.marketing.targeting.value import Value, estimate

Floats = NDArray[np.float64]

WINDOWS = (7, 28, 91)
OVERLAP = (0.05, 0.95)
FOLDS = 4
TREES = {
    "num_leaves": 7, "learning_rate": 0.06, "min_data_in_leaf": 100, "lambda_l2": 10.0,
    "num_threads": 1, "verbose": -1, "deterministic": True, "force_row_wise": True, "seed": 1,
}  # fmt: skip
ROUNDS = 60

PANEL = """
WITH days AS (
    SELECT household_id, CAST(transaction_timestamp AS DATE) AS day, sum(sales_value) AS spend
    FROM '{data}/transactions.parquet' GROUP BY ALL
),

begun AS (
    SELECT campaign_id, campaign_type, CAST(start_date AS DATE) AS starts_on,
        CAST(start_date AS DATE) - {back} AS as_of
    FROM '{data}/campaign_descriptions.parquet'
    WHERE CAST(start_date AS DATE) BETWEEN DATE '2017-05-01' AND DATE '2017-12-01'
),

households AS (SELECT DISTINCT household_id FROM days),

got AS (SELECT DISTINCT campaign_id, household_id FROM '{data}/campaigns.parquet')

SELECT
    begun.campaign_id, begun.campaign_type, households.household_id,
    CAST(got.household_id IS NOT NULL AS DOUBLE) AS contacted,
    coalesce(sum(spend) FILTER (WHERE day >= as_of AND day < as_of + 28), 0) AS spent,
    (SELECT count(*) FROM got AS other JOIN begun AS before USING (campaign_id)
     WHERE other.household_id = households.household_id AND before.starts_on < begun.as_of)
        AS got_before,
    {windows}
FROM begun
CROSS JOIN households
LEFT JOIN days ON days.household_id = households.household_id
    AND days.day >= begun.as_of - 91 AND days.day < begun.as_of + 28
LEFT JOIN got ON got.campaign_id = begun.campaign_id AND got.household_id = households.household_id
GROUP BY ALL
ORDER BY ALL
"""


def read_panel(data: Path, *, back: int) -> pl.DataFrame:
    """One row per campaign and household; ``back`` days earlier than the campaign for a placebo."""
    windows = ", ".join(
        f"coalesce({function} FILTER (WHERE day < as_of AND day >= as_of - {n}), 0) AS {name}_{n}"
        for n in WINDOWS
        for name, function in (("spend", "sum(spend)"), ("visits", "count(day)"))
    )
    with duckdb.connect(config={"threads": 1}) as connection:
        found = connection.sql(PANEL.format(data=data, back=back, windows=windows))
        return pl.DataFrame(found.to_arrow_table())


def cross_fit(table: Floats, target: Floats, *, fold: Floats, rows: Floats, kind: str) -> Floats:
    """Predictions for every row by a model of other households, learned from ``rows`` only."""
    said = np.zeros(len(target))
    for number in range(FOLDS):
        known = (fold != number) & (rows == 1)
        data = lgb.Dataset(table[known], target[known], params=TREES)
        grown = lgb.train({**TREES, "objective": kind}, data, ROUNDS)
        said[fold == number] = np.asarray(grown.predict(table[fold == number]))
    return said


def compare(panel: pl.DataFrame) -> tuple[float, float, Value]:
    """The overlap, the plain difference, and the doubly robust effect where there is overlap."""
    names = [name for name in panel.columns if name.startswith(("spend_", "visits_", "got_"))]
    names_of_campaign = panel["campaign_id"].cast(pl.String).rank("dense").to_numpy()
    table = np.column_stack([panel.select(names).cast(pl.Float64).to_numpy(), names_of_campaign])
    contacted, spent = (panel[name].cast(pl.Float64).to_numpy() for name in ("contacted", "spent"))
    cluster = panel["household_id"].cast(pl.String).rank("dense").to_numpy().astype(np.int64) - 1
    fold, whole = cluster % FOLDS, np.ones(len(spent))
    chance = cross_fit(table, contacted, fold=fold, rows=whole, kind="binary")
    sides = [
        cross_fit(table, spent, fold=fold, rows=(contacted == side) * 1.0, kind="regression")
        for side in (0, 1)
    ]
    inside = (chance > OVERLAP[0]) & (chance < OVERLAP[1])
    expected = np.where(contacted == 1, sides[1], sides[0])
    weight = (contacted - chance) / np.clip(chance * (1 - chance), 1e-3, None)
    effect = sides[1] - sides[0] + weight * (spent - expected)
    plain = float(spent[contacted == 1].mean() - spent[contacted == 0].mean())
    places = np.unique(cluster[inside], return_inverse=True)[1]
    return float(inside.mean()), plain, estimate(effect[inside], places, confidence=0.90)


def main() -> None:
    """Print effect and placebo per type of campaign."""
    data = data_folder()
    panels = {"effect": read_panel(data, back=0), "placebo": read_panel(data, back=28)}
    print("| campaigns | window | households inside | overlap | plain difference | doubly robust |")
    print("|---|---|---|---|---|---|")
    for kind in panels["effect"]["campaign_type"].unique().sort():
        for window, panel in panels.items():
            part = panel.filter(pl.col("campaign_type") == kind)
            overlap, plain, value = compare(part)
            count = part.filter(pl.col("contacted") == 1).height
            print(
                f"| {kind} | {window} | {count:,} of {part.height:,} | {overlap:.0%} |"
                f" {plain:+.1f} | {value.mean:+.1f} ({value.low:+.1f} to {value.high:+.1f}) |"
            )


if __name__ == "__main__":
    main()

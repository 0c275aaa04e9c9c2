"""What would more examples, or the mean of several fits, bring operations/demand?

    python benchmarks/demand_limit.py FOLDER

FOLDER is the workspace that ``benchmarks/demand.py`` made. Boosting alone, fitted on what was known
on three days before the judged weeks, forecasts the four weeks after each; targets from 2017-10-30
on are not read. Every forecast is scaled to what was sold, so that the level has no say. Prints by
how much its WAPE is below the 4-week mean's, per number of examples and of fits, and writes JSON.
"""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ghala import flow
from ghala.contracts import clock
from ghala.contracts.discovery import use_case
from ghala.contracts.settings import Workspace
from ghala.features.examples import Request, read_examples
from ghala.features.history import find_views, pick_views
from ghala_retail.use_cases.operations.demand import boosting, smart_mean
from ghala_retail.use_cases.operations.demand.prices import typical_elasticity, with_price_effect

CUTS = (date(2017, 8, 14), date(2017, 9, 11), date(2017, 10, 2))
END = date(2017, 10, 30)
SIZES = (30_000, 60_000, 120_000, 240_000)
FITS = 3
RESULTS = Path(__file__).parent / "results"
Floats = NDArray[np.float64]


def read(folder: Path, grain: str) -> pl.DataFrame:
    """The examples of a grain whose target lies before the judged weeks."""
    workspace = Workspace(folder.resolve())
    found = use_case(workspace, "operations/demand")
    views = pick_views(find_views(workspace), found.features)
    request = Request(clock.every(date(2017, 2, 27), END, 7), 0.6, CUTS[0])
    with flow.House(workspace, "benchmark").warehouse() as warehouse:
        examples = read_examples(warehouse, found, views=views, request=request, as_of=END)
    kept = examples.filter((pl.col("grain") == grain) & (pl.col("target_week") < END))
    return with_price_effect(kept, typical_elasticity(kept))


def gain(actual: Floats, said: Floats, rival: Floats) -> float:
    """How far the WAPE of ``said`` is below that of ``rival``, both at the level of ``actual``."""
    errors = [np.abs(one * actual.sum() / one.sum() - actual).sum() for one in (said, rival)]
    return float(1 - errors[0] / errors[1])


def gains(examples: pl.DataFrame, cut: date) -> dict[str, float]:
    """The gain of each way to learn from what came true before ``cut``."""
    known = pl.col("target_week") < cut
    rows = examples.select(known.arg_true()).to_series()
    index = smart_mean.fit_index(examples.filter(known))
    ahead = pl.col("as_of").is_between(cut, cut + timedelta(weeks=4), closed="left")
    held = examples.filter(ahead & (pl.col("sold_weeks") >= 26))
    offset = smart_mean.smart_mean(held, index)
    actual, rival = held["actual"].to_numpy(), held["units_4"].to_numpy()

    def said(seed: int) -> Floats:
        model = boosting.train(examples, index, rows=rows, seed=seed)
        return boosting.boost(model, held, offset)

    found = {"smart mean": gain(actual, offset, rival)}
    for size in SIZES:
        boosting.ROWS = size
        with ThreadPoolExecutor(2) as pool:
            several = list(pool.map(said, range(FITS)))
        alone = [gain(actual, one, rival) for one in several]
        found[f"{size:,} examples"] = float(np.mean(alone))
        mean = np.mean(several, axis=0)
        found[f"{size:,} examples, mean of {FITS} fits"] = gain(actual, mean, rival)
    return found


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder, result = parser.parse_args().folder, {}
    for grain in ("category_store", "sku_chain"):
        examples = read(folder, grain)
        result[grain] = {cut.isoformat(): gains(examples, cut) for cut in CUTS}
        print(f"\n| {grain} | " + " | ".join(result[grain]) + " |\n|---|---|---|---|")
        for way in result[grain][CUTS[0].isoformat()]:
            print(
                f"| {way} | " + " | ".join(f"{g[way]:.1%}" for g in result[grain].values()) + " |"
            )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "demand_limit.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

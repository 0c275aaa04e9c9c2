"""The verbs that the retail pack adds to the command line."""

from pathlib import Path
from typing import Annotated, Any

import typer


def simulate(
    out: Annotated[Path, typer.Argument(help="The folder to write; new, empty or simulated.")],
    *,
    size: Annotated[str, typer.Option(help="tiny, small or full.")] = "tiny",
    world: Annotated[
        str, typer.Option(help="calm, endogenous, sparse, drift, promo-heavy or null.")
    ] = "endogenous",
    seed: Annotated[int, typer.Option(min=0, help="Same seed: same bytes.")] = 1,
    days: Annotated[int | None, typer.Option(min=1, max=1000, help="Two years if absent.")] = None,
) -> dict[str, Any]:
    """Simulate a company: what its systems export in two years, and the truth, kept apart."""
    from ghala_retail.company.simulate import simulate_into
    from ghala_retail.company.world import make_plan

    return simulate_into(out, make_plan(size, world, seed=seed, days=days))

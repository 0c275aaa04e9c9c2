"""Which company is simulated: its size, the world around it, and what is planted."""

from dataclasses import dataclass
from datetime import date, timedelta

from ghala.contracts.errors import UsageError, suggest

START = date(2024, 1, 1)
"""The first business day; a Monday."""
HORIZON = 730
"""Days over which a company grows to its full size, however few of them are simulated."""


@dataclass(frozen=True)
class Size:
    """How large the company is."""

    skus: int
    depots: int
    customers: int
    agents: int
    suppliers: int
    days: int


SIZES = {
    "tiny": Size(300, 8, 40_000, 1_000, 16, 728),
    "small": Size(2_000, 20, 300_000, 7_500, 60, 730),
    "full": Size(5_000, 50, 2_000_000, 50_000, 120, 730),
}


@dataclass(frozen=True)
class Shock:
    """Something that happened to the company, from day ``start`` up to, without, day ``end``."""

    name: str
    start: int
    end: int
    size: float

    def on(self, day: int) -> bool:
        """Whether it lasts on a day."""
        return self.start <= day < self.end


SHOCKS = (
    Shock("agent_strike", 35, 49, 0.75),
    Shock("website_outage", 52, 53, 0.95),
    Shock("price_war", 75, 131, 0.18),
    Shock("fx_step", 110, 10**6, 0.12),
    Shock("election_week", 588, 595, 0.45),
)
"""Size: share of the orders that fall away (strike, outage, election), the competitors' price
cut, the rise of KES per USD."""
DRIFT = (
    Shock("price_sensitivity", 90, 10**6, 0.35),
    Shock("online_shift", 60, 10**6, 0.4),
)
"""In the world ``drift`` customers come to feel prices more, and the website gains visits."""


@dataclass(frozen=True)
class World:
    """What is true about the company's surroundings."""

    kappa: float = 0.0
    """How far a manager's price follows the demand that only the manager sees."""
    is_uniform: bool = False
    """Everyone is alike, prices are best as they are, and nothing done changes demand."""
    visits: float = 1.0
    promotions_a_week: int = 3
    shocks: tuple[Shock, ...] = SHOCKS
    has_faults: bool = True


WORLDS = {
    "calm": World(shocks=()),
    "endogenous": World(kappa=0.5),
    "sparse": World(kappa=0.25, visits=0.4),
    "drift": World(kappa=0.25, shocks=(*SHOCKS, *DRIFT)),
    "promo-heavy": World(kappa=0.25, promotions_a_week=10),
    "null": World(is_uniform=True, shocks=(), has_faults=False),
}


@dataclass(frozen=True)
class Plan:
    """One simulation: same plan, same bytes."""

    size: Size
    world: World
    seed: int
    days: int

    def date(self, day: int) -> date:
        """The date of a day, counted from the first one."""
        return START + timedelta(days=day)

    def shock(self, name: str, day: int) -> float:
        """The size of a shock on a day; 0 when it is not on."""
        return sum(s.size for s in self.world.shocks if s.name == name and s.on(day))


def make_plan(size: str, world: str, *, seed: int, days: int | None = None) -> Plan:
    """The plan of a simulation by the names of its size and world.

    Raises:
        UsageError: there is no such size or world.
    """
    if size not in SIZES:
        raise UsageError(f"There is no size {size!r}. {suggest(size, SIZES)}", "Name one of these.")
    if world not in WORLDS:
        raise UsageError(
            f"There is no world {world!r}. {suggest(world, WORLDS)}", "Name one of these."
        )
    found = SIZES[size]
    return Plan(found, WORLDS[world], seed, found.days if days is None else days)

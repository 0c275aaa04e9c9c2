"""How each SKU's sales moved with its price: a Poisson regression per SKU, all SKUs at once.

    log E[units] = level of the cell + log season + slopes x what moved the price + controls + shock

with a shock per cell that fades from week to week. Chances and shocks are told apart by a Kalman
filter (Breslow & Clayton 1993, penalised quasi-likelihood; Harvey 1989), so that two weeks of
one cell are not taken for two independent proofs.
"""

from dataclasses import dataclass

import numpy as np

from ghala_retail.use_cases.finance.pricing.panel import CONTROLS, SLOPES, Floats, Panel

_STEPS = 4
_ROUGHNESS_WEEKS = 30.0
_EXTREME = 3.0
"""Logarithm of the ratio of sold to expected beyond which a week is cut off."""
_START = (-2.6, 2.0)
"""Mean and spread of a price slope while the sales are being linearised only (Bijmolt 2005)."""
_CONTROL_PRIOR = {
    "promoted": (0.2, 0.5), "featured": (0.2, 0.5), "competitor": (0.26, 0.3), "rivals": (0.5, 0.5),
}  # fmt: skip
"""Mean and spread of what else moves sales (cross-price: Auer & Papies 2020)."""


@dataclass(frozen=True)
class Shocks:
    """What moves sales from week to week beside all that is known.

    ``noise`` is the variance of a count over its mean; ``size`` and ``memory`` are the variance of
    the shock to the logarithm of sales, and how much of it is left a week later.
    """

    noise: float = 1.5
    size: float = 0.05
    memory: float = 0.6


@dataclass(frozen=True)
class Responses:
    """What the sales of each SKU say of its price slopes, in information form.

    ``information`` (SKUs x 3 x 3) and ``weighted`` (SKUs x 3, information times estimate) add up
    with those of a prior; a SKU whose price never moved has zeros. ``controls`` are estimates
    (SKUs x 4), ``level`` the units in an ordinary week at the mean price, by SKU and zone.
    """

    information: Floats
    weighted: Floats
    controls: Floats
    level: Floats
    shocks: Shocks


def measure_responses(panel: Panel) -> Responses:
    """Fit every SKU; the shocks are measured over all of them together."""
    names = (*SLOPES, *CONTROLS)
    x = np.stack([panel.drivers[name] for name in names], axis=-1)
    centre, precision = _prior()
    slopes: Floats = np.tile(centre, (len(x), 1))
    level: Floats = _usual(panel)
    shocks = Shocks()
    for step in range(_STEPS):
        expected = _expect(panel, x, slopes=slopes, level=level)
        gap = _gap(panel, expected)
        if step:
            shocks = _measure_shocks(gap, expected)
        known = np.isfinite(panel.units)
        variance = np.where(known, shocks.noise / expected, np.inf)
        linear = gap + np.einsum("szwk,sk->szw", x, slopes)
        matrix, right, square, ones, totals = _normal(x, linear, variance=variance, shocks=shocks)
        solved = np.linalg.solve(matrix + precision, (right + precision @ centre)[..., None])
        slopes = np.asarray(solved[..., 0], dtype=np.float64)
        left = totals[..., -1] - np.einsum("szk,sk->sz", totals[..., :-1], slopes)
        level = level * np.exp(np.clip(left / np.maximum(ones, 1e-9), -1.0, 1.0))
    own = len(SLOPES)
    rough = _roughness(panel, slopes, square=square, matrix=matrix, right=right)
    information, weighted = _without_controls(
        matrix / rough[:, None, None],
        right / rough[:, None],
        precision=precision,
        centre=centre,
    )
    return Responses(information, weighted, slopes[:, own:], level, shocks)


def _prior() -> tuple[Floats, Floats]:
    spread = {**dict.fromkeys(SLOPES, _START), **_CONTROL_PRIOR}
    centre = np.array([mean for mean, _ in spread.values()])
    return centre, np.diag([1 / deviation**2 for _, deviation in spread.values()])


def _usual(panel: Panel) -> Floats:
    known = np.isfinite(panel.units)
    sold = np.where(known, panel.units, 0.0).sum(axis=2)
    usual: Floats = (sold + 0.1) / ((known * panel.season).sum(axis=2) + 1.0)
    return usual


def _expect(panel: Panel, x: Floats, *, slopes: Floats, level: Floats) -> Floats:
    moved = np.einsum("szwk,sk->szw", x, slopes).clip(-_EXTREME, _EXTREME)
    expected: Floats = level[:, :, None] * panel.season * np.exp(moved)
    return expected.clip(min=1e-4)


def _gap(panel: Panel, expected: Floats) -> Floats:
    """How far sales lay from what was expected, as a share of it; 0 where nothing is known."""
    gap = np.where(np.isfinite(panel.units), panel.units / expected - 1, 0.0)
    return gap.clip(-1.0, np.exp(_EXTREME))


def _measure_shocks(gap: Floats, expected: Floats) -> Shocks:
    """Noise, size and memory of the shocks by moments, over all cells, by what was expected."""
    weight = np.where(gap != 0, np.minimum(expected, 20.0), 0.0)

    def lagged(weeks: int) -> float:
        both = np.sqrt(weight[:, :, weeks:] * weight[:, :, :-weeks])
        product = gap[:, :, weeks:] * gap[:, :, :-weeks]
        return float((both * product).sum() / max(float(both.sum()), 1e-9))

    first, second = (max(lagged(weeks), 1e-6) for weeks in (1, 2))
    memory = float(np.clip(second / first, 0.05, 0.95))
    size = float(np.clip(first / memory, 1e-4, 1.0))
    over = np.where(weight > 0, (gap**2 - size) * expected, 0.0).sum(axis=(1, 2))
    noise = np.median(over / np.maximum((weight > 0).sum(axis=(1, 2)), 1))
    return Shocks(float(np.clip(noise, 0.5, 20.0)), size, memory)


def _normal(
    x: Floats, linear: Floats, *, variance: Floats, shocks: Shocks
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Normal equations per SKU, the level of each cell taken out.

    The filter turns every column into what each week adds that was not foreseen from the weeks
    before, divided by its spread; ordinary least squares on these is generalised least squares.
    """
    skus, zones, weeks, count = x.shape
    columns = np.concatenate([np.ones((*linear.shape, 1)), x, linear[..., None]], axis=-1)
    state = np.zeros((skus, zones, count + 2))
    spread = np.full((skus, zones), shocks.size)
    products = np.zeros((skus, zones, count + 2, count + 2))
    for week in range(weeks):
        scale = 1 / (spread + variance[:, :, week])
        news = columns[:, :, week] - state
        products += (news * scale[..., None])[..., :, None] * news[..., None, :]
        gain = spread * scale
        state = shocks.memory * (state + gain[..., None] * news)
        kept = spread * (1 - gain)
        spread = shocks.memory**2 * kept + (1 - shocks.memory**2) * shocks.size
    ones, totals = products[..., 0, 0], products[..., 0, 1:]
    shared = totals[..., :, None] * totals[..., None, :] / np.maximum(ones, 1e-9)[..., None, None]
    whole = (products[..., 1:, 1:] - shared).sum(axis=1)
    return whole[:, :-1, :-1], whole[:, :-1, -1], whole[:, -1, -1], ones, totals


def _roughness(
    panel: Panel, slopes: Floats, *, square: Floats, matrix: Floats, right: Floats
) -> Floats:
    """How much more each SKU's sales spread than those of SKUs at large; at least as much."""
    left = square - 2 * np.einsum("sk,sk->s", slopes, right)
    left = left + np.einsum("sj,sjk,sk->s", slopes, matrix, slopes)
    weeks = np.isfinite(panel.units).sum(axis=(1, 2))
    rough: Floats = (left + _ROUGHNESS_WEEKS) / (weeks + _ROUGHNESS_WEEKS)
    return rough.clip(min=1.0)


def _without_controls(
    matrix: Floats, right: Floats, *, precision: Floats, centre: Floats
) -> tuple[Floats, Floats]:
    """What is left for the price slopes when the controls have taken their part."""
    own = len(SLOPES)
    extra = precision[own:, own:]
    cross = matrix[:, :own, own:]
    inner = matrix[:, own:, own:] + extra
    taken = np.linalg.solve(inner, np.swapaxes(cross, 1, 2))
    rest = right[:, own:] + extra @ centre[own:]
    information = matrix[:, :own, :own] - cross @ taken
    weighted = right[:, :own] - np.einsum("sck,sc->sk", taken, rest)
    return information, weighted

"""Which price to charge, given what is believed of the demand and within which limits.

Demand falls exponentially with the price, as in a choice among alternatives whose utility falls in
proportion to it: raising a price loses more than a constant elasticity would say. A price is
changed when the gain is probable enough, and the likely best one among those is taken.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from ghala_retail.use_cases.finance.pricing.panel import Floats
from ghala_retail.use_cases.finance.pricing.rules import Guardrails

_GRID = 41

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Offers:
    """What is known of each SKU and zone when its price is decided; arrays of one length.

    Attributes:
        price: the list price now, with VAT.
        unit_cost: without VAT; nan where unknown.
        kept: what is left of a shilling of list price after promotions, VAT and commission.
        slope: relative change of demand per relative change of the price, at ``price``.
        spread: standard deviation of ``slope``.
        units: sold in an ordinary week at ``price``.
        cap: the most that the competitors' prices allow; infinite where they do not matter.
    """

    price: Floats
    unit_cost: Floats
    kept: Floats
    slope: Floats
    spread: Floats
    units: Floats
    cap: Floats

    def margin(self, price: Floats) -> Floats:
        """What one unit earns at a price."""
        earned: Floats = price * _as_columns(self.kept, price) - _as_columns(self.unit_cost, price)
        return earned


@dataclass(frozen=True)
class Choice:
    """The price for each offer, and why.

    ``gain`` is expected per week, ``probability`` that it is above the least gain; ``broken`` says
    which limit no price within one step keeps, null where all are kept.
    """

    price: Floats
    gain: Floats
    probability: Floats
    reason: list[str]
    broken: list[str | None]


def choose_prices(offers: Offers, rule: Guardrails) -> Choice:
    """The price of each offer that probably earns most within the guardrails, or the one it has."""
    prices, fits = offer_prices(offers, rule)
    floor, allowed = _limits(offers, rule)
    may_stay, has_choice = fits[:, 0], fits.any(axis=1)
    probability = _probability(offers, prices, rule.min_gain)
    gain = expected_gain(offers, prices)
    is_sure = fits & ((probability >= rule.certainty) | ~may_stay[:, None])
    is_sure[:, 0] = may_stay
    value = np.where(is_sure, gain, -np.inf)
    best = np.where(has_choice, value.argmax(axis=1), _nearest(prices, floor, allowed))
    known = np.isfinite(offers.unit_cost) & (offers.price > 0) & (offers.units > 0)
    best = np.where(known, best, 0)
    rows = np.arange(len(best))
    return Choice(
        price=prices[rows, best],
        gain=np.where(known, np.nan_to_num(gain[rows, best]), 0.0),
        probability=np.where(known, np.nan_to_num(probability[rows, best]), 0.0),
        reason=_reasons(offers, best, floor=floor, allowed=allowed),
        broken=_broken(known & ~has_choice, floor, allowed),
    )


def expected_gain(offers: Offers, prices: Floats) -> Floats:
    """Margin per week at each price over that at today's, in the mean over what is believed."""
    move = prices / offers.price[:, None] - 1
    with np.errstate(over="ignore"):
        demand = np.exp(offers.slope[:, None] * move + 0.5 * (offers.spread[:, None] * move) ** 2)
    gain: Floats = offers.units[:, None] * (
        offers.margin(prices) * demand - offers.margin(offers.price)[:, None]
    )
    return gain


def offer_prices(offers: Offers, rule: Guardrails) -> tuple[Floats, Flags]:
    """Prices within one step, with the endings that are asked for, and which keep every limit.

    Today's price is the first.
    """
    steps = np.linspace(1 - rule.max_step, 1 + rule.max_step, _GRID)
    asked = offers.price[:, None] * steps
    snapped = np.where(
        asked >= rule.endings_from, _with_endings(asked, rule.endings), asked.round()
    )
    low, high = (offers.price[:, None] * (1 + rule.max_step * sign) for sign in (-1, 1))
    fair = np.where((snapped >= low) & (snapped <= high) & (snapped > 0), snapped, np.nan)
    today = offers.price[:, None]
    prices = np.concatenate([today, np.where(np.isfinite(fair), fair, today)], axis=1)
    floor, allowed = _limits(offers, rule)
    return prices, (prices >= floor[:, None]) & (prices <= allowed[:, None])


def _with_endings(prices: Floats, endings: tuple[int, ...]) -> Floats:
    """The nearest price with one of the last digits."""
    digits = np.array(sorted({d + shift for d in endings for shift in (-10, 0, 10)}), float)
    tens = np.floor(prices / 10) * 10
    nearest = np.abs((prices - tens)[..., None] - digits).argmin(axis=-1)
    snapped: Floats = tens + digits[nearest]
    return snapped


def _limits(offers: Offers, rule: Guardrails) -> tuple[Floats, Floats]:
    """The lowest price that keeps the margin, and the highest that the competitors allow."""
    spare = offers.kept - rule.min_margin * offers.kept
    floor = np.nan_to_num(offers.unit_cost / np.where(spare > 0, spare, np.nan), nan=0.0)
    return floor, np.maximum(offers.cap, floor)


def _probability(offers: Offers, prices: Floats, least: float) -> Floats:
    """How probable it is that each price earns more than today's, by the least gain."""
    move = prices / offers.price[:, None] - 1
    now = offers.margin(offers.price)[:, None]
    wanted, there = now + least * np.abs(now), offers.margin(prices)
    spread = np.maximum(np.abs(move) * offers.spread[:, None], 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.log(wanted / there)
        above = ndtr((offers.slope[:, None] * move - needed) / spread)
    both_lose = (wanted < 0) & (there < 0)
    chance = np.where(both_lose, 1 - above, above)
    chance = np.where((wanted <= 0) & (there >= 0), 1.0, chance)
    chance = np.where((wanted >= 0) & (there <= 0), 0.0, chance)
    return np.where(move == 0, 0.0, np.nan_to_num(chance))


def _nearest(prices: Floats, floor: Floats, allowed: Floats) -> Floats:
    """The candidate that comes closest to the limits where none keeps them."""
    short = np.maximum(floor[:, None] - prices, prices - allowed[:, None])
    nearest: Floats = short.argmin(axis=1)
    return nearest


def _reasons(offers: Offers, best: Floats, *, floor: Floats, allowed: Floats) -> list[str]:
    said = np.where(best == 0, "no change gains enough for certain", "probable gain")
    said = np.where((best > 0) & (offers.price < floor), "margin below the floor", said)
    said = np.where((best > 0) & (offers.price > allowed), "above the competitors' cap", said)
    said = np.where(offers.units <= 0, "nothing is sold", said)
    said = np.where(~np.isfinite(offers.unit_cost), "no cost is known", said)
    said = np.where(~(offers.price > 0), "no price is known", said)
    return [str(reason) for reason in said]


def _broken(stuck: Flags, floor: Floats, allowed: Floats) -> list[str | None]:
    return [
        (
            f"no price within one step reaches the margin floor of {low:,.0f}"
            if low >= high or np.isinf(high)
            else f"no price within one step lies between {low:,.0f} and {high:,.0f}"
        )
        if is_stuck
        else None
        for is_stuck, low, high in zip(stuck, floor, allowed, strict=True)
    ]


def _as_columns(values: Floats, like: Floats) -> Floats:
    return values[:, None] if like.ndim > values.ndim else values


def simple_rules(
    offers: Offers, rule: Guardrails, *, rivals: Floats, typical: Floats
) -> pl.DataFrame:
    """What simpler policies would charge: keep, one multiplier, cost-plus, match the competitor.

    Args:
        rivals: the competitors' mean price, nan where unknown.
        typical: the mean slope of the offer's category at today's price.
    """
    low, high = offers.price * (1 - rule.max_step), offers.price * (1 + rule.max_step)
    flat = Offers(**{**offers.__dict__, "spread": np.zeros_like(offers.spread)})
    factors = np.linspace(1 - rule.max_step, 1 + rule.max_step, _GRID)
    totals = np.nansum(expected_gain(flat, offers.price[:, None] * factors), axis=0)
    marked = typical / np.minimum(typical + 1, -0.1) * offers.unit_cost / offers.kept
    keep = offers.price
    return pl.DataFrame(
        {
            "cost_plus": np.where(np.isfinite(marked), np.clip(marked, low, high), keep),
            "multiplier": keep * factors[totals.argmax()],
            "match_competitor": np.where(rivals > 0, np.clip(rivals, low, high), keep),
            "keep": keep,
        }
    )

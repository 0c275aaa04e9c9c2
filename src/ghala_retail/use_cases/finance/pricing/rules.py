"""What Finance may change about prices and price tests: guardrails, certainty, arms."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ghala.evaluation.optimise import OptimisePolicy


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Guardrails(_Strict):
    """Within which a price may be changed, and when it is."""

    max_step: float = Field(0.10, gt=0, le=0.5, description="share by which one change may move it")
    min_margin: float = Field(
        0.05, ge=0, lt=1, description="least margin, as a share of the price without VAT"
    )
    kvi_cap: float = Field(
        1.10, gt=0, description="most that a key value item may cost, over the competitors' mean"
    )
    endings: tuple[int, ...] = Field((0, 5, 9), min_length=1, description="last digits of prices")
    endings_from: float = Field(100.0, ge=10, description="below it any whole number is a price")
    agent_commission: float = Field(
        0.0, ge=0, lt=1, description="of the price without VAT, on what agents sell"
    )
    certainty: float = Field(
        0.80, gt=0.5, lt=1, description="probability with which a change must gain, else hold"
    )
    min_gain: float = Field(
        0.01, ge=0, lt=1, description="of the margin: what a change must gain to be worth it"
    )

    @model_validator(mode="after")
    def _endings_are_digits(self) -> Self:
        if not all(0 <= digit <= 9 for digit in self.endings):
            raise ValueError("endings are digits from 0 to 9")
        return self


class PriceTests(_Strict):
    """How prices are tested by lot."""

    arms: dict[str, float] = Field(min_length=2, description="what each arm multiplies a price by")
    share: float = Field(0.05, gt=0, le=0.5, description="of the SKUs and zones, in every block")
    weeks: Literal[1, 2, 3, 4, 6, 8] = Field(4, description="length of a block")

    @model_validator(mode="after")
    def _arms_are_balanced(self) -> Self:
        factors = list(self.arms.values())
        if min(factors) <= 0 or abs(sum(factors) / len(factors) - 1) > 0.01:
            raise ValueError("arms must be above 0 and 1 in the mean, so that a test costs little")
        if len(set(factors)) < 2:
            raise ValueError("at least two arms must differ")
        return self

    @property
    def moved(self) -> list[float]:
        """The arms that change a price, as shares of it: -0.1 is ten per cent less."""
        return [factor - 1 for factor in self.arms.values() if factor != 1]


class PricingPolicy(OptimisePolicy):
    """The rules of finance/pricing."""

    prices: Guardrails = Guardrails()
    tests: PriceTests

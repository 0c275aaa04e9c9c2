"""What is put before a segment: what campaigns earned there, never worse than for everyone."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ghala.contracts.policy import read_policy
from ghala.evaluation.optimise import OptimisePolicy
from ghala_retail.use_cases.marketing.positioning import use_case as place
from ghala_retail.use_cases.marketing.positioning.mapping import draw_map, lifts
from ghala_retail.use_cases.marketing.positioning.use_case import Positioning

DAY = date(2025, 6, 2)
SMOKERS = np.array([[4, 2, 3, 2], [4, 3, 7, 4], [25, 10, 12, 4], [18, 24, 33, 13], [10, 6, 7, 2.0]])
"""Greenacre's staff groups by how much they smoke."""
SCHEMA = {
    "as_of": pl.Date, "segment": pl.String, "item": pl.String, "customers": pl.Float64,
    "lines": pl.Float64, "effect": pl.Float64, "error": pl.Float64, "overall_effect": pl.Float64,
    "overall_error": pl.Float64,
}  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Positioning:
    made = Positioning()
    made.name, made.folder = "marketing/positioning", Path(place.__file__).parent
    made.policy = read_policy(made.folder / "policy.yml", OptimisePolicy)
    return made


def offer(segment: str, name: str, **said: float) -> dict[str, object]:
    return {"as_of": DAY, "segment": segment, "item": f"offer:{name}", "customers": 100.0, **said}


def bought(segment: str, item: str, lines: float) -> dict[str, object]:
    return {"as_of": DAY, "segment": segment, "item": item, "customers": 100.0, "lines": lines}


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def decisions(found: Positioning, rows: pl.DataFrame, *, spread: float) -> dict[str, float]:
    said = found.ask({"spread": spread, "seed": 1.0}, rows)
    return {f"{s} {i}": d for s, i, d in said.select("segment", "item", "decision").iter_rows()}


def test_the_map_is_that_of_the_textbook() -> None:
    found = draw_map(SMOKERS, seed=1)
    masses = SMOKERS.sum(1) / SMOKERS.sum()
    inertias = masses @ found.rows**2
    assert inertias == pytest.approx([0.07476, 0.01002], abs=1e-5)
    assert found.inertia == pytest.approx(0.995, abs=1e-3)
    assert 0.3 < found.stability < 1
    more = draw_map(100 * SMOKERS, seed=1)
    assert more.stability > max(found.stability, 0.95), "more customers make a map firmer"


def test_a_table_without_anything_to_tell_has_every_point_at_the_origin() -> None:
    for counts in (np.zeros((3, 4)), np.ones((1, 4)), np.ones((4, 1)), np.zeros((0, 0))):
        found = draw_map(counts, seed=1)
        assert (found.inertia, found.stability) == (0.0, 0.0)
        assert not found.rows.any()
        assert not found.columns.any()
    assert (lifts(np.zeros((2, 2))) == 1).all()


def test_a_segment_gets_its_own_offer_only_when_it_is_surely_better(found: Positioning) -> None:
    everyone = {"voucher": (5.0, 0.5), "reminder": (3.0, 0.5)}
    rows = [
        offer(segment, name, effect=own, error=error,
              overall_effect=everyone[name][0], overall_error=everyone[name][1])
        for segment, own_effects, error in (
            ("sure", {"voucher": -9.0, "reminder": 12.0}, 0.5),
            ("vague", {"voucher": 4.0, "reminder": 6.0}, 8.0),
            ("averse", {"voucher": -9.0, "reminder": -8.0}, 0.5),
        )
        for name, own in own_effects.items()
    ]  # fmt: skip
    assert decisions(found, frame(*rows), spread=5.0) == {
        "sure offer:voucher": 0, "sure offer:reminder": 1,
        "vague offer:voucher": 1, "vague offer:reminder": 0,
        "averse offer:voucher": 0, "averse offer:reminder": 0,
    }  # fmt: skip
    assert set(decisions(found, frame(*rows), spread=0.0).values()) == {0, 1}


def test_segments_that_do_not_differ_are_all_given_the_one_offer(found: Positioning) -> None:
    random = np.random.default_rng(2)
    noise = random.normal(0, 2, 40)
    rows = frame(*(
        offer(f"s{n:02}", "voucher", effect=4 + gap, error=2.0, overall_effect=4.0,
              overall_error=0.3)
        for n, gap in enumerate(noise)
    ))  # fmt: skip
    examples = rows.with_columns(actual=pl.lit(4.0), known_on=pl.lit(DAY))
    model = found.fit(examples, seed=1)
    assert model["spread"] < 1.0
    said = found.ask(model, rows)
    assert said["decision"].equals(said["one_offer"])


def test_without_held_out_customers_nothing_is_offered_and_it_says_why(found: Positioning) -> None:
    said = found.ask({"spread": 0.0, "seed": 1.0}, frame(offer("a", "voucher")))
    [row] = said.to_dicts()
    assert (row["decision"], row["one_offer"], row["effect"]) == (0.0, 0.0, None)
    assert row["reason"] == "no campaign held customers out: nothing shows what it earns"


def test_an_offer_that_earns_nothing_over_everyone_is_not_made(found: Positioning) -> None:
    one = offer("everyone", "voucher", effect=-3.0, error=1.0, overall_effect=-3.0,
                overall_error=1.0)  # fmt: skip
    assert decisions(found, frame(one), spread=2.0) == {"everyone offer:voucher": 0}


def test_the_price_tier_is_the_one_that_is_bought_more_than_by_others(found: Positioning) -> None:
    rows = frame(
        bought("rich", "tier:value", 60), bought("rich", "tier:premium", 40),
        bought("poor", "tier:value", 95), bought("poor", "tier:premium", 5),
        bought("rich", "category:tea", 30), bought("poor", "category:tea", 30),
    )  # fmt: skip
    said = decisions(found, rows, spread=0.0)
    assert (said["rich tier:premium"], said["rich tier:value"]) == (1, 0)
    assert (said["poor tier:value"], said["poor category:tea"]) == (1, 0)


def test_every_row_is_answered_in_its_place(found: Positioning) -> None:
    rows = frame(
        bought("a", "category:tea", 5), offer("a", "voucher"), bought("a", "tier:value", 2)
    )
    later = rows.with_columns(as_of=pl.lit(date(2025, 6, 9)))
    asked = pl.concat([later, rows])
    said = found.ask({"spread": 0.0, "seed": 1.0}, asked)
    assert said.select("as_of", "item").equals(asked.select("as_of", "item"))
    assert said["inertia"].to_list() == [0.0] * 6, "one segment alone has no map"


def test_what_is_left_on_the_table_is_counted_in_money(found: Positioning) -> None:
    rows = pl.DataFrame({"actual": [3.0, 3.0, -2.0, -2.0], "customers": [10.0] * 4})
    cost = found.cost(rows, pl.Series([1.0, 0.0, 1.0, 0.0]))
    assert cost.to_list() == [0.0, 30.0, 20.0, 0.0]


def test_decisions_below_one_offer_for_all_are_not_let_through(found: Positioning) -> None:
    rows = pl.DataFrame({
        "segment": [f"s{n}" for n in range(30)], "item": ["offer:voucher"] * 30,
        "customers": [10.0] * 30, "actual": [3.0] * 30, "one_offer": [1.0] * 29 + [0.0],
        "infeasible": pl.Series([None] * 30, dtype=pl.String),
    })  # fmt: skip
    passed = [
        {v.gate: v.passed for v in found.checks(rows.with_columns(decision=pl.lit(said)))}
        for said in (0.0, 1.0)
    ]
    assert passed == [
        {"feasible": True, "not_below_one_offer": False},
        {"feasible": True, "not_below_one_offer": True},
    ]


def test_a_saved_model_says_the_same(found: Positioning, tmp_path: Path) -> None:
    model = {"spread": 1.25, "seed": 7.0}
    found.save(model, tmp_path)
    assert found.load(tmp_path) == model

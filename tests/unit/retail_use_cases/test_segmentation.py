"""Who customers are by how they buy: planted segments are found, and planted rates."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ghala.contracts.policy import read_policy
from ghala.evaluation.metrics import rand_index
from ghala.evaluation.segment import SegmentPolicy
from ghala_retail.use_cases.marketing.segmentation import use_case as place
from ghala_retail.use_cases.marketing.segmentation.buying import Buying, fit_buying, fit_spending
from ghala_retail.use_cases.marketing.segmentation.habits import fit_mixture
from ghala_retail.use_cases.marketing.segmentation.use_case import Segmentation

PLANTED = Buying(r=0.9, alpha=12.0, a=0.8, b=3.0)
AHEAD = 13
KINDS = ("small", "large")
TASTES = {"small": (0.7, 0.2, 0.1), "large": (0.1, 0.2, 0.7)}


def live(count: int, *, seed: int, model: Buying = PLANTED) -> tuple[np.ndarray, ...]:
    """Customers of a BG/NBD world: orders again, last and age in weeks, and orders to come."""
    random = np.random.default_rng(seed)
    age = random.integers(26, 104, count).astype(float)
    rate = random.gamma(model.r, 1 / model.alpha, count)
    leaves = random.beta(model.a, model.b, count)
    time, last, again, ahead = (np.zeros(count) for _ in range(4))
    alive = np.ones(count, bool)
    while alive.any():
        time = time + np.where(alive, random.exponential(1, count) / rate, 0)
        before, after = alive & (time <= age), alive & (time > age) & (time <= age + AHEAD)
        again += before
        ahead += after
        last = np.where(before, time, last)
        alive = (before | after) & (random.random(count) >= leaves)
    return again, np.round(last), age, ahead


@pytest.fixture(scope="module")
def lives() -> tuple[np.ndarray, ...]:
    return live(400_000, seed=3)


def test_planted_rates_of_buying_are_found_within_five_percent(
    lives: tuple[np.ndarray, ...],
) -> None:
    again, last, age, _ = lives
    found = fit_buying(again, last, age)
    for name, planted in vars(PLANTED).items():
        assert getattr(found, name) == pytest.approx(planted, rel=0.05), name


def test_the_orders_expected_of_the_coming_weeks_come(lives: tuple[np.ndarray, ...]) -> None:
    again, last, age, ahead = lives
    expected = PLANTED.orders(again, last, age=age, weeks=AHEAD)
    assert expected.sum() == pytest.approx(ahead.sum(), rel=0.02)
    for edge in (0, 1, 4, 10):
        some = again >= edge
        assert expected[some].mean() == pytest.approx(ahead[some].mean(), rel=0.03)


def test_planted_spending_is_found_within_five_percent() -> None:
    random = np.random.default_rng(5)
    p, q, scale = 6.0, 4.0, 3000.0
    orders = random.integers(1, 20, 50_000).astype(float)
    mean = random.gamma(p * orders, 1 / (orders * random.gamma(q, 1 / scale, len(orders))))
    found = fit_spending(orders, mean, seed=1)
    assert (found.p, found.q, found.scale) == pytest.approx((p, q, scale), rel=0.05)
    expected = found.per_order(orders, mean)
    assert expected.mean() == pytest.approx(scale * p / (q - 1), rel=0.05)


def bags(count: int, *, seed: int, alike: bool = False) -> pl.DataFrame:
    """Customers of two planted kinds who order 6 to 20 times, as examples of the use case."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        kind = KINDS[number % 2]
        taste = TASTES["small" if alike else kind]
        orders = int(random.integers(6, 20))
        items = {
            "category": random.multinomial(3 * orders, taste),
            "lines": random.multinomial(orders, taste),
        }
        names = {"category": ("milk", "nails", "rice"), "lines": ("1", "3", "6+")}
        bag = "|".join(
            f"{kind_of}:{name}={times}"
            for kind_of, counted in items.items()
            for name, times in zip(names[kind_of], counted, strict=True)
            if times
        )
        spend = float(random.gamma(60, 1 / 60)) * (100 if taste == TASTES["small"] else 900)
        idle = int(random.integers(1, 200))
        rows.append({
            "as_of": date(2025, 6, 2 + 7 * (number % 3 == 0)), "customer_id": f"{number:05}",
            "planted": kind, "habits": bag, "orders": orders, "spend": spend * orders,
            "spend_per_order": spend, "idle_days": idle,
            "age_days": idle + int(random.integers(50, 400)),
            "actual": float(random.gamma(6, spend / 6)), "known_on": date(2025, 7, 14),
        })  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def found() -> Segmentation:
    made = Segmentation()
    made.name, made.folder = "marketing/segmentation", Path(place.__file__).parent
    made.policy = read_policy(made.folder / "policy.yml", SegmentPolicy)
    return made


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    return bags(1500, seed=1)


def test_planted_segments_are_found_and_named_in_words(
    found: Segmentation, customers: pl.DataFrame
) -> None:
    model = found.fit(customers, seed=1)
    said = found.judge(model, customers, before=found.fit(customers[:1000], seed=2))
    assert rand_index(said["segment"], customers["planted"]) > 0.95
    figures = found.figures(said)
    assert (figures["segments"], figures["stability"] > 0.95) == (2.0, True)
    assert set(said["segment"]) == {"small baskets, milk", "large baskets, rice"}
    losses = {
        who: found.losses(said, "squared_error", who=who).to_numpy().mean()
        for who in ("segment", "rfm", "hiatus")
    }
    assert losses["segment"] < losses["rfm"] < losses["hiatus"]
    assert said["clv_52w"].min() > 0
    assert said["chance_alive"].is_between(0, 1).all()


def test_where_everyone_is_alike_there_is_one_segment(found: Segmentation) -> None:
    alike = bags(1500, seed=2, alike=True)
    assert set(found.predict(found.fit(alike, seed=1), alike)["segment"]) == {"everyone"}


def test_a_saved_model_says_the_same(
    found: Segmentation, customers: pl.DataFrame, tmp_path: Path
) -> None:
    model = found.fit(customers, seed=1)
    found.save(model, tmp_path)
    assert found.predict(found.load(tmp_path), customers).equals(found.predict(model, customers))


def test_the_order_of_the_rows_changes_nothing(
    found: Segmentation, customers: pl.DataFrame
) -> None:
    model = found.fit(customers, seed=1)
    again = found.fit(customers.sample(fraction=1, shuffle=True, seed=4), seed=1)
    assert (again.names, again.buying) == (model.names, model.buying)


def test_who_did_not_buy_is_not_judged(found: Segmentation) -> None:
    rows = pl.DataFrame({
        "as_of": [date(2025, 6, 2)] * 3, "segment": ["a", "a", "a"], "actual": [0.0, 10.0, 30.0]
    })  # fmt: skip
    assert found.losses(rows, "absolute_error", who="segment").to_list() == [0.0, 20.0, 20.0]


@pytest.mark.parametrize("rows", [1, 40])
def test_too_few_customers_are_said_so(
    found: Segmentation, customers: pl.DataFrame, rows: int
) -> None:
    with pytest.raises(ValueError, match=f"^{rows} customers, 60 are the least$"):
        found.fit(customers[:rows], seed=1)


def test_customers_of_whom_none_came_again_are_said_so(
    found: Segmentation, customers: pl.DataFrame
) -> None:
    once = customers.with_columns(orders=pl.lit(1))
    with pytest.raises(ValueError, match="fewer than 30 customers bought more than once"):
        found.fit(once, seed=1)


def test_customers_who_paid_nothing_are_said_so(
    found: Segmentation, customers: pl.DataFrame
) -> None:
    free = customers.with_columns(spend=pl.lit(0.0), spend_per_order=pl.lit(0.0))
    with pytest.raises(ValueError, match="fewer than 30 customers paid anything"):
        found.fit(free, seed=1)


def test_a_single_category_and_a_new_one_are_no_obstacle(
    found: Segmentation, customers: pl.DataFrame
) -> None:
    one = customers.with_columns(habits=pl.format("category:milk={}", pl.col("orders")))
    model = found.fit(one, seed=1)
    unheard = one.with_columns(habits=pl.lit("category:lamps=3"))
    assert set(found.predict(model, unheard)["segment"]) == {"everyone"}


def test_one_customer_alone_gets_an_answer(found: Segmentation, customers: pl.DataFrame) -> None:
    said = found.predict(found.fit(customers, seed=1), customers[:1])
    assert said.height == 1
    assert said.null_count().sum_horizontal().item() == 0


def test_a_mixture_needs_nothing_but_bags(customers: pl.DataFrame) -> None:
    mixture, trials = fit_mixture(customers["habits"], customers["orders"], seed=1)
    assert [trial.segments for trial in trials] == list(range(1, 9))
    assert mixture.shares.sum() == pytest.approx(1, abs=1e-3)

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ghala.contracts.errors import UsageError
from ghala.warehouse.contract import arrival, feed_name, read_contract
from ghala_retail import sources
from ghala_retail.company.simulate import simulate, simulate_into
from ghala_retail.company.truth import TABLES, read_facts, read_table
from ghala_retail.company.world import make_plan

from .conftest import Make

Ask = Callable[[Path, str], list[tuple[Any, ...]]]
CONTRACT = read_contract(Path(sources.__file__).parent / "company" / "contract.yml")


def digests(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        simulate(make_plan("tiny", "endogenous", seed=seed, days=12), tmp_path / name)

    one, two, other = (digests(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert (
        one["inbox/company/web_lines_2024-01-05.parquet"]
        != (other["inbox/company/web_lines_2024-01-05.parquet"])
    )


def test_more_days_only_add_files(tmp_path: Path) -> None:
    for days in (9, 12):
        simulate(make_plan("tiny", "endogenous", seed=7, days=days), tmp_path / str(days))

    short, long = (digests(tmp_path / days / "inbox") for days in ("9", "12"))
    assert short.items() <= long.items()
    assert len(short) < len(long)


def test_every_feed_of_the_contract_is_delivered_under_the_day_of_its_arrival(
    company: Make,
) -> None:
    files = sorted((company("endogenous", 100) / "inbox" / "company").iterdir())

    assert {feed_name(file) for file in files} == set(CONTRACT.feeds)
    arrivals = [arrival(file) for file in files]
    assert None not in arrivals
    assert min(a for a in arrivals if a) == date(2023, 12, 31)
    assert max(a for a in arrivals if a) == date(2024, 4, 10)
    for file in files:
        assert file.suffix == f".{CONTRACT.feeds[feed_name(file)].format}"


def test_orders_lines_and_stock_come_every_day_but_for_the_late_file(company: Make) -> None:
    inbox = company("endogenous", 100) / "inbox" / "company"
    late = {f["start"] for f in read_facts(inbox.parents[1])["faults"] if f["name"] == "late_file"}

    for feed in ("web_orders", "web_lines", "agent_orders", "agent_lines"):
        assert len(list(inbox.glob(f"{feed}_*"))) == 100
    days = {str(arrival(file)) for file in inbox.glob("stock_*")}
    assert len(late) == 1
    assert not late & days
    assert len(days) == 100


def test_the_stock_ledger_adds_up(company: Make, ask: Ask) -> None:
    [(rows, wrong)] = ask(
        company("null", 60),
        "WITH moves AS (SELECT *, lag(closing) OVER (PARTITION BY sku, depot_id ORDER BY day)"
        " AS opening FROM stock) SELECT count(*), count(*) FILTER (closing <>"
        " opening + received - shipped + adjusted) FROM moves WHERE opening IS NOT NULL",
    )
    assert rows > 10_000
    assert wrong == 0


LINES = (
    "lines AS (SELECT o.order_id, o.depot_id, ordered_at::DATE AS day, sku,"
    " arg_min(l.units, l.filename) AS units, any_value(unit_price_kes) AS price FROM"
    " (FROM web_lines UNION ALL FROM agent_lines) AS l JOIN (SELECT DISTINCT ON (order_id) *"
    " FROM (FROM web_orders UNION ALL FROM agent_orders)) AS o USING (order_id)"
    " GROUP BY o.order_id, o.depot_id, ordered_at, sku, l.line)"
)


def test_what_was_ordered_is_what_left_the_shelves(company: Make, ask: Ask) -> None:
    [(cells, wrong)] = ask(
        company("null", 60),
        f"WITH {LINES}, sold AS (SELECT sku, depot_id, day, sum(units) AS units FROM lines"
        " GROUP BY ALL), moved AS (FROM stock WHERE shipped > 0 AND day < DATE '2024-02-01')"
        " SELECT count(*), count(*) FILTER (moved.shipped IS DISTINCT FROM sold.units) FROM moved"
        " LEFT JOIN sold USING (sku, depot_id, day)",
    )
    assert cells > 5_000
    assert wrong == 0


@pytest.mark.parametrize("world", ["endogenous", "null"])
def test_lines_are_sold_at_the_list_price_that_was_sent_ahead(
    company: Make, ask: Ask, world: str
) -> None:
    [(lines, wrong, early)] = ask(
        company(world, 100),
        f"WITH {LINES}, listed AS (SELECT *, string_split(parse_filename(filename, true), '_')[-1]"
        "::DATE AS arrived FROM prices) SELECT count(*), count(*) FILTER"
        " (lines.price <> listed.price_kes), count(*) FILTER (arrived > day) FROM lines"
        " JOIN depots USING (depot_id) ASOF JOIN listed ON lines.sku = listed.sku"
        " AND depots.zone = listed.zone AND lines.day >= listed.valid_from",
    )
    assert lines > 50_000
    assert wrong == 0
    assert early == 0


def test_stockouts_lose_some_but_not_too_much_of_the_demand(company: Make) -> None:
    days = read_table(company("calm", 100), "days").sum()
    lost = days["lost_units"][0] / days["wanted_units"][0]
    assert 0.03 < lost < 0.08
    assert 0.2 < days["substituted_units"][0] / days["lost_units"][0] < 0.31


def test_a_website_outage_and_a_strike_are_seen_in_the_orders(company: Make, ask: Ask) -> None:
    folder = company("endogenous", 100)
    shocks = {shock["name"]: shock for shock in read_facts(folder)["shocks"]}
    assert set(shocks) == {"agent_strike", "website_outage", "price_war"}

    outage = shocks["website_outage"]["start"]
    [(then, usual)] = ask(
        folder,
        f"SELECT count(*) FILTER (ordered_at::DATE = '{outage}'), count(*) / 100 FROM web_orders",
    )
    assert then < 0.25 * usual

    strike = shocks["agent_strike"]
    days = ask(
        folder,
        "SELECT depot_id IN ('D01', 'D02') AS is_struck, ordered_at::DATE"
        f" >= '{strike['start']}' AND ordered_at::DATE < '{strike['end']}' AS is_then,"
        " count(*) / count(DISTINCT ordered_at::DATE) FROM agent_orders GROUP BY ALL",
    )
    orders = {(struck, then): count for struck, then, count in days}
    assert orders[True, True] < 0.5 * orders[True, False]
    assert orders[False, True] > 0.7 * orders[False, False]


def test_every_table_of_the_truth_is_written_and_none_of_it_into_the_inbox(company: Make) -> None:
    folder = company("endogenous", 100)
    for name in TABLES:
        assert read_table(folder, name).height > 0, name
    assert not [file for file in (folder / "inbox").rglob("*") if "truth" in file.name]
    with pytest.raises(UsageError, match="No table 'elasticity'") as refused:
        read_table(folder, "elasticity")
    assert "elasticities" in refused.value.message


def test_the_null_world_has_nothing_to_gain(company: Make) -> None:
    folder = company("null", 60)

    promotions = read_table(folder, "promotions")
    assert promotions["gross_lift_units"].abs().max() == 0
    assert promotions["incremental_margin_kes"].max() <= 0
    assert read_table(folder, "campaigns")["extra_visits"].abs().max() == 0
    prices = read_table(folder, "elasticities").filter(pl.col("units") > 100)
    assert prices.height > 100
    assert abs(prices["best_price_factor"].mean() - 1) < 0.01
    assert prices["gain_share_of_revenue"].mean() < 0.002
    assert read_facts(folder)["shocks"] == read_facts(folder)["faults"] == []
    segments = read_table(folder, "segment_elasticities").group_by("segment").agg(
        (pl.col("elasticity") * pl.col("units")).sum() / pl.col("units").sum()
    )  # fmt: skip
    assert segments["elasticity"].max() - segments["elasticity"].min() < 0.1


def test_segments_differ_in_how_they_feel_prices(company: Make) -> None:
    found = read_table(company("calm", 100), "segment_elasticities")
    mean = dict(
        found.group_by("segment")
        .agg((pl.col("elasticity") * pl.col("units")).sum() / pl.col("units").sum())
        .iter_rows()
    )
    assert mean["bargain_hunters"] < mean["families"] < mean["professionals"] < -1


def test_a_manager_who_follows_demand_leaves_a_trace_only_in_the_endogenous_world(
    company: Make, ask: Ask
) -> None:
    spread = {}
    for world in ("calm", "endogenous"):
        [(spread[world],)] = ask(
            company(world, 100),
            "SELECT avg(s) FROM (SELECT stddev(ln(price_kes)) AS s FROM prices"
            " WHERE reason = 'manager' GROUP BY sku HAVING count(*) > 5)",
        )
    assert spread["endogenous"] > 2 * spread["calm"]


def test_price_tests_draw_every_arm_by_lot(company: Make, ask: Ask) -> None:
    found = dict(
        ask(
            company("calm", 100),
            "SELECT test_arm, count(*) FROM prices WHERE reason = 'test' GROUP BY 1",
        )
    )
    assert set(found) == {"minus_10", "minus_5", "control", "plus_5", "plus_10"}
    assert min(found.values()) > 0.4 * max(found.values())


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"something else.*notes.txt"):
        simulate_into(tmp_path, make_plan("tiny", "null", seed=1, days=1))
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_someone_elses_inbox_is_not_taken_for_a_simulation(tmp_path: Path) -> None:
    for name in ("inbox", "truth"):
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="something else"):
        simulate_into(tmp_path, make_plan("tiny", "null", seed=1, days=1))


def test_an_earlier_simulation_is_replaced(tmp_path: Path) -> None:
    for days in (3, 2):
        told = simulate_into(tmp_path, make_plan("tiny", "null", seed=1, days=days))
    assert told["last_day"] == "2024-01-02"
    assert not list(tmp_path.rglob("web_orders_2024-01-04*"))


@pytest.mark.parametrize(("size", "world"), [("huge", "calm"), ("tiny", "clam")])
def test_an_unknown_size_or_world_names_the_known_ones(size: str, world: str) -> None:
    with pytest.raises(UsageError, match="Known: ") as refused:
        make_plan(size, world, seed=1)
    assert refused.value.exit_code == 2

"""Tables that only grow are built anew when the SQL behind them is no longer what built them."""

from pathlib import Path

import pytest

from ghala.contracts.errors import CheckFailed
from ghala.warehouse.built import begin, find_changed, read_sql, record_built
from ghala.warehouse.engines.opening import open_warehouse
from ghala.warehouse.landing import unload
from ghala.warehouse.publish import publish, read_published

from .conftest import MONDAY, Shop

GROWS = "{{ config(materialized='incremental') }} SELECT * FROM {{ ref('%s') }}"
TEXTS = {
    "macros/vars": "[]",
    "macros/as_known.sql": "{% macro as_known() %}{% endmacro %}",
    "models/staging/shop/stg_shop__sales.sql": "SELECT 1",
    "models/core/places.sql": "SELECT 1",
    "models/core/days.sql": GROWS % "places",
    "models/marts/operations/weeks.sql": "SELECT * FROM {{ ref('days') }}",
}


def changed(shop: Shop, **texts: str | None) -> list[str]:
    """What has changed since TEXTS were built, when files hold other texts or are gone."""
    files = {Path(name).stem: name for name in TEXTS}
    now = {**TEXTS, **{files.get(stem, stem): text for stem, text in texts.items()}}
    with open_warehouse(shop.workspace) as warehouse:
        record_built(warehouse, TEXTS)
        return find_changed(warehouse, {n: text for n, text in now.items() if text is not None})


def test_nothing_has_changed_after_a_build(shop: Shop) -> None:
    assert changed(shop) == []


def test_a_warehouse_that_was_never_built_is_built_whole(embedded_shop: Shop) -> None:
    with open_warehouse(embedded_shop.workspace) as warehouse:
        assert find_changed(warehouse, TEXTS)


@pytest.mark.parametrize(
    ("stem", "text"),
    [
        ("days", GROWS % "places" + " WHERE true"),
        ("places", "SELECT 2"),  # what a growing table reads
        ("as_known", ""),
        ("stg_shop__sales", "SELECT 2"),
        ("stg_shop__sales", None),  # the source is not read any more
        ("vars", "[('currency', 'KES')]"),
    ],
)
def test_what_a_growing_table_stands_on_has_changed(
    embedded_shop: Shop, stem: str, text: str | None
) -> None:
    [name] = changed(embedded_shop, **{stem: text})
    assert Path(name).stem == stem


def test_a_view_that_changes_and_a_new_model_cost_no_full_build(embedded_shop: Shop) -> None:
    assert changed(embedded_shop, weeks="SELECT 2") == []
    assert changed(embedded_shop, **{"models/core/new.sql": GROWS % "places"}) == []


def test_a_build_that_did_not_end_is_not_shown_to_readers(shop: Shop) -> None:
    with open_warehouse(shop.workspace) as warehouse:
        begin(warehouse)
        begin(warehouse)
        with pytest.raises(CheckFailed, match="not one whole build") as refused:
            publish(shop.workspace, warehouse, as_of=MONDAY)
        assert "ghala build" in refused.value.next_step
        record_built(warehouse, TEXTS)
        assert publish(shop.workspace, warehouse, as_of=MONDAY).number == 1
        unload(shop.workspace, warehouse)
        with pytest.raises(CheckFailed, match="loaded anew"):
            publish(shop.workspace, warehouse, as_of=MONDAY)

    assert read_published(shop.workspace).number == 1


def test_a_new_staging_query_is_read_from_the_first_batch_on(embedded_shop: Shop) -> None:
    name = "models/staging/shop/stg_shop__returns.sql"
    assert changed(embedded_shop, **{name: "SELECT 1"}) == [name]


def test_lists_of_files_are_no_variables(tmp_path: Path) -> None:
    settings = "vars: {sources: [%s], staged: [], currency: KES}\n"
    (tmp_path / "dbt_project.yml").write_text(settings % "shop", encoding="utf-8")
    before = read_sql(tmp_path)
    (tmp_path / "dbt_project.yml").write_text(settings % "till", encoding="utf-8")
    assert read_sql(tmp_path) == before

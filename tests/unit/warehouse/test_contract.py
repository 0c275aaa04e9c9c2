from pathlib import Path

import pytest

from ghala.contracts.errors import ConfigurationError
from ghala.warehouse.contract import arrival, feed_name, read_contract, read_sources

from .conftest import CONTRACT, Shop


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("licence: Apache-2.0\n", "", ["licence", "Field required"]),
        ("key: [sku]", "keys: [sku]", ["feeds.products.keys", "Did you mean 'key'"]),
        ("{type: varchar}", "{typ: varchar}", ["Did you mean 'type'"]),
        ("{type: varchar}", "{type: VARCHAR; DROP TABLE x}", ["feeds.products.columns.name.type"]),
        ("{type: varchar}", "{type: text}", ["no such type", "varchar"]),
        ("{type: integer, req", "{type: int, req", ["no such type", "integer"]),
        ("decimal(12,2)", "decimal", ["Did you mean 'decimal(P,S)'"]),
        ("decimal(12,2)", "decimal(2,12)", ["up to 38"]),
        ("format: parquet", "format: xlsx", ["feeds.counts.format", "'parquet'"]),
        ("every_days: 7", "every_days: 0", ["feeds.sales.every_days"]),
        ("max_quarantined: 0.8", "max_quarantined: 80", ["feeds.sales.max_quarantined"]),
        ("Africa/Nairobi", "Mars/Olympus", ["timezone", "no such time zone"]),
        ("reason: nobody buys more", "reasons: nobody", ["rules", "Did you mean 'reason'"]),
        ("feed: products", "feed: product", ["feeds", "Did you mean 'products'"]),
        ("column: sku,", "column: name,", ["'name' is not the key of products"]),
        ("key: [sku]", "key: [sku, name]", ["'sku' is not the key of products"]),
        ("key: [receipt, line]", "key: [receipt, lines]", ["sales has no column 'lines'"]),
        ("      sku: {feed", "      item: {feed", ["sales has no column 'item'"]),
        (
            "licence: Apache-2.0",
            "licence: Apache-2.0\nlicence: MIT",
            ["'licence' is written twice"],
        ),
    ],
)
def test_a_wrong_contract_is_refused_by_its_key(
    tmp_path: Path, *, old: str, new: str, words: list[str]
) -> None:
    assert old in CONTRACT
    path = tmp_path / "contract.yml"
    path.write_text(CONTRACT.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ConfigurationError) as refused:
        read_contract(path)

    assert refused.value.exit_code == 3
    assert all(word in refused.value.message for word in words), refused.value.message


def test_a_source_says_where_it_comes_from_and_what_it_delivers(shop: Shop) -> None:
    source = read_sources(shop.workspace)["shop"]

    assert list(source.feeds) == ["products", "sales", "counts"]
    assert source.provenance == "Made up for these tests."
    assert not source.benchmark
    assert source.feeds["products"].every_days is None


@pytest.mark.parametrize(
    ("file", "feed", "day"),
    [
        ("sales_2024-01-08.csv", "sales", "2024-01-08"),
        ("stock_counts_2024-01-08.parquet", "stock_counts", "2024-01-08"),
        ("sales_8.1.2024.csv", "sales", "None"),
        ("sales.csv", "", "None"),
    ],
)
def test_a_files_name_says_its_feed_and_its_day(file: str, feed: str, day: str) -> None:
    assert (feed_name(Path(file)), str(arrival(Path(file)))) == (feed, day)

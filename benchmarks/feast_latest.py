"""Feast's side of `features.py`: the newest values of a history for the rows of a request.

    python feast_latest.py FOLDER

Reads FOLDER/history.parquet and FOLDER/feast_request.parquet, writes FOLDER/feast_answer.parquet.
Runs in Feast's own environment; prints the seconds that the retrieval took.
"""

import sys
import time
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64, Int64
from feast.value_type import ValueType

NAMES = {"orders": Int64, "units": Int64, "spend": Float64, "discount": Float64, "basket": Float64}


def main() -> None:
    """Declare, ask, write."""
    folder = Path(sys.argv[1]).resolve()
    config = RepoConfig(
        project="latest",
        provider="local",
        registry=str(folder / "registry.db"),
        offline_store={"type": "duckdb"},
        online_store={"type": "sqlite", "path": str(folder / "feast_online.db")},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    source = FileSource(
        name="history",
        path=str(folder / "history.parquet"),
        timestamp_field="event_timestamp",
    )
    view = FeatureView(
        name="latest",
        entities=[customer],
        ttl=timedelta(days=0),
        schema=[Field(name=name, dtype=kind) for name, kind in NAMES.items()],
        source=source,
    )
    store.apply([customer, source, view])
    request = pd.read_parquet(folder / "feast_request.parquet")
    begun = time.perf_counter()
    job = store.get_historical_features(
        entity_df=request, features=[f"latest:{name}" for name in NAMES]
    )
    answer = job.to_arrow()
    seconds = time.perf_counter() - begun
    pq.write_table(answer, folder / "feast_answer.parquet")
    print(seconds)


if __name__ == "__main__":
    main()

from pathlib import Path

import numpy as np
import polars as pl

from ghala.monitoring.drift import drift_columns, measure_drift


def sample(seed: int, **shifts: float) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "series": [f"s{n}" for n in range(1500)],
            "horizon": np.tile([1, 2, 3], 500),
            "closed": np.zeros(1500),
            **{
                name: random.normal(10 + shifts.get(name, 0), 2, 1500)
                for name in ("units_4", "price_1", "age")
            },
        }
    )


def test_inputs_to_watch_are_measured_and_vary() -> None:
    assert drift_columns(sample(1)) == ["units_4", "price_1", "age"]


def test_a_shifted_input_is_named_and_one_that_is_as_it_was_is_not(tmp_path: Path) -> None:
    reference, report = sample(1), tmp_path / "reports" / "2024-01-08.html"
    columns = [*drift_columns(reference), "gone"]

    same = measure_drift(reference, sample(2), columns=columns, report=report)
    assert (same.columns, same.drifted, same.share) == (3, (), 0.0)
    first = report.read_text(encoding="utf-8")

    moved = measure_drift(reference, sample(3, price_1=5.0), columns=columns, report=report)
    assert moved.drifted == ("price_1",)
    assert moved.share == 1 / 3

    page = report.read_text(encoding="utf-8")
    assert page != first
    assert "<html" in page
    assert "price_1" in page
    assert [file.name for file in report.parent.iterdir()] == ["2024-01-08.html"]

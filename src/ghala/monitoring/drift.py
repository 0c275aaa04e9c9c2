"""Drift of a model's inputs, measured and drawn by Evidently."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

_METHOD = "psi"
_THRESHOLD = 0.2
"""Population stability index above which a column counts as drifted (credit scoring's rule)."""


@dataclass(frozen=True)
class Drift:
    """What share of the inputs moved away from what the model learned from."""

    columns: int
    drifted: tuple[str, ...]
    report: Path | None

    @property
    def share(self) -> float:
        """Drifted columns over all columns."""
        return len(self.drifted) / max(self.columns, 1)


def measure_drift(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    *,
    columns: list[str],
    report: Path | None = None,
) -> Drift:
    """Compare two samples of the inputs; keep Evidently's HTML report where ``report`` says."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from evidently import Report
    from evidently.presets import DataDriftPreset

    common = [c for c in columns if c in reference.columns and c in current.columns]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        preset = DataDriftPreset(columns=common, method=_METHOD, threshold=_THRESHOLD)
        done = Report([preset], include_tests=False).run(
            current.select(common).to_pandas(), reference.select(common).to_pandas()
        )
        if report is None:
            return Drift(len(common), tuple(_drifted(done.dict())), None)
        report.parent.mkdir(parents=True, exist_ok=True)
        partial = report.with_suffix(".partial")
        done.save_html(str(partial))
    partial.replace(report)
    return Drift(len(common), tuple(_drifted(done.dict())), report)


def drift_columns(frame: pl.DataFrame) -> list[str]:
    """The inputs to watch: every numeric column but keys and constants."""
    numeric = frame.select(cs.float()).columns
    return [name for name in numeric if frame[name].n_unique() > 1]


def _drifted(result: dict[str, Any]) -> list[str]:
    found = []
    for metric in result["metrics"]:
        config = metric["config"]
        if config["type"].endswith("ValueDrift") and float(metric["value"]) >= _THRESHOLD:
            found.append(str(config["column"]))
    return found

"""A workspace on disk with its own use case, small enough to break in many ways."""

from pathlib import Path

import pytest

from ghala.contracts.settings import Workspace

SETTINGS = """
sources = ["completejourney"]
use_cases = ["operations/demand", "finance/refunds"]

[company]
name = "Duka"
"""

USE_CASE = '''
from ghala.evaluation.forecast import Forecast


class Refunds(Forecast):
    """How much is refunded."""

    features = ()

    def fit(self, examples, *, seed):
        return None

    def predict(self, model, subjects):
        return subjects

    def save(self, model, folder):
        folder.joinpath("model.txt").write_text("none")

    def load(self, folder):
        return None
'''


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "duka"
    folder = root / "use_cases" / "finance" / "refunds"
    folder.mkdir(parents=True)
    (root / "ghala.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "use_case.py").write_text(USE_CASE, encoding="utf-8")
    (folder / "policy.yml").write_text("owner: Treasury\nunit: finance\n", encoding="utf-8")
    return Workspace(root)

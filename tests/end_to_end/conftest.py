"""One real demonstration, made once, that every test here looks at."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ghala.contracts.settings import Workspace
from ghala_retail.company.simulate import simulate
from ghala_retail.company.world import make_plan
from tests.conftest import read_json, run_ghala

# A way out that leads nowhere: whatever asked the network would fail.
OFFLINE = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}


@dataclass(frozen=True)
class Demo:
    """A finished demonstration and what it said."""

    workspace: Workspace
    summary: dict[str, Any]

    def ask(self, *arguments: str) -> Any:
        return read_json(
            run_ghala(*arguments, "--workspace", str(self.workspace.root), "--json", **OFFLINE)
        )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    root = tmp_path_factory.mktemp("demo") / "demo"
    done = run_ghala("demo", str(root), "--weeks", "12", "--json", **OFFLINE)
    assert done.returncode == 0, done.stderr[-4000:]
    return Demo(Workspace(root), json.loads(done.stdout))


RETURNS = "operations/returns"
# What returns have to do with.
SALES = ("depots", "customers", "products", "web_", "agent_", "agents", "returns")


@pytest.fixture(scope="session")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a tiny simulated company delivers in twenty-one weeks."""
    folder = tmp_path_factory.mktemp("tiny") / "company"
    simulate(make_plan("tiny", "endogenous", seed=1, days=147), folder)
    return folder / "inbox" / "company"


def make_company(
    root: Path, deliveries: Path, *, feeds: tuple[str, ...], use_case: str = RETURNS
) -> Path:
    """A workspace for that company; by default it is to run a use case that nobody has written yet.

    It gets the files of the ``feeds``, by the beginnings of their names.
    """
    source = ("--source", "company", "--use-case", use_case)
    made = run_ghala("init", str(root), "--name", "Duka", *source)
    assert made.returncode == 0, made.stderr
    (root / "inbox" / "company").mkdir(parents=True)
    for file in deliveries.iterdir():
        if file.name.startswith(feeds):
            shutil.copy(file, root / "inbox" / "company")
    return root

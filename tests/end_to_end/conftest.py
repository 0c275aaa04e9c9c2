"""One real demonstration, made once, that every test here looks at."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from ghala.contracts.settings import Workspace
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

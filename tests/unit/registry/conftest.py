"""A workspace with people, a signing key, a ledger and a real MLflow store."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.mean_model import MeanModel

from ghala.contracts.policy import Approval, Uat
from ghala.contracts.settings import Workspace
from ghala.evaluation.forecast import Forecast, ForecastPolicy
from ghala.ledger.book import Ledger, Note
from ghala.registry.road import Road
from ghala.registry.versions import Registry, RunRecord

NAME = "operations/demand"
DAY = date(2024, 1, 8)
SCIENTIST, APPROVER, BOTH, CLERK = "amina", "baraka", "chao", "dalila"


class Demand(MeanModel, Forecast):
    """A forecast of which only the road matters here."""

    def __init__(self, rule: Any = "one_named_role") -> None:
        self.name = NAME
        approval = Approval(rule=rule, role="operations_approver")
        self.policy = ForecastPolicy(
            owner="Tests", unit="operations", approval=approval, uat=Uat(shadow_weeks=0)
        )


def make_keys(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    folder.mkdir(parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "pipeline.pem").write_bytes(private)
    (folder / "pipeline.pub").write_bytes(public)


def make_workspace(root: Path) -> Workspace:
    root.mkdir(parents=True, exist_ok=True)
    (root / "ghala.toml").write_text(
        f"""
        sources = ["completejourney"]
        use_cases = ["{NAME}"]
        [company]
        name = "Duka"
        [people.{SCIENTIST}]
        roles = ["data_scientist"]
        [people.{APPROVER}]
        roles = ["operations_approver"]
        [people.{BOTH}]
        roles = ["data_scientist", "operations_approver"]
        [people.{CLERK}]
        roles = ["finance_approver"]
        """,
        encoding="utf-8",
    )
    workspace = Workspace(root)
    make_keys(workspace.keys)
    return workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "duka")


@pytest.fixture
def as_person(workspace: Workspace) -> Iterator[Callable[..., Road]]:
    """The road as a named person walks it."""
    books: list[Ledger] = []

    def walk(who: str, *, rule: str = "one_named_role") -> Road:
        books.append(Ledger(workspace.ledger, actor=who))
        return Road(workspace, books[-1], Demand(rule))

    yield walk
    for book in books:
        book.engine.dispose()


def train(road: Road, version: int) -> None:
    """Write the fact of a training, by the one who walks, and put the version into staging."""
    note = Note("training", {"reasons": ["test"]}, NAME, version, DAY, f"training:{version}")
    road.ledger.append(note)
    road.enter(version, as_of=DAY)


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with an MLflow store, started once because that takes seconds."""
    workspace = make_workspace(tmp_path_factory.mktemp("registry") / "duka")
    _ = Registry(workspace).client.search_experiments()
    return workspace


def make_record(folder: Path, *, text: str = "weights") -> RunRecord:
    model, plots = folder / "model", folder / "plots"
    (model / "sku_chain").mkdir(parents=True)
    plots.mkdir()
    (model / "sku_chain" / "model.txt").write_text(text, encoding="utf-8")
    (model / "reference.parquet").write_bytes(b"PAR1")
    (plots / "backtest.svg").write_text("<svg/>", encoding="utf-8")
    return RunRecord({"seed": 7}, {"wape": 0.25}, {"ghala.use_case": NAME}, model, plots)

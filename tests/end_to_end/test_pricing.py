"""Prices go the whole road on twenty weeks of a tiny company: tests, UAT, price list."""

import inspect
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ghala.contracts.settings import Workspace
from ghala.warehouse.publish import read_published
from ghala_retail.use_cases.finance.pricing.use_case import Pricing
from tests.conftest import read_json, run_ghala
from tests.end_to_end.conftest import make_company

NAME = "finance/pricing"
FEEDS = (
    "depots", "customers", "products", "prices", "promotions", "competitor_prices", "stock",
    "web_", "agent_", "agents",
)  # fmt: skip
FIRST, LATER = "2024-05-06", "2024-05-13"
# Of so few weeks under test nothing is proved: enough to walk the road, too few to show a gain.
SHORT = {
    "backtest": {"weeks": 4, "refit_every_weeks": 4, "training_origins": 16},
    "gates": {"metrics": [], "min_origins_won": 0.0, "max_infeasible_share": 0.2},
    "uat": {"shadow_weeks": 1, "max_loss_ratio": 5.0},
    "probes": {"share": 0.3},
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, deliveries: Path) -> Workspace:
    """A company that tests prices, with a policy for its few weeks of history."""
    root = make_company(
        tmp_path_factory.mktemp("pricing") / "duka", deliveries, feeds=FEEDS, use_case=NAME
    )
    shipped = Path(inspect.getfile(Pricing)).with_name("policy.yml")
    policy = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    file = root / "policies" / f"{NAME}.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump({**policy, **SHORT}), encoding="utf-8")
    with (root / "ghala.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[people."pricing-lead"]\nroles = ["finance_approver"]\n')
    return Workspace(root)


def test_prices_are_learned_gated_shadowed_approved_listed_and_tested_on(
    workspace: Workspace,
) -> None:
    def ask(*arguments: str) -> Any:
        where = ("--workspace", str(workspace.root), "--json")
        return read_json(run_ghala(*arguments, *where, GHALA_ACTOR="pipeline"))

    first = ask("run", "--as-of", FIRST, "--allow-late")[NAME]
    assert first["advance"] == {"uat": 1}, first
    assert first["score_if_due"] > 700

    later = ask("run", "--as-of", LATER, "--allow-late")[NAME]
    assert later["monitor"]["outcomes"] > 600
    done = run_ghala(
        "approve", NAME, "1", "-m", "steps are small", "--as-of", LATER,
        "--workspace", str(workspace.root), GHALA_ACTOR="pricing-lead",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [case] = ask("status")["use_cases"]
    assert (case["predicts"], case["stages"]["production"]["version"]) == ("decisions", 1)

    ask("build", "--as-of", LATER)
    ask("publish", "--as-of", LATER)
    read = read_published(workspace).query
    decided = read(
        "SELECT price_now, decision, action, reason, evidence, elasticity_low, elasticity_high"
        " FROM marts_finance.pricing_decisions WHERE role = 'champion'"
    )
    assert {row["evidence"] for row in decided} == {"randomised"}
    assert all(abs(row["decision"] / row["price_now"] - 1) <= 0.1 + 1e-9 for row in decided)
    assert all(
        (row["action"] == "hold") == (row["decision"] == row["price_now"]) for row in decided
    )
    assert all(row["elasticity_low"] < row["elasticity_high"] for row in decided)
    changes = read("SELECT * FROM marts_finance.price_changes")
    assert all(row["valid_from"] == date(2024, 5, 20) for row in changes)
    assert 0 < len(changes) <= sum(row["action"] == "change" for row in decided)
    tests = read("SELECT * FROM marts_finance.price_tests")
    assert 0.03 < len(tests) / len(decided) < 0.07
    powers = [row["detectable_difference"] for row in tests]
    assert any(powers)  # null where nothing of the category is tested
    assert all(power is None or power > 0 for power in powers)

"""From a raw feed to a dashboard and back, over a company that was built."""

from pathlib import Path

import pytest
from tests.unit.retail_warehouse.conftest import STAGES, Company

from ghala.contracts.errors import TryAgain, UsageError
from ghala.contracts.settings import Workspace
from ghala.features.lineage import Lineage, group_by_kind, read_lineage


@pytest.fixture(scope="module")
def lineage(tmp_path_factory: pytest.TempPathFactory) -> Lineage:
    made = Company(tmp_path_factory.mktemp("lineage") / "duka")
    as_of, deliver = STAGES[0]
    deliver(made)
    made.load(as_of)
    return read_lineage(made.workspace)


def reached(lineage: Lineage, name: str, *, down: bool) -> dict[str, list[str]]:
    return group_by_kind(lineage.walk(lineage.find(name), down=down))


def test_a_column_reaches_its_features_and_no_others(lineage: Lineage) -> None:
    found = reached(lineage, "core.order_lines.discount", down=True)

    assert "use case" not in found
    assert {name.partition("_")[0] for name in found["feature"]} == {"customer.discount"}
    assert "marts_marketing.customer_summary.discount" in found["column"]


@pytest.mark.parametrize("column", ["customer_id", "ordered_on", "known_on", "superseded_on"])
def test_a_column_that_says_of_whom_or_when_reaches_every_feature_of_the_view(
    lineage: Lineage, column: str
) -> None:
    found = reached(lineage, f"core.order_lines.{column}", down=True)

    assert {"customer.discount_30d", "customer.last_channel"} <= set(found["feature"])


def test_a_column_of_a_feed_reaches_what_is_made_of_it_and_no_more(lineage: Lineage) -> None:
    found = reached(lineage, "raw.company__web_lines.discount_kes", down=True)

    assert "staging.stg_company__lines.discount" in found["column"]
    assert "customer.discount_30d" in found["feature"]
    assert "customer.last_channel" not in found["feature"]
    above = reached(lineage, "customer.spend_30d", down=False)["column"]
    assert {"raw.company__web_lines.unit_price_kes", "raw.company__web_lines.units"} <= set(above)


def test_a_derived_feature_comes_from_its_parts_and_their_raw_feed(lineage: Lineage) -> None:
    found = reached(lineage, "customer.basket_90d", down=False)

    assert {"customer.spend_90d", "customer.orders_90d"} <= set(found["feature"])
    assert "core.order_lines.revenue" in found["column"]
    assert "core.order_lines" in found["model"]
    assert any(name.startswith("raw.company") for name in found["table"])


def test_a_raw_feed_reaches_a_use_case_its_predictions_and_a_dashboard(lineage: Lineage) -> None:
    found = reached(lineage, "raw.company__web_lines", down=True)

    assert found["use case"] == ["operations/demand"]
    assert "demand_forecast.mean_1w" in found["feature"]
    assert "marts_operations.demand_forecasts" in found["mart"]
    assert "console_operations" in found["dashboard"]


def test_what_is_above_one_thing_has_it_below(lineage: Lineage) -> None:
    below = {
        name: {other["name"] for other in lineage.walk(name, down=True)} for name in lineage.kinds
    }
    for name in lineage.kinds:
        for one in lineage.walk(name, down=False):
            assert name in below[str(one["name"])]


def test_a_model_may_be_named_without_its_schema(lineage: Lineage) -> None:
    assert lineage.find("order_lines") == "core.order_lines"
    with pytest.raises(UsageError, match=r"Did you mean 'core\.order_lines'"):
        lineage.find("core.order_line")
    with pytest.raises(UsageError, match=r"^Nothing is named 'nope'\. Did you mean '.+', '.+'\?$"):
        lineage.find("nope")


def test_before_the_first_build_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match="never built"):
        read_lineage(Workspace(tmp_path))

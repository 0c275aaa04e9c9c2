"""What a program gets when it asks for predictions."""

import json
from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from ghala.contracts.settings import Workspace
from ghala.ledger.book import Ledger
from ghala.web.api.answers import Predictions
from ghala.web.app import create_app

from .conftest import ODD_SERIES, make_status, move

ADDRESS = "/api/v1/use-cases/operations/demand/predictions"


def ask(client: FlaskClient, query: str = "", *, status: int = HTTPStatus.OK) -> dict[str, Any]:
    response = client.get(f"{ADDRESS}?{query}")
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.get_json()
    return found


def test_only_the_newest_predictions_of_the_production_version_are_given(
    client: FlaskClient,
) -> None:
    answer = ask(client)
    assert (answer["version"], answer["as_of"], answer["total"]) == (2, "2017-12-25", 4)
    assert {(row["version"], row["as_of"]) for row in answer["rows"]} == {(2, "2017-12-25")}
    assert (answer["build"], answer["data_as_of"]) == (1, "2017-12-25")


def test_the_answer_is_as_the_api_description_says(client: FlaskClient) -> None:
    answer = ask(client, "as_of=2017-12-18")
    assert Predictions.model_validate(answer).rows[0].actual_known_on == date(2018, 1, 1)
    description = client.get("/openapi/openapi.json").get_json()
    assert ADDRESS.replace("operations/demand", "{unit}/{name}") in description["paths"]


def test_a_rollback_acts_on_the_next_request_without_a_restart(
    client: FlaskClient, ledger: Ledger
) -> None:
    assert ask(client)["version"] == 2
    move(ledger, to=1, expected=2)
    answer = ask(client)
    assert answer["version"] == 1
    assert {row["mean"] for row in answer["rows"]} == {10.0}


def test_another_version_and_date_can_be_named(client: FlaskClient) -> None:
    answer = ask(client, "version=1&as_of=2017-12-18&grain=sku_chain&series=A")
    assert [(row["version"], row["actual"]) for row in answer["rows"]] == [(1, 9.0)]


def test_a_target_week_narrows_the_rows(client: FlaskClient) -> None:
    assert ask(client, "target_week=2018-01-01")["total"] == 4
    assert ask(client, "target_week=2017-12-25")["total"] == 0


def test_pages_cover_every_row_once_and_in_order(client: FlaskClient) -> None:
    pages = [ask(client, f"limit=3&offset={offset}") for offset in (0, 3, 6)]
    keys = [(row["grain"], row["series"]) for page in pages for row in page["rows"]]
    assert [len(page["rows"]) for page in pages] == [3, 1, 0]
    assert len(set(keys)) == pages[0]["total"] == 4
    assert keys == sorted(keys)


def test_what_is_not_a_number_becomes_null(client: FlaskClient) -> None:
    text = client.get(ADDRESS).text
    row = json.loads(text, parse_constant=pytest.fail)["rows"][0]
    assert row["p90"] is None
    assert row["smart_mean"] is None


@pytest.mark.parametrize(
    "series",
    ["A' OR '1'='1", "A'; DROP VIEW x; --", "' UNION SELECT * FROM read_csv('/etc/passwd') --"],
)
def test_sql_in_a_parameter_is_data(client: FlaskClient, series: str) -> None:
    assert ask(client, f"series={quote(series)}")["rows"] == []
    assert ask(client)["total"] == 4


def test_a_series_with_quotes_is_found(client: FlaskClient) -> None:
    rows = ask(client, f"series={quote(ODD_SERIES)}")["rows"]
    assert [row["series"] for row in rows] == [ODD_SERIES]


@pytest.mark.parametrize(
    "query",
    [
        *(f"limit={value}" for value in ("0", "-1", "10001", "ten", "1e3", "1_000", "", "9" * 40)),
        *(f"version={value}" for value in ("0", "-1", "latest", "1.5", "99999999999")),
        *(f"as_of={value}" for value in ("yesterday", "2017-13-01", "20171225", "1514160000")),
        "offset=-1",
        "target_week=2017-02-30",
        "limit=5&limit=6",
        "grain=" + "x" * 501,
    ],
)
def test_a_wrong_parameter_is_refused_by_name(client: FlaskClient, query: str) -> None:
    answer = ask(client, query, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    assert query.split("=", maxsplit=1)[0] in answer["error"]
    assert answer["next_step"]


def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(client: FlaskClient) -> None:
    answer = ask(client, "targetweek=2018-01-01", status=HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "Did you mean 'target_week'?" in answer["error"]


def test_an_unknown_use_case_is_answered_with_the_nearest_one(client: FlaskClient) -> None:
    response = client.get(ADDRESS.replace("demand", "demnad"))
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "Did you mean 'operations/demand'?" in response.get_json()["error"]
    assert response.get_json()["next_step"]


def test_a_version_without_predictions_is_answered_with_the_known_ones(client: FlaskClient) -> None:
    answer = ask(client, "version=7", status=HTTPStatus.NOT_FOUND)
    assert "Known: 1, 2." in answer["error"]


def test_without_a_version_in_production_the_next_step_is_named(
    client: FlaskClient, ledger: Ledger
) -> None:
    move(ledger, to=None, expected=2)
    assert "approve" in ask(client, status=HTTPStatus.NOT_FOUND)["next_step"]
    assert ask(client, "version=1")["version"] == 1


def test_a_production_version_that_is_not_scored_yet_asks_for_patience(
    client: FlaskClient, ledger: Ledger
) -> None:
    move(ledger, to=3, expected=2)
    assert "Version 3" in ask(client, status=HTTPStatus.SERVICE_UNAVAILABLE)["error"]


def test_before_the_first_build_the_api_asks_for_patience(workspace: Workspace) -> None:
    client = create_app(workspace, lambda _: make_status()).test_client()
    answer = ask(client, status=HTTPStatus.SERVICE_UNAVAILABLE)
    assert "ghala run" in answer["next_step"]
    assert not workspace.ledger.exists()


def test_a_new_build_is_read_on_the_next_request(client: FlaskClient, published: Workspace) -> None:
    from ghala.warehouse.engines.duckdb import DuckDBWarehouse
    from ghala.warehouse.publish import publish

    assert ask(client)["build"] == 1
    with DuckDBWarehouse(published.warehouse) as warehouse:
        warehouse.execute("UPDATE marts_operations.demand_forecasts SET mean = 77")
        publish(published, warehouse, as_of=date(2018, 1, 1))
    answer = ask(client)
    assert (answer["build"], answer["data_as_of"]) == (2, "2018-01-01")
    assert answer["rows"][0]["mean"] == 77


def test_the_use_cases_are_listed_with_the_build_they_stand_on(client: FlaskClient) -> None:
    answer = client.get("/api/v1/use-cases").get_json()
    assert (answer["build"], answer["use_cases"][0]["name"]) == (14, "operations/demand")
    refused = client.get("/api/v1/use-cases?page=2")
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY

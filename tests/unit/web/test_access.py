"""What a stranger, a scanner or a load balancer gets."""

from http import HTTPStatus

import pytest
from flask.testing import FlaskClient

from ghala.contracts.settings import Workspace
from ghala.web.app import MAX_BODY_BYTES, create_app

from .conftest import make_status

PAGES = ("/", "/healthz", "/api/v1/use-cases", "/nowhere", "/openapi/openapi.json")
REPORT = "<!doctype html><title>drift</title><script>1</script>"


@pytest.fixture
def report(published: Workspace) -> str:
    file = published.reports / "operations" / "demand" / "2017-12-25.html"
    file.parent.mkdir(parents=True)
    file.write_text(REPORT, encoding="utf-8")
    return "/reports/operations/demand/2017-12-25"


def test_health_names_the_published_build(client: FlaskClient) -> None:
    response = client.get("/healthz")
    assert response.status_code == HTTPStatus.OK
    assert response.get_json() == {"status": "ok", "build": 1, "as_of": "2017-12-25"}


def test_health_says_why_nothing_can_be_read(workspace: Workspace) -> None:
    response = create_app(workspace, lambda _: make_status()).test_client().get("/healthz")
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Nothing is published" in response.get_json()["error"]
    assert "ghala run" in response.get_json()["next_step"]
    assert response.headers["Retry-After"]


def test_health_notices_a_build_that_is_gone(client: FlaskClient, published: Workspace) -> None:
    (published.published / "000001").rename(published.published / "moved")
    assert client.get("/healthz").status_code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", ""])
@pytest.mark.parametrize("address", PAGES)
def test_a_forged_host_is_refused(client: FlaskClient, host: str, address: str) -> None:
    response = client.get(address, headers={"Host": host})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "evil" not in response.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8765", "console.soko.example"])
def test_a_known_host_is_answered(published: Workspace, host: str) -> None:
    app = create_app(published, lambda _: make_status(), hosts=("console.soko.example",))
    response = app.test_client().get("/healthz", headers={"Host": host})
    assert response.status_code == HTTPStatus.OK


@pytest.mark.parametrize("address", PAGES)
def test_every_answer_is_guarded_and_sets_no_cookie(client: FlaskClient, address: str) -> None:
    headers = client.get(address).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("address", ["/openapi/swagger", "/openapi/", "/openapi/redoc"])
def test_no_documentation_page_with_foreign_scripts_is_mounted(
    client: FlaskClient, address: str
) -> None:
    assert client.get(address).status_code == HTTPStatus.NOT_FOUND


def test_errors_are_json_for_programs_and_a_page_for_people(client: FlaskClient) -> None:
    for address in ("/api/v1/nowhere", "/api/v2"):
        answer = client.get(address)
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert answer.get_json()["next_step"]
    page = client.get("/nowhere")
    assert page.mimetype == "text/html"
    assert "Error 404" in page.text
    assert client.post("/api/v1/use-cases").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_large_body_is_refused(client: FlaskClient) -> None:
    response = client.get("/api/v1/use-cases", data=b"x" * (MAX_BODY_BYTES + 1))
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "error" in response.get_json()


@pytest.mark.parametrize("path", ["//evil.example/..", "//healthz", "/api//v1/use-cases"])
def test_a_doubled_slash_is_never_redirected(client: FlaskClient, path: str) -> None:
    response = client.get("/", environ_overrides={"PATH_INFO": path})
    assert response.status_code in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
    assert "Location" not in response.headers


def test_a_report_is_shown_in_a_sandbox(client: FlaskClient, report: str) -> None:
    response = client.get(report)
    assert response.text == REPORT
    assert response.mimetype == "text/html"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "address",
    [
        "/reports/operations/demand/../../../ghala.toml",
        "/reports/operations/demand/..%2f..%2f..%2fghala.toml",
        "/reports/operations/demand/%252e%252e%252fghala",
        "/reports/operations/demand/..%5c..%5cghala.toml",
        "/reports/operations/demand/....//....//ghala.toml",
        "/reports/operations/demand//etc/passwd",
        "/reports/operations/demand/%2fetc%2fpasswd",
        "/reports/operations/demand/2017-12-25%00",
        "/reports/operations/demand/2017-12-25.html",
        "/reports/operations/demand/2017-12-25%20",
        "/reports/operations/demand/2017-13-25",
        "/reports/operations/demand/٢٠١٧-12-25",
        "/reports/operations/demand/2017-12-26",
        "/reports/operations/demand/" + "9" * 10_000,
        "/reports/operations/..%2f..%2fghala/2017-12-25",
        "/reports/../reports/operations/2017-12-25",
        "/reports/operations/unknown/2017-12-25",
        "/reports/",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/layout.html",
    ],
)
def test_an_address_never_reaches_another_file(
    client: FlaskClient, report: str, address: str
) -> None:
    assert client.get(report).status_code == HTTPStatus.OK
    response = client.get(address)
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "company" not in response.text


def test_a_report_that_is_a_link_is_not_followed(
    client: FlaskClient, published: Workspace, report: str
) -> None:
    folder = (published.reports / "operations" / "demand").resolve()
    (folder / "2017-12-18.html").symlink_to(published.root / "ghala.toml")
    (folder / "2017-12-11.html").symlink_to(folder / "2017-12-25.html")
    for day in ("2017-12-18", "2017-12-11"):
        response = client.get(report.replace("2017-12-25", day))
        assert response.status_code == HTTPStatus.NOT_FOUND

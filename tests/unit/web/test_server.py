"""What happens when the console is started."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ghala.contracts.errors import ConfigurationError, TryAgain, UsageError
from ghala.contracts.settings import Workspace
from ghala.web.server import listen, serve

_PROGRAM = """
import sys
from pathlib import Path
from ghala.contracts.settings import Workspace
from ghala.web.server import serve
serve(Workspace(Path(sys.argv[1])), port=0, workers=2, announce=lambda url: print(url, flush=True))
"""


def get(port: int, address: str, *, host: str = "localhost") -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", address, headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_a_port_in_use_is_named_before_any_worker_starts(workspace: Workspace) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(TryAgain, match=f"Port {port} ") as caught:
            serve(workspace, port=port, announce=pytest.fail)
    assert caught.value.exit_code == 75
    assert "--port" in caught.value.next_step


@pytest.mark.parametrize(
    ("host", "port"), [("203.0.113.7", 0), ("no such host", 0), ("::1", 0), ("127.0.0.1", 70_000)]
)
def test_an_address_that_cannot_be_listened_on_is_a_usage_error(host: str, port: int) -> None:
    with pytest.raises(UsageError) as caught:
        listen(host, port=port)
    assert "--" in caught.value.next_step


def test_a_wrong_configuration_is_told_before_the_port_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ghala.toml").write_text("nonsense = true\n", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        serve(Workspace(tmp_path), announce=pytest.fail)


def test_the_server_answers_and_stops_when_told(published: Workspace) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(published.root)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rstrip("/\n").rsplit(":", 1)[1])
            status, body = get(port, "/healthz")
            assert (status, json.loads(body)["build"]) == (200, 1)
            assert get(port, "/healthz", host="evil.example")[0] == 400
            started = time.monotonic()
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=30) == 0
            assert time.monotonic() - started < 20
        finally:
            server.kill()

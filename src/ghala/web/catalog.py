"""Show one page, the catalog of the warehouse, in the browser of this machine."""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ghala.web.server import DEFAULT_HOST, listen

_NAMES = (DEFAULT_HOST, "localhost")


def serve_page(page: Path, *, port: int, announce: Callable[[str], None]) -> None:
    """Serve ``page`` on 127.0.0.1 until the process is told to stop.

    Args:
        page: the HTML file; its bytes at this moment are what is shown.
        port: the port to listen on; 0 takes a free one.
        announce: is told the address once the port is taken.

    Raises:
        TryAgain: another program listens on the port.
        UsageError: the port may not be used.
    """
    listener = listen(DEFAULT_HOST, port=port)
    taken = listener.getsockname()[1]
    handler = type("Page", (_PageHandler,), {"content": page.read_bytes(), "port": taken})
    with ThreadingHTTPServer((DEFAULT_HOST, taken), handler, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener
        announce(f"http://{DEFAULT_HOST}:{taken}/")
        server.serve_forever()


class _PageHandler(BaseHTTPRequestHandler):
    """Answers with the page to browsers of this machine, and with nothing else."""

    content: bytes
    port: int

    def do_GET(self) -> None:
        """Send the page; another host's name in the request is one that was led here."""
        if self.headers.get("Host") not in (
            f"{DEFAULT_HOST}:{self.port}",
            f"localhost:{self.port}",
        ):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif self.path.partition("?")[0] != "/":
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(self.content)))
            self.end_headers()
            self.wfile.write(self.content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: one reader on one machine needs no log."""

"""Run the web application with gunicorn."""

import errno
import socket
from collections.abc import Callable, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication

from ghala.contracts.errors import TryAgain, UsageError
from ghala.contracts.settings import Workspace

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
_ANY_HOST = ("0.0.0.0", "")  # noqa: S104 - recognised, never chosen
_THREADS = 4
_BACKLOG = 512


def serve(
    workspace: Workspace,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    workers: int = 2,
    names: Sequence[str] = (),
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serve the workspace until the process is told to stop.

    Args:
        workspace: the workspace to show.
        host: the address to listen on; only this machine reaches the default.
        port: the port to listen on; 0 takes a free one.
        workers: how many processes answer.
        names: further names by which browsers may call this server.
        announce: is told the address once, when the port is taken and before workers start.

    Raises:
        TryAgain: another program listens on the port.
        UsageError: the address is not one of this machine, or the port may not be used.
        ConfigurationError: the workspace's settings are missing or wrong.
    """
    _ = workspace.settings  # a wrong ghala.toml is told here, not by every worker in turn
    listener = listen(host, port=port)
    taken = listener.getsockname()[1]
    if announce is not None:
        announce(f"http://{'localhost' if host in _ANY_HOST else host}:{taken}/")
    _Server(workspace, listener, hosts=(host, *names), workers=workers).run()


def listen(host: str, *, port: int) -> socket.socket:
    """Take a port, so that nobody can come between the check and the first worker.

    Raises:
        TryAgain: another program listens on the port.
        UsageError: the address is not one of this machine, or the port may not be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _explain(host, port, error=error) from error
    return listener


def _explain(host: str, port: int, *, error: Exception) -> TryAgain | UsageError:
    reason = getattr(error, "errno", None)
    if reason == errno.EADDRINUSE:
        return TryAgain(
            f"Port {port} on {host} is in use by another program.",
            f"Stop that program, or choose another port: --port {port % 65535 + 1}",
        )
    if isinstance(error, OverflowError):
        return UsageError(f"No port {port}: ports are 0 to 65535.", "Choose one with --port.")
    if reason in (errno.EACCES, errno.EPERM):
        return UsageError(
            f"Port {port} may not be used by this account.", "Choose one above 1023 with --port."
        )
    return UsageError(
        f"This machine cannot listen on {host!r}: {getattr(error, 'strerror', None) or error}.",
        "Name an IPv4 address or a name of this machine with --host, e.g. --host 127.0.0.1",
    )


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn around one workspace, on a port that is already taken."""

    def __init__(
        self, workspace: Workspace, listener: socket.socket, *, hosts: Sequence[str], workers: int
    ) -> None:
        self._workspace = workspace
        self._hosts = hosts
        self._options: dict[str, Any] = {
            "bind": f"fd://{listener.detach()}",
            "workers": workers,
            "worker_class": "gthread",
            "threads": _THREADS,
            "backlog": _BACKLOG,
            "timeout": 60,
            "graceful_timeout": 10,
            "keepalive": 5,
            "limit_request_line": 4094,
            "limit_request_fields": 50,
            "limit_request_field_size": 8190,
            # signals are enough; a second way in would only be one more thing to guard
            "control_socket_disable": True,
            "loglevel": "warning",
            "proc_name": "ghala",
        }
        super().__init__()

    def load_config(self) -> None:
        """Take the options given; no file and no command line is read."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the application, once in each worker."""
        from ghala.web.app import create_app

        return create_app(self._workspace, hosts=self._hosts)

"""The command ``ghala``: errors become one line with the next step, and an exit code."""

import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from types import FrameType

from ghala.contracts.errors import GhalaError, full_disk


def main() -> None:
    """Run the command line; every failure has a meaning (see the exit codes in the docs)."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # do not spin where cores are shared
    signal.signal(signal.SIGTERM, _stop)
    wants_json = "--json" in sys.argv
    try:
        sys.exit(_run() or 0)
    except GhalaError as error:
        _report(error.message, error.next_step, wants_json=wants_json)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _report("Stopped.", "Run the command again; it goes on where it was.", wants_json=False)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        sys.exit(_unexpected(error, wants_json=wants_json))


def _run() -> int | None:
    from ghala.cli.verbs import application

    # Without standalone mode an exit code comes back as the result.
    code: int | None = application(standalone_mode=False)
    return code


def _unexpected(error: Exception, *, wants_json: bool) -> int:
    import typer

    if isinstance(error, typer.Abort):
        _report("Stopped.", "Run the command again.", wants_json=False)
        return 130
    if isinstance(error, _usage_errors(typer.BadParameter)):
        if wants_json:
            said = error.format_message()  # type: ignore[attr-defined]
            print(json.dumps({"error": said, "next_step": "See --help."}))  # noqa: T201
        error.show()  # type: ignore[attr-defined]
        return 2
    if full := full_disk(error):
        _report(full.message, full.next_step, wants_json=wants_json)
        return full.exit_code
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError | OSError):
        said = f"{error.strerror or error}: {error.filename or ''}".strip(": ")
        _report(said, "Check the path and its permissions, then try again.", wants_json=wants_json)
        return 3
    log = Path(tempfile.gettempdir()) / f"ghala-error-{os.getpid()}.log"
    text = "".join(traceback.format_exception(error))
    if os.environ.get("GHALA_DEBUG"):
        sys.stderr.write(text)
    place = _write_log(log, text)
    _report(
        f"This is a bug in ghala: {type(error).__name__}: {error}",
        f"Please report it with {place}; GHALA_DEBUG=1 shows the traceback.",
        wants_json=wants_json,
    )
    return 70


def _usage_errors(known: type) -> tuple[type, ...]:
    """Every error about how the command was called; Typer carries its own copy of Click."""
    return tuple(kind for kind in known.__mro__ if kind.__name__ == "ClickException")


def _write_log(log: Path, text: str) -> str:
    try:
        log.write_text(text, encoding="utf-8")
    except OSError:
        return "the command you ran"
    return str(log.resolve())


def _report(message: str, next_step: str, *, wants_json: bool) -> None:
    if wants_json:
        print(json.dumps({"error": message, "next_step": next_step}))  # noqa: T201
    sys.stderr.write(f"ghala: {message}\n")
    if next_step:
        sys.stderr.write(f"  → {next_step}\n")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

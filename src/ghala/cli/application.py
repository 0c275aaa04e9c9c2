"""The command line itself: its options, and how results are shown."""

import json
import logging
import subprocess
import sys
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ghala.contracts.use_case import UseCase
    from ghala.house import House

application = typer.Typer(
    name="ghala",
    help="One warehouse, one feature store, one road to production, one watch over every model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def read_day(value: str) -> date:
    """A business date, written YYYY-MM-DD."""
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value!r} is not a date; write YYYY-MM-DD.") from error


def read_moment(value: str) -> date:
    """A business date, or the moment of a record as YYYY-MM-DDTHH:MM, in UTC or with its zone."""
    try:
        return datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(
            f"{value!r} is not a date; write YYYY-MM-DD, or YYYY-MM-DDTHH:MM for a moment in UTC."
        ) from error


AsOf = Annotated[
    date | None,
    typer.Option(
        "--as-of", parser=read_day, metavar="DATE", help="Business date; today when absent."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Where = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="A workspace; the current one if absent.")
]
Actor = Annotated[
    str | None,
    typer.Option("--as", envvar="GHALA_ACTOR", help="Who acts; Git's user.name when absent."),
]
Name = Annotated[str, typer.Argument(help="A use case, as unit/name.")]
LAST_VERSION = 2**31 - 1
"""The greatest number that the registry's database can hold."""
Version = Annotated[int, typer.Argument(min=1, max=LAST_VERSION, help="The number of a version.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="Why.")]
AllowLate = Annotated[bool, typer.Option(help="Go on when a file is overdue.")]


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"ghala {version('ghala')}")
        raise typer.Exit


@application.callback()
def _prepare(
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say less.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    logging.getLogger("ghala").setLevel(level)


def open_house(workspace: Path | None, actor: str | None) -> "House":
    """The workspace with the person who acts; its settings are checked first."""
    from ghala.contracts.settings import find_workspace
    from ghala.house import House

    found = find_workspace(workspace)
    _ = found.settings
    return House(found, actor or _git_user(found.root))


def open_at(workspace: Path | None, actor: str | None, name: str) -> "tuple[House, UseCase]":
    """A workspace and one of its use cases."""
    house = open_house(workspace, actor)
    return house, pick_use_case(house, name)


def pick_use_case(house: "House", name: str) -> "UseCase":
    """A use case by its name."""
    from ghala.contracts.discovery import use_case

    return use_case(house.workspace, name)


def _git_user(root: Path) -> str:
    done = subprocess.run(
        ["git", "config", "user.name"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def show(result: Any, as_json: bool, *, table: Any = None) -> None:
    """Print a result: JSON for programs, a table or lines for people."""
    if as_json:
        print(json.dumps(result, default=_plain))  # noqa: T201
        return
    from ghala.cli.tables import show_result

    (table or show_result)(result)


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)

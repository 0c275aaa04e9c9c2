"""The verbs: each a thin reading of its arguments around one function of the flow."""

import json
import logging
import subprocess
import sys
from dataclasses import asdict, is_dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ghala.contracts import clock
from ghala.contracts.errors import UsageError

if TYPE_CHECKING:
    from ghala.contracts.use_case import UseCase
    from ghala.flow import House

application = typer.Typer(
    name="ghala",
    help="One warehouse, one feature store, one road to production, one watch over every model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value!r} is not a date; write YYYY-MM-DD.") from error


AsOf = Annotated[
    date | None,
    typer.Option("--as-of", parser=_day, metavar="DATE", help="Business date; today when absent."),
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
Version = Annotated[int, typer.Argument(min=1, help="The number of a version.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="Why.")]
AllowLate = Annotated[bool, typer.Option(help="Go on when a file is overdue.")]


@application.callback()
def _prepare(
    *, quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say less.")] = False
) -> None:
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    logging.getLogger("ghala").setLevel(logging.WARNING if quiet else logging.INFO)


@application.command()
def init(
    path: Annotated[Path, typer.Argument(help="The folder of the new workspace.")],
    *,
    name: Annotated[str, typer.Option(help="The company's name.")] = "",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "KES",
    timezone: Annotated[str, typer.Option(help="IANA zone.")] = "Africa/Nairobi",
    as_json: Json = False,
) -> None:
    """Make a workspace: a Git and DVC repository with the one project structure."""
    from ghala.warehouse.workspace import create_workspace, read_company

    company = read_company(name or path.resolve().name, currency=currency, timezone=timezone)
    made = create_workspace(
        path,
        company=company,
        sources=["completejourney"],
        use_cases=["operations/demand"],
    )
    _show({"workspace": str(made.root), "next": "put files into inbox/, then ghala run"}, as_json)


@application.command()
def land(
    *, as_of: AsOf = None, allow_late: AllowLate = False,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Bring in the files that have arrived: each row is loaded or quarantined with a reason."""
    from ghala import flow

    house = _house(workspace, actor)
    with house.working():
        receipts = flow.land(house, as_of or clock.today(), allow_late=allow_late)
    _show({"batches": [asdict(receipt) for receipt in receipts]}, as_json)


@application.command()
def build(
    *, as_of: AsOf = None, docs: Annotated[bool, typer.Option(help="Write dbt docs too.")] = False,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Build the warehouse with dbt, and test it."""
    from ghala import flow
    from ghala.warehouse.build import write_docs

    house = _house(workspace, actor)
    with house.working():
        result = asdict(flow.build(house, as_of or clock.today()))
        if docs:
            result["docs"] = str(write_docs(house.workspace))
    _show(result, as_json)


@application.command()
def train(
    use_case: Name, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Train a version on what was known, with a backtest, and put it into staging."""
    from ghala import flow

    house, found = _at(workspace, actor, use_case)
    with house.working():
        version = flow.train(house, found, as_of or clock.today())
    _show({"use_case": use_case, "version": version}, as_json)


@application.command()
def gate(
    use_case: Name, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Judge the version in staging, or the one in UAT. Exit code 1 when a gate fails."""
    from ghala import flow

    house, found = _at(workspace, actor, use_case)
    with house.working():
        verdicts = flow.gate(house, found, as_of or clock.today())
    _show({"verdicts": [verdict.as_dict() for verdict in verdicts]}, as_json)
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(1)


@application.command()
def promote(
    use_case: Name, version: Version, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Move a version one stage up, if its gates and approvals allow it."""
    from ghala import flow

    house, found = _at(workspace, actor, use_case)
    with house.working():
        stage = flow.promote(house, found, version, as_of=as_of or clock.today())
    _show({"use_case": use_case, "version": version, "stage": stage.value}, as_json)


@application.command()
def approve(
    use_case: Name, version: Version, *, comment: Comment = "", as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Sign a version in UAT off for production."""
    _sign(use_case, version, True, comment, as_of, workspace, actor, as_json)


@application.command()
def reject(
    use_case: Name, version: Version, *, comment: Comment, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Refuse a version in UAT, with a reason."""
    _sign(use_case, version, False, comment, as_of, workspace, actor, as_json)


@application.command()
def rollback(
    use_case: Name, *, comment: Comment, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Give production back to the version before, at once."""
    from ghala import flow

    house, found = _at(workspace, actor, use_case)
    with house.working():
        version = flow.roll_back(house, found, as_of=as_of or clock.today(), reason=comment)
    _show({"use_case": use_case, "production": version}, as_json)


@application.command()
def score(
    use_case: Name, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write the champion's predictions, and those of the version in UAT, into the warehouse."""
    from ghala import flow

    house, found = _at(workspace, actor, use_case)
    with house.working():
        rows = flow.score(house, found, as_of or clock.today())
    if rows == 0:
        raise UsageError(
            f"{use_case} has no version in uat or production to score with.",
            f"Run `ghala train {use_case}` and promote the version.",
        )
    _show({"use_case": use_case, "rows": rows}, as_json)


@application.command()
def monitor(
    use_case: Name, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Match outcomes, measure accuracy and drift, and decide whether to retrain."""
    from ghala import flow

    house, found = _at(workspace, actor, use_case)
    with house.working():
        seen = flow.monitor(house, found, as_of or clock.today())
    _show(seen, as_json)


@application.command()
def retrain(
    *, due: Annotated[bool, typer.Option("--due", help="Only what the ledger says is due.")],
    as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Train again every use case of which monitoring wrote that it is due."""
    from ghala import flow
    from ghala.contracts.discovery import use_cases

    if not due:
        raise UsageError("retrain needs --due.", "To train in any case: ghala train USE_CASE")
    house = _house(workspace, actor)
    with house.working():
        trained = {
            name: flow.retrain_if_due(house, found, as_of or clock.today())
            for name, found in use_cases(house.workspace).items()
        }
    _show({"trained": trained}, as_json)


@application.command()
def run(
    *, as_of: AsOf = None, allow_late: AllowLate = False,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The whole loop for one business date."""
    from ghala import flow

    house = _house(workspace, actor)
    _show(flow.run(house, as_of or clock.today(), allow_late=allow_late), as_json)


@application.command()
def replay(
    *, start: Annotated[date, typer.Option("--from", parser=_day, metavar="DATE")],
    end: Annotated[date, typer.Option("--to", parser=_day, metavar="DATE")],
    every: Annotated[int, typer.Option(min=1, help="Days between runs.")] = 7,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Run over many business dates, as if each had been today."""
    from ghala import flow

    if end < start:
        raise UsageError(f"--to {end} lies before --from {start}.", "Swap the dates.")
    house = _house(workspace, actor)
    runs = [flow.run(house, day) for day in clock.every(start, end, every)]
    _show({"runs": runs}, as_json)


@application.command()
def status(*, workspace: Where = None, as_json: Json = False) -> None:
    """Where every use case and every source stands."""
    from ghala import flow
    from ghala.cli.tables import show_status

    found = flow.status(_house(workspace, "reader").workspace)
    _show(found, as_json, table=show_status)


@application.command()
def history(
    use_case: Annotated[str | None, typer.Argument(help="Only this use case.")] = None,
    *, kind: Annotated[str | None, typer.Option(help="Only this kind of fact.")] = None,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What happened, when, by whom and why: the ledger, oldest first."""
    from ghala import flow
    from ghala.cli.tables import show_history

    house = _house(workspace, "reader")
    if use_case is not None:
        _use_case(house, use_case)
    _show(flow.history(house, use_case, kind=kind), as_json, table=show_history)


@application.command()
def doctor(*, workspace: Where = None, as_json: Json = False) -> None:
    """Check everything the workspace rests on. Exit code 1 when something is wrong."""
    from ghala import flow
    from ghala.cli.tables import show_health

    house = _house(workspace, "doctor")
    with house.working():
        found = flow.doctor(house)
    _show({"checks": found}, as_json, table=show_health)
    if any(check["state"] == "fail" for check in found):
        raise typer.Exit(1)


@application.command()
def serve(
    *, host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 2,
    workspace: Where = None,
) -> None:  # fmt: skip
    """Start the console and the API (gunicorn)."""
    from ghala.web.server import serve as serve_web

    serve_web(
        _house(workspace, "reader").workspace,
        host=host,
        port=port,
        workers=workers,
        announce=lambda url: typer.echo(f"The console is at {url}", err=True),
    )


@application.command()
def demo(
    path: Annotated[Path, typer.Argument(help="The workspace to make.")] = Path("demo"),
    *, weeks: Annotated[int, typer.Option(min=1, max=25, help="Weekly cycles.")] = 12,
    start_web: Annotated[bool, typer.Option("--serve", help="Start the console after.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """See one real model go the whole way, on The Complete Journey (a public benchmark)."""
    from ghala.cli.demo import run_demo
    from ghala.cli.tables import show_demo

    summary = run_demo(path, weeks=weeks)
    _show(summary, as_json, table=show_demo)
    if start_web:
        serve(workspace=path)


def _sign(
    name: str, version: int, approved: bool, comment: str, as_of: date | None,
    workspace: Path | None, actor: str | None, as_json: bool,
) -> None:  # fmt: skip
    from ghala import flow

    house, found = _at(workspace, actor, name)
    day = as_of or clock.today()
    with house.working():
        flow.sign(house, found, version, approve=approved, comment=comment, as_of=day)
    _show({"use_case": name, "version": version, "approved": approved, "by": house.actor}, as_json)


def _house(workspace: Path | None, actor: str | None) -> "House":
    from ghala.contracts.settings import find_workspace
    from ghala.flow import House

    found = find_workspace(workspace)
    _ = found.settings
    return House(found, actor or _git_user(found.root))


def _at(workspace: Path | None, actor: str | None, name: str) -> "tuple[House, UseCase]":
    house = _house(workspace, actor)
    return house, _use_case(house, name)


def _use_case(house: "House", name: str) -> "UseCase":
    from ghala.contracts.discovery import use_case

    return use_case(house.workspace, name)


def _git_user(root: Path) -> str:
    done = subprocess.run(
        ["git", "config", "user.name"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _show(result: Any, as_json: bool, *, table: Any = None) -> None:
    if as_json:
        print(json.dumps(result, default=_plain))  # noqa: T201
        return
    from ghala.cli.tables import show_result

    (table or show_result)(result)


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)

"""Looking: the state, the past, the health, the console, the demonstration."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from ghala.cli.application import (
    Json,
    Where,
    application,
    open_house,
    pick_use_case,
    read_moment,
    show,
)
from ghala.contracts.errors import UsageError, suggest

audit = typer.Typer(no_args_is_help=True, help="Is the ledger the one that was written?")
application.add_typer(audit, name="audit")


@application.command()
def status(*, workspace: Where = None, as_json: Json = False) -> None:
    """Where every use case and every source stands."""
    from ghala import flow
    from ghala.cli.tables import show_status

    found = flow.status(open_house(workspace, "reader").workspace)
    show(found, as_json, table=show_status)


@application.command()
def history(
    use_case: Annotated[str | None, typer.Argument(help="Only this use case.")] = None,
    *, kind: Annotated[str | None, typer.Option(help="Only this kind of fact.")] = None,
    at: Annotated[
        date | None,
        typer.Option(parser=read_moment, metavar="DATE", help="Who held which stage then."),
    ] = None,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What happened, when, by whom and why: the ledger, oldest first; or what was live on a day."""
    from ghala.cli.tables import show_history, show_standing
    from ghala.ledger.words import tell

    house = open_house(workspace, "reader")
    if use_case is not None:
        pick_use_case(house, use_case)
    if at is not None:
        from ghala.monitoring.audit import standing

        held = [row for row in standing(house.ledger, at) if use_case in (None, row["use_case"])]
        show({"at": at, "held": held}, as_json, table=show_standing)
        return
    kinds = {entry.kind for entry in house.ledger.entries()}
    if kind is not None and kind not in kinds:
        raise UsageError(f"No fact of the kind {kind!r}. {suggest(kind, sorted(kinds))}", "")
    told = [tell(entry) for entry in house.ledger.entries(kind, use_case)]
    show(told, as_json, table=show_history)


@audit.command(name="verify")
def verify_audit(*, workspace: Where = None, as_json: Json = False) -> None:
    """Check the chain of facts, its anchors in Git and who holds which stage."""
    from ghala.monitoring.audit import verify

    house = open_house(workspace, "reader")
    show(verify(house.workspace, house.ledger), as_json)


@application.command()
def doctor(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read all that is kept, which takes a while.")
    ] = False,
    workspace: Where = None,
    as_json: Json = False,
) -> None:
    """Check everything the workspace rests on. Exit code 1 when something is wrong."""
    from ghala.cli.tables import show_health
    from ghala.monitoring.health import examine

    house = open_house(workspace, "doctor")
    with house.working():
        found = examine(house.workspace, house.ledger, deep=deep)
    show({"checks": found}, as_json, table=show_health)
    if any(check["state"] == "fail" for check in found):
        raise typer.Exit(1)


@application.command()
def serve(
    *, host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 2,
    name: Annotated[list[str] | None, typer.Option(help="A host name to answer to.")] = None,
    workspace: Where = None,
) -> None:  # fmt: skip
    """Start the console and the API (gunicorn)."""
    from ghala.web.server import serve as serve_web

    serve_web(
        open_house(workspace, "reader").workspace,
        host=host,
        port=port,
        workers=workers,
        names=name or (),
        announce=lambda url: typer.echo(f"The console is at {url}", err=True),
    )


@application.command()
def demo(
    path: Annotated[Path, typer.Argument(help="The workspace to make.")] = Path("demo"),
    *, data: Annotated[
        str, typer.Option(help="completejourney: one model, real data; company: all, simulated.")
    ] = "completejourney",
    weeks: Annotated[int, typer.Option(min=1, max=25, help="Weekly cycles.")] = 12,
    start_web: Annotated[bool, typer.Option("--serve", help="Start the console after.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """See models go the whole way: one on a public benchmark, or all of a simulated company."""
    from ghala.cli.demo import find_demonstration, run_demo
    from ghala.cli.tables import show_demo

    summary = run_demo(path, find_demonstration(data), weeks=weeks)
    show(summary, as_json, table=show_demo)
    if start_web:
        serve(workspace=path)

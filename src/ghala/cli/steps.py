"""The steps of the loop, one verb each."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from ghala.cli.application import (
    Actor,
    AllowLate,
    AsOf,
    Json,
    Name,
    Where,
    application,
    open_at,
    open_house,
    read_day,
    show,
)
from ghala.contracts import clock
from ghala.contracts.errors import ConfigurationError, UsageError


@application.command()
def init(
    path: Annotated[Path, typer.Argument(help="The folder of the new workspace.")],
    *,
    name: Annotated[str, typer.Option(help="The company's name.")] = "",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "KES",
    timezone: Annotated[str, typer.Option(help="IANA zone.")] = "Africa/Nairobi",
    source: Annotated[list[str] | None, typer.Option(help="A source; may be repeated.")] = None,
    use_case: Annotated[list[str] | None, typer.Option(help="unit/name; repeatable.")] = None,
    storage: Annotated[
        str | None, typer.Option(help="For a team: s3://BUCKET/FOLDER of files and models.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="S3 server that is not Amazon's.")] = None,
    as_json: Json = False,
) -> None:
    """Make a workspace: a Git and DVC repository with the one project structure."""
    from ghala.contracts.discovery import require_known
    from ghala.warehouse.workspace import create_workspace, read_company, read_storage

    if endpoint and not storage:
        raise UsageError("--endpoint says where --storage is.", "Add --storage s3://BUCKET/FOLDER.")
    company = read_company(name or path.resolve().name, currency=currency, timezone=timezone)
    made = create_workspace(
        path,
        company=company,
        sources=source or ["completejourney"],
        use_cases=use_case or ["operations/demand"],
        storage=read_storage(storage, endpoint) if storage else None,
    )
    step = "put files into inbox/, then ghala run"
    if storage:
        step = (
            "export GHALA_WAREHOUSE_DSN, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then ghala"
            " doctor"
        )
    try:
        require_known(made)
    except ConfigurationError as error:  # it may be the company's own, still to be written
        step = f"{error.message} {error.next_step}"
    show({"workspace": str(made.root), "next": step}, as_json)


@application.command()
def land(
    *, as_of: AsOf = None, allow_late: AllowLate = False,
    whole: Annotated[
        list[str] | None, typer.Option(help="A file that is whole, though it has few rows.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Load all of landing/ again.")] = False,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Bring in the files that have arrived: each row is loaded or quarantined with a reason."""
    from ghala import flow
    from ghala.cli.tables import show_landed

    house = open_house(workspace, actor)
    with house.working():
        receipts = flow.land(
            house, as_of or clock.today(), allow_late=allow_late, whole=whole or (), anew=anew
        )
    show({"batches": [asdict(receipt) for receipt in receipts]}, as_json, table=show_landed)


@application.command()
def build(
    *, as_of: AsOf = None, docs: Annotated[bool, typer.Option(help="Write dbt docs too.")] = False,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Build the warehouse with dbt, and test it."""
    from ghala import flow
    from ghala.warehouse.build import write_docs

    house = open_house(workspace, actor)
    with house.working():
        result = asdict(flow.build(house, as_of or clock.today()))
        if docs:
            result["docs"] = str(write_docs(house.workspace))
    show(result, as_json)


@application.command()
def train(
    use_case: Name, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Train a version on what was known, with a backtest, and put it into staging."""
    from ghala import flow

    house, found = open_at(workspace, actor, use_case)
    with house.working():
        version = flow.train(house, found, as_of or clock.today())
    show({"use_case": use_case, "version": version}, as_json)


@application.command()
def score(
    use_case: Name, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write the champion's predictions, and those of the version in UAT, into the warehouse."""
    from ghala import flow

    house, found = open_at(workspace, actor, use_case)
    with house.working():
        rows = flow.score(house, found, as_of or clock.today())
    if rows == 0:
        raise UsageError(
            f"{use_case} has no version in uat or production to score with.",
            f"Run `ghala train {use_case}` and promote the version.",
        )
    show({"use_case": use_case, "rows": rows}, as_json)


@application.command()
def monitor(
    use_case: Name, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Match outcomes, measure accuracy and drift, and decide whether to retrain."""
    from ghala import flow

    house, found = open_at(workspace, actor, use_case)
    with house.working():
        seen = flow.monitor(house, found, as_of or clock.today())
    show(seen, as_json)


@application.command()
def retrain(
    *, due: Annotated[bool, typer.Option("--due", help="What the ledger says is due.")] = False,
    as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Train again every use case of which monitoring wrote that it is due."""
    from ghala import flow
    from ghala.contracts.discovery import use_cases

    if not due:
        raise UsageError("retrain needs --due.", "To train in any case: ghala train USE_CASE")
    house = open_house(workspace, actor)
    with house.working():
        trained = {
            name: flow.retrain_if_due(house, found, as_of or clock.today())
            for name, found in use_cases(house.workspace).items()
        }
    show({"trained": trained}, as_json)


@application.command()
def publish(
    *, as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Show readers what is built now, whole."""
    from ghala import flow

    house = open_house(workspace, actor)
    with house.working():
        number = flow.publish(house, as_of or clock.today())
    show({"build": number}, as_json)


@application.command()
def run(
    *, as_of: AsOf = None, allow_late: AllowLate = False,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The whole loop for one business date."""
    from ghala import flow

    house = open_house(workspace, actor)
    show(flow.run(house, as_of or clock.today(), allow_late=allow_late), as_json)


@application.command()
def replay(
    *, start: Annotated[date, typer.Option("--from", parser=read_day, metavar="DATE")],
    end: Annotated[date, typer.Option("--to", parser=read_day, metavar="DATE")],
    every: Annotated[int, typer.Option(min=1, help="Days between runs.")] = 7,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Run over many business dates, as if each had been today; what has run is passed over."""
    from ghala import flow

    if end < start:
        raise UsageError(f"--to {end} lies before --from {start}.", "Swap the dates.")
    house = open_house(workspace, actor)
    runs = [flow.run(house, day) for day in flow.days_ahead(house, clock.every(start, end, every))]
    show({"runs": runs}, as_json)

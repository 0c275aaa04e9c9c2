"""What a data steward does around landing: quarantine, snapshots, sources, catalog."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ghala.cli.application import (
    Actor,
    AsOf,
    Json,
    Where,
    application,
    open_house,
    show,
)
from ghala.contracts import clock
from ghala.contracts.errors import UsageError

quarantine = typer.Typer(no_args_is_help=True, help="Inspect, mend and release refused rows.")
snapshot = typer.Typer(invoke_without_command=True)
application.add_typer(quarantine, name="quarantine")
application.add_typer(snapshot, name="snapshot")

Source = Annotated[str | None, typer.Option(help="Only this source.")]
Feed = Annotated[str | None, typer.Option(help="Only this feed.")]
Batch = Annotated[int | None, typer.Option(min=1, help="Only this batch.")]
Reason = Annotated[str | None, typer.Option(help="Only rows refused for this reason.")]


@quarantine.command(name="list")
def list_refused(
    *, source: Source = None, feed: Feed = None, batch: Batch = None, reason: Reason = None,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """How many rows were refused and released, per source, feed, batch and reason."""
    from ghala.warehouse.quarantine import Selection, count_refused, require_known

    house, chosen = open_house(workspace, "reader"), Selection(source, feed, batch, reason)
    with house.warehouse(to_read=True) as warehouse:
        require_known(house.workspace, warehouse, chosen)
        rows = count_refused(warehouse, chosen)
    show({"quarantine": rows}, as_json)


@quarantine.command(name="show")
def show_refused(
    *, source: Source = None, feed: Feed = None, batch: Batch = None, reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows are shown.")] = 20,
    out: Annotated[Path | None, typer.Option(help="Write a batch to this CSV to mend.")] = None,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Refused rows as they were delivered, with every reason."""
    from ghala.cli import tables
    from ghala.warehouse.quarantine import Selection, require_known, write_refused
    from ghala.warehouse.quarantine import show_refused as find_refused

    house, chosen = open_house(workspace, "reader"), Selection(source, feed, batch, reason)
    with house.warehouse(to_read=True) as warehouse:
        require_known(house.workspace, warehouse, chosen)
        if out is not None:
            written = write_refused(house.workspace, warehouse, chosen, target=out)
            show({"rows": written, "file": str(out)}, as_json)
            return
        rows = find_refused(warehouse, chosen, limit=limit)
    show({"rows": rows}, as_json, table=tables.show_refused)


@quarantine.command(name="release")
def release_refused(
    *, batch: Annotated[int, typer.Option(min=1, help="The batch whose rows are released.")],
    file: Annotated[Path | None, typer.Option(help="The mended rows, CSV or Parquet.")] = None,
    as_is: Annotated[bool, typer.Option("--as-is", help="What today's contract takes.")] = False,
    reason: Annotated[str, typer.Option(help="Why; required with --as-is.")] = "",
    as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Land refused rows again, mended or as they are, in a batch of their own."""
    from ghala import stewardship
    from ghala.warehouse.releasing import Correction

    if (file is None) != as_is or (as_is and not reason):
        raise UsageError(
            "A release needs either --file FILE or --as-is --reason TEXT.",
            f"Write the rows to mend: ghala quarantine show --batch {batch} --out fixed.csv",
        )
    house = open_house(workspace, actor)
    correction = Correction(batch, reason or f"mended in {file.name if file else ''}", file)
    with house.working():
        show(stewardship.release(house, correction, as_of=as_of or clock.today()), as_json)


@snapshot.callback()
def take(
    context: typer.Context,
    *, as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Record the landed set now; `list` the snapshots, `restore` one of them."""
    from ghala import stewardship

    if context.invoked_subcommand is not None:
        return
    house = open_house(workspace, actor)
    with house.working():
        taken = stewardship.take_snapshot(house, as_of or clock.today())
    show(asdict(taken), as_json)


@snapshot.command(name="list")
def list_all(*, workspace: Where = None, as_json: Json = False) -> None:
    """Every snapshot, newest first, with the commit that points to it."""
    from ghala.warehouse.snapshots import current_snapshot, list_snapshots

    found = open_house(workspace, "reader").workspace
    now = current_snapshot(found).address
    rows = [{**asdict(one), "is_current": one.address == now} for one in list_snapshots(found)]
    show({"snapshots": rows}, as_json)


@snapshot.command()
def restore(
    name: Annotated[str, typer.Argument(help="The beginning of an address or a commit.")],
    *, as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Bring exactly the bytes of a snapshot back into landing/."""
    from ghala import stewardship

    house = open_house(workspace, actor)
    with house.working():
        restored = stewardship.restore_snapshot(house, name, as_of=as_of or clock.today())
    show(asdict(restored), as_json)


@application.command()
def catalog(
    *, serve: Annotated[bool, typer.Option("--serve", help="Show it in a browser.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to serve it.")] = 8080,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write the catalog of the warehouse, dbt's documentation, as one page."""
    from ghala.warehouse.build import write_docs
    from ghala.web.catalog import serve_page

    house = open_house(workspace, "reader")
    with house.working():
        page = write_docs(house.workspace)
    show({"catalog": str(page)}, as_json)
    if serve:
        with suppress(KeyboardInterrupt):
            serve_page(page, port=port, announce=_announce)


def _announce(url: str) -> None:
    typer.echo(f"The catalog is at {url}", err=True)

"""A new source: drafted from sample files, and what is still missing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ghala.cli.application import Json, Where, application, open_house, show

source = typer.Typer(no_args_is_help=True, help="Draft a source from samples; see what is missing.")
application.add_typer(source, name="source")


@source.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Sample files, CSV or Parquet.")],
    *, name: Annotated[str, typer.Option(help="Its name; the files' folder when absent.")] = "",
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Draft the contract and the staging queries of a source from sample files."""
    from ghala.warehouse.drafting import draft_source

    house = open_house(workspace, "reader")
    show(draft_source(house.workspace, files, name=name), as_json)


@source.command()
def check(*, workspace: Where = None, as_json: Json = False) -> None:
    """What sources and use cases still lack. Exit code 1 when something is missing or undecided."""
    from ghala.warehouse.entities import check_sources

    found = check_sources(open_house(workspace, "reader").workspace)
    show(found, as_json, table=_show_check)
    if found["missing"] or any(one["to_do"] or one["unknown"] for one in found["sources"]):
        raise typer.Exit(1)


def _show_check(found: Mapping[str, Any]) -> None:
    for one in found["sources"]:
        typer.echo(f"{one['source']} brings {', '.join(one['brings']) or 'nothing yet'}")
        for unknown in one["unknown"]:
            typer.echo(f"  no such entity: {unknown}")
        for line in one["to_do"]:
            typer.echo(f"  {line}")
    for one in found["missing"]:
        typer.echo(one["words"])
    if not found["missing"]:
        typer.echo("Every use case has what it needs.")

"""What a data scientist starts from."""

from typing import Annotated

import typer

from ghala.cli.application import Json, Name, Where, application, open_house, show

new = typer.Typer(no_args_is_help=True, help="Start something new in the workspace.")
application.add_typer(new, name="new")


@new.command(name="use-case")
def use_case(
    name: Name,
    *, kind: Annotated[str, typer.Option(help="forecast, score, segment or optimise.")] = "score",
    owner: Annotated[str, typer.Option(help="Who answers for it; the unit when absent.")] = "",
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write the folder of a use case that runs as it is, and name it in ghala.toml."""
    from ghala.warehouse.scaffolding import create_use_case

    found = open_house(workspace, "reader").workspace
    show(create_use_case(found, name, kind=kind, owner=owner), as_json)

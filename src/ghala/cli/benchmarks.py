"""Public data to try the platform with."""

from typing import Annotated

import typer

from ghala.cli.application import Json, Where, application, open_house, show
from ghala.contracts.errors import ConfigurationError, UsageError, suggest


@application.command()
def deliver(
    source: Annotated[str, typer.Argument(help="A source of the workspace that brings data.")],
    *, workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Put the files of a public benchmark into the inbox, named as they would have arrived."""
    from ghala.contracts.discovery import load_module, sources

    found = open_house(workspace, None).workspace
    known = {
        name: folder / "deliveries.py"
        for name, folder in sources(found).items()
        if (folder / "deliveries.py").is_file()
    }
    if source not in known:
        raise UsageError(
            f"{source!r} is no source of this workspace that brings data. {suggest(source, known)}",
            "Name one of these, or add it to sources in ghala.toml.",
        )
    inbox = found.inbox / source
    try:
        load_module(known[source]).deliver(inbox)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The package {error.name or error} with the data of {source} is not installed.",
            "Run: pip install 'ghala[demo]'",
        ) from error
    show({"source": source, "inbox": str(inbox), "files": len(list(inbox.glob("[!.]*")))}, as_json)

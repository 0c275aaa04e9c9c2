"""What every page and answer is made from: one workspace and the way to ask how it stands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app

from ghala.contracts.errors import UsageError, suggest
from ghala.contracts.settings import Workspace
from ghala.web.assets import Assets

Status = Callable[[Workspace], dict[str, Any]]

_EXTENSION = "ghala"


@dataclass(frozen=True)
class Site:
    """One workspace as it is shown."""

    workspace: Workspace
    status: Status
    assets: Assets

    def use_case_name(self, unit: str, name: str) -> str:
        """The full name of a use case that the workspace runs.

        Raises:
            UsageError: it runs no such use case; the nearest one is named.
        """
        full, known = f"{unit}/{name}", self.workspace.settings.use_cases
        if full not in known:
            raise UsageError(
                f"No use case {full[:120]!r} here. {suggest(full[:120], known)}",
                "Take a name from /api/v1/use-cases.",
            )
        return full


def status_of(workspace: Workspace) -> dict[str, Any]:
    """How the workspace stands now, as the command line also tells it."""
    from ghala.flow import status

    return status(workspace)


def this_site() -> Site:
    """The site of the running application."""
    found: Site = current_app.extensions[_EXTENSION]
    return found


def remember(extensions: dict[str, Any], site: Site) -> None:
    """Keep the site where ``this_site`` looks for it."""
    extensions[_EXTENSION] = site

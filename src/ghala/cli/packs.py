"""Verbs that packs bring: every public function of a pack's ``commands.py`` is one.

It is written for Typer, and returns what is to be shown.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from ghala.cli.application import Json, application, show


def register_verbs() -> None:
    """Add the verbs of every installed pack to the command line."""
    for entry in entry_points(group="ghala.packs"):
        # Verbs that need a pack say that it is missing; `ghala --help` goes on without it.
        if find_spec(entry.value) and find_spec(f"{entry.value}.commands"):
            module = import_module(f"{entry.value}.commands")
            for name, function in vars(module).items():
                if inspect.isfunction(function) and function.__module__ == module.__name__:
                    _register(name, function)


def _register(name: str, function: Callable[..., Any]) -> None:
    @wraps(function)
    def verb(**options: Any) -> None:
        as_json = options.pop("as_json")
        show(function(**options), as_json)

    as_json = inspect.Parameter(
        "as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json
    )
    signature = inspect.signature(function)
    parameters = [*signature.parameters.values(), as_json]
    vars(verb)["__signature__"] = signature.replace(parameters=parameters)
    verb.__annotations__ = {**function.__annotations__, "as_json": Json}
    application.command(name.replace("_", "-"))(verb)


register_verbs()

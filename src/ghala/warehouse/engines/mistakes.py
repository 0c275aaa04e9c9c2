"""Whose mistake an engine's error is."""

import adbc_driver_manager
import duckdb


def misspelt(error: BaseException) -> str | None:
    """What an engine says of a statement that it cannot run; None for every other error.

    Names, types and grammar: on PostgreSQL the states of class 42, and 22 for a text that is no
    such value.
    """
    if isinstance(error, duckdb.ProgrammingError | duckdb.ConversionException):
        return str(error).partition("\n\nLINE")[0]
    if isinstance(error, adbc_driver_manager.Error):
        return str(error) if (error.sqlstate or "").startswith(("42", "22")) else None
    return None

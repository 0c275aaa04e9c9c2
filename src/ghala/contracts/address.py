"""The address of a PostgreSQL database, which may hold a password: read, and said to SQLAlchemy."""

from contextlib import suppress

from ghala.contracts.errors import ConfigurationError

_PATIENCE_S = "10"


def read_dsn(dsn: str) -> dict[str, str]:
    """The parts of a libpq address: ``host``, ``port``, ``user``, ``password``, ``dbname`` ...

    Raises:
        ConfigurationError: it is none; what was got is not shown, since it may be a password.
    """
    from psycopg2 import ProgrammingError
    from psycopg2.extensions import parse_dsn

    with suppress(ProgrammingError):
        return dict(parse_dsn(dsn))
    raise ConfigurationError(
        "The address of the PostgreSQL database cannot be read.",
        "Write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with special characters"
        " percent-encoded.",
    )


def database_url(dsn: str, *, schema: str) -> str:
    """The same database for SQLAlchemy, with names looked up in ``schema`` alone.

    Raises:
        ConfigurationError: ``dsn`` is no libpq address.
    """
    from sqlalchemy import URL

    parts = {"connect_timeout": _PATIENCE_S, **read_dsn(dsn)}
    parts["options"] = f"{parts.get('options', '')} -csearch_path={schema}".strip()
    user, password, name = (parts.pop(key, None) for key in ("user", "password", "dbname"))
    url = URL.create("postgresql+psycopg2", user, password, database=name, query=parts)
    return url.render_as_string(hide_password=False)

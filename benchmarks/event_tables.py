"""What marketing/events reads of a simulated company, from a warehouse that is only read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

import ghala_retail
from segmentation import Reader
from worlds import Company

MODELS = Path(ghala_retail.__file__).parent / "warehouse" / "models" / "features"
MADE = ("event_effects", "load_charges")
"""Made anew from the pack, so that an older build of a company will do."""


@contextmanager
def opened(company: Company) -> Iterator[Reader]:
    """A warehouse of our own that shows the company's core, with the tables on events beside it."""
    with tempfile.TemporaryDirectory() as place:
        connection = duckdb.connect(str(Path(place) / "beside.duckdb"))
        file = company.workspace / ".ghala" / "warehouse.duckdb"
        # By the name under which it was built, which its views use.
        connection.execute(f"ATTACH '{file}' AS warehouse (READ_ONLY)")
        found = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_catalog = 'warehouse' AND table_schema IN ('core', 'features')"
        ).fetchall()
        for schema in ("core", "features", "platform"):
            connection.execute(f"CREATE SCHEMA {schema}")
        for schema, name in found:
            if name not in MADE:
                connection.execute(f"CREATE VIEW {schema}.{name} AS FROM warehouse.{schema}.{name}")
        for name in MADE:
            connection.execute(f"CREATE TABLE features.{name} AS {_render(name)}")
        yield Reader(connection)
        connection.close()


def _render(name: str) -> str:
    """A model of the pack as plain SQL, for a company that runs no other use case."""
    from jinja2 import Environment

    text = (MODELS / f"{name}.sql").read_text(encoding="utf-8")
    sql = Environment(autoescape=False).from_string(text)  # noqa: S701 - SQL of the pack
    ours = {file.stem for file in MODELS.glob("*.sql")}
    return sql.render(
        config=lambda **_: "",
        is_incremental=lambda: False,
        predictions_of=lambda _: None,
        ref=lambda table: f"{'features' if table in ours else 'core'}.{table}",
    )

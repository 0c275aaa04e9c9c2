"""The two questions of a use case, asked of nothing: do they name what is there and say enough?

A misspelt column is found before anything is trained or scored, and on the machine of whoever wrote
it; so is a use case that waits for another one of which it uses nothing.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from ghala.contracts.discovery import roots
from ghala.contracts.errors import ConfigurationError
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase, hindsight_of, table_of
from ghala.features.definitions import FeatureView
from ghala.warehouse.engines.engine import Warehouse
from ghala.warehouse.engines.mistakes import misspelt

ORIGINS = "SELECT unnest(CAST($days AS DATE[])) AS as_of"
"""The relation that both questions of a use case may read: the days that are asked about."""
_ANY_DAY = date(2000, 1, 1)
_WORD = re.compile(r"\w+")


@contextmanager
def asking(use_case: UseCase, file: str) -> Iterator[None]:
    """Name the statement of a use case that the database cannot read.

    Raises:
        ConfigurationError: with what the database says.
    """
    try:
        yield
    except Exception as error:
        said = misspelt(error)
        if said is None:
            raise
        raise ConfigurationError(
            f"{use_case.name}: {file} cannot be answered: {said}",
            f"Mend {use_case.folder / file}; a model that is new is made by `ghala build`.",
        ) from error


def require_answers(warehouse: Warehouse, use_case: UseCase) -> None:
    """Check that both questions name what the warehouse holds and say what is needed of them.

    Raises:
        ConfigurationError: naming the file, and what it names or lacks.
    """
    key = (*use_case.entity, *use_case.target)
    wanted = {"subjects.sql": use_case.key, "outcomes.sql": (*key, *hindsight_of(use_case))}
    statements = {"subjects.sql": use_case.subjects_sql, "outcomes.sql": use_case.outcomes_sql}
    warehouse.keep("origins", ORIGINS, {"days": [_ANY_DAY]})
    for file, statement in statements.items():
        with asking(use_case, file):
            said = warehouse.frame(f"SELECT * FROM ({statement}) AS asked LIMIT 0").columns  # noqa: S608
        if lacking := [name for name in wanted[file] if name not in said]:
            raise ConfigurationError(
                f"{use_case.name}: {file} does not say {', '.join(lacking)}. It says:"
                f" {', '.join(said)}.",
                f"Add the columns in {use_case.folder / file}, or correct the class beside it.",
            )


def require_used(workspace: Workspace, use_case: UseCase, views: Sequence[FeatureView]) -> None:
    """Check that a use case uses what it cannot do without: it would wait for nothing.

    Raises:
        ConfigurationError: nothing that it asks, over all models behind it, names one it reads.
    """
    whole = _read_behind(workspace, use_case, views)
    for name in use_case.reads:
        unit, _, short = name.partition("/")
        signs = (name, table_of(name, ""), f"marts_{unit}.{short}_")
        if name not in use_case.optional and not any(sign in whole for sign in signs):
            raise ConfigurationError(
                f"{use_case.name} reads {name} and cannot do without it, but no feature, question"
                f" or model behind it uses what {name} says.",
                f"Take {name!r} out of `reads` in {use_case.folder / 'use_case.py'}, or use it.",
            )


def _read_behind(workspace: Workspace, use_case: UseCase, views: Sequence[FeatureView]) -> str:
    """The text of the questions, the sources of the features and every model behind them."""
    models = {
        file.stem: file
        for root in roots(workspace)
        for place in ("warehouse/models", "use_cases")
        for file in (root / place).rglob("*.sql")
    }
    texts = [use_case.subjects_sql, use_case.outcomes_sql, *(view.source for view in views)]
    found: set[str] = set()
    for text in texts:
        for name in models.keys() & {*_WORD.findall(text)} - found - {"subjects", "outcomes"}:
            found.add(name)
            texts.append(models[name].read_text(encoding="utf-8"))
    return "\n".join(texts)

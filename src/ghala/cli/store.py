"""The feature store: what is declared, what was known, what is kept online, what hangs on what."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ghala.cli.application import Actor, AsOf, Json, Where, application, open_house, show
from ghala.contracts import clock
from ghala.contracts.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

features = typer.Typer(no_args_is_help=True, help="Declared features, and their values.")
application.add_typer(features, name="features")

Request = Annotated[Path, typer.Argument(help="Rows with entities, as Parquet or CSV.")]
Asked = Annotated[
    list[str], typer.Option("--feature", help="view.feature, or view for all; repeatable.")
]
Out = Annotated[Path | None, typer.Option(help="Write the answer here, as Parquet or CSV.")]
View = Annotated[str, typer.Argument(help="A feature view.")]


@features.command(name="list")
def list_views(*, workspace: Where = None, as_json: Json = False) -> None:
    """Every feature view: of whom, from where, whose, and how many features."""
    from ghala.features.history import find_views

    views = find_views(open_house(workspace, "reader").workspace)
    rows = [
        {
            "view": view.name,
            "entity": ", ".join(view.entity),
            "features": len(view.columns),
            "owner": view.owner,
            "online": view.online,
            "description": view.description,
        }
        for view in views.values()
    ]
    show({"views": rows}, as_json)


@features.command()
def describe(view: View, *, workspace: Where = None, as_json: Json = False) -> None:
    """What a view says of whom, feature by feature."""
    from ghala.features.store import FeatureStore

    show(FeatureStore(open_house(workspace, "reader").workspace).describe(view), as_json)


@features.command()
def history(
    request: Request, *, feature: Asked, out: Out = None,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Add features to rows with entities and as_of, as they were known on each row's day."""
    from ghala.features.store import FeatureStore

    house = open_house(workspace, "reader")
    store = FeatureStore(house.workspace)
    with house.working():
        _hand_out(store.history(_read_request(request), feature), out, as_json)


@features.command()
def online(
    request: Request, *, feature: Asked, out: Out = None, as_of: AsOf = None,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Add the newest features that are kept online to rows with entities, and tell their age."""
    from ghala.features.store import FeatureStore

    store, day = FeatureStore(open_house(workspace, "reader").workspace), as_of or clock.today()
    answer = store.online(_read_request(request), feature, as_of=day)
    _hand_out(answer, out, as_json, kept=store.ages(feature, day))


@features.command()
def materialize(
    *, view: Annotated[list[str] | None, typer.Option(help="Only this view; repeatable.")] = None,
    as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Keep the values known on the business date online, each view whole or not at all."""
    from ghala.features.store import FeatureStore

    house = open_house(workspace, actor)
    with house.working(), house.warehouse() as warehouse:
        kept = FeatureStore(house.workspace).materialize(
            as_of or clock.today(), view or (), warehouse=warehouse
        )
    show({"kept": kept}, as_json)


def _read_request(file: Path) -> "pl.DataFrame":
    """The rows of a request; every column of a CSV file is text, so that ids stay what they are."""
    import polars as pl

    from ghala.warehouse.parquet import read_parquet

    if not file.is_file():
        raise UsageError(f"There is no file {file}.", "Name a Parquet or CSV file.")
    if file.suffix == ".parquet":
        return read_parquet(file)
    try:
        return pl.read_csv(file, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise UsageError(
            f"{file} is neither Parquet nor CSV: {error}.", "Mend the file."
        ) from error


def _hand_out(answer: "pl.DataFrame", out: Path | None, as_json: bool, **told: Any) -> None:
    if out is None:
        show({"rows": answer.to_dicts(), **told}, as_json)
        return
    if out.suffix == ".parquet":
        answer.write_parquet(out)
    else:
        answer.write_csv(out)
    written = {"rows": answer.height, "columns": len(answer.columns), "file": str(out)}
    show({**written, **told}, as_json)


Thing = Annotated[
    str, typer.Argument(help="A model, a column of one, view.feature, or a use case.")
]
Up = Annotated[bool, typer.Option("--up", help="Only what it comes from.")]
Down = Annotated[bool, typer.Option("--down", help="Only what comes from it.")]


@application.command()
def lineage(
    thing: Thing, *, up: Up = False, down: Down = False,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Walk from a column to the features, models, use cases and dashboards it reaches, and back."""
    from ghala.features.lineage import read_lineage

    known = read_lineage(open_house(workspace, "reader").workspace)
    start, both = known.find(thing), up == down
    found: dict[str, Any] = {"name": start, "kind": known.kinds[start]}
    if up or both:
        found["comes from"] = known.walk(start, down=False)
    if down or both:
        found["reaches"] = known.walk(start, down=True)
    show(found, as_json)


@features.command(name="lineage")
def lineage_of_feature(
    thing: Thing, *, up: Up = False, down: Down = False,
    workspace: Where = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The same as `ghala lineage`, for a feature."""
    lineage(thing, up=up, down=down, workspace=workspace, as_json=as_json)


@application.command()
def impact_of(thing: Thing, *, workspace: Where = None, as_json: Json = False) -> None:
    """Name every model, feature, use case and dashboard that a change to something touches."""
    from ghala.features.lineage import group_by_kind, read_lineage

    known = read_lineage(open_house(workspace, "reader").workspace)
    start = known.find(thing)
    touched = group_by_kind(known.walk(start, down=True))
    show({"change": start, "kind": known.kinds[start], "touches": touched}, as_json)

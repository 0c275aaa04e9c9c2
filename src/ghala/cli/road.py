"""The road to production, one verb each."""

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ghala.cli.application import (
    LAST_VERSION,
    Actor,
    AsOf,
    Comment,
    Json,
    Name,
    Version,
    Where,
    application,
    open_at,
    show,
)
from ghala.contracts import clock
from ghala.contracts.errors import UsageError

policy = typer.Typer(no_args_is_help=True, help="Try the rules of a policy out on the past.")
application.add_typer(policy, name="policy")

if TYPE_CHECKING:
    from ghala.contracts.use_case import UseCase
    from ghala.house import House


@application.command()
def gate(
    use_case: Name, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Judge the version in staging, or the one in UAT. Exit code 1 when a gate fails."""
    from ghala import flow

    house, found = open_at(workspace, actor, use_case)
    with house.working():
        verdicts = flow.gate(house, found, as_of or clock.today())
    show({"verdicts": [verdict.as_dict() for verdict in verdicts]}, as_json)
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(1)


@application.command()
def promote(
    use_case: Name, version: Version, *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Move a version one stage up, if its gates and approvals allow it."""
    from ghala import flow

    house, found = open_at(workspace, actor, use_case)
    with house.working():
        stage = flow.promote(house, found, version, as_of=as_of or clock.today())
    show({"use_case": use_case, "version": version, "stage": stage.value}, as_json)


@application.command()
def approve(
    use_case: Name, version: Version, *, comment: Comment = "", as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Sign a version in UAT off for production."""
    result = _sign(
        open_at(workspace, actor, use_case), version, approve=True, comment=comment, as_of=as_of
    )
    show(result, as_json)


@application.command()
def reject(
    use_case: Name, version: Version, *, comment: Comment, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Refuse a version in UAT, with a reason."""
    if not comment.strip():
        raise UsageError("A rejection needs a reason.", "Say why: --comment TEXT")
    result = _sign(
        open_at(workspace, actor, use_case), version, approve=False, comment=comment, as_of=as_of
    )
    show(result, as_json)


@application.command()
def rollback(
    use_case: Name, *, comment: Comment,
    leave: Annotated[
        int | None, typer.Option("--from", min=1, max=LAST_VERSION, help="The version to leave.")
    ] = None,
    as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Give production back to the version before, at once."""
    from ghala import flow

    house, found = open_at(workspace, actor, use_case)
    with house.working():
        day = as_of or clock.today()
        version = flow.roll_back(house, found, as_of=day, reason=comment, leave=leave)
    show({"use_case": use_case, "production": version}, as_json)


@application.command()
def reproduce(
    named: Annotated[str, typer.Argument(metavar="USE_CASE@VERSION", help="unit/name@version")],
    *, as_of: AsOf = None,
    workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Make a version again from its commit and data; exit code 1 when it comes out otherwise."""
    from ghala import stewardship
    from ghala.cli.tables import show_certificate

    use_case, version = _read_version(named)
    house, found = open_at(workspace, actor, use_case)
    house.road(found).stage_of(version)
    with house.working():
        day = as_of or clock.today()
        certificate = stewardship.reproduce(house, found, version, as_of=day)
    show(certificate, as_json, table=show_certificate)
    if not certificate["is_reproduced"]:
        raise typer.Exit(1)


@policy.command(name="backtest")
def backtest_policy(
    use_case: Name,
    *, weeks: Annotated[int, typer.Option(min=4, max=104, help="How far back.")] = 26,
    as_of: AsOf = None, workspace: Where = None, actor: Actor = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Replay the past under other retrain rules: accuracy, money and work of each."""
    from dataclasses import asdict

    from ghala.cli.tables import show_rehearsal
    from ghala.rehearsal import rehearse

    house, found = open_at(workspace, actor, use_case)
    with house.working():
        played = rehearse(house, found, as_of=as_of or clock.today(), weeks=weeks)
    result = {"use_case": use_case, "weeks": weeks, "rules": [asdict(one) for one in played]}
    result["currency"] = house.workspace.settings.company.currency
    show(result, as_json, table=show_rehearsal)


def _read_version(named: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.+)@([0-9]{1,10})", named)
    if found is None or not 1 <= int(found[2]) <= LAST_VERSION:
        raise UsageError(
            f"{named!r} is no version.", "Write unit/name@version: operations/demand@7"
        )
    return found[1], int(found[2])


def _sign(
    at: "tuple[House, UseCase]", version: int, *, approve: bool, comment: str, as_of: date | None
) -> dict[str, Any]:
    from ghala import flow

    house, found = at
    day = as_of or clock.today()
    with house.working():
        flow.sign(house, found, version, approve=approve, comment=comment, as_of=day)
        stage = house.road(found).stage_of(version)
    return {
        "use_case": found.name,
        "version": version,
        "approved": approve,
        "by": house.actor,
        "signed": sorted(house.road(found).approvals.signers(version)),
        "asked": found.policy.approval.people,
        "stage": stage,
    }

"""The whole loop on one screen: the only place where the rooms are combined.

    land ▶ build ▶ monitor ▶ retrain ▶ promote ▶ score ▶ publish

Every step takes the business date, can be run again, and leaves its facts in the ledger.
Monitoring does not call training: it writes "retrain, because ..." and the step after reads it.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ghala.contracts.discovery import use_cases
from ghala.contracts.errors import CheckFailed, DataRejected, UsageError
from ghala.contracts.records import BatchReceipt, Stage, Verdict
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.house import House
from ghala.judging import judge_backtest, judge_shadow, roll_back_if_due, upstream_of
from ghala.ledger.book import Ledger, Note

if TYPE_CHECKING:
    from ghala.ledger.tables import Entry
    from ghala.warehouse.build import BuildResult
    from ghala.warehouse.snapshots import Snapshot


log = logging.getLogger("ghala.flow")


def run(house: House, as_of: date, *, allow_late: bool = False) -> dict[str, Any]:
    """The loop for one business date. Running it again changes nothing.

    Raises:
        UsageError: the loop has already run for a later date.
    """
    from ghala.warehouse.entities import find_obstacles

    with house.working():
        _require_later(house.ledger.last("run"), as_of)
        with _step(as_of, "land"):
            receipts = land(house, as_of, allow_late=allow_late)
        with _step(as_of, "build"):
            built = build(house, as_of)
        done: dict[str, Any] = {"as_of": as_of, "batches": len(receipts), "models": built.models}
        obstacles = find_obstacles(house.workspace)
        for name, use_case in use_cases(house.workspace).items():
            done[name] = {"skipped": obstacles[name]} if name in obstacles else {}
            for step in () if done[name] else (monitor, retrain_if_due, advance, score_if_due):
                with _step(as_of, f"{step.__name__} {name}"):
                    done[name][step.__name__] = step(house, use_case, as_of)
        with _step(as_of, "renew online features"):
            done["online"] = renew_online(house, as_of)
        with _step(as_of, "publish"):
            done["published"] = publish(house, as_of)
        house.ledger.append(Note("run", {}, as_of=as_of, key=f"run:{as_of}"))
        house.anchor()
    return done


def land(
    house: House,
    as_of: date,
    *,
    allow_late: bool = False,
    whole: Collection[str] = (),
    anew: bool = False,
) -> list[BatchReceipt]:
    """Bring in the files that have arrived, and snapshot what is landed.

    ``anew`` loads the warehouse again from landing/, and the next build builds everything.
    """
    from ghala.warehouse import landing, snapshots

    known = {entry.key for entry in house.ledger.entries("batch")}
    try:
        with house.warehouse() as warehouse:
            if anew:
                landing.unload(house.workspace, warehouse)
            found = landing.land(
                house.workspace, warehouse, as_of, allow_late=allow_late, whole=whole
            )
            loaded = list(found)
    except DataRejected as error:
        house.ledger.append(Note("refusal", {"message": error.message}, as_of=as_of))
        raise
    finally:
        fresh = house.record_batches(known)
    if not snapshots.is_current(house.workspace):
        snapshot(house, as_of, message=f"Land what arrived by {as_of}")
    return loaded if anew else fresh


def snapshot(house: House, as_of: date, *, message: str) -> "Snapshot":
    """Record what is landed in DVC and Git, and tell the ledger."""
    from ghala.warehouse.snapshots import take_snapshot

    taken = take_snapshot(house.workspace, message, loaded=house.loaded_digests())
    key = f"snapshot:{taken.address}"
    house.ledger.append(Note("snapshot", asdict(taken), as_of=as_of, key=key))
    return taken


def build(house: House, as_of: date) -> "BuildResult":
    """Build the warehouse from what is landed, and test it."""
    from ghala.warehouse.build import build as build_warehouse
    from ghala.warehouse.landing import require_landed

    _require_data(house, as_of)

    with house.warehouse() as warehouse:
        require_landed(house.workspace, warehouse)
        house.copy_facts(warehouse)
    try:
        built = build_warehouse(house.workspace)
    except CheckFailed as error:
        house.ledger.append(Note("build", {"failures": [error.message]}, as_of=as_of))
        raise
    house.ledger.append(Note("build", asdict(built), as_of=as_of))
    return built


def monitor(house: House, use_case: UseCase, as_of: date) -> dict[str, Any]:
    """Match outcomes, measure accuracy and drift, and write down what follows from them."""
    from ghala.monitoring import watch

    key = f"monitoring:{use_case.name}:{as_of}"
    said = house.ledger.find(key)
    if said is not None:
        return said.body
    _require_data(house, as_of)
    _require_later(house.ledger.last("monitoring", use_case.name), as_of)
    training = house.ledger.last("training", use_case.name)
    champion = house.ledger.holder(use_case.name, Stage.PRODUCTION)
    standing = watch.Standing(
        champion,
        training.as_of if training else None,
        before=house.road(use_case).fallback(),
        training=training.body if training else {},
        upstream=upstream_of(house, use_case),
        ran_on=ran.as_of if (ran := house.ledger.last("run")) else None,
    )
    with house.warehouse() as warehouse:
        seen = watch.look(
            house.workspace, warehouse, use_case, standing=standing, as_of=as_of
        ).as_dict()
    facts = [Note("alert", {"message": m}, use_case.name, champion, as_of) for m in seen["alerts"]]
    facts.append(Note("decision", seen["decision"], use_case.name, champion, as_of))
    facts.append(Note("monitoring", seen, use_case.name, champion, as_of, key))
    house.ledger.append(*facts)
    return seen


def retrain_if_due(house: House, use_case: UseCase, as_of: date) -> int | None:
    """Train when the newest decision in the ledger says so, and it was not yet acted upon."""
    decision = house.ledger.last("decision", use_case.name)
    if decision is None or not decision.body["due"]:
        return None
    training = house.ledger.last("training", use_case.name)
    if training is not None and training.number > decision.number:
        return None
    try:
        return train(house, use_case, as_of, reasons=decision.body["reasons"])
    except DataRejected as error:  # too little is known yet: others need not wait for it
        log.warning("%s  %s", as_of, error.message)
        key = f"wait:{use_case.name}:{as_of}"
        house.ledger.append(
            Note("wait", {"message": error.message}, use_case.name, None, as_of, key)
        )
        return None


def train(house: House, use_case: UseCase, as_of: date, *, reasons: list[str] | None = None) -> int:
    """Train a version on what was known, register it and put it into staging."""
    from ghala.training.train import gather
    from ghala.training.train import train as train_version

    key = f"training:{use_case.name}:{as_of}"
    done = house.ledger.find(key)
    if done is not None and done.version is not None:
        return done.version
    house.registry.reap(house.ledger, use_case.name)
    with house.warehouse() as warehouse:
        material = gather(house.workspace, warehouse, use_case, as_of=as_of)
    champion = house.ledger.holder(use_case.name, Stage.PRODUCTION)
    trained = train_version(house.workspace, use_case, material, as_of=as_of, champion=champion)
    body = {
        "run": trained.run,
        "figures": trained.figures,
        "leaks": trained.leaks,
        "probes": asdict(trained.probes),
        "features": trained.features,
        "rows": trained.rows,
        "upstream": upstream_of(house, use_case),
        "reasons": reasons or ["asked for"],
    }
    house.ledger.append(Note("training", body, use_case.name, trained.version, as_of, key))
    _enter_road(house, use_case)
    return trained.version


def gate(house: House, use_case: UseCase, as_of: date) -> list[Verdict]:
    """Judge the version in staging on its backtest, or the one in UAT on its weeks in shadow."""
    staged = house.ledger.holder(use_case.name, Stage.STAGING)
    if staged is not None:
        return judge_backtest(house, use_case, version=staged, as_of=as_of)
    tested = house.ledger.holder(use_case.name, Stage.UAT)
    if tested is not None:
        return judge_shadow(house, use_case, version=tested, as_of=as_of)
    raise UsageError(
        f"{use_case.name} has no version in staging or uat.", f"Run `ghala train {use_case.name}`."
    )


def advance(house: House, use_case: UseCase, as_of: date) -> dict[str, int | None]:
    """Move versions up as far as gates, time in UAT and approvals allow; fail them with reasons."""
    from ghala.monitoring.watch import NOT_YET
    from ghala.registry.road import shadow_ends

    road = house.road(use_case)
    roll_back_if_due(house, use_case, as_of)
    _enter_road(house, use_case)
    staged = house.ledger.holder(use_case.name, Stage.STAGING)
    if staged is not None:
        if all(v.passed for v in judge_backtest(house, use_case, version=staged, as_of=as_of)):
            road.promote(staged, as_of=as_of)
        else:
            road.archive(staged, as_of=as_of, reason="failed the gates of staging")
    tested = house.ledger.holder(use_case.name, Stage.UAT)
    if tested is not None and as_of >= shadow_ends(house.ledger, use_case):
        said = judge_shadow(house, use_case, version=tested, as_of=as_of)
        if [verdict.gate for verdict in said] == [NOT_YET]:
            log.info("%s  %s: %s", as_of, use_case.name, said[0].reason)
        elif not all(verdict.passed for verdict in said):
            road.archive(tested, as_of=as_of, reason="failed in user acceptance test")
        elif road.is_approved(tested):
            road.promote(tested, as_of=as_of)
        else:
            road.request_approval(tested, as_of=as_of)
    if house.ledger.last("training", use_case.name) is not None:
        house.registry.mirror(house.ledger, use_case.name)
    return {stage: h.version for stage, h in house.ledger.holders(use_case.name).items()}


def promote(house: House, use_case: UseCase, version: int, *, as_of: date) -> Stage:
    """Move a version one stage up; into production, it scores at once."""
    stage = house.road(use_case).promote(version, as_of=as_of)
    house.registry.mirror(house.ledger, use_case.name)
    if stage is Stage.PRODUCTION:
        _take_effect(house, use_case, as_of)
    house.anchor()
    return stage


def sign(
    house: House, use_case: UseCase, version: int, *, approve: bool, comment: str, as_of: date
) -> None:
    """Approve or reject a version in UAT; an approved one goes to production and scores at once."""
    road = house.road(use_case)
    road.sign(version, approve=approve, comment=comment, as_of=as_of)
    if approve and road.is_approved(version):
        promote(house, use_case, version, as_of=as_of)
    else:
        house.registry.mirror(house.ledger, use_case.name)
        house.anchor()


def roll_back(
    house: House, use_case: UseCase, *, as_of: date, reason: str, leave: int | None = None
) -> int:
    """Give production back to the version before; the next request already sees it."""
    version = house.road(use_case).roll_back(as_of=as_of, reason=reason, leave=leave)
    house.registry.mirror(house.ledger, use_case.name)
    _take_effect(house, use_case, as_of)
    house.anchor()
    return version


def score_if_due(house: House, use_case: UseCase, as_of: date) -> int | None:
    """Predict when the schedule says so, when other versions are to speak than last, or again."""
    last = house.ledger.last("scoring", use_case.name)
    roles = {str(version): role for version, role in house.roles(use_case).items()}
    spoke = last is not None and last.as_of != as_of and last.body["roles"] == roles
    if spoke and not use_case.policy.is_due(as_of, last=last.as_of if last else None):
        return None
    return score(house, use_case, as_of)


def score(house: House, use_case: UseCase, as_of: date) -> int:
    """Predict with the champion, and in shadow with the version in UAT."""
    from ghala.serving.scoring import score as score_versions

    roles = house.roles(use_case)
    if not roles:
        return 0
    with house.warehouse() as warehouse:
        rows = score_versions(house.workspace, warehouse, use_case, roles=roles, as_of=as_of)
    body = {"roles": {str(version): role for version, role in roles.items()}, "rows": rows}
    key = f"scoring:{use_case.name}:{as_of}:{sorted(roles.items())}"
    champion = house.ledger.holder(use_case.name, Stage.PRODUCTION)
    house.ledger.append(Note("scoring", body, use_case.name, champion, as_of, key))
    return rows


def renew_online(house: House, as_of: date) -> list[dict[str, Any]]:
    """Keep online what is known now of every feature view that is kept there."""
    from ghala.features.store import FeatureStore

    with house.warehouse() as warehouse:
        return FeatureStore(house.workspace).renew(as_of, warehouse=warehouse)


def publish(house: House, as_of: date) -> int:
    """Show readers the new build, whole."""
    from ghala.warehouse.publish import publish as publish_build

    with house.warehouse() as warehouse:
        built = house.ledger.last("build")
        day = min(as_of, built.as_of) if built and built.as_of else as_of
        house.copy_facts(warehouse)
        published = publish_build(house.workspace, warehouse, as_of=day)
    house.ledger.append(Note("publication", {"build": published.number}, as_of=day))
    return published.number


def status(workspace: Workspace) -> dict[str, Any]:
    """Where everything stands."""
    from ghala.monitoring.status import describe

    ledger = Ledger(workspace.ledger, actor="reader")
    try:
        return describe(workspace, ledger)
    finally:
        ledger.engine.dispose()


@contextmanager
def _step(as_of: date, name: str) -> Iterator[None]:
    """Tell, on a terminal or in a log, how long a step of the loop took."""
    begun = perf_counter()
    yield
    log.info("%s  %s  %.1f s", as_of, name.replace("_", " "), perf_counter() - begun)


def days_ahead(house: House, days: list[date]) -> list[date]:
    """The dates that the loop has not run for; the last one it ran for is run again."""
    last = house.ledger.last("run")
    return [day for day in days if last is None or last.as_of is None or day >= last.as_of]


def _require_later(last: "Entry | None", as_of: date) -> None:
    if last is not None and last.as_of is not None and last.as_of > as_of:
        raise UsageError(
            f"The last {last.kind} was for {last.as_of}; {as_of} lies before it.",
            "Choose that date or a later one; steps such as `ghala train` may look back.",
        )


def _require_data(house: House, as_of: date) -> None:
    arrived = [entry.as_of for entry in house.ledger.entries("batch") if entry.as_of is not None]
    if arrived and min(arrived) > as_of:
        raise UsageError(
            f"Nothing had arrived by {as_of}; the first file came on {min(arrived)}.",
            "Choose a later --as-of.",
        )


def _enter_road(house: House, use_case: UseCase) -> None:
    """Put the newest version into staging, unless it has already been on the road."""
    road, newest = house.road(use_case), house.ledger.last("training", use_case.name)
    if newest is None or newest.version is None or newest.as_of is None:
        return
    if road.stage_of(newest.version) is None:
        road.enter(newest.version, as_of=newest.as_of)
    house.registry.mirror(house.ledger, use_case.name)


def _take_effect(house: House, use_case: UseCase, as_of: date) -> None:
    score(house, use_case, as_of)
    publish(house, as_of)

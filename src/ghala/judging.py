"""What the gates look at, gathered from every room, and their verdicts written down."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from ghala.contracts.discovery import use_cases
from ghala.contracts.errors import Denied
from ghala.contracts.records import Decision, Stage, Verdict
from ghala.contracts.use_case import UseCase
from ghala.house import House

if TYPE_CHECKING:
    from ghala.serving.cascade import Upstream
    from ghala.warehouse.engines.engine import Warehouse


def judge_backtest(house: House, use_case: UseCase, *, version: int, as_of: date) -> list[Verdict]:
    """Judge a version in staging: on its backtest, its probes, its signature and the data."""
    from ghala.training.train import read_backtest

    made = house.ledger.last("training", use_case.name, version=version)
    try:
        backtest, champion = read_backtest(house.workspace, use_case.name, version)
    except Denied as error:
        verdicts = [Verdict("signature", Decision.FAIL, error.message)]
    else:
        words = "Every file is what the pipeline signed."
        verdicts = [
            Verdict("signature", Decision.PASS, words),
            *_judge_whole(
                house,
                use_case,
                backtest,
                champion=champion,
                leaks=made.body["leaks"] if made else [],
            ),
            *_judge_parts(use_case, backtest, champion=champion),
            *_judge_tried(use_case, made.body.get("probes") if made else None),
        ]
    house.road(use_case).record_verdicts(version, verdicts, after=Stage.STAGING, as_of=as_of)
    return verdicts


def judge_shadow(house: House, use_case: UseCase, *, version: int, as_of: date) -> list[Verdict]:
    """Judge a version in UAT on its weeks in shadow, and write the pack that people sign by."""
    from ghala.monitoring.uat_pack import Pair, write_pack
    from ghala.monitoring.watch import judge_shadow as judge_weeks

    champion = house.ledger.holder(use_case.name, Stage.PRODUCTION)
    with house.warehouse() as warehouse:
        verdicts = judge_weeks(warehouse, use_case, version=version, champion=champion, as_of=as_of)
        verdicts += _judge_downstream(house, warehouse, use_case, version=version, as_of=as_of)
        verdicts = _settle(verdicts)
        house.road(use_case).record_verdicts(version, verdicts, after=Stage.UAT, as_of=as_of)
        write_pack(
            house.workspace, warehouse, use_case,
            ledger=house.ledger, pair=Pair(version, champion), as_of=as_of,
        )  # fmt: skip
    return verdicts


def roll_back_if_due(house: House, use_case: UseCase, as_of: date) -> int | None:
    """Go back to the version before when the newest look says so, and nothing has moved since."""
    seen = house.ledger.last("monitoring", use_case.name)
    said = seen.body.get("rollback") if seen else None
    if said is None or not said["due"]:
        return None
    if house.ledger.holder(use_case.name, Stage.PRODUCTION) != said["leave"]:
        return None
    reason = f"the policy says so: {'; '.join(said['reasons'])}"
    return house.road(use_case).roll_back(as_of=as_of, reason=reason, leave=said["leave"])


def upstream_of(house: House, use_case: UseCase) -> dict[str, int | None]:
    """The version in production of each use case whose predictions this one reads."""
    return {name: house.ledger.holder(name, Stage.PRODUCTION) for name in use_case.reads}


def _settle(verdicts: list[Verdict]) -> list[Verdict]:
    """While something has not come true yet there is only to wait, unless something else failed."""
    from ghala.monitoring.watch import NOT_YET

    waits = [verdict for verdict in verdicts if verdict.gate == NOT_YET]
    judged = [verdict for verdict in verdicts if verdict.gate != NOT_YET]
    return waits[:1] if waits and all(verdict.passed for verdict in judged) else judged


def _judge_downstream(
    house: House, warehouse: "Warehouse", use_case: UseCase, *, version: int, as_of: date
) -> list[Verdict]:
    """How everything that reads this use case would have done on what the version said."""
    from ghala.serving.cascade import Upstream

    readers = [
        (reader, live)
        for name, reader in use_cases(house.workspace).items()
        if use_case.name in reader.reads
        and (live := house.ledger.holder(name, Stage.PRODUCTION)) is not None
    ]
    upstream = Upstream(use_case, version)
    return [
        _judge_one_reader(house, warehouse, reader, live=live, upstream=upstream, as_of=as_of)
        for reader, live in readers
    ]


def _judge_one_reader(
    house: House, warehouse: "Warehouse", reader: UseCase, *, live: int, upstream: "Upstream",
    as_of: date,
) -> Verdict:  # fmt: skip
    from ghala.evaluation.pairs import judge_reader
    from ghala.monitoring.watch import NOT_YET
    from ghala.serving.cascade import days_of_both, predict_downstream, with_outcomes

    days = days_of_both(warehouse, upstream, reader, as_of=as_of)
    come_true = []
    for speaks in (None, upstream) if days else ():
        said = predict_downstream(
            house.workspace, warehouse, reader, version=live, days=days, upstream=speaks
        )
        come_true.append(with_outcomes(warehouse, reader, said, as_of=as_of))
    if not come_true or come_true[0].is_empty():
        words = f"Nothing that {reader.name} says on its outputs has come true yet."
        return Verdict(NOT_YET, Decision.FAIL, words)
    return judge_reader(reader, then=come_true[0], now=come_true[1])


def _judge_whole(
    house: House, use_case: UseCase, backtest: pl.DataFrame, *, champion: pl.DataFrame | None,
    leaks: Sequence[str],
) -> Sequence[Verdict]:  # fmt: skip
    from ghala.evaluation.gates import Evidence, judge

    built = house.ledger.last("build")
    evidence = Evidence(
        backtest=backtest,
        champion=champion,
        tests_failed=built.body["failures"] if built else ["the warehouse was never built"],
        leaks=leaks,
    )
    return judge(use_case, evidence)


def _judge_parts(
    use_case: UseCase, backtest: pl.DataFrame, *, champion: pl.DataFrame | None
) -> Sequence[Verdict]:
    """Over time, and over the parts of the business that the policy names."""
    from ghala.evaluation.gates import why_not_judged
    from ghala.evaluation.pairs import beside_baseline, beside_champion
    from ghala.evaluation.slices import judge_fairness, judge_slices
    from ghala.evaluation.stability import judge_origins

    if why_not_judged(use_case, backtest):
        return []
    policy, rule = use_case.policy, use_case.policy.slices
    columns = (*rule.columns, *rule.alike)
    own = beside_baseline(use_case, backtest, columns=columns)
    rival, pairs = use_case.baseline, own
    if champion is not None and not champion.is_empty():
        rival = "the champion"
        pairs = beside_champion(use_case, backtest, champion, columns=columns)
    sure, seed = policy.gates.confidence, policy.seed
    return [
        *judge_origins(own, policy.gates, baseline=use_case.baseline),
        *judge_slices(pairs, rule, rival=rival, confidence=sure, seed=seed),
        *judge_fairness(own, rule),
    ]


def _judge_tried(use_case: UseCase, probes: dict[str, Any] | None) -> Sequence[Verdict]:
    from ghala.evaluation.probes import as_probed, judge_probes

    if probes is None:
        words = "It was not probed when it was trained; train again."
        return [Verdict("probes", Decision.FAIL, words)]
    return judge_probes(as_probed(probes), use_case.policy.probes)

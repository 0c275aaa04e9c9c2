"""What the gates look at, gathered from every room, and their verdicts written down."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from ghala.contracts.errors import Denied
from ghala.contracts.records import Decision, Stage, Verdict
from ghala.contracts.use_case import UseCase
from ghala.house import House


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
    from ghala.evaluation.pairs import beside_baseline, beside_champion
    from ghala.evaluation.slices import judge_fairness, judge_slices
    from ghala.evaluation.stability import judge_origins

    if backtest.is_empty():
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

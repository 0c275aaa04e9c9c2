"""The past under other retrain rules: how good, how dear and how much work each would have been.

Week by week each rule sees what was known then, decides as monitoring does, and where it says so a
model is fitted on what was known then. The model takes over after the weeks in shadow that the
policy asks for. What another use case said, and which version of it was in production, is as it
was. What is left out: gates and people, who might have kept a new version back, and features that
were once defined otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from time import perf_counter
from typing import Any

import polars as pl

from ghala.contracts.errors import DataRejected
from ghala.contracts.policy import Retrain
from ghala.contracts.records import Stage
from ghala.contracts.use_case import UseCase
from ghala.house import House
from ghala.monitoring.decisions import Facts, decide_retrain
from ghala.monitoring.drift import drift_columns, measure_drift
from ghala.monitoring.outcomes import measure_rows
from ghala.training.backtest import fit, judge
from ghala.training.probing import fresh
from ghala.training.train import gather

_OFF: dict[str, Any] = {
    "max_age_weeks": 10_000, "cooldown_weeks": 0, "min_value_added": -1e9, "max_abs_bias": 1e9,
    "max_drift_share": 1.0, "max_new_share": None, "upstream_changed": "ignore",
}  # fmt: skip
_SAMPLE = 2000
_AGES = (1, 4, 13)
_NEW_SHARE = 0.25


@dataclass(frozen=True)
class Rehearsed:
    """What came of a rule: its trainings, how good it was, what it cost, the work."""

    rule: str
    trainings: int
    metric: str
    loss: float
    value_added: float
    money: float | None
    fit_seconds: float
    reasons: tuple[str, ...]


@dataclass
class _Past:
    """What every rule looks back on; a day on which two rules train is fitted once."""

    use_case: UseCase
    examples: pl.DataFrame
    models: dict[date, tuple[Any, float]] = field(default_factory=dict)
    said: dict[tuple[date, date], pl.DataFrame] = field(default_factory=dict)
    drifts: dict[tuple[date, date], float] = field(default_factory=dict)
    promotions: Mapping[str, Sequence[tuple[date, int]]] = field(default_factory=dict)

    def changed(self, trained: date, day: date) -> list[str]:
        """The use cases that it reads of which another version was in production by a day."""
        return [
            f"{name} is version {now}, it was {then}"
            for name, moves in self.promotions.items()
            if (then := _live(moves, trained)) != (now := _live(moves, day))
        ]

    def model(self, day: date) -> tuple[Any, float]:
        """The model fitted on what was known on a day, and the seconds that it took."""
        if day not in self.models:
            begun = perf_counter()
            made = fit(fresh(self.use_case), self.examples.filter(_known_on(day)))
            self.models[day] = made, perf_counter() - begun
        return self.models[day]

    def say(self, trained: date, day: date) -> pl.DataFrame:
        """What the model of a day said on another, and when what then happened was known."""
        if (trained, day) not in self.said:
            asked = self.examples.filter(as_of=day)
            rows = judge(self.use_case, self.model(trained)[0], asked)
            self.said[trained, day] = rows.with_columns(asked["known_on"])
        return self.said[trained, day]

    def drift(self, trained: date, day: date) -> float:
        """The share of inputs that moved between the weeks before the training and a day."""
        if (trained, day) not in self.drifts:
            recent = pl.col("as_of").is_between(
                trained - timedelta(weeks=8), trained, closed="left"
            )
            seed = self.use_case.policy.seed
            then, now = (
                rows.sample(min(_SAMPLE, rows.height), seed=seed)
                for rows in (self.examples.filter(recent), self.examples.filter(as_of=day))
            )
            columns = list(self.use_case.watched) or drift_columns(then)
            self.drifts[trained, day] = measure_drift(then, now, columns=columns).share
        return self.drifts[trained, day]


def rehearse(house: House, use_case: UseCase, *, as_of: date, weeks: int) -> list[Rehearsed]:
    """Replay ``weeks`` weeks before ``as_of`` under the policy's rule and its alternatives.

    Raises:
        DataRejected: what was known does not reach back so far.
    """
    replayed = fresh(use_case)
    window = use_case.policy.backtest.model_copy(update={"weeks": weeks})
    replayed.policy = use_case.policy.model_copy(update={"backtest": window})
    with house.warehouse() as warehouse:
        examples = gather(house.workspace, warehouse, replayed, as_of=as_of).examples
    past = _Past(replayed, examples, promotions=_read_promotions(house, use_case))
    days = days_to_replay(examples, use_case.name, since=as_of - timedelta(weeks=weeks))
    rules = alternatives(use_case.policy.retrain, reads=bool(use_case.reads))
    return [_play(past, name, days, rule=rule) for name, rule in rules.items()]


def days_to_replay(examples: pl.DataFrame, name: str, *, since: date) -> list[date]:
    """The days of examples from ``since`` on, on the first of which a model can be fitted.

    Raises:
        DataRejected: no day is left, or no outcome was known by the first.
    """
    days: list[date] = examples["as_of"].unique().sort().to_list()
    days = [day for day in days if day >= since]
    if not days or examples.filter(_known_on(days[0])).is_empty():
        raise DataRejected(
            f"{name}: no outcome was known by {days[0] if days else since}, so no model could"
            " start the replay.",
            "Ask for fewer --weeks or a later --as-of, or land more history.",
        )
    return days


def _read_promotions(house: House, use_case: UseCase) -> dict[str, Sequence[tuple[date, int]]]:
    """When which version of each use case that this one reads went to production, oldest first."""
    return {
        name: [
            (moved.as_of, moved.version)
            for moved in house.ledger.entries("transition", name)
            if moved.body["to"] == Stage.PRODUCTION and moved.as_of and moved.version
        ]
        for name in use_case.reads
    }


def _live(moves: Sequence[tuple[date, int]], day: date) -> int | None:
    return next((version for moved, version in reversed(moves) if moved <= day), None)


def _known_on(day: date) -> pl.Expr:
    """What a model that is fitted on a day may learn from."""
    return (pl.col("as_of") < day) & (pl.col("known_on") <= day)


def alternatives(present: Retrain, *, reads: bool) -> Mapping[str, Retrain]:
    """The policy's own rule, none at all, by age alone, and each of the other reasons alone.

    A reason that the policy does not name has its usual number; ``reads`` says whether there is an
    upstream that could change.
    """
    performance = {"min_value_added": present.min_value_added, "max_abs_bias": present.max_abs_bias}
    cooled = {**_OFF, "cooldown_weeks": present.cooldown_weeks}
    by_age = {
        f"every {age} week{'s' * (age > 1)}": Retrain(**{**_OFF, "max_age_weeks": age})
        for age in _AGES
    }
    return {
        "the policy": present,
        "never": Retrain(**_OFF),
        **by_age,
        "performance": Retrain(**{**cooled, **performance}),
        "drift": Retrain(**{**cooled, "max_drift_share": present.max_drift_share}),
        "data volume": Retrain(**{**cooled, "max_new_share": present.max_new_share or _NEW_SHARE}),
        **(
            {"upstream changed": Retrain(**{**cooled, "upstream_changed": "retrain"})}
            if reads
            else {}
        ),
    }


def _play(past: _Past, name: str, days: list[date], *, rule: Retrain) -> Rehearsed:
    shadow = timedelta(weeks=past.use_case.policy.uat.shadow_weeks)
    trainings, reasons = [days[0]], []
    said: list[pl.DataFrame] = []
    for day in days:
        due = decide_retrain(_facts(past, said, rule, trained=trainings[-1], day=day), rule)
        if due.due and day > trainings[-1]:
            trainings.append(day)
            reasons.append(f"{day}: {'; '.join(due.reasons)}")
        live = max(made for made in trainings if made == days[0] or made <= day - shadow)
        said.append(past.say(live, day))
    return _sum_up(past, name, pl.concat(said), trainings=trainings, reasons=reasons)


def _facts(
    past: _Past, said: list[pl.DataFrame], rule: Retrain, *, trained: date, day: date
) -> Facts:
    """What was known on a day of what the rule's own models had said, and of the inputs."""
    accuracy = []
    if said:
        since = pl.col("as_of") >= day - timedelta(weeks=rule.value_added_weeks + 1)
        known = pl.concat(said).filter((pl.col("known_on") <= day) & since)
        accuracy = measure_rows(past.use_case, known.drop("known_on"))
    drift = past.drift(trained, day) if rule.max_drift_share < 1 else None
    outcomes = past.examples.filter(pl.col("known_on") <= day)["known_on"]
    before = max(int((outcomes <= trained).sum()), 1)
    new_share = (outcomes.len() - before) / before
    return Facts(day, trained, accuracy, drift, new_share, past.changed(trained, day))


def _sum_up(
    past: _Past, name: str, rows: pl.DataFrame, *, trainings: list[date], reasons: list[str]
) -> Rehearsed:
    use_case = past.use_case
    own, rival = (
        float(use_case.losses(rows, use_case.headline, who=who).to_numpy().mean())
        for who in (use_case.answer, use_case.baseline)
    )
    money = None
    if use_case.money is not None:
        money = float(use_case.losses(rows, use_case.money, who=use_case.answer).to_numpy().sum())
    return Rehearsed(
        rule=name,
        trainings=len(trainings),
        metric=use_case.headline,
        loss=own,
        value_added=(rival - own) / max(abs(rival), 1e-12),
        money=money,
        fit_seconds=sum(past.model(day)[1] for day in trainings),
        reasons=tuple(reasons),
    )

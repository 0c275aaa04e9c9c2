"""The road to production: staging, user acceptance test, production; every step has its rule."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from ghala.contracts.errors import CheckFailed, UsageError
from ghala.contracts.records import Stage, Verdict
from ghala.contracts.settings import Workspace
from ghala.contracts.use_case import UseCase
from ghala.ledger.book import Change, Ledger, Note
from ghala.ledger.stages import moves_to
from ghala.ledger.tables import Entry
from ghala.registry.approvals import Approvals

NEXT = {Stage.STAGING: Stage.UAT, Stage.UAT: Stage.PRODUCTION}


class Road:
    """The transitions of one use case, as its policy and the ledger allow them."""

    def __init__(self, workspace: Workspace, ledger: Ledger, use_case: UseCase) -> None:
        self.workspace = workspace
        self.ledger = ledger
        self.use_case = use_case
        self.name = use_case.name
        self.approvals = Approvals(workspace, ledger, use_case)

    def stage_of(self, version: int) -> Stage | None:
        """Where a version stands; None before staging, archived once it has left every stage.

        Raises:
            UsageError: there is no such version.
        """
        if not self.ledger.entries("training", self.name, version=version):
            known = [str(entry.version) for entry in self.ledger.entries("training", self.name)]
            raise UsageError(
                f"{self.name} has no version {version}. Known: {', '.join(known) or 'none'}.",
                "Choose one of these.",
            )
        held = [
            s for s, holder in self.ledger.holders(self.name).items() if holder.version == version
        ]
        if held:
            return Stage(held[0])
        moved = self.ledger.last("transition", self.name, version=version)
        return Stage.ARCHIVED if moved else None

    def enter(self, version: int, *, as_of: date) -> None:
        """Put a new version into staging; what stood there is archived."""
        before = self.ledger.holder(self.name, Stage.STAGING)
        self._move(
            version, Stage.STAGING, [Change(Stage.STAGING, version, before)],
            as_of=as_of, reason="registered",
        )  # fmt: skip

    def record_verdicts(
        self, version: int, verdicts: Sequence[Verdict], *, after: Stage, as_of: date
    ) -> bool:
        """Write what the gates said of a version in a stage; return whether all passed.

        The same verdicts again are one fact; other ones, after data was mended or a week of the
        shadow came true, are written beside the old ones and count from then on.
        """
        passed = all(verdict.passed for verdict in verdicts)
        body = {
            "stage": after.value,
            "passed": passed,
            "verdicts": [verdict.as_dict() for verdict in verdicts],
        }
        said = self.verdict(version, after)
        if said is None or _as_text(said.body) != _as_text(body):
            self.ledger.append(Note("verdict", body, self.name, version, as_of))
        return passed

    def verdict(self, version: int, stage: Stage) -> Entry | None:
        """What the gates said last of a version in a stage."""
        said = self.ledger.entries("verdict", self.name, version=version)
        return next((e for e in reversed(said) if e.body["stage"] == stage.value), None)

    def promote(self, version: int, *, as_of: date) -> Stage:
        """Move a version one stage up.

        Raises:
            CheckFailed: its gates have not passed, or it was not in shadow for long enough.
            Denied: the policy's approval is missing, or another transition came first.
        """
        stage = self.stage_of(version)
        if stage not in NEXT:
            raise UsageError(
                f"Version {version} of {self.name} is {stage or 'nowhere'}; only a version in"
                " staging or uat moves up.",
                "Train a new version, or roll back to an old one.",
            )
        self._require_verdict(version, stage, as_of)
        to = NEXT[stage]
        if to is Stage.PRODUCTION:
            self.approvals.require(version)
        before = self.ledger.holder(self.name, to)
        changes = [Change(stage, None, version), Change(to, version, before)]
        self._move(version, to, changes, as_of=as_of, reason=f"passed the gates of {stage}")
        return to

    def archive(self, version: int, *, as_of: date, reason: str) -> None:
        """Take a version off the road."""
        stage = self.stage_of(version)
        changes = [Change(stage, None, version)] if stage in NEXT else []
        self._move(version, Stage.ARCHIVED, changes, as_of=as_of, reason=reason)

    def request_approval(self, version: int, *, as_of: date) -> None:
        """Ask the people whom the policy names; asking twice is asking once."""
        rule = self.use_case.policy.approval
        key = f"request:{self.name}:{version}"
        body = {"role": rule.role, "people": rule.people}
        self.ledger.append(Note("request", body, self.name, version, as_of, key))

    def sign(self, version: int, *, approve: bool, comment: str, as_of: date) -> None:
        """Approve or reject a version in UAT, as the ledger's actor.

        Raises:
            Denied: the actor lacks the role, or made the version.
            UsageError: the version is not in UAT.
        """
        if self.stage_of(version) is not Stage.UAT:
            raise UsageError(
                f"Version {version} of {self.name} is not in uat but {self.stage_of(version)}.",
                "Only a version in uat is approved or rejected.",
            )
        if approve:
            self._require_verdict(version, Stage.UAT, as_of)
        self.approvals.require_right_to_sign(version)
        kind = "approval" if approve else "rejection"
        # Signed anew once a newer version has come, it is another signature.
        since = self.approvals.last_arrival(version)
        key = f"{kind}:{self.name}:{version}:{self.ledger.actor}:{since}"
        self.ledger.append(Note(kind, {"comment": comment}, self.name, version, as_of, key))
        if not approve:
            self.archive(version, as_of=as_of, reason=f"rejected by {self.ledger.actor}: {comment}")

    def roll_back(self, *, as_of: date, reason: str, leave: int | None = None) -> int:
        """Take production from ``leave`` (the champion) back to the version before; return that.

        A version that was left once is never gone back to. Leaving one that was already left
        changes nothing.

        Raises:
            UsageError: no other version was ever in production, or ``leave`` is not there.
        """
        now, held, left = self._production_history()
        moves = moves_to(self.ledger, self.name, Stage.PRODUCTION)
        if now is not None and leave in left and leave != now:
            return now
        if leave is None and moves and "left" in moves[-1].body:
            raise UsageError(
                f"Production of {self.name} was already given back from version"
                f" {left[-1]} to {now}.",
                f"To leave version {now} too: ghala rollback {self.name} --from {now}",
            )
        if now is None or leave not in (None, now) or not held:
            raise UsageError(
                f"{self.name} has no earlier production version to go back to from {leave or now}.",
                "Look at `ghala history`.",
            )
        change = Change(Stage.PRODUCTION, held[-1], now)
        self._move(
            held[-1], Stage.PRODUCTION, [change],
            as_of=as_of, reason=f"rollback: {reason}", left=now,
        )  # fmt: skip
        return held[-1]

    def fallback(self) -> int | None:
        """The version that a rollback would go back to."""
        _, held, _ = self._production_history()
        return held[-1] if held else None

    def is_approved(self, version: int) -> bool:
        """Whether as many people have signed as the policy asks for."""
        return self.approvals.are_met(version)

    def _production_history(self) -> tuple[int | None, list[int], list[int]]:
        """Who is in production, who was before and may be again, and who was left for good."""
        now = self.ledger.holder(self.name, Stage.PRODUCTION)
        moves = moves_to(self.ledger, self.name, Stage.PRODUCTION)
        left = [e.body["left"] for e in moves if "left" in e.body]
        held = [e.version for e in moves if e.version is not None and e.version not in (now, *left)]
        return now, held, left

    def _move(
        self, version: int, to: Stage, changes: Sequence[Change], *, as_of: date, reason: str,
        left: int | None = None,
    ) -> None:  # fmt: skip
        replaced = [
            change.expected for change in changes
            if change.expected not in (None, version) and change.version == version
        ]  # fmt: skip
        body: dict[str, Any] = {"to": to.value, "reason": reason, "replaced": replaced}
        if left is not None:
            body["left"] = left
        note = Note("transition", body, self.name, version, as_of)
        self.ledger.change_stages(self.name, changes, note=note)

    def _require_verdict(self, version: int, stage: Stage, as_of: date) -> None:
        said = self.verdict(version, stage)
        if said is None or not said.body["passed"]:
            verdicts = said.body["verdicts"] if said else []
            failed = [v for v in verdicts if v["decision"] != "pass"]
            why = "; ".join(v["reason"].rstrip(".") for v in failed) or "they were not run"
            raise CheckFailed(
                f"Version {version} of {self.name} has not passed the gates of {stage}: {why}.",
                _after_failing([v["gate"] for v in failed], f"{self.name} {version}"),
            )
        if stage is Stage.UAT and as_of < shadow_ends(self.ledger, self.use_case):
            until = shadow_ends(self.ledger, self.use_case)
            raise CheckFailed(
                f"Version {version} of {self.name} is in shadow until {until}: its policy asks for"
                f" {self.use_case.policy.uat.shadow_weeks} weeks.",
                "Wait until then; `ghala run` goes on by itself.",
            )


def shadow_ends(ledger: Ledger, use_case: UseCase) -> date:
    """The day on which the version in UAT has been in shadow for as long as the policy asks.

    Raises:
        UsageError: none is there any more: another process has just moved it.
    """
    tested = ledger.holders(use_case.name).get(Stage.UAT)
    if tested is None:
        raise UsageError(
            f"No version of {use_case.name} is in UAT any more.", "Look: `ghala status`"
        )
    since = tested.since
    return since + timedelta(weeks=use_case.policy.uat.shadow_weeks)


def _after_failing(gates: Sequence[str], version: str) -> str:
    use_case = version.partition(" ")[0]
    if not gates:
        return f"Run `ghala gate {use_case}`."
    if gates == ["shadow"]:
        return f"Wait until a week of it has come true, then `ghala gate {use_case}`."
    return f"Train a better version, or `ghala reject {version} --comment ...`."


def _as_text(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True)

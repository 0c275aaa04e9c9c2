from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from ghala.contracts.errors import CheckFailed, Denied, GhalaError, UsageError
from ghala.contracts.policy import Uat
from ghala.contracts.records import Decision, Stage, Verdict
from ghala.ledger.stages import replay
from ghala.registry.road import Road

from .conftest import APPROVER, BOTH, CLERK, DAY, NAME, SCIENTIST, train

Walk = Callable[..., Road]
PASS = Verdict("bias", Decision.PASS, "bias +1.0%; up to 5.0% is allowed.", {"bias": 0.01})
FAIL = Verdict("bias", Decision.FAIL, "bias +9.0%; up to 5.0% is allowed.", {"bias": 0.09})


def judge(road: Road, version: int, after: Stage, *verdicts: Verdict) -> bool:
    return road.record_verdicts(version, verdicts or [PASS], after=after, as_of=DAY)


def bring_to_uat(road: Road, version: int) -> None:
    train(road, version)
    judge(road, version, Stage.STAGING)
    road.promote(version, as_of=DAY)


def bring_to_production(walk: Walk, versions: Sequence[int]) -> Road:
    road, approver = walk(SCIENTIST), walk(APPROVER)
    for version in versions:
        bring_to_uat(road, version)
        judge(road, version, Stage.UAT)
        approver.sign(version, approve=True, comment="fine", as_of=DAY)
        road.promote(version, as_of=DAY)
    return road


def test_a_version_goes_from_staging_by_uat_to_production(as_person: Walk) -> None:
    road = as_person(SCIENTIST)
    train(road, 1)
    assert road.stage_of(1) is Stage.STAGING

    judge(road, 1, Stage.STAGING)
    assert road.promote(1, as_of=DAY) is Stage.UAT
    assert road.stage_of(1) is Stage.UAT

    judge(road, 1, Stage.UAT)
    as_person(APPROVER).sign(1, approve=True, comment="sells well", as_of=DAY)
    assert road.is_approved(1)
    assert road.promote(1, as_of=DAY) is Stage.PRODUCTION

    assert {s: h.version for s, h in road.ledger.holders(NAME).items()} == {"production": 1}
    said = [(e.body["to"], e.actor) for e in road.ledger.entries("transition")]
    assert said == [(stage, SCIENTIST) for stage in ("staging", "uat", "production")]
    assert road.ledger.verify() == 7


@pytest.mark.parametrize("stage", [Stage.STAGING, Stage.UAT])
def test_without_gates_no_version_moves_up(as_person: Walk, stage: Stage) -> None:
    road = as_person(SCIENTIST, rule="auto")
    (train if stage is Stage.STAGING else bring_to_uat)(road, 1)

    with pytest.raises(CheckFailed, match="they were not run") as refused:
        road.promote(1, as_of=DAY)

    assert refused.value.exit_code == 1
    assert refused.value.next_step == f"Run `ghala gate {NAME}`."
    assert road.stage_of(1) is stage


def test_nobody_cuts_the_weeks_in_shadow_short(as_person: Walk) -> None:
    road, approver = as_person(SCIENTIST), as_person(APPROVER)
    for walked in (road, approver):
        policy = walked.use_case.policy
        walked.use_case.policy = policy.model_copy(update={"uat": Uat(shadow_weeks=8)})
    bring_to_uat(road, 1)
    judge(road, 1, Stage.UAT)

    with pytest.raises(CheckFailed, match=r"is in shadow until 2024-03-04: .* asks for 8 weeks"):
        approver.sign(1, approve=True, comment="now", as_of=DAY + timedelta(weeks=5))
    with pytest.raises(CheckFailed, match="is in shadow until 2024-03-04"):
        road.promote(1, as_of=DAY + timedelta(weeks=5))
    assert not road.is_approved(1)

    approver.sign(1, approve=True, comment="now", as_of=DAY + timedelta(weeks=8))
    assert road.promote(1, as_of=DAY + timedelta(weeks=8)) is Stage.PRODUCTION


def test_a_version_that_failed_a_gate_stays_and_the_reason_is_said(as_person: Walk) -> None:
    road = as_person(SCIENTIST)
    train(road, 1)
    assert not judge(road, 1, Stage.STAGING, PASS, FAIL)

    with pytest.raises(CheckFailed, match=r"bias \+9\.0%") as refused:
        road.promote(1, as_of=DAY)

    assert "+1.0%" not in refused.value.message
    assert road.stage_of(1) is Stage.STAGING


def test_the_last_verdict_counts_and_the_ones_before_stay_on_record(as_person: Walk) -> None:
    road = as_person(SCIENTIST)
    train(road, 1)
    assert not judge(road, 1, Stage.STAGING, FAIL)
    assert judge(road, 1, Stage.STAGING, PASS)
    assert judge(road, 1, Stage.STAGING, PASS)

    assert road.promote(1, as_of=DAY) is Stage.UAT
    assert [e.body["passed"] for e in road.ledger.entries("verdict")] == [False, True]


def test_a_version_that_passed_and_then_failed_does_not_move_up(as_person: Walk) -> None:
    road = as_person(SCIENTIST)
    train(road, 1)
    judge(road, 1, Stage.STAGING, PASS)
    judge(road, 1, Stage.STAGING, FAIL)

    with pytest.raises(CheckFailed):
        road.promote(1, as_of=DAY)


def test_the_verdict_on_staging_is_none_on_uat(as_person: Walk) -> None:
    road = as_person(SCIENTIST)
    bring_to_uat(road, 1)

    assert road.verdict(1, Stage.STAGING) is not None
    assert road.verdict(1, Stage.UAT) is None
    assert road.verdict(2, Stage.STAGING) is None


def test_without_the_approval_of_the_policy_no_version_reaches_production(as_person: Walk) -> None:
    road = as_person(SCIENTIST)
    bring_to_uat(road, 1)
    judge(road, 1, Stage.UAT)

    with pytest.raises(Denied, match="'operations_approver'") as denied:
        road.promote(1, as_of=DAY)

    assert denied.value.exit_code == 5
    assert f"ghala approve {NAME} 1" in denied.value.next_step
    assert road.stage_of(1) is Stage.UAT


def test_where_the_policy_asks_for_no_one_the_gates_are_enough(as_person: Walk) -> None:
    road = as_person(SCIENTIST, rule="auto")
    bring_to_uat(road, 1)
    judge(road, 1, Stage.UAT)

    assert road.promote(1, as_of=DAY) is Stage.PRODUCTION


def test_the_approval_of_one_version_is_none_of_the_next(as_person: Walk) -> None:
    road = bring_to_production(as_person, [1])
    bring_to_uat(road, 2)
    judge(road, 2, Stage.UAT)

    with pytest.raises(Denied):
        road.promote(2, as_of=DAY)


@pytest.mark.parametrize("approve", [True, False])
@pytest.mark.parametrize(
    ("author", "signer", "words"),
    [
        (BOTH, BOTH, "made version 1 .* may not sign it off"),
        (SCIENTIST, CLERK, f"{CLERK} does not have the role .*{APPROVER}, {BOTH} does"),
        (SCIENTIST, SCIENTIST, "does not have the role"),
        (SCIENTIST, "a stranger", "a stranger does not have the role"),
    ],
)
def test_only_another_person_with_the_role_signs(
    as_person: Walk, *, author: str, signer: str, words: str, approve: bool
) -> None:
    road = as_person(author)
    bring_to_uat(road, 1)
    judge(road, 1, Stage.UAT)

    with pytest.raises(Denied, match=words) as denied:
        as_person(signer).sign(1, approve=approve, comment="me", as_of=DAY)

    assert denied.value.exit_code == 5
    assert not road.is_approved(1)
    assert road.stage_of(1) is Stage.UAT


def test_nothing_is_signed_before_its_gates_have_passed(as_person: Walk) -> None:
    bring_to_uat(as_person(SCIENTIST), 1)

    with pytest.raises(CheckFailed, match="gates of uat"):
        as_person(APPROVER).sign(1, approve=True, comment="early", as_of=DAY)


def test_only_a_version_in_uat_is_signed(as_person: Walk) -> None:
    train(as_person(SCIENTIST), 1)

    with pytest.raises(UsageError, match="not in uat but staging") as refused:
        as_person(APPROVER).sign(1, approve=True, comment="early", as_of=DAY)
    assert refused.value.exit_code == 2


def test_signing_twice_is_one_approval_and_asking_twice_is_one_request(as_person: Walk) -> None:
    road, approver = as_person(SCIENTIST), as_person(APPROVER)
    bring_to_uat(road, 1)
    judge(road, 1, Stage.UAT)
    for comment in ("first", "second"):
        road.request_approval(1, as_of=DAY)
        approver.sign(1, approve=True, comment=comment, as_of=DAY)

    [approval] = road.ledger.entries("approval")
    assert (approval.actor, approval.body) == (APPROVER, {"comment": "first"})
    assert len(road.ledger.entries("request")) == 1


def test_a_rejected_version_is_archived_with_the_reason(as_person: Walk) -> None:
    road = as_person(SCIENTIST)
    bring_to_uat(road, 1)
    judge(road, 1, Stage.UAT)

    as_person(APPROVER).sign(1, approve=False, comment="too few sugar", as_of=DAY)

    assert road.stage_of(1) is Stage.ARCHIVED
    assert road.ledger.holders(NAME) == {}
    last = road.ledger.last("transition", NAME)
    assert last.body["reason"] == f"rejected by {APPROVER}: too few sugar"
    with pytest.raises(UsageError, match="is archived; only a version in staging or uat moves up"):
        road.promote(1, as_of=DAY)


def test_a_newer_version_takes_the_place_in_staging_and_the_older_one_is_archived(
    as_person: Walk,
) -> None:
    road = as_person(SCIENTIST)
    train(road, 1)
    train(road, 2)

    assert (road.stage_of(1), road.stage_of(2)) == (Stage.ARCHIVED, Stage.STAGING)
    assert road.ledger.last("transition", NAME).body["replaced"] == [1]


def test_a_champion_that_was_replaced_is_archived(as_person: Walk) -> None:
    road = bring_to_production(as_person, [1, 2])

    assert (road.stage_of(1), road.stage_of(2)) == (Stage.ARCHIVED, Stage.PRODUCTION)
    assert road.ledger.last("transition", NAME).body["replaced"] == [1]


def test_a_version_in_production_moves_no_further(as_person: Walk) -> None:
    road = bring_to_production(as_person, [1])

    with pytest.raises(UsageError, match="is production"):
        road.promote(1, as_of=DAY)


def test_a_rollback_gives_production_back_to_the_version_before(as_person: Walk) -> None:
    road = bring_to_production(as_person, [1, 2])

    assert road.roll_back(as_of=DAY, reason="it forgot sugar") == 1

    assert (road.stage_of(1), road.stage_of(2)) == (Stage.PRODUCTION, Stage.ARCHIVED)
    last = road.ledger.last("transition", NAME)
    assert (last.version, last.body) == (
        1,
        {"to": "production", "reason": "rollback: it forgot sugar", "replaced": [2], "left": 2},
    )


def test_a_rollback_that_is_repeated_does_not_bring_the_bad_version_back(as_person: Walk) -> None:
    road = bring_to_production(as_person, [1, 2, 3])
    assert road.roll_back(as_of=DAY, reason="bad", leave=3) == 2

    assert road.roll_back(as_of=DAY, reason="bad", leave=3) == 2
    with pytest.raises(UsageError, match="already given back from version 3 to 2") as refused:
        road.roll_back(as_of=DAY, reason="bad")
    assert "--from 2" in refused.value.next_step
    assert road.roll_back(as_of=DAY, reason="bad too", leave=2) == 1
    with pytest.raises(UsageError, match="no earlier production version"):
        road.roll_back(as_of=DAY, reason="all bad", leave=1)


@pytest.mark.parametrize("versions", [[], [1]])
def test_with_nothing_to_go_back_to_a_rollback_says_so(
    as_person: Walk, versions: list[int]
) -> None:
    road = bring_to_production(as_person, versions)

    with pytest.raises(UsageError, match="no earlier production version"):
        road.roll_back(as_of=DAY, reason="panic")


def test_a_version_that_never_was_is_refused_with_those_that_are(as_person: Walk) -> None:
    road = as_person(SCIENTIST)
    train(road, 1)
    train(road, 2)

    with pytest.raises(UsageError, match=r"has no version 9\. Known: 1, 2"):
        road.promote(9, as_of=DAY)


def test_of_two_people_who_promote_at_the_same_moment_only_one_succeeds(as_person: Walk) -> None:
    people = as_person(SCIENTIST), as_person(BOTH)
    said: list[str] = []

    def promote(road: Road, version: int, together: Barrier) -> None:
        together.wait(timeout=30)
        try:
            said.append(road.promote(version, as_of=DAY).value)
        except GhalaError as error:
            said.append(f"exit {error.exit_code}")

    for version in range(1, 11):
        train(people[0], version)
        judge(people[0], version, Stage.STAGING)
        together = Barrier(2)
        both = [Thread(target=promote, args=(road, version, together)) for road in people]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()

    moved = [e for e in people[0].ledger.entries("transition") if e.body["to"] == "uat"]
    assert [entry.version for entry in moved] == list(range(1, 11))
    assert said.count("uat") == 10
    assert set(said) <= {"uat", "exit 5", "exit 1"}, "denied, or too late: uat has its own gates"


def test_where_two_people_must_sign_one_is_not_enough(as_person: Walk) -> None:
    road = as_person(SCIENTIST, rule="two_people")
    bring_to_uat(road, 1)
    judge(road, 1, Stage.UAT)
    first = as_person(APPROVER, rule="two_people")
    for _ in range(2):
        first.sign(1, approve=True, comment="fine", as_of=DAY)

    with pytest.raises(Denied, match=f"2 people with the role .*{APPROVER} signed"):
        road.promote(1, as_of=DAY)
    as_person(BOTH, rule="two_people").sign(1, approve=True, comment="fine too", as_of=DAY)
    assert road.approvals.signers(1) == {APPROVER, BOTH}
    assert road.promote(1, as_of=DAY) is Stage.PRODUCTION


def test_a_signature_from_before_a_newer_version_is_stale_and_can_be_given_anew(
    as_person: Walk,
) -> None:
    road, approver = as_person(SCIENTIST), as_person(APPROVER)
    bring_to_uat(road, 1)
    judge(road, 1, Stage.UAT)
    approver.sign(1, approve=True, comment="fine", as_of=DAY)
    train(road, 2)

    assert not road.is_approved(1)
    with pytest.raises(Denied, match=f"What {APPROVER} signed is from before a newer version"):
        road.promote(1, as_of=DAY)
    approver.sign(1, approve=True, comment="still", as_of=DAY)
    assert road.promote(1, as_of=DAY) is Stage.PRODUCTION


def test_what_a_rollback_would_go_back_to_is_known_before(as_person: Walk) -> None:
    road = bring_to_production(as_person, [1, 2])

    assert road.fallback() == 1
    road.roll_back(as_of=DAY, reason="bad")
    assert road.fallback() is None


def test_who_held_what_is_told_again_from_the_transitions(as_person: Walk) -> None:
    road = bring_to_production(as_person, [1, 2])
    train(road, 3)
    road.roll_back(as_of=DAY, reason="bad")

    held = replay(road.ledger.entries("transition"))[NAME]
    assert {stage: entry.version for stage, entry in held.items()} == {
        stage: holder.version for stage, holder in road.ledger.holders(NAME).items()
    }

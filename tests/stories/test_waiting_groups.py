"""What names nobody waits in groups: the oldest tells for all, and what it tells is true of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tests.machine.plain import EMPTY, Plain, PlainUser
from tests.stories.acts import detect, find, match, pay, reject, states, status, submit, sync
from workflow_fsm import Workflow, claim_lifecycle
from workflow_fsm.core.model.inbox import StoredEvent, Wait
from workflow_fsm.testing import ManualClock

MANY = 300


def waiting(workflow: Workflow) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.event_id, tuple(one.waiting_for)) for one in status(workflow).deferred]


def test_of_many_that_name_nobody_each_is_told_of_what_has_changed(workflow: Workflow) -> None:
    sync(workflow)
    for number in range(4):
        reject(workflow, None, event_id=f"no-{number}")
    assert {way for _, way in waiting(workflow)} == {("detection_complete", "claim_submitted")}
    detect(workflow, "c1", "c2")
    assert waiting(workflow) == [(f"no-{number}", ("claim_submitted",)) for number in range(4)]
    assert workflow.check().sound


def test_the_oldest_is_taken_and_the_others_end_where_nobody_can_take_them_any_more(
    workflow: Workflow,
) -> None:
    find(workflow, "c1")
    for number in range(3):
        reject(workflow, None, event_id=f"no-{number}")
    submit(workflow, "c1")
    assert states(workflow) == {"c1": "rejected"}
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert rows[-1].event_id == "no-0"
    assert waiting(workflow) == []
    assert workflow.check().sound


def test_those_that_became_ambiguous_are_taken_once_one_could_be_meant(workflow: Workflow) -> None:
    sync(workflow)
    for number in range(2):
        submit(workflow, None, event_id=f"s-{number}")
    detect(workflow, "c1", "c2", "c3")
    reasons = {one.reason for one in status(workflow).deferred}
    assert reasons == {"claim_submitted names no claim, and several could be meant"}
    submit(workflow, "c1")
    submit(workflow, "c2")
    assert states(workflow) == {"c1": "submitted", "c2": "submitted", "c3": "submitted"}
    assert waiting(workflow) == []
    assert workflow.check().sound


def test_what_names_only_a_sync_waits_for_those_that_this_found(workflow: Workflow) -> None:
    sync(workflow, "s1")
    sync(workflow, "s2")
    for number in range(2):
        match(workflow, None, sync_id="s2", event_id=f"m-{number}", confidence=f"0.{number + 6}")
    detect(workflow, "c1", sync_id="s1")
    assert [name for name, _ in waiting(workflow)] == ["m-0", "m-1"]
    detect(workflow, "c2", sync_id="s2")
    assert states(workflow) == {"c1": "detected", "c2": "matched"}
    assert waiting(workflow) == []
    assert workflow.check().sound


def test_money_that_names_only_a_sync_waits_for_a_person_once_the_user_has_a_claim(
    workflow: Workflow,
) -> None:
    sync(workflow, "s1")
    sync(workflow, "s2")
    pay(workflow, None, sync_id="s2", event_id="p-0")
    pay(workflow, None, event_id="p-1")
    assert all(way for _, way in waiting(workflow))
    detect(workflow, "c1", sync_id="s1")
    assert waiting(workflow) == [("p-0", ()), ("p-1", ())]
    assert workflow.check().sound


class Counting(PlainUser):
    """Counts the waiting events that it is asked for, and gives."""

    given: int = 0

    def waiting(self, names: Collection[Wait], looks: Mapping[Wait, int] = EMPTY) -> list[StoredEvent]:
        found = super().waiting(names, looks)
        self.given += len(found)
        return found


def test_an_event_reads_one_of_those_that_wait_for_something_else_however_many_they_are(
    clock: ManualClock,
) -> None:
    plain = Plain(claim_lifecycle(), clock)
    user = plain.users["u1"] = Counting()
    plain.fire("sync_complete", user_id="u1", sync_id="s")
    claims = [{"claim_id": "c1"}, {"claim_id": "c2"}]
    plain.fire("detection_complete", user_id="u1", sync_id="s", claims=claims)
    for number in range(MANY):
        plain.fire("claim_rejected", user_id="u1", event_id=f"no-{number}")
        for name, value in (("amazon_case_id", f"k{number}"), ("claim_id", f"x{number}"), ("sync_id", "s")):
            plain.fire(
                "payout_received", user_id="u1", event_id=f"{name}-{number}", amount="1", **{name: value}
            )
    before = user.given
    plain.fire("evidence_matching_complete", user_id="u1", claim_id="c2", confidence="0.9", event_id="m")
    assert user.given - before == 1

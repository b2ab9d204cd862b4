"""Being told: each dead letter is told to a handler, durably, and a request is owed like any effect."""

from __future__ import annotations

import pytest

from tests.effects.conftest import Open
from workflow_fsm import DeadLetter, Discard, Fire, InvalidEvent, NotAllowed, Request, Transition, Workflow
from workflow_fsm.results import DeadLetterRecord
from workflow_fsm.testing import ManualClock, detected, matched, paid

# -- dead letters


def test_each_dead_letter_is_told_as_it_is_listed(workflow: Workflow, clock: ManualClock) -> None:
    """ "gets a JSON POST, durably, for each dead letter": "refused and expired events, money that waits,
    effects past their last try" """
    told: list[DeadLetter] = []
    workflow.on_dead_letter(told.append, name="alert")

    @workflow.on_enter("matched")
    def submit(_: Transition) -> None:
        raise Discard("no")

    workflow.fire("claim_submitted", user_id="u1", claim_id="early")
    matched(workflow)
    workflow.run_effects()
    workflow.fire("payout_received", user_id="u1", claim_id="gone", amount="1.00")
    paid(workflow, "u2")
    with pytest.raises(NotAllowed):
        workflow.fire("claim_rejected", user_id="u2", claim_id="c1")
    clock.advance(days=8)
    workflow.tick()
    workflow.run_effects()

    dead_letters = {dead_letter.id: dead_letter for dead_letter in workflow.dead_letters()}
    assert len(dead_letters) == 4
    assert {one.letter.get("id"): one.letter for one in told} == dead_letters
    assert (len(told), {one.attempt for one in told}) == (4, {1})
    assert len({one.key for one in told}) == 4


def test_what_waits_and_is_applied_in_time_is_told_to_nobody(workflow: Workflow) -> None:
    told: list[DeadLetter] = []
    workflow.on_dead_letter(told.append, name="alert")
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
    detected(workflow)
    assert (workflow.run_effects(), told) == (0, [])


def test_a_telling_is_tried_again_until_it_is_heard(workflow: Workflow, clock: ManualClock) -> None:
    """ "is told, durably" """
    attempts: list[tuple[int, str]] = []

    @workflow.on_dead_letter
    def alert(dead_letter: DeadLetter) -> None:
        attempts.append((dead_letter.attempt, dead_letter.key))
        if dead_letter.attempt < 3:
            raise ConnectionError("nobody there")

    workflow.fire("payout_received", user_id="u1", claim_id="gone", amount="1.00")
    for _ in range(3):
        workflow.run_effects()
        clock.advance(hours=1)
    assert [attempt for attempt, _ in attempts] == [1, 2, 3]
    assert (len({key for _, key in attempts}), workflow.owed()) == (1, [])


def test_a_telling_that_dies_is_a_dead_letter_that_is_told_to_nobody(workflow: Workflow) -> None:
    """No loop: whoever can't be told isn't told that he can't be told."""
    told: list[object] = []

    @workflow.on_dead_letter(tries=1)
    def alert(dead_letter: DeadLetter) -> None:
        told.append(dead_letter.letter.kind)
        raise ConnectionError("nobody there")

    workflow.fire("payout_received", user_id="u1", claim_id="gone", amount="1.00")
    assert workflow.run_effects() == 1
    assert (told, workflow.owed()) == (["event"], [])
    assert [(one.kind, one.handler) for one in workflow.dead_letters()] == [
        ("event", None),
        ("effect", "alert"),
    ]
    (dead_letter,) = workflow.dead_letters(kind="effect")
    assert workflow.retry_dead_letter(dead_letter.id) == {"status": "owed"}
    workflow.run_effects()
    assert (told, len(workflow.dead_letters()), workflow.check().faults) == (["event", "event"], 2, ())


def test_a_dead_letter_that_was_settled_before_it_was_told_says_so(workflow: Workflow) -> None:
    told: list[str] = []
    workflow.on_dead_letter(lambda dead_letter: told.append(dead_letter.letter.reason), name="alert")
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="1.00")
    detected(workflow)
    workflow.run_effects()
    assert told == ["it was settled meanwhile"]


def test_a_process_without_the_code_owes_the_telling(open_again: Open) -> None:
    """ "every process owes what the store knows" """
    told: list[str] = []
    with_code, without = open_again(), open_again()
    with_code.on_dead_letter(lambda dead_letter: told.append(dead_letter.letter.event_id), name="alert")
    without.fire("payout_received", user_id="u1", claim_id="gone", amount="1.00", event_id="p")
    assert [(one.handler, one.here) for one in without.owed()] == [("alert", False)]
    assert (without.run_effects(), with_code.run_effects(), told) == (0, 1, ["p"])


def test_a_telling_that_pauses_holds_up_no_other(workflow: Workflow) -> None:
    """It belongs to no lifecycle, so it has no turn to keep."""
    told: list[object] = []

    @workflow.on_dead_letter
    def alert(dead_letter: DeadLetter) -> None:
        assert isinstance(dead_letter.letter, DeadLetterRecord)
        told.append(dead_letter.letter.claim_id)
        raise ConnectionError("nobody there")

    workflow.on_request("sync")(lambda request: told.append(request.user_id))
    for name in ("c1", "c2"):
        workflow.fire("payout_received", user_id="u1", claim_id=name, amount="1.00")
    workflow.request("sync", user_id="u1")
    workflow.run_effects()
    assert sorted(map(str, told)) == ["c1", "c2", "u1"]


# -- requests


def test_a_request_is_owed_once_a_user_until_it_is_done(workflow: Workflow) -> None:
    """ "asks the integrations service for a sync, durably, one pending a user" """
    seen: list[Request] = []
    workflow.on_request("start-sync")(seen.append)
    assert workflow.request("start-sync", user_id="u1") is True
    assert workflow.request("start-sync", user_id="u1") is False
    assert workflow.request("start-sync", user_id="u2") is True
    assert [(one.handler, one.user_id, one.claim_id, one.here) for one in workflow.owed()] == [
        ("start-sync", "u1", None, True),
        ("start-sync", "u2", None, True),
    ]
    assert workflow.run_effects() == 2
    assert [(one.user_id, one.attempt) for one in seen] == [("u1", 1), ("u2", 1)]
    assert workflow.request("start-sync", user_id="u1") is True
    workflow.run_effects()
    assert len({one.key for one in seen}) == 3
    assert workflow.check().faults == ()


def test_a_request_that_is_at_work_or_pauses_is_pending(workflow: Workflow) -> None:
    asked: list[bool] = []

    @workflow.on_request("start-sync")
    def start(request: Request) -> None:
        asked.append(workflow.request("start-sync", user_id="u1"))
        raise OSError("no")

    workflow.request("start-sync", user_id="u1")
    workflow.run_effects()
    assert (asked, workflow.request("start-sync", user_id="u1")) == ([False], False)


def test_a_request_without_its_code_is_left_for_a_worker(open_again: Open) -> None:
    asking, working = open_again(), open_again()
    done: list[str] = []
    assert asking.request("start-sync", user_id="u1")
    working.on_request("start-sync")(lambda request: done.append(request.user_id))
    assert (asking.run_effects(), working.run_effects(), done) == (0, 1, ["u1"])


def test_a_request_that_dies_is_a_dead_letter_that_is_told(workflow: Workflow) -> None:
    told: list[tuple[str, str]] = []
    workflow.on_dead_letter(
        lambda dead_letter: told.append((dead_letter.letter.handler, dead_letter.letter.reason)), name="alert"
    )

    @workflow.on_request("start-sync")
    def start(request: Request) -> None:
        raise Discard("404")

    workflow.request("start-sync", user_id="u1")
    assert workflow.run_effects() == 2
    assert told == [("start-sync", "404")]
    (dead_letter,) = workflow.dead_letters()
    assert (dead_letter.user_id, dead_letter.claim_id, dead_letter.trigger, dead_letter.event_id) == (
        "u1",
        None,
        None,
        None,
    )
    assert workflow.request("start-sync", user_id="u1") is True


def test_a_request_may_fire(workflow: Workflow) -> None:
    workflow.on_request("start-sync")(lambda request: Fire("sync_complete", sync_id="s1"))
    workflow.request("start-sync", user_id="u1")
    workflow.run_effects()
    status = workflow.status("u1")
    assert status is not None
    assert [one.sync_id for one in status.syncs] == ["s1"]


@pytest.mark.parametrize("user_id", ["", " u", "u\0", "x" * 256, None, 7])
def test_a_user_that_can_be_none_is_refused(workflow: Workflow, user_id: object) -> None:
    with pytest.raises(InvalidEvent) as caught:
        workflow.request("start-sync", user_id=user_id)  # type: ignore[arg-type]
    assert [error.field for error in caught.value.errors] == ["user_id"]
    assert workflow.owed() == []

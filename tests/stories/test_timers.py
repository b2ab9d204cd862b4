"""Timers: a deadline that passes later, with what waits behind it."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from tests.stories.acts import (
    claim,
    detect,
    faults,
    find,
    match,
    moves,
    pay,
    reject,
    states,
    status,
    submit,
    sync,
    take_back,
    waits,
)
from workflow_fsm import Observer, Workflow
from workflow_fsm.testing import ManualClock

PAST = "2026-02-01T00:00:00Z"
DEADLINES, A_COMMIT = 1_000, 100


class Passing(Observer):
    """Hears of each commit that moved somebody, and how far the deadlines are by then."""

    def __init__(self, workflow: Workflow) -> None:
        self.passed: list[int] = []
        self._workflow = workflow

    def moved(self, user_ids: Collection[str]) -> None:
        if "u1" in user_ids:
            told = self._workflow.status("u1")
            assert told is not None
            self.passed.append(told.counts.get("expired", 0))


def test_a_deadline_that_comes_later_expires_its_claim(workflow: Workflow, clock: ManualClock) -> None:
    """ "`expired` (its deadline passed before it was filed)" and "Timers act within 5 seconds of their
    time." """
    find(workflow, {"claim_id": "c1", "deadline_date": clock.text(days=2)}, "c2")
    match(workflow, "c1")
    assert not claim(workflow).overdue
    clock.advance(days=2, seconds=-1)
    assert workflow.tick() == 0
    clock.advance(seconds=1)
    assert workflow.tick() == 1
    assert workflow.tick() == 0
    assert states(workflow) == {"c1": "expired", "c2": "detected"}
    assert (claim(workflow).overdue, claim(workflow).allowed) == (
        True,
        ["detection_complete", "claim_submitted", "claim_rejected", "payout_received"],
    )
    rows = workflow.history("u1", "c1")
    assert rows is not None
    last = rows[-1]
    assert (last.trigger, last["from"], last.to, last.version) == ("deadline_passed", "matched", "expired", 4)
    assert (last.event_id, last.at) == (None, "2026-03-03T12:00:00.000000Z")


def test_what_was_filed_in_time_does_not_expire(workflow: Workflow, clock: ManualClock) -> None:
    """ "| submitted | … | = |" in the column of deadline_passed"""
    find(workflow, {"claim_id": "c1", "deadline_date": clock.text(days=2)})
    submit(workflow, "c1")
    clock.advance(days=3)
    assert workflow.tick() == 0
    reject(workflow, "c1")
    assert workflow.tick() == 0
    assert states(workflow) == {"c1": "rejected"}


def test_a_deadline_is_filled_and_replaced_by_later_detections(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "a detection of a known claim in `detected` or `matched` that tells a `deadline_date` … other than the
    recorded one, or where none is, *tells anew*: it replaces these …, and moves the timers … with them." """
    find(workflow, "c1")
    detect(workflow, {"claim_id": "c1", "deadline_date": clock.text(hours=1)})
    assert claim(workflow).deadline_date == "2026-03-01T13:00:00.000000Z"
    detect(workflow, {"claim_id": "c1", "deadline_date": clock.text(hours=9)})
    clock.advance(hours=9, seconds=-1)
    assert workflow.tick() == 0
    clock.advance(seconds=1)
    assert workflow.tick() == 1
    assert states(workflow) == {"c1": "expired"}


def test_a_deadline_of_a_filed_claim_is_filled_and_not_replaced(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "Known facts fill what is empty (amount, deadline, …) and overwrite nothing" """
    find(workflow, "c1")
    submit(workflow, "c1")
    detect(workflow, {"claim_id": "c1", "deadline_date": clock.text(hours=1)})
    told = detect(workflow, {"claim_id": "c1", "deadline_date": clock.text(hours=9)})
    assert [one["differs"] for one in told.unchanged] == [
        [
            {
                "field": "deadline_date",
                "recorded": "2026-03-01T13:00:00.000000Z",
                "told": "2026-03-01T21:00:00.000000Z",
            }
        ]
    ]
    assert claim(workflow).deadline_date == "2026-03-01T13:00:00.000000Z"


def test_an_expired_claim_still_takes_its_filing_and_its_payment(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "A filing and a payment are facts: they are taken from every claim" """
    find(workflow, {"claim_id": "c1", "deadline_date": clock.text(hours=1)})
    reject(workflow, "c1")
    clock.advance(hours=1)
    workflow.tick()
    assert waits(workflow) == [("claim_rejected", "c1")]
    submit(workflow, "c1")
    assert states(workflow) == {"c1": "rejected"}
    pay(workflow, "c1")
    assert states(workflow) == {"c1": "paid"}


def test_evidence_that_waits_for_the_only_one_is_known_once_that_expired(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "| expired | = | = | = |" """
    find(workflow, {"claim_id": "c1", "deadline_date": clock.text(hours=1)})
    clock.advance(hours=1)
    workflow.tick()
    assert match(workflow, "c1").status == "unchanged"
    assert take_back(workflow, "c1").status == "deferred"
    assert status(workflow).counts == {"expired": 1}


def test_the_timers_of_many_users_fire_in_one_call(workflow: Workflow, clock: ManualClock) -> None:
    """ "Timers act within 5 seconds of their time." """
    for user in ("u1", "u2", "u3"):
        sync(workflow, user_id=user)
        entries = [{"claim_id": f"c{n}", "deadline_date": clock.text(hours=1)} for n in range(3)]
        detect(workflow, *entries, user_id=user)
    clock.advance(days=1)
    assert workflow.tick() == 9
    assert {user: status(workflow, user).counts["expired"] for user in ("u1", "u2", "u3")} == {
        "u1": 3,
        "u2": 3,
        "u3": 3,
    }


def test_a_thousand_deadlines_of_a_user_pass_in_steps_between_which_others_are_heard(
    workflow: Workflow, clock: ManualClock
) -> None:
    """A commit passes a hundred at most, so that another user's event waits for those, not for all."""
    find(workflow, *({"claim_id": f"c{n}", "deadline_date": clock.text(days=1)} for n in range(DEADLINES)))
    passing = Passing(workflow)
    workflow.observe(passing)
    clock.advance(days=2)
    assert workflow.tick() == DEADLINES
    assert passing.passed[-1] == DEADLINES
    steps = [now - before for before, now in pairwise([0, *passing.passed])]
    assert max(steps) <= A_COMMIT


def test_a_call_does_a_part_where_it_is_told_how_much(workflow: Workflow, clock: ManualClock) -> None:
    """ "Timers act within 5 seconds of their time." """
    find(workflow, *[{"claim_id": f"c{n}", "deadline_date": clock.text(hours=1)} for n in range(5)])
    clock.advance(days=1)
    assert [workflow.tick(limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_deadline_that_was_past_at_detection_fires_before_waiting_events_are_judged(
    workflow: Workflow,
) -> None:
    """ "A deadline that was past already when the claim was detected fires at once, before waiting events
    are judged." """
    match(workflow, "c1", event_id="m")
    submit(workflow, "c2", event_id="s")
    sync(workflow)
    outcome = detect(
        workflow,
        {"claim_id": "c1", "deadline_date": PAST},
        {"claim_id": "c2", "deadline_date": PAST},
        {"claim_id": "c3"},
    )
    assert [move[0] for move in moves(outcome)] == ["s1", "c1", "c2", "c3"]
    assert states(workflow) == {"c1": "expired", "c2": "submitted", "c3": "detected"}
    rows = workflow.history("u1", "c2")
    assert rows is not None
    assert [(row.trigger, row["from"], row.to, row.event_id, row.actor) for row in rows][2:] == [
        ("deadline_passed", "detected", "expired", None, "timer"),
        ("claim_submitted", "expired", "submitted", "s", "library"),
    ]
    assert waits(workflow) == []


def test_without_a_deadline_nothing_expires(workflow: Workflow, clock: ManualClock) -> None:
    """ "No deadline: never." """
    find(workflow, "c1")
    clock.advance(days=100_000)
    assert workflow.tick() == 0
    assert states(workflow) == {"c1": "detected"}


def test_deadline_passed_cannot_be_fired_from_outside(workflow: Workflow) -> None:
    """ "`deadline_passed` can't be fired from outside." """
    find(workflow, {"claim_id": "c1", "deadline_date": "2030-01-01T00:00:00Z"})
    assert faults(workflow, "deadline_passed", claim_id="c1") == ["trigger"]
    assert states(workflow) == {"c1": "detected"}
    assert "deadline_passed" not in (workflow.allowed("u1", "c1") or ["deadline_passed"])

"""Time: deadlines, holding back, and the end of waiting, by a clock that is handed in."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter

import pytest

from tests.conftest import Stored
from tests.effects.conftest import Open
from workflow_fsm import Fire, Transition, Workflow
from workflow_fsm.testing import ManualClock, detected, expired, matched


def state(workflow: Workflow, claim_id: str = "c1") -> str:
    status = workflow.status("u1", claim_id=claim_id)
    assert status is not None
    return str(status.claims[0].state)


def test_a_deadline_fires_when_it_is_due_and_owes_what_it_owes(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "`deadline_date` fires `deadline_passed`" """
    seen: list[Transition] = []
    workflow.on_enter("expired", name="tell")(seen.append)
    workflow.on_enter("detected", name="match", not_before="eligible_from")(seen.append)
    detected(
        workflow,
        eligible_from="2026-02-01T00:00:00Z",
        deadline_date="2026-01-31T00:00:00Z",
    )
    clock.now = clock.now.replace(day=30)
    assert workflow.tick() == 0
    clock.advance(days=1)
    assert (workflow.tick(), state(workflow)) == (1, "expired")
    clock.advance(days=10)
    assert workflow.run_effects() == 1
    assert [(one.to_state, one.claim.overdue) for one in seen] == [("expired", True)]


def test_a_deadline_that_was_past_when_the_claim_was_detected_fires_at_once(workflow: Workflow) -> None:
    """ "(at once where it was past already when the claim was detected)" """
    done: list[str] = []
    workflow.on_enter("detected", name="match")(lambda told: done.append("match"))
    workflow.on_transition(target="detected", name="count")(lambda told: done.append("count"))
    workflow.on_enter("expired", name="tell")(lambda told: done.append("tell"))
    expired(workflow)
    workflow.run_effects()
    assert (state(workflow), done) == ("expired", ["count", "tell"])


@pytest.mark.parametrize(
    ("eligible_from", "due_at"),
    [
        (None, "2026-01-01T12:00:00.000000Z"),
        ("2025-01-01T00:00:00Z", "2026-01-01T12:00:00.000000Z"),
        ("2026-01-01T14:00:00+01:00", "2026-01-01T13:00:00.000000Z"),
    ],
)
def test_not_before_holds_back_until_a_time_that_the_claim_carries(
    workflow: Workflow, eligible_from: str | None, due_at: str
) -> None:
    """ "`not_before=` holds an effect back until a time that the claim carries (`eligible_from`)" """
    workflow.on_enter("matched", name="submit", not_before="eligible_from")(
        lambda told: Fire("claim_submitted")
    )
    matched(workflow, eligible_from=eligible_from)
    assert [one.due_at for one in workflow.owed()] == [due_at]


def test_what_is_held_back_is_still_void_when_its_state_is_left(
    workflow: Workflow, clock: ManualClock
) -> None:
    workflow.on_enter("matched", name="submit", not_before="eligible_from")(
        lambda told: Fire("claim_submitted")
    )
    matched(workflow, eligible_from="2026-03-01T00:00:00Z")
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="3.00")
    clock.advance(days=100)
    assert (workflow.run_effects(), state(workflow)) == (0, "paid")


def test_waiting_ends_after_its_time_to_live_and_money_waits_for_ever(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "deferred events end, payouts and reversals among them never do" """
    fire = workflow.fire
    fire("claim_submitted", user_id="u1", claim_id="c1")
    fire("payout_received", user_id="u1", claim_id="c1", amount="5.00")
    fire("payout_reversed", user_id="u1", claim_id="c2", amount="2.00")
    clock.advance(days=7, seconds=-1)
    assert workflow.tick() == 0
    clock.advance(seconds=1)
    assert (workflow.tick(), workflow.tick()) == (1, 0)
    clock.advance(days=3650)
    assert workflow.tick() == 0
    status = workflow.status("u1")
    assert status is not None
    assert [one.trigger for one in status.deferred] == ["payout_received", "payout_reversed"]
    assert status.unapplied == {"USD": "3.00"}
    detected(workflow)
    assert state(workflow) == "paid"


def test_many_timers_fire_in_few_commits_and_one_that_cannot_holds_up_nobody(
    open_again: Open, clock: ManualClock, stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged row is its own user's trouble: the timers behind it fire all the same."""
    workflow = open_again()
    for number in range(5):
        detected(workflow, f"u{number}", deadline_date="2026-01-02T00:00:00Z")
    stored("UPDATE lifecycles SET facts = '{' WHERE user_id = 'u1' AND claim_id = 'c1'")
    clock.advance(days=1)
    assert (workflow.tick(), workflow.tick()) == (4, 0)
    assert "time can't pass for Overdue(user_id='u1'" in caplog.text


def test_a_year_of_timers_runs_through_in_seconds(workflow: Workflow, clock: ManualClock) -> None:
    """ "A year of timers can be run through in a test in seconds." Ninety claims over a year: each is
    matched at once and may be submitted half a year later, and every third one's deadline comes first."""
    begun = perf_counter()
    submitted_on: dict[str | None, timedelta] = {}
    expired_on: dict[str | None, timedelta] = {}
    start = clock.now

    @workflow.on_enter("detected")
    def find_evidence(told: Transition) -> Fire:
        return Fire("evidence_matching_complete", confidence=0.9)

    @workflow.on_enter("matched", not_before="eligible_from")
    def submit(told: Transition) -> Fire:
        submitted_on[told.claim_id] = clock.now - start
        return Fire("claim_submitted", amazon_case_id=f"case {told.claim_id}")

    @workflow.on_enter("expired")
    def tell(told: Transition) -> None:
        expired_on[told.claim_id] = clock.now - start

    workflow.fire_many([{"trigger": "sync_complete", "user_id": f"u{n}", "sync_id": "s"} for n in range(30)])
    for user in range(30):
        claims = [
            {
                "claim_id": f"c{number}",
                "eligible_from": start + timedelta(days=number % 90 * 2 + 180),
                "deadline_date": start + timedelta(days=number % 90 * 2 + (170 if number % 3 == 0 else 190)),
            }
            for number in range(user, 90, 30)
        ]
        workflow.fire("detection_complete", user_id=f"u{user}", sync_id="s", claims=claims)
    for _ in range(366):
        workflow.tick()
        workflow.run_effects()
        clock.advance(days=1)

    assert {number: expired_on[f"c{number}"].days for number in range(0, 90, 3)} == {
        number: number % 90 * 2 + 170 for number in range(0, 90, 3)
    }
    assert {name: days.days for name, days in submitted_on.items()} == {
        f"c{number}": number % 90 * 2 + 180 for number in range(90) if number % 3
    }
    assert len(expired_on) == 30
    assert (workflow.owed(), workflow.dead_letters(), workflow.check().faults) == ([], [], ())
    assert perf_counter() - begun < 30

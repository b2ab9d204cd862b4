"""Rows that can't be read: whatever one user's hold, nobody else is concerned, and who reads them is told.

Each is planted past our code, as a disk, a restore or another program would; a new process opens the store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.conftest import Stored
from tests.stores.contents import Contents
from tests.stores.unreadable import EVERY, WORKED, Plant, live, opened, tell, work
from webapp import create_app
from workflow_fsm import Outcome, RowUnreadable, Workflow, WorkflowError
from workflow_fsm.testing import ManualClock


def fill(url: str, clock: ManualClock) -> None:
    """Let two users have a row in every table, the first before the second."""
    with opened(url, clock) as workflow:
        workflow.on_enter("matched", name="work")(work)
        workflow.on_dead_letter(name="tell")(tell)
        for user in ("u1", "u2"):
            live(workflow, user, clock)
        workflow.run_effects()
        for user in ("u1", "u2"):
            workflow.fire("evidence_matching_complete", user_id=user, claim_id="work", confidence=0.9)


@pytest.fixture
def filled(store_url: str, contents: Contents, clock: ManualClock) -> str:
    """A store that was filled so, by which it has become two o'clock."""
    contents.give(store_url, "unreadable rows", lambda url: fill(url, ManualClock(clock.now)))
    clock.advance(hours=2)
    WORKED.clear()
    return store_url


@pytest.mark.parametrize("plant", EVERY, ids=str)
def test_a_row_that_cannot_be_read_is_its_own_users_trouble(
    filled: str, stored: Stored, clock: ManualClock, plant: Plant
) -> None:
    """ "Whatever one user's row holds, a fault in it never stops another's" """
    stored(plant.sql)
    with opened(filled, clock) as workflow:
        assert plant.table in {fault.table for fault in workflow.check().faults}
        answers_another(workflow)
        workflow.on_enter("matched", name="work")(work)
        workflow.on_dead_letter(name="tell")(tell)
        workflow.run_effects()
        assert ("u2", "work") in WORKED

        clock.advance(days=8)
        while workflow.tick():
            pass
        status = workflow.status("u2", claim_id="late")
        assert status is not None
        assert status.claims[0].state == "expired"
        assert [one.event_id for one in status.deferred] == []

        letters = [one for one in workflow.dead_letters() if one.user_id == "u2"]
        assert {one.event_id for one in letters if one.kind == "event"} == {"money", "no", "early"}
        assert [one.claim_id for one in letters if one.kind == "effect"] == ["dead"]
        assert workflow.figures().events["sync_complete", "applied"] >= 2
        assert workflow.retry_dead_letters(dry_run=True).matched >= 4
        retried = workflow.retry_dead_letters()
        assert retried.matched == retried.settled + retried.waiting + retried.failed
        money = workflow.status("u2")
        assert money is not None
        assert (money.recovered, money.unapplied) == ({"USD": "11.00"}, {"USD": "5.00"})

        stored("UPDATE lifecycles SET version = 77 WHERE user_id = 'u2' AND claim_id = 'late'")
        faults = [fault.table for fault in workflow.check().faults if fault.user_id == "u2"]
        assert faults == ["lifecycles"]

        said = list(refusals(workflow, "u1"))
        assert all("run `workflow-fsm check`" in str(error) for error in said), said
        assert all(plant.table == error.table for error in said), said
        assert bool(said) or not plant.told


def answers_another(workflow: Workflow) -> None:
    """Another user's events are taken, in a batch with the first's too, and questions answered."""
    outcomes = workflow.fire_many(
        [
            {"trigger": "payout_received", "user_id": user, "claim_id": "also-paid", "amount": "1.00"}
            for user in ("u1", "u2")
        ]
    )
    assert isinstance(outcomes[0], Outcome | RowUnreadable), outcomes[0]
    assert isinstance(outcomes[1], Outcome)
    assert outcomes[1].status == "applied"
    assert workflow.fire("sync_complete", user_id="u3", sync_id="s1").status == "applied"
    status = workflow.status("u2")
    assert status is not None
    assert status.recovered == {"USD": "11.00"}
    assert workflow.history("u2")
    assert workflow.allowed("u2", "work")


def refusals(workflow: Workflow, user: str) -> Iterator[RowUnreadable]:
    """Ask all that a user can, and give what can't be answered; anything but a WorkflowError fails."""

    def fire(trigger: str, **fields: Any) -> Callable[[], object]:
        return lambda: workflow.fire(trigger, user_id=user, **fields)

    letters = [one.id for one in workflow.dead_letters(user_id=user)]
    calls: list[Callable[[], object]] = [
        lambda: workflow.status(user),
        lambda: workflow.history(user),
        lambda: workflow.history(user, "paid"),
        lambda: workflow.allowed(user, "paid"),
        lambda: workflow.explain(user, "late", "claim_submitted"),
        lambda: workflow.newest_cursor(user),
        lambda: workflow.acts(user),
        lambda: workflow.owed(user_id=user),
        lambda: workflow.link(user_id=user, claim_id="paid", alias="another"),
        lambda: workflow.unlink(user_id=user, alias="also-paid"),
        *(lambda letter=letter: workflow.retry_dead_letter(letter) for letter in letters),
        *(lambda letter=letter: workflow.drop_dead_letter(letter, reason="x") for letter in letters),
        fire("sync_complete", sync_id="s1", event_id="found-by-header"),
        fire("sync_complete", sync_id="s2"),
        fire("detection_complete", sync_id="s1", claims=[{"claim_id": "new"}, {"claim_id": "late"}]),
        fire("evidence_matching_complete", claim_id="late", confidence=0.95),
        fire("claim_submitted", claim_id="work", amazon_case_id="k1"),
        fire("claim_rejected", amazon_case_id="k1", rejection_reason="late"),
        fire("payout_received", claim_id="paid", amount="1.00", reimbursement_id="r1"),
        fire("payout_received", amazon_case_id="k1", amount="2.00"),
        fire("payout_reversed", claim_id="paid", amount="1.00", original_reimbursement_id="r1"),
    ]
    for call in calls:
        try:
            call()
        except RowUnreadable as error:
            yield error
        except WorkflowError:
            pass


def test_an_effect_that_cannot_be_read_waits_between_its_tries_and_then_is_a_dead_letter(
    filled: str, stored: Stored, clock: ManualClock
) -> None:
    """It is out of the way of others, and to be seen; once its row is mended it is done."""
    stored("UPDATE lifecycles SET facts = '[]' || facts WHERE user_id = 'u1'")
    with opened(filled, clock) as workflow:
        workflow.on_enter("matched", name="work")(work)
        WORKED.clear()
        assert workflow.run_effects() == 2
        assert WORKED == [("u2", "work")]
        (owed,) = [one for one in workflow.owed(user_id="u1") if one.handler == "work"]
        assert (owed.attempt, owed.error is not None and "can't be read" in owed.error) == (1, True)
        for _ in range(10):
            clock.advance(hours=2)
            workflow.run_effects()
        (letter,) = workflow.dead_letters(user_id="u1", kind="effect", handler="work")[1:]
        assert letter.attempts == 8
        assert letter.reason is not None
        assert "RowUnreadable: row '" in letter.reason
        assert "of lifecycles of user 'u1' can't be read" in letter.reason

        stored("UPDATE lifecycles SET facts = substr(facts, 3) WHERE user_id = 'u1'")
        workflow.retry_dead_letter(letter.id)
        workflow.run_effects()
        assert WORKED == [("u2", "work"), ("u1", "work")]
        assert workflow.check().sound


def test_timers_that_cannot_act_do_not_fill_the_queue(
    filled: str, stored: Stored, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What time can't pass for is named once, left alone for a while, and looked at again."""
    stored("UPDATE lifecycles SET facts = '[]' || facts WHERE user_id = 'u1'")
    stored("UPDATE events SET body = '[]' || body WHERE user_id = 'u1'")
    clock.advance(days=8)
    with opened(filled, clock) as workflow:
        done = [workflow.tick(limit=1) for _ in range(3)]  # of what is due at once, either may come first
        assert (sum(done), done[-1]) == (2, 0)
        errors = [one for one in caplog.records if one.levelno == logging.ERROR]
        assert len(errors) == 2
        assert "time can't pass for Overdue(user_id='u1'" in caplog.text
        assert "of lifecycles of user 'u1' can't be read" in caplog.text
        stored("UPDATE lifecycles SET facts = substr(facts, 3) WHERE user_id = 'u1'")
        stored("UPDATE events SET body = substr(body, 3) WHERE user_id = 'u1'")
        clock.advance(minutes=11)
        assert workflow.tick() == 2
        assert workflow.check().sound


@pytest.mark.parametrize("handlers_here", [True, False])
def test_a_handler_that_cannot_be_read_is_mended_by_its_program(
    filled: str, stored: Stored, clock: ManualClock, handlers_here: bool
) -> None:
    """Until then it is owed nothing, and the audit says so; events are taken."""
    stored("UPDATE handlers SET pattern = '{'")
    with opened(filled, clock) as workflow:
        if handlers_here:
            workflow.on_enter("matched", name="work")(work)
        workflow.fire("evidence_matching_complete", user_id="u2", claim_id="late", confidence=0.9)
        found = [fault.key for fault in workflow.check().faults]
        assert found == (["tell"] if handlers_here else ["tell", "work"])
        owed = [one.claim_id for one in workflow.owed(user_id="u2") if one.handler == "work"]
        assert owed == (["work", "late"] if handlers_here else ["work"])


def test_a_state_that_only_damage_tells_does_not_keep_a_store_closed(
    filled: str, stored: Stored, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A store of another definition is refused: its history tells its states too."""
    stored("UPDATE lifecycles SET state = 'gone' WHERE user_id = 'u1'")
    opened(filled, clock).close()
    assert "a row tells 'gone', and nothing else of it does" in caplog.text
    stored("UPDATE history SET to_state = 'gone' WHERE user_id = 'u1' AND claim_id = 'late'")
    with pytest.raises(WorkflowError, match="the store holds 'gone', which the definition 'claim' doesn't"):
        opened(filled, clock)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE lifecycles SET facts = '{' WHERE user_id = 'u1'",
        "UPDATE cases SET paid = '{' WHERE user_id = 'u1'",
        "UPDATE users SET recovered = '{' WHERE user_id = 'u1'",
    ],
)
def test_over_http_a_row_that_cannot_be_read_is_a_problem_of_its_user(
    filled: str, stored: Stored, clock: ManualClock, damage: str
) -> None:
    stored(damage)
    with opened(filled, clock) as workflow:
        client = create_app(workflow).test_client()
        prefix = "/api/v1/workflow"
        refused = client.get(f"{prefix}/status/u1")
        told = refused.get_json()
        assert (refused.status_code, refused.content_type) == (500, "application/problem+json")
        assert told["type"].endswith("/row-unreadable")
        assert "run `workflow-fsm check`" in told["detail"]
        assert client.get(f"{prefix}/status/u2").status_code == 200
        assert client.get(f"{prefix}/deadletters").status_code == 200
        assert client.get(f"{prefix}/history/u2").status_code == 200
        assert client.get("/metrics").status_code == 200
        payout = {"trigger": "payout_received", "claim_id": "paid", "amazon_case_id": "k1", "amount": "1.00"}
        payouts = [{**payout, "user_id": user} for user in ("u1", "u2")]
        answers = client.post(f"{prefix}/events", json=payouts).get_json()
        assert [one["code"] for one in answers] == [500, 200]
        assert answers[0]["type"].endswith("/row-unreadable")
        alone = client.post(f"{prefix}/payout/received", json=payouts[0])
        assert (alone.status_code, alone.get_json()["type"]) == (500, answers[0]["type"])


def test_of_what_cannot_be_read_nothing_is_counted_and_the_rest_is(
    filled: str, stored: Stored, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Since when the oldest waits, and the money: of the others."""
    stored("UPDATE users SET recovered = '{' WHERE user_id = 'u1'")
    stored("UPDATE events SET received_at = '!' WHERE user_id = 'u1'")
    with opened(filled, clock) as workflow:
        figures = workflow.figures()
        assert figures.recovered == {"USD": 10.0}
        assert figures.oldest_waiting_seconds == 3600
        assert "the money of 1 users can't be read" in caplog.text
        with suppress(RowUnreadable):
            workflow.status("u1")

"""The library's own ways in and out: fire, fire_many, status, history, allowed, explain, and the errors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.stories.acts import (
    claim,
    detect,
    find,
    match,
    pay,
    refusal,
    reject,
    states,
    status,
    submit,
    sync,
)
from workflow_fsm import (
    EventIdReused,
    InvalidEvent,
    NotAllowed,
    Outcome,
    Settings,
    SettingsInvalid,
    Workflow,
    WorkflowError,
    claim_lifecycle,
)
from workflow_fsm.testing import ManualClock


def test_a_store_outlives_its_workflow(tmp_path: Path) -> None:
    """ "`Workflow.open("sqlite:///claims.db")` # also a context manager; `workflow.close()`" """
    url = f"sqlite:///{tmp_path / 'claims.db'}"
    with Workflow.open(url) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1")
        workflow.fire(
            "detection_complete", user_id="u1", sync_id="s1", claims=[{"claim_id": "c1", "amount": "12.50"}]
        )
    workflow = Workflow.open(url)
    assert claim(workflow).amount == "12.50"
    workflow.close()


def test_fire_gives_an_outcome(workflow: Workflow) -> None:
    """ "`fire` returns an outcome with `.status`, `.transitions`, `.unchanged`, `.deferred`, `.refused`,
    `.event_id`" """
    find(workflow, "c1")
    outcome = workflow.fire("claim_submitted", user_id="u1", claim_id="c1", event_id="e")
    assert outcome.as_dict() == {
        "status": "applied",
        "event_id": "e",
        "user_id": "u1",
        "trigger": "claim_submitted",
        "transitions": [
            {"claim_id": "c1", "sync_id": "s1", "from": "detected", "to": "submitted", "version": 3}
        ],
    }
    assert (outcome.unchanged, outcome.deferred, outcome.refused) == ((), (), ())
    assert (outcome.status, outcome.event_id) == ("applied", "e")


def test_a_deferred_answer_has_the_shape_of_the_contract(workflow: Workflow) -> None:
    """ "202 | `{"status": "deferred", "event_id", "user_id", "trigger", "waiting_for": [trigger, …],
    "reason", "expires_at", "candidates", "conflicts_with", "deferred": […]}`" """
    assert submit(workflow, "c1", event_id="e").as_dict() == {
        "status": "deferred",
        "event_id": "e",
        "user_id": "u1",
        "trigger": "claim_submitted",
        "waiting_for": ["sync_complete", "detection_complete"],
        "reason": "claim 'c1' is not known yet",
        "expires_at": "2026-03-08T12:00:00.000000Z",
        "candidates": [],
        "deferred": [
            {
                "claim_id": "c1",
                "waiting_for": ["sync_complete", "detection_complete"],
                "expires_at": "2026-03-08T12:00:00.000000Z",
            }
        ],
    }


def test_an_unchanged_answer_has_the_shape_of_the_contract(workflow: Workflow) -> None:
    """ "200 | the same with `"status": "unchanged"` and no transitions" """
    find(workflow, "c1")
    submit(workflow, "c1")
    assert match(workflow, "c1", event_id="e").as_dict() == {
        "status": "unchanged",
        "event_id": "e",
        "user_id": "u1",
        "trigger": "evidence_matching_complete",
        "transitions": [],
        "unchanged": [{"claim_id": "c1", "sync_id": "s1", "state": "submitted"}],
    }


def test_a_refusal_says_what_is_allowed(workflow: Workflow) -> None:
    """ "it raises `NotAllowed` (`.state`, `.allowed`, `.candidates`)" """
    find(workflow, "c1")
    submit(workflow, "c1")
    reject(workflow, "c1", reason="late")
    error = refusal(workflow, "claim_rejected", claim_id="c1", event_id="e")
    assert (error.code, error.state, error.trigger) == ("not-allowed", "rejected", "claim_rejected")
    assert set(error.allowed) == {"claim_submitted", "payout_received"}
    assert (error.candidates, error.event_id, error.user_id) == ((), "e", "u1")
    assert isinstance(error, WorkflowError)
    assert "rejected" in str(error)


def test_an_invalid_event_names_its_errors_and_keeps_nothing(workflow: Workflow) -> None:
    """ "`InvalidEvent` (`.errors`)" """
    with pytest.raises(InvalidEvent) as caught:
        workflow.fire("payout_received", user_id="u1", amount="x", currency="?")
    error = caught.value
    assert error.code == "invalid-event"
    assert {fault.field for fault in error.errors} == {"amount", "currency"}
    assert all(fault.reason for fault in error.errors)
    assert workflow.status("u1") is None


def test_fire_many_gives_in_their_place_what_fire_would_have_raised(workflow: Workflow) -> None:
    """ "`fire_many` returns in their place those that it would have raised." """
    find(workflow, "c1")
    outcomes = workflow.fire_many(
        [
            {"trigger": "payout_received", "user_id": "u1", "claim_id": "c1", "amount": "5", "event_id": "a"},
            {"trigger": "payout_received", "user_id": "u1", "claim_id": "c1", "amount": "6", "event_id": "a"},
            {"trigger": "claim_rejected", "user_id": "u1", "claim_id": "c1"},
            {"trigger": "payout_received", "user_id": "u1"},
            {"trigger": "sync_complete", "user_id": "u2", "sync_id": "s1"},
            {"trigger": "payout_received", "user_id": "u1", "claim_id": "c1", "amount": "5", "event_id": "a"},
        ]
    )
    kinds = [one.status if isinstance(one, Outcome) else type(one) for one in outcomes]
    assert kinds == ["applied", EventIdReused, NotAllowed, InvalidEvent, "applied", "duplicate"]
    assert status(workflow).recovered == {"USD": "5.00"}
    assert states(workflow, "u2") == {"s1": "synced"}
    assert workflow.fire_many([]) == []


def test_fire_many_takes_its_events_in_their_order(workflow: Workflow) -> None:
    """ "each with `trigger` beside its fields …; one bad event harms no other; one commit for all" """
    events: list[dict[str, Any]] = [
        {"trigger": "sync_complete", "user_id": "u1", "sync_id": "s1"},
        {"trigger": "detection_complete", "user_id": "u1", "sync_id": "s1", "claims": [{"claim_id": "c1"}]},
        {"trigger": "claim_submitted", "user_id": "u1", "claim_id": "c1"},
        {"trigger": "claim_rejected", "user_id": "u1", "claim_id": "c1"},
        {"trigger": "claim_submitted", "user_id": "u1", "claim_id": "c1"},
    ]
    outcomes = workflow.fire_many(events)
    assert [one.status for one in outcomes if isinstance(one, Outcome)] == ["applied"] * 5
    assert claim(workflow).version == 5


def test_the_status_of_an_unknown_user_is_none(workflow: Workflow) -> None:
    """ "`status` of an unknown user is `None`." """
    assert workflow.status("nobody") is None
    assert workflow.history("nobody") is None


def test_the_status_of_a_user_has_the_shape_of_the_contract(workflow: Workflow) -> None:
    """ "`GET status/{user_id}`: `{"user_id", "state", "counts", …, "next_cursor", "updated_at"}`" """
    find(workflow, "c1")
    shown = status(workflow)
    assert list(shown) == [
        "user_id",
        "state",
        "counts",
        "recovered",
        "unapplied",
        "claims",
        "syncs",
        "deferred",
        "next_cursor",
        "updated_at",
    ]
    assert shown.syncs == [
        {
            "sync_id": "s1",
            "state": "detected",
            "claims_found": 1,
            "entered_at": "2026-03-01T12:00:00.000000Z",
        }
    ]
    assert (shown.next_cursor, shown.updated_at) == (None, "2026-03-01T12:00:00.000000Z")


def test_status_can_be_asked_for_one_claim_or_sync(workflow: Workflow) -> None:
    """ "an unknown `claim_id` gives an empty list" and "`counts`, `recovered` and `unapplied` always cover
    everything" """
    find(workflow, "c1", sync_id="s1")
    find(workflow, "c2", sync_id="s2")
    pay(workflow, "c2")
    one = workflow.status("u1", claim_id="c1")
    none = workflow.status("u1", claim_id="c9")
    of_sync = workflow.status("u1", sync_id="s2")
    for shown in (one, none, of_sync):
        assert shown is not None
        assert (shown.counts, shown.recovered) == ({"detected": 1, "paid": 1}, {"USD": "10.00"})
    assert one is not None
    assert none is not None
    assert of_sync is not None
    assert [c.claim_id for c in one.claims] == ["c1"]
    assert none.claims == []
    assert [c.claim_id for c in of_sync.claims] == ["c2"]


def test_claims_come_in_pages_oldest_first(workflow: Workflow) -> None:
    """ "`claims` is oldest first, 100 by default and 1,000 at most a page" """
    sync(workflow)
    detect(workflow, *[f"c{n:03}" for n in range(250)])
    pages, cursor = [], None
    while True:
        page = workflow.status("u1", cursor=cursor, limit=100)
        assert page is not None
        assert page.counts == {"detected": 250}
        pages.append([one.claim_id for one in page.claims])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [name for page in pages for name in page] == [f"c{n:03}" for n in range(250)]


def test_history_comes_in_pages_oldest_first(workflow: Workflow) -> None:
    """ "oldest first; a `cursor` is an integer above 0 that grows with each row of a user; `limit` 1 to
    1,000, 100 by default" """
    sync(workflow)
    detect(workflow, *[f"c{n}" for n in range(5)])
    first = workflow.history("u1", limit=4)
    assert first is not None
    assert [row.claim_id for row in first] == [None, None, "c0", "c1"]
    assert first.next_cursor == first[-1].cursor
    second = workflow.history("u1", limit=4, cursor=first.next_cursor)
    assert second is not None
    assert [row.claim_id for row in second] == ["c2", "c3", "c4"]
    assert second.next_cursor is None
    assert list(first[0]) == [
        "cursor",
        "claim_id",
        "sync_id",
        "version",
        "trigger",
        "from",
        "to",
        "event_id",
        "amount",
        "currency",
        "at",
        "occurred_at",
        "actor",
        "reason",
        "hash",
    ]
    assert workflow.history("u1", "c9") == []


def test_allowed_names_the_triggers_with_an_arrow_timers_left_out(workflow: Workflow) -> None:
    """ "`allowed`: the triggers with an arrow, timers left out." """
    assert workflow.allowed("u1") is None
    sync(workflow)
    assert workflow.allowed("u1") == ("detection_complete",)
    detect(workflow, "c1")
    assert workflow.allowed("u1", "c1") == (
        "detection_complete",
        "evidence_matching_complete",
        "claim_submitted",
        "claim_rejected",
        "payout_received",
    )
    pay(workflow, "c1")
    assert workflow.allowed("u1", "c1") == ("payout_received", "payout_reversed")
    assert claim(workflow).allowed == ["payout_received", "payout_reversed"]


def test_explain_says_why_and_what_would_lead_there(workflow: Workflow) -> None:
    """ "`workflow.explain("u1", "c1", "payout_received")`" and "`explain` says why a trigger is allowed,
    waits or is refused, and which triggers would lead to where it is allowed" """
    early = workflow.explain("u1", "c1", "claim_rejected")
    assert (early.verdict, early.state) == ("waits", None)
    assert early.leads == ("sync_complete", "detection_complete")
    find(workflow, "c1")
    assert workflow.explain("u1", "c1", "payout_received").verdict == "allowed"
    asked = workflow.explain("u1", "c1", "claim_rejected")
    assert (asked.verdict, asked.leads) == ("allowed", ("claim_submitted",))
    assert "does it name a case? yes: moves it to rejected; else it waits" in asked.reason
    pay(workflow, "c1")
    assert workflow.explain("u1", "c1", "claim_submitted").verdict == "known"
    refused = workflow.explain("u1", "c1", "claim_rejected")
    assert (refused.verdict, refused.state) == ("refused", "paid")
    assert refused.leads == ("payout_reversed", "claim_submitted")
    with pytest.raises(InvalidEvent):
        workflow.explain("u1", "c1", "nothing")


def test_money_is_never_read_through_a_binary_float(workflow: Workflow) -> None:
    """ "A Python float is read as a JSON number is" """
    find(workflow, "c1")
    pay(workflow, "c1", 0.1 + 0.2, event_id="a")
    pay(workflow, "c1", Decimal("0.1"), event_id="b")
    assert status(workflow).recovered == {"USD": "0.40"}


@pytest.mark.parametrize(
    "url", ["", "claims.db", "sqlite://claims.db", "sqlite:///", "mysql:///x", "sqlite:/x.db"]
)
def test_an_address_that_is_no_store_is_refused_with_what_would_be_one(url: str) -> None:
    """ "`sqlite:///PATH` …, `sqlite:///:memory:` or `postgresql://…`" """
    if url == "":
        settings = Settings(database_url="nothing")
        with pytest.raises(SettingsInvalid, match="sqlite:///"):
            Workflow.open(settings=settings)
        return
    with pytest.raises(SettingsInvalid, match="sqlite:///"):
        Workflow.open(url, settings=Settings())


def test_the_bounds_of_decisions_are_a_definitions(clock: ManualClock) -> None:
    """ "`WORKFLOW_AUTO_SUBMIT_CONFIDENCE`, `WORKFLOW_PROMPT_CONFIDENCE` | `0.85`, `0.50`" """
    settings = Settings(auto_submit=Decimal("0.95"), prompt=Decimal("0.9"))
    with Workflow.open("sqlite:///:memory:", settings=settings, clock=clock) as workflow:
        find(workflow, "c1", "c2", "c3")
        for name, confidence in {"c1": "0.95", "c2": "0.9", "c3": "0.89"}.items():
            match(workflow, name, confidence)
        decisions = [one.decision for one in status(workflow).claims]
    assert decisions == ["auto_submit", "ask_user", "review"]
    definition = claim_lifecycle(auto_submit=Decimal(0), prompt=Decimal(0))
    with Workflow.open("sqlite:///:memory:", settings=Settings(), definition=definition) as workflow:
        find(workflow, "c1")
        match(workflow, "c1", 0)
        assert claim(workflow).decision == "auto_submit"


def test_forty_threads_on_one_user_lose_nothing(workflow: Workflow) -> None:
    """ "after this answer nothing … loses it", from many callers at once"""
    find(workflow, "c1")
    with ThreadPoolExecutor(40) as pool:
        outcomes = list(pool.map(lambda n: pay(workflow, "c1", "0.10", event_id=f"p{n % 100}"), range(200)))
    assert sorted(one.status for one in outcomes) == ["applied"] * 100 + ["duplicate"] * 100
    assert status(workflow).recovered == {"USD": "10.00"}
    assert claim(workflow).version == 102

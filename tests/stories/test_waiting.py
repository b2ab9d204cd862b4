"""Waiting: kept while it is too early, freed in order to a fixed point, ended by its time to live."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.stories.acts import (
    chain,
    claim,
    detect,
    find,
    match,
    moves,
    pay,
    refusal,
    reject,
    states,
    status,
    submit,
    sync,
    take_back,
    waits,
)
from workflow_fsm import NotAllowed, Settings, Workflow
from workflow_fsm.testing import ManualClock


@pytest.mark.parametrize(
    ("act", "ways", "left"),
    [
        (match, [("sync_complete", "detection_complete"), ("detection_complete",)], []),
        (submit, [("sync_complete", "detection_complete"), ("detection_complete",)], []),
        (pay, [("sync_complete", "detection_complete"), ("detection_complete",)], [("w0", [])]),
        (
            reject,
            [
                ("sync_complete", "detection_complete", "claim_submitted"),
                ("detection_complete", "claim_submitted"),
            ],
            [("w0", ["claim_submitted"]), ("w1", ["claim_submitted"])],
        ),
        (
            take_back,
            [
                ("sync_complete", "detection_complete", "payout_received"),
                ("detection_complete", "payout_received"),
            ],
            [("w0", []), ("w1", ["payout_received"])],
        ),
    ],
)
def test_what_is_awaited_is_told_step_by_step(
    workflow: Workflow, act: Any, ways: list[tuple[str, ...]], left: list[tuple[str, list[str]]]
) -> None:
    """ "`wait` (*deferred*, as UML and SCXML call it): too early, kept" with "`waiting_for`", which is empty
    for the money that named nobody (`w0`) once there is a claim."""
    first = act(workflow, None, event_id="w0")
    assert first.waiting_for == ways[0]
    sync(workflow)
    assert act(workflow, "c1", event_id="w1").waiting_for == ways[1]
    assert {tuple(one.waiting_for) for one in status(workflow).deferred} == {ways[1]}
    detect(workflow, "c1")
    assert [(one.event_id, one.waiting_for) for one in status(workflow).deferred] == left


def test_all_of_a_claims_events_in_reverse_end_where_they_would_have(workflow: Workflow) -> None:
    """ "kept and applied in the commit of the transition that makes it possible" """
    take_back(workflow, "c1", "4.00")
    pay(workflow, "c1", "10.00")
    submit(workflow, "c1", amazon_case_id="K")
    match(workflow, "c1")
    detect(workflow, "c1")
    outcome = sync(workflow)
    assert moves(outcome) == [("s1", None, "synced")]
    assert chain(workflow, None)[:3] == ["sync_complete", "detection_complete", "detection_complete"]
    assert states(workflow) == {"c1": "paid"}
    assert claim(workflow).paid == {"USD": "6.00"}
    assert waits(workflow) == []


def test_what_an_event_frees_stands_in_history_under_its_own_id(workflow: Workflow) -> None:
    """ "what it freed stands in history under its own ids" """
    submit(workflow, "c1", event_id="later")
    sync(workflow, event_id="first")
    outcome = detect(workflow, "c1", event_id="second")
    assert moves(outcome) == [("s1", "synced", "detected"), ("c1", "synced", "detected")]
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [(row.trigger, row.event_id) for row in rows] == [
        ("sync_complete", "first"),
        ("detection_complete", "second"),
        ("claim_submitted", "later"),
    ]


def test_waiting_events_are_judged_from_the_oldest_and_again_after_each_that_ends(workflow: Workflow) -> None:
    """ "the waiting events of that user are judged from the oldest, and from the oldest again after each
    whose wait ends, until none does" """
    reject(workflow, "c1", event_id="1-rejected")
    take_back(workflow, "c1", event_id="2-reversed")
    submit(workflow, "c1", event_id="3-submitted")
    pay(workflow, "c1", event_id="4-paid")
    find(workflow, "c1")
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [row.event_id for row in rows][2:] == ["3-submitted", "1-rejected", "4-paid", "2-reversed"]
    assert states(workflow) == {"c1": "rejected"}
    assert waits(workflow) == []


def test_nothing_is_freed_between_two_claims_of_a_list(workflow: Workflow) -> None:
    """ "After every event that moved something (the whole of it, not between two claims of a list)" """
    match(workflow, None, "0.9")
    pay(workflow, None, "5.00")
    sync(workflow)
    detect(workflow, "c1", "c2")
    assert states(workflow) == {"c1": "matched", "c2": "matched"}
    assert waits(workflow) == [("payout_received", None)]
    assert status(workflow).unapplied == {"USD": "5.00"}


def test_an_event_that_is_refused_by_the_time_it_is_judged_ends_as_known(workflow: Workflow) -> None:
    """ "one that is `no` by then ends as known" """
    find(workflow, "c1")
    reject(workflow, "c1", rejection_reason="late", event_id="r")
    pay(workflow, "c1")
    assert waits(workflow) == []
    assert states(workflow) == {"c1": "paid"}
    again = reject(workflow, "c1", rejection_reason="late", event_id="r")
    assert (again.status, again.first_status) == ("duplicate", "deferred")
    assert claim(workflow).rejection_reason == "late"


def test_an_event_that_has_become_ambiguous_goes_on_waiting(workflow: Workflow) -> None:
    """ "one that has become ambiguous goes on waiting" """
    submit(workflow, None, event_id="w")
    find(workflow, "c1", "c2")
    (deferred,) = status(workflow).deferred
    assert deferred.waiting_for == []
    assert [one.claim_id for one in deferred.candidates] == ["c2", "c1"]
    assert states(workflow) == {"c1": "detected", "c2": "detected"}
    submit(workflow, "c1")
    assert states(workflow) == {"c1": "submitted", "c2": "submitted"}
    assert waits(workflow) == []


def test_a_nameless_waiting_event_for_many_moves_the_whole_list_that_frees_it(workflow: Workflow) -> None:
    """ "An unnamed event for many is done once it has moved somebody." """
    match(workflow, None, "0.9")
    find(workflow, "c1", "c2")
    assert states(workflow) == {"c1": "matched", "c2": "matched"}
    detect(workflow, "c3")
    assert states(workflow) == {"c1": "matched", "c2": "matched", "c3": "detected"}


def test_a_part_of_a_list_waits_by_itself(workflow: Workflow) -> None:
    """ "each of its claims moves, is known, waits or is refused by itself" """
    find(workflow, "c1")
    workflow.fire(
        "evidence_matching_complete",
        user_id="u1",
        event_id="m",
        matches=[{"claim_id": "c1"}, {"claim_id": "c2"}, {"claim_id": "c3"}],
    )
    assert waits(workflow) == [("evidence_matching_complete", "c2"), ("evidence_matching_complete", "c3")]
    detect(workflow, "c3")
    assert states(workflow) == {"c1": "matched", "c3": "matched"}
    assert waits(workflow) == [("evidence_matching_complete", "c2")]
    detect(workflow, "c2")
    assert states(workflow) == {"c1": "matched", "c3": "matched", "c2": "matched"}


def test_a_deferred_event_dies_after_its_time_to_live(workflow: Workflow, clock: ManualClock) -> None:
    """ "A deferred event ends after its time to live as a dead letter" """
    outcome = submit(workflow, "c1", event_id="w")
    assert outcome.expires_at == "2026-03-08T12:00:00.000000Z"
    assert outcome.deferred[0].expires_at == outcome.expires_at
    clock.advance(days=6, hours=23)
    assert workflow.tick() == 0
    clock.advance(hours=1)
    assert workflow.tick() == 1
    assert workflow.tick() == 0
    assert waits(workflow) == []
    find(workflow, "c1")
    assert states(workflow) == {"c1": "detected"}


def test_how_long_events_wait_is_a_setting(clock: ManualClock) -> None:
    """ "`WORKFLOW_DEFER_TTL` | `7d` | how long a deferred event waits" """
    settings = Settings(defer=timedelta(seconds=30))
    with Workflow.open("sqlite:///:memory:", settings=settings, clock=clock) as workflow:
        submit(workflow, "c1")
        clock.advance(seconds=29)
        assert workflow.tick() == 0
        clock.advance(seconds=1)
        assert workflow.tick() == 1


def test_the_waiting_part_of_a_list_dies_alone(workflow: Workflow, clock: ManualClock) -> None:
    """ "A deferred event ends after its time to live as a dead letter" """
    find(workflow, "c1")
    fields: dict[str, Any] = {"matches": [{"claim_id": "c1"}, {"claim_id": "c2"}], "event_id": "m"}
    workflow.fire("evidence_matching_complete", user_id="u1", **fields)
    clock.advance(days=8)
    assert workflow.tick() == 1
    assert states(workflow) == {"c1": "matched"}
    assert waits(workflow) == []
    assert workflow.fire("evidence_matching_complete", user_id="u1", **fields).status == "duplicate"


def test_an_ambiguous_event_dies_too(workflow: Workflow, clock: ManualClock) -> None:
    """ "A deferred event ends after its time to live as a dead letter" """
    submit(workflow, None)
    find(workflow, "c1", "c2")
    clock.advance(days=7)
    assert workflow.tick() == 1
    submit(workflow, "c1", event_id="x")
    assert states(workflow) == {"c1": "submitted", "c2": "detected"}


def test_money_never_stops_waiting(workflow: Workflow, clock: ManualClock) -> None:
    """ "a deferred payout or reversal never does: payouts that wait, less reversals that wait, are shown as
    `unapplied` money until their claim turns up" """
    assert pay(workflow, "c1", "10.00").expires_at is None
    assert take_back(workflow, "c1", "2.50").expires_at is None
    pay(workflow, "c2", "7", currency="EUR")
    clock.advance(days=5000)
    assert workflow.tick() == 0
    assert status(workflow).unapplied == {"EUR": "7.00", "USD": "7.50"}
    assert status(workflow).recovered == {}
    find(workflow, "c1", "c2")
    assert status(workflow).unapplied == {}
    assert status(workflow).recovered == {"EUR": "7.00", "USD": "7.50"}


def test_a_reversal_that_finds_less_than_it_takes_back_waits_for_its_payout(workflow: Workflow) -> None:
    """ "a reversal that finds less than it takes back waits for its payout" """
    find(workflow, "c1")
    pay(workflow, "c1", "5.00", event_id="p1")
    waiting = take_back(workflow, "c1", "8.00")
    assert (waiting.status, waiting.waiting_for) == ("deferred", ("payout_received",))
    assert (status(workflow).recovered, status(workflow).unapplied) == ({"USD": "5.00"}, {"USD": "-8.00"})
    pay(workflow, "c1", "1.00", event_id="p2")
    assert status(workflow).unapplied == {"USD": "-8.00"}
    pay(workflow, "c1", "2.00", event_id="p3")
    assert states(workflow) == {"c1": "rejected"}
    assert (status(workflow).recovered, status(workflow).unapplied) == ({}, {})


def test_a_reversal_in_another_currency_waits_for_a_payout_in_it(workflow: Workflow) -> None:
    """ "wait where it is more than is left" and "→ rejected where nothing is left in any currency" """
    find(workflow, "c1")
    pay(workflow, "c1", "5.00", currency="EUR")
    assert take_back(workflow, "c1", "5.00", currency="USD").status == "deferred"
    pay(workflow, "c1", "5.00", currency="USD", event_id="p")
    assert states(workflow) == {"c1": "paid"}
    assert claim(workflow).paid == {"EUR": "5.00"}
    take_back(workflow, "c1", "5.00", currency="EUR")
    assert states(workflow) == {"c1": "rejected"}


def test_an_event_comes_too_late_for_what_has_died_but_not_for_good(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "A refused or dead event does not bind its id: sent again … it is judged anew and replaces it." """
    submit(workflow, "c1", event_id="w")
    clock.advance(days=7)
    workflow.tick()
    find(workflow, "c1")
    outcome = submit(workflow, "c1", event_id="w", amazon_case_id="K")
    assert (outcome.status, outcome.event_id) == ("applied", "w")
    assert claim(workflow).amazon_case_id == "K"


def test_a_waiting_event_of_one_user_is_not_freed_by_another(workflow: Workflow) -> None:
    """ "the waiting events of that user are judged" """
    submit(workflow, "c1")
    find(workflow, "c1", user_id="u2")
    assert states(workflow, "u2") == {"c1": "detected"}
    assert waits(workflow) == [("claim_submitted", "c1")]


def test_a_fact_that_names_a_case_frees_what_waits_for_it(workflow: Workflow) -> None:
    """ "kept until their claim turns up" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1")
    assert pay(workflow, None, amazon_case_id="K").status == "deferred"
    assert submit(workflow, "c1", amazon_case_id="K", event_id="k").status == "unchanged"
    assert states(workflow) == {"c1": "paid", "c2": "detected"}
    assert waits(workflow) == []


def test_what_is_too_early_is_no_refusal(workflow: Workflow) -> None:
    """ "| detected | … | wait |" against "| rejected | … | no |" """
    find(workflow, "c1")
    reject(workflow, "c1")
    submit(workflow, "c1")
    assert states(workflow) == {"c1": "rejected"}
    error = refusal(workflow, "claim_rejected", claim_id="c1", event_id="second")
    assert isinstance(error, NotAllowed)
    assert error.state == "rejected"


def test_what_waits_survives_the_closing_of_its_store(tmp_path: Path, clock: ManualClock) -> None:
    """ "kept and applied in the commit of the transition that makes it possible" """
    url = f"sqlite:///{tmp_path / 'claims.db'}"
    with Workflow.open(url, settings=Settings(), clock=clock) as workflow:
        detect(
            workflow, {"claim_id": "c1", "amount": 0.1 + 0.2, "aliases": ["x"], "deadline_date": None}, "c2"
        )
        pay(workflow, "x", 12.00001, event_id="p", note={"kept": [1, 2.50]})
    with Workflow.open(url, settings=Settings(), clock=clock) as workflow:
        again = pay(workflow, "x", "12", event_id="p", note={"kept": [1.0, 2.5]})
        assert again.status == "duplicate"
        sync(workflow)
        assert states(workflow) == {"c1": "paid", "c2": "detected"}
        assert (claim(workflow).amount, claim(workflow).paid) == ("0.30", {"USD": "12.00"})

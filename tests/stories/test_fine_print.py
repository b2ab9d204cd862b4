"""The fine print: every line of it, at least one story a line."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from tests.stories.acts import (
    claim,
    detect,
    detect_plainly,
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
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock

PAST = "2026-02-01T00:00:00Z"


def test_a_plain_lifecycle_gives_way_to_claims_or_stays_its_own(workflow: Workflow) -> None:
    """ "A plain lifecycle whose sync later gets a list: the claims fork all the same; the plain one takes
    no further part if it is still `detected`, else stays its own." """
    for name in ("s1", "s2"):
        sync(workflow, name)
        detect_plainly(workflow, name)
    submit(workflow, None, sync_id="s2")
    detect(workflow, "c1", sync_id="s1")
    detect(workflow, "c2", sync_id="s2")
    assert states(workflow) == {"s2": "submitted", "c1": "detected", "c2": "detected"}


def test_candidates_say_claim_sync_and_state(workflow: Workflow) -> None:
    """ "`candidates` are `[{"claim_id", "sync_id", "state"}]`; `waiting_for` is empty where only a person
    can tell." """
    find(workflow, "c1", sync_id="s1")
    find(workflow, "c2", sync_id="s2")
    outcome = pay(workflow, None)
    assert outcome.candidates == (
        {"claim_id": "c2", "sync_id": "s2", "state": "detected"},
        {"claim_id": "c1", "sync_id": "s1", "state": "detected"},
    )
    assert outcome.waiting_for == ()
    assert outcome.deferred == ({"claim_id": None, "waiting_for": [], "expires_at": None},)


@pytest.mark.parametrize("claims", [99, 100, 101, 150])
def test_candidates_are_a_hundred_at_most(workflow: Workflow, claims: int) -> None:
    """ "`candidates` … at most 100" """
    find(workflow, *(f"c{number}" for number in range(claims)))
    outcome = pay(workflow, None)
    assert len({one.claim_id for one in outcome.candidates}) == len(outcome.candidates) == min(claims, 100)
    [deferred] = status(workflow).deferred
    [dead_letter] = workflow.dead_letters()
    assert deferred.candidates == dead_letter.candidates == list(outcome.candidates)


def test_candidates_come_likeliest_first(workflow: Workflow) -> None:
    """ "the likeliest first": one whose filing has no name yet, then one that is filed, then whichever is
    open, the newest first; those that are closed last."""
    find(workflow, "c1", "c2", "c3", "c4", "c5", "c6")
    submit(workflow, "c1")
    submit(workflow, "c2", amazon_case_id="k2")
    submit(workflow, "c3", amazon_case_id="k3")
    pay(workflow, "c6", amount="1.00")
    named = pay(workflow, None, amazon_case_id="k9")
    assert [one.claim_id for one in named.candidates] == ["c1", "c3", "c2", "c5", "c4", "c6"]
    nameless = pay(workflow, None, amount="2.00")
    assert [one.claim_id for one in nameless.candidates] == ["c3", "c2", "c1", "c5", "c4", "c6"]


def test_a_version_counts_transitions_only(workflow: Workflow) -> None:
    """ "`version` counts transitions only; facts that are kept without one don't raise it." """
    find(workflow, "c1")
    assert claim(workflow).version == 2
    submit(workflow, "c1")
    match(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K")
    detect(workflow, {"claim_id": "c1", "amount": "5"})
    assert (claim(workflow).version, claim(workflow).amount) == (3, "5.00")
    pay(workflow, "c1")
    assert claim(workflow).version == 4


def test_known_facts_fill_what_is_empty_and_overwrite_nothing(workflow: Workflow) -> None:
    """ "Known facts fill what is empty (amount, deadline, …) and overwrite nothing; … Where a known event
    tells otherwise than is recorded, its answer says so: `differs` in `unchanged`, `[{"field", "recorded",
    "told"}]`." """
    find(workflow, {"claim_id": "c1", "claim_type": "lost"})
    pay(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    submit(workflow, "c1", amazon_case_id="K2", event_id="2")
    told = detect(workflow, {"claim_id": "c1", "claim_type": "found", "amount": "5", "deadline_date": PAST})
    assert [one["differs"] for one in told.unchanged] == [
        [{"field": "claim_type", "recorded": "lost", "told": "found"}]
    ]
    told = detect(workflow, {"claim_id": "c1", "amount": "7", "eligible_from": PAST, "confidence": "0.25"})
    assert [one["differs"] for one in told.unchanged] == [
        [{"field": "amount", "recorded": "5.00", "told": "7.00"}]
    ]
    shown = claim(workflow)
    assert (shown.claim_type, shown.amount, shown.amazon_case_id) == ("lost", "5.00", "K2")
    assert [(one["amazon_case_id"], one["state"]) for one in shown.cases] == [
        ("K1", "filed"),
        ("K2", "filed"),
    ]
    assert (shown.deadline_date, shown.eligible_from) == ("2026-02-01T00:00:00.000000Z",) * 2
    assert (shown.confidence, shown.state) == (0.25, "paid")


def test_a_known_amount_comes_with_its_currency_or_not_at_all(workflow: Workflow) -> None:
    """ "Known facts fill what is empty … and overwrite nothing" """
    find(workflow, {"claim_id": "c1", "currency": "EUR"})
    submit(workflow, "c1")
    detect(workflow, {"claim_id": "c1", "amount": "5", "currency": "JPY"})
    assert (claim(workflow).amount, claim(workflow).currency) == (None, "EUR")
    detect(workflow, {"claim_id": "c1", "amount": "5.25"})
    assert (claim(workflow).amount, claim(workflow).currency) == ("5.25", "EUR")


def test_a_move_sets_what_it_tells(workflow: Workflow) -> None:
    """ "a move sets what it tells" """
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    reject(workflow, "c1", reason="late")
    submit(workflow, "c1", amazon_case_id="K2")
    assert (claim(workflow).amazon_case_id, claim(workflow).rejection_reason) == ("K2", "late")
    reject(workflow, "c1", reason="proof", event_id="r2")
    assert claim(workflow).rejection_reason == "proof"


def test_the_first_row_of_a_sync_stands_once_and_begins_every_claims_history(workflow: Workflow) -> None:
    """ "History is one chain of rows a lifecycle. The sync's first row stands once in the user's history …,
    as version 1 of every claim that forks from it; a claim's own history begins with it, and the claim's
    next row chains to its hash." """
    find(workflow, "c1", "c2")
    submit(workflow, "c2")
    everything = workflow.history("u1")
    first, second = workflow.history("u1", "c1"), workflow.history("u1", "c2")
    assert everything is not None
    assert first is not None
    assert second is not None
    assert [(row.claim_id, row.version, row.to) for row in everything] == [
        (None, 1, "synced"),
        (None, 2, "detected"),
        ("c1", 2, "detected"),
        ("c2", 2, "detected"),
        ("c2", 3, "submitted"),
    ]
    assert first == [everything[0], everything[2]]
    assert second == [everything[0], everything[3], everything[4]]
    assert [row.version for row in second] == [1, 2, 3]
    assert len({row.hash for row in everything}) == 5
    assert [row.cursor for row in everything] == sorted({row.cursor for row in everything})
    assert all(row.cursor > 0 for row in everything)


def test_a_history_can_be_checked_from_outside(workflow: Workflow) -> None:
    """ "a claim's own history begins with it, and the claim's next row chains to its hash" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1", occurred_at="2026-01-01T00:00:00Z")
    pay(workflow, "c1")
    for name in ("c1", "c2"):
        rows = workflow.history("u1", name)
        assert rows is not None
        previous, own = "0" * 64, rows[1].cursor
        for row in rows:
            columns = ["u1", row.cursor, row.cursor if row.version == 1 else own]
            columns += [row[key] for key in ("claim_id", "sync_id", "version", "trigger", "from", "to")]
            columns += [row[key] for key in ("event_id", "at", "occurred_at", "actor")] + [None]
            text = json.dumps([previous, *columns], separators=(",", ":"))
            assert row.hash == sha256(text.encode()).hexdigest()
            previous = row.hash


@pytest.mark.parametrize(
    ("confidence", "decision"),
    [
        (1, "auto_submit"),
        ("0.85", "auto_submit"),
        (0.85, "auto_submit"),
        ("0.8499999999999999999999", "ask_user"),
        (0.5, "ask_user"),
        ("0.50", "ask_user"),
        (0.4999, "review"),
        (0, "review"),
        (None, "review"),
    ],
    ids=str,
)
def test_a_decision_comes_with_a_match_by_its_confidence_bounds_inclusive(
    workflow: Workflow, confidence: object, decision: str
) -> None:
    """ "`decision` comes with a match: by its confidence, bounds inclusive; a match without one … is for
    `review`." """
    find(workflow, "c1")
    assert claim(workflow).decision is None
    match(workflow, "c1", confidence)
    assert claim(workflow).decision == decision


def test_a_match_without_a_confidence_counts_as_lower_than_any_number(workflow: Workflow) -> None:
    """ "a match without one counts as lower than any number" """
    find(workflow, "c1")
    match(workflow, "c1", None)
    assert match(workflow, "c1", None, event_id="b").status == "unchanged"
    assert moves(match(workflow, "c1", 0)) == [("c1", "matched", "matched")]
    assert match(workflow, "c1", None, event_id="c").status == "unchanged"
    assert claim(workflow).confidence == 0


def test_confidence_is_the_matchs_once_matched_and_the_detections_before(workflow: Workflow) -> None:
    """ "`confidence` in status is the match's once matched, the detection's before." """
    find(workflow, {"claim_id": "c1", "confidence": "0.99"}, {"claim_id": "c2", "confidence": 0.3})
    assert [one.confidence for one in status(workflow).claims] == [0.99, 0.3]
    match(workflow, "c1", "0.4")
    match(workflow, "c2", None)
    assert [one.confidence for one in status(workflow).claims] == [0.4, None]
    match(workflow, "c1", "0.41")
    assert claim(workflow).confidence == 0.41


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


def test_a_payouts_currency_is_the_claims_where_none_is_given(workflow: Workflow) -> None:
    """ "A payout's currency, where none is given, is the claim's, settled when it is applied (shown until
    then under the one currency of the user's claims, else `USD`" """
    pay(workflow, "c1", "5.00")
    pay(workflow, "c2", "5.00")
    assert status(workflow).unapplied == {"USD": "10.00"}
    find(workflow, {"claim_id": "c1", "currency": "EUR"}, "c2")
    assert [one.paid for one in status(workflow).claims] == [{"EUR": "5.00"}, {"USD": "5.00"}]
    take_back(workflow, "c1", "2.00")
    assert status(workflow).recovered == {"EUR": "3.00", "USD": "5.00"}


def test_a_waiting_payout_is_shown_under_the_one_currency_of_the_users_claims(workflow: Workflow) -> None:
    """ "(shown until then under the one currency of the user's claims, else `USD`" """
    pay(workflow, "c9", "5")
    assert status(workflow).unapplied == {"USD": "5.00"}
    find(workflow, {"claim_id": "c1", "currency": "JPY"})
    assert status(workflow).unapplied == {"JPY": "5"}
    assert [(one.amount, one.currency) for one in status(workflow).deferred] == [("5", "JPY")]
    find(workflow, {"claim_id": "c2", "currency": "EUR"}, sync_id="s2")
    assert status(workflow).unapplied == {"USD": "5.00"}


def test_a_payout_that_the_claims_currency_cannot_hold_goes_on_waiting(workflow: Workflow) -> None:
    """ "while the currency can't hold the amount, it goes on waiting, and its reason says that)" """
    find(workflow, {"claim_id": "c1", "currency": "JPY"})
    outcome = pay(workflow, "c1", "5.50")
    assert outcome.status == "deferred"
    assert outcome.expires_at is None
    assert "JPY has no decimals" in str(outcome.reason)
    assert states(workflow) == {"c1": "detected"}
    assert status(workflow).unapplied == {"JPY": "5.5"}
    pay(workflow, "c1", "5")
    assert claim(workflow).paid == {"JPY": "5"}
    assert status(workflow).unapplied == {"JPY": "5.5"}
    assert [one.reason for one in status(workflow).deferred] == [outcome.reason]


def test_an_unnamed_event_for_many_is_done_once_it_has_moved_somebody(workflow: Workflow) -> None:
    """ "An unnamed event for many is done once it has moved somebody." """
    find(workflow, "c1", sync_id="s1")
    sync(workflow, "s2")
    outcome = match(workflow, None)
    assert (outcome.status, outcome.deferred) == ("applied", ())
    detect(workflow, "c2", sync_id="s2")
    assert states(workflow) == {"c1": "matched", "c2": "detected"}


def test_a_sync_that_a_newer_one_has_overtaken_no_longer_counts(workflow: Workflow) -> None:
    """ "A sync that is still `synced` when a newer one of its user has moved on no longer counts in `state`
    and `counts`." """
    sync(workflow, "s1")
    sync(workflow, "s2")
    assert (status(workflow).state, status(workflow).counts) == ("synced", {"synced": 2})
    detect_plainly(workflow, "s2")
    assert (status(workflow).state, status(workflow).counts) == ("detected", {"detected": 1})
    sync(workflow, "s3")
    assert (status(workflow).state, status(workflow).counts) == ("synced", {"synced": 1, "detected": 1})


def test_an_overtaken_sync_does_not_speak_for_a_user_whose_claims_are_closed(workflow: Workflow) -> None:
    """ "no longer counts in `state` and `counts`" with "where all are closed, `paid` if any was paid, else
    the newest's" """
    find(workflow, {"claim_id": "c1", "deadline_date": PAST})
    sync(workflow, "s2")
    find(workflow, sync_id="s3")
    assert (status(workflow).state, status(workflow).counts) == ("expired", {"expired": 1})


def test_with_nothing_counted_the_state_is_the_newest_syncs(workflow: Workflow) -> None:
    """ "With nothing counted, `state` is the newest sync's." """
    find(workflow, sync_id="s1")
    assert (status(workflow).state, status(workflow).counts) == ("detected", {})


def test_the_state_is_the_least_advanced_open_lifecycles(workflow: Workflow) -> None:
    """ "`state` is the least advanced open lifecycle's; where all are closed, `paid` if any was paid, else
    the newest's; for a user of whom only waiting events are known, null." """
    pay(workflow, "c1")
    assert status(workflow).state is None
    find(workflow, "c1", "c2", {"claim_id": "c3", "deadline_date": PAST})
    submit(workflow, "c2")
    assert status(workflow).state == "submitted"
    detect(workflow, "c4")
    assert status(workflow).state == "detected"
    pay(workflow, "c4", event_id="p4")
    pay(workflow, "c2", event_id="p2")
    assert status(workflow).state == "paid"
    assert status(workflow).counts == {"paid": 3, "expired": 1}


def test_a_claim_beside_a_list_is_an_error_that_names_both(workflow: Workflow) -> None:
    """ "`claim_id` beside a list: 400 naming both." """
    entry = [{"claim_id": "c1"}]
    assert faults(workflow, "evidence_matching_complete", claim_id="c2", matches=entry) == [
        "claim_id",
        "matches",
    ]
    named = faults(workflow, "evidence_matching_complete", claim_id="c1", matching_results=[])
    assert "claim_id" in named
    assert len(named) == 2


def test_occurred_at_is_kept_and_shown_and_orders_nothing(workflow: Workflow) -> None:
    """ "`occurred_at` is kept and shown, and orders nothing." """
    sync(workflow, occurred_at="2026-03-01T00:00:00+02:00")
    detect(workflow, "c1", occurred_at="2026-01-01T00:00:00Z")
    submit(workflow, "c1")
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [row.occurred_at for row in rows] == [
        "2026-02-28T22:00:00.000000Z",
        "2026-01-01T00:00:00.000000Z",
        None,
    ]
    assert {row.at for row in rows} == {"2026-03-01T12:00:00.000000Z"}


def test_deadline_passed_cannot_be_fired_from_outside(workflow: Workflow) -> None:
    """ "`deadline_passed` can't be fired from outside." """
    find(workflow, {"claim_id": "c1", "deadline_date": "2030-01-01T00:00:00Z"})
    assert faults(workflow, "deadline_passed", claim_id="c1") == ["trigger"]
    assert states(workflow) == {"c1": "detected"}
    assert "deadline_passed" not in workflow.allowed("u1", "c1")


def test_an_event_for_a_case_that_others_do_not_have_waits(workflow: Workflow) -> None:
    """ "(those with another case id ruled out …). None: wait" """
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    assert reject(workflow, None, amazon_case_id="K2").status == "deferred"
    assert states(workflow) == {"c1": "submitted"}

"""Whom an event is for: named claims, and the ways by which one is found where none is named."""

from __future__ import annotations

from tests.stories.acts import (
    claim,
    detect,
    detect_plainly,
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
)
from workflow_fsm import Workflow

TWO = [
    {"claim_id": "c2", "sync_id": "s1", "state": "detected"},
    {"claim_id": "c1", "sync_id": "s1", "state": "detected"},
]
"""Candidates that are as likely as each other come newest first."""


def test_a_sync_id_beside_a_claim_selects_nothing(workflow: Workflow) -> None:
    """ "The claims that `claim_id`, `claims` or `matches` name; a `sync_id` beside them selects nothing
    (detection aside)." """
    find(workflow, "c1", sync_id="s1")
    find(workflow, "c2", sync_id="s2")
    assert moves(submit(workflow, "c1", sync_id="s2")) == [("c1", "detected", "submitted")]
    assert moves(match(workflow, "c2", sync_id="never seen")) == [("c2", "detected", "matched")]
    listed = workflow.fire(
        "evidence_matching_complete",
        user_id="u1",
        sync_id="never seen",
        matches=[{"claim_id": "c2", "confidence": "0.99"}],
    )
    assert moves(listed) == [("c2", "matched", "matched")]


def test_a_sync_is_for_the_sync_of_its_id(workflow: Workflow) -> None:
    """ "`sync_complete`: the sync of that `sync_id`." """
    sync(workflow, "s1")
    detect_plainly(workflow, "s1")
    outcome = sync(workflow, "s1", orders_count=5)
    assert outcome.unchanged == ({"claim_id": None, "sync_id": "s1", "state": "detected"},)
    assert moves(sync(workflow, "s2")) == [("s2", None, "synced")]


def test_a_case_id_finds_its_lifecycle(workflow: Workflow) -> None:
    """ "by the first of these that is there: … the lifecycles that have that `amazon_case_id`" """
    find(workflow, "c1", "c2", sync_id="s1")
    sync(workflow, "s2")
    submit(workflow, "c1", amazon_case_id="K1")
    submit(workflow, "c2", amazon_case_id="K2")
    assert moves(reject(workflow, None, case_id="K2")) == [("c2", "submitted", "rejected")]
    assert moves(pay(workflow, None, amazon_case_id="K1", sync_id="s2")) == [("c1", "submitted", "paid")]
    refused = refusal(workflow, "claim_rejected", amazon_case_id="K1")
    assert (refused.state, refused.allowed) == ("paid", ("payout_received", "payout_reversed"))


def test_a_reversal_finds_what_the_original_reimbursement_paid(workflow: Workflow) -> None:
    """ "for a reversal, what it takes back: the lifecycle that the payout of `original_reimbursement_id`
    paid" """
    find(workflow, "c1", "c2")
    pay(workflow, "c1", reimbursement_id="r1")
    pay(workflow, "c2", reimbursement_id="r2")
    outcome = take_back(workflow, None, original_reimbursement_id="r2")
    assert moves(outcome) == [("c2", "paid", "rejected")]


def test_what_a_reversal_takes_back_goes_before_its_case(workflow: Workflow) -> None:
    """ "by the first of these that is there: for a reversal, what it takes back: …; the lifecycles that have
    that `amazon_case_id`" """
    find(workflow, "c1", "c2")
    pay(workflow, "c1", reimbursement_id="r1", amazon_case_id="K1")
    pay(workflow, "c2", reimbursement_id="r2")
    outcome = take_back(workflow, None, amazon_case_id="K1", original_reimbursement_id="r2")
    assert moves(outcome) == [("c2", "paid", "rejected")]
    assert claim(workflow, "c1").paid == {"USD": "10.00"}
    assert [one["state"] for one in claim(workflow, "c1").cases] == ["paid"]


def test_a_sync_id_that_the_user_has_narrows_the_choice(workflow: Workflow) -> None:
    """ "the only one in whose cell an arrow stands …, with a `sync_id` that the user really has, of that
    sync's" """
    find(workflow, "c1", sync_id="s1")
    find(workflow, "c2", sync_id="s2")
    assert moves(submit(workflow, None, sync_id="s2")) == [("c2", "detected", "submitted")]


def test_a_sync_id_that_no_sync_had_narrows_nothing(workflow: Workflow) -> None:
    """ "the only one in whose cell an arrow stands of all the user's, or, with a `sync_id` that the user
    really has, of that sync's" """
    find(workflow, "c1")
    assert moves(submit(workflow, None, sync_id="never seen")) == [("c1", "detected", "submitted")]


def test_the_only_one_with_an_arrow_is_meant(workflow: Workflow) -> None:
    """ "the only one in whose cell an arrow stands of all the user's" """
    find(workflow, "c1", "c2", "c3")
    submit(workflow, "c1")
    submit(workflow, "c2")
    assert moves(submit(workflow, None)) == [("c3", "detected", "submitted")]
    reject(workflow, "c2")
    pay(workflow, "c1")
    assert moves(reject(workflow, None)) == [("c3", "submitted", "rejected")]


def test_money_for_a_case_that_nobody_has_is_for_nobody_else(workflow: Workflow) -> None:
    """ "**A name that is given is meant.** Where nobody has the case, … a rejection or money is for nobody
    else: it waits with its `candidates` until somebody has that name" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1", amazon_case_id="K1")
    waiting = pay(workflow, None, amazon_case_id="K2", event_id="p2")
    assert (waiting.status, waiting.waiting_for) == ("deferred", ("claim_submitted",))
    assert [(one.claim_id, one.state) for one in waiting.candidates] == [
        ("c1", "submitted"),
        ("c2", "detected"),
    ]
    assert "'K2'" in str(waiting.reason)
    assert status(workflow).unapplied == {"USD": "10.00"}
    assert [claim(workflow, name).amazon_case_id for name in ("c1", "c2")] == ["K1", None]
    submit(workflow, "c2", amazon_case_id="K2")
    assert states(workflow) == {"c1": "submitted", "c2": "paid"}
    assert status(workflow).unapplied == {}


def test_guards_and_amounts_never_narrow_the_choice(workflow: Workflow) -> None:
    """ "guards and amounts never narrow the choice" """
    find(workflow, "c1", "c2")
    pay(workflow, "c1", "100.00")
    pay(workflow, "c2", "1.00")
    outcome = take_back(workflow, None, "50.00")
    assert outcome.status == "deferred"
    assert outcome.waiting_for == ()
    assert [one.claim_id for one in outcome.candidates] == ["c2", "c1"]
    assert status(workflow).recovered == {"USD": "101.00"}
    assert status(workflow).unapplied == {"USD": "-50.00"}


def test_a_rejection_that_names_no_case_has_no_arrow_where_one_is_asked_for(workflow: Workflow) -> None:
    """ "guards and amounts never narrow the choice, but a rejection that names no case has no arrow where one
    is asked for" """
    find(workflow, "c1", "c2", "c3")
    submit(workflow, "c3")
    assert moves(reject(workflow, None)) == [("c3", "submitted", "rejected")]


def test_of_a_user_without_claims_the_newest_is_meant(workflow: Workflow) -> None:
    """ "**Money that names nobody at all** waits likewise, except for a user who has no claims: there the
    newest plain lifecycle takes it." """
    for name in ("s1", "s2"):
        sync(workflow, name)
        detect_plainly(workflow, name)
    assert moves(submit(workflow, None)) == [("s2", "detected", "submitted")]
    assert moves(pay(workflow, None, "5", event_id="p")) == [("s2", "submitted", "paid")]


def test_with_nobody_to_be_for_an_event_waits_known_or_is_refused_as_the_cells_say(
    workflow: Workflow,
) -> None:
    """ "None: wait, if any cell says so or the user has no lifecycle; else known or refused as the cells
    say." """
    assert reject(workflow, None, event_id="early").status == "deferred"
    find(workflow, "c1", "c2")
    pay(workflow, "c1")
    assert submit(workflow, None).status == "applied"
    pay(workflow, "c2", event_id="p2")
    known = submit(workflow, None, event_id="late")
    assert (known.status, [one.claim_id for one in known.unchanged]) == ("unchanged", ["c1", "c2"])
    refused = refusal(workflow, "claim_rejected", rejection_reason="late")
    assert {one["claim_id"] for one in refused.candidates} == {"c1", "c2"}
    find(workflow, "c3", sync_id="s2")
    assert reject(workflow, None, event_id="third").waiting_for == ("claim_submitted",)


def test_money_that_names_nobody_waits_as_unapplied(workflow: Workflow) -> None:
    """ "**Money that names nobody at all** waits likewise" (with its `candidates`), and "`candidates` are
    `[{"claim_id", "sync_id", "state"}]`; `waiting_for` is empty where only a person can tell." """
    find(workflow, "c1", "c2")
    outcome = pay(workflow, None, "12.50", event_id="p1")
    assert outcome.status == "deferred"
    assert (list(outcome.candidates), outcome.waiting_for) == (TWO, ())
    assert outcome.expires_at is None
    shown = status(workflow)
    assert (shown.recovered, shown.unapplied) == ({}, {"USD": "12.50"})
    (deferred,) = shown.deferred
    assert (deferred.event_id, deferred.trigger, deferred.claim_id) == ("p1", "payout_received", None)
    assert (deferred.candidates, deferred.waiting_for, deferred.expires_at) == (TWO, [], None)
    assert (deferred.amount, deferred.currency, deferred.conflicts_with) == ("12.50", "USD", None)
    assert deferred.reason == outcome.reason
    assert "claim_id" in str(outcome.reason)


def test_money_that_names_nobody_waits_though_only_one_could_take_it(workflow: Workflow) -> None:
    """ "**Money that names nobody at all** waits likewise, except for a user who has no claims" """
    find(workflow, "c1")
    outcome = pay(workflow, None, "12.50", event_id="p1", sync_id="s1")
    assert (outcome.status, outcome.waiting_for) == ("deferred", ())
    assert [one.claim_id for one in outcome.candidates] == ["c1"]
    submit(workflow, "c1")
    assert states(workflow) == {"c1": "submitted"}
    assert (status(workflow).recovered, status(workflow).unapplied) == ({}, {"USD": "12.50"})


def test_anything_else_that_could_be_for_several_is_refused_naming_them(workflow: Workflow) -> None:
    """ "the rest is refused, naming the `candidates`" """
    find(workflow, "c1", "c2")
    for names in ({}, {"amazon_case_id": "K"}):
        refused = refusal(workflow, "claim_submitted", **names)
        assert list(refused.candidates) == TWO
        assert (refused.state, refused.refused) == (None, ())
        assert "claim_id" in str(refused)
    assert states(workflow) == {"c1": "detected", "c2": "detected"}


def test_a_list_is_one_event_whose_claims_fare_each_by_itself(workflow: Workflow) -> None:
    """ "A list is one event, kept once; each of its claims moves, is known, waits or is refused by
    itself." """
    find(workflow, "c1", "c2")
    submit(workflow, "c2")
    outcome = workflow.fire(
        "evidence_matching_complete",
        user_id="u1",
        event_id="m",
        matches=[
            {"claim_id": "c1", "confidence": 0.9},
            {"claim_id": "c2", "confidence": 0.9},
            {"claim_id": "c3", "confidence": 0.9},
            {"claim_id": "c4", "confidence": 9},
        ],
    )
    assert outcome.status == "applied"
    assert moves(outcome) == [("c1", "detected", "matched")]
    assert [one.claim_id for one in outcome.unchanged] == ["c2"]
    assert [(one.claim_id, one.waiting_for) for one in outcome.deferred] == [("c3", ["detection_complete"])]
    assert [one["index"] for one in outcome.refused] == [3]
    assert [(one.event_id, one.claim_id) for one in status(workflow).deferred] == [("m", "c3")]


def test_only_listed_fields_address(workflow: Workflow) -> None:
    """ "Only a route's listed fields address." """
    find(workflow, "c1", "c2")
    sync(workflow, "s2")
    assert moves(detect_plainly(workflow, "s2", claim_id="c1", amazon_case_id="K")) == [
        ("s2", "synced", "detected")
    ]
    assert moves(match(workflow, None, amazon_case_id="K", sync_id="s1")) == [
        ("c1", "detected", "matched"),
        ("c2", "detected", "matched"),
    ]
    assert {one.amazon_case_id for one in status(workflow).claims} == {None}


def test_a_claim_named_with_another_claims_case_has_it_too_with_a_hint(workflow: Workflow) -> None:
    """ "whatever event names a claim together with a case adds that case to the claim …; a case that another
    claim has too gets a `hint`." """
    find(workflow, "c1", "c2")
    submit(workflow, "c2", amazon_case_id="K2")
    outcome = pay(workflow, "c1", amazon_case_id="K2", event_id="p")
    assert moves(outcome) == [("c1", "detected", "paid")]
    assert outcome.hint is not None
    assert "'K2'" in outcome.hint
    assert "'c2'" in outcome.hint
    assert claim(workflow, "c2").paid == {}
    assert [(one["amazon_case_id"], one["state"]) for one in claim(workflow, "c1").cases] == [("K2", "paid")]
    assert [(one["amazon_case_id"], one["state"]) for one in claim(workflow, "c2").cases] == [("K2", "filed")]


def test_money_by_a_case_of_two_claims_waits(workflow: Workflow) -> None:
    """ "a case may be of several claims" and "Several: a submission or a rejection that names a case they
    share is for each of them; money waits, with its `candidates`, as unapplied" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1", amazon_case_id="K")
    submit(workflow, "c2", amazon_case_id="K")
    assert [one.amazon_case_id for one in status(workflow).claims] == ["K", "K"]
    outcome = pay(workflow, None, amazon_case_id="K")
    assert (outcome.status, outcome.waiting_for) == ("deferred", ())
    assert {one.claim_id for one in outcome.candidates} == {"c1", "c2"}
    assert status(workflow).unapplied == {"USD": "10.00"}
    assert moves(reject(workflow, None, amazon_case_id="K")) == [
        ("c1", "submitted", "rejected"),
        ("c2", "submitted", "rejected"),
    ]


def test_a_claim_that_is_named_and_unknown_waits_for_its_detection(workflow: Workflow) -> None:
    """ "| (none yet) | … wait | wait | wait | wait | wait |" """
    find(workflow, "c1")
    for act in (match, submit, reject, pay, take_back):
        outcome = act(workflow, "c9")
        assert outcome.status == "deferred"
        assert outcome.deferred[0].claim_id == "c9"
        assert outcome.waiting_for[0] == "detection_complete"
    assert detect(workflow, "c9", sync_id="s1").status == "applied"
    assert states(workflow)["c9"] == "rejected"


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


def test_an_event_for_a_case_that_others_do_not_have_waits(workflow: Workflow) -> None:
    """ "(those with another case id ruled out …). None: wait" """
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    assert reject(workflow, None, amazon_case_id="K2").status == "deferred"
    assert states(workflow) == {"c1": "submitted"}

"""Acts: a trigger fired by hand, dead letters settled, and nothing without the session's own token."""

from __future__ import annotations

import re

import pytest

from tests.webapp.dashboard.conftest import PAGE, Browsing
from workflow_fsm import Workflow

CLAIM = "/dashboard/claim?user_id=u1&claim_id="
ATTENTION = "/dashboard/attention"


def letter(lived: Workflow, event_id: str) -> str:
    return next(one.id for one in lived.dead_letters() if one.event_id == event_id)


def test_a_trigger_is_fired_with_a_reason_and_history_names_the_operator(
    person: Browsing, lived: Workflow
) -> None:
    sent = person.send(
        f"{CLAIM}c1", {"trigger": "claim_submitted"}, do="fire", amazon_case_id="k1", reason="filed by hand"
    )

    assert sent.status_code == 303
    page = person.look(sent.headers["Location"])
    assert "Done: it was applied." in page
    assert '<dd id="state">submitted</dd>' in page
    [*_, last] = lived.history("u1", "c1") or []
    assert (last.trigger, last.actor, last.reason) == ("claim_submitted", "operator", "filed by hand")


def test_what_it_would_do_is_told_and_nothing_is_done(person: Browsing, lived: Workflow) -> None:
    told = person.send(f"{CLAIM}c1", {"trigger": "claim_submitted"}, do="explain", amazon_case_id="k1")

    assert told.status_code == 200
    assert "claim_submitted moves c1 from matched to submitted" in told.text
    assert 'name="amazon_case_id" value="k1"' in told.text
    claim = lived.claim("u1", "c1")
    assert claim is not None
    assert claim.state == "matched"


def test_a_form_that_is_sent_twice_does_it_once(person: Browsing, lived: Workflow) -> None:
    [(action, hidden)] = [
        one for one in person.forms(f"{CLAIM}c1") if one[1].get("trigger") == "payout_received"
    ]
    form = {**hidden, "do": "fire", "amount": "5.00", "reason": "a cheque"}

    places = [person.client.post(action, data=form, headers=PAGE).headers["Location"] for _ in range(2)]

    assert [place.rpartition("done=")[2] for place in places] == ["applied", "duplicate"]
    claim = lived.claim("u1", "c1")
    assert claim is not None
    assert claim.paid == {"EUR": "5.00"}


def test_what_cannot_be_fired_is_refused_in_a_page(person: Browsing, lived: Workflow) -> None:
    for fields, told in (
        ({"amount": "5.00"}, "is required: say why"),
        ({"amount": "much", "reason": "x"}, "amount"),
        ({"reason": "x"}, "amount"),
        ({"amount": "1.00", "quantity_reimbursed_inventory": "a few", "reason": "x"}, "quantity"),
        ({"amount": "1.00", "reason": "x" * 1001}, "at most 1000"),
    ):
        answer = person.send(f"{CLAIM}c1", {"trigger": "payout_received"}, do="fire", **fields)
        assert answer.status_code == 400
        assert told in answer.text
        assert "<h1>" in answer.text
    timer = {"user_id": "u1", "claim_id": "c1", "trigger": "deadline_passed", "reason": "x", "csrf_token": ""}
    _, hidden = person.forms(f"{CLAIM}c1")[0]
    by_time = person.client.post(
        "/dashboard/claim", data={**timer, "csrf_token": hidden["csrf_token"]}, headers=PAGE
    )
    assert by_time.status_code == 400
    assert "fired by time alone" in by_time.text
    assert lived.check().sound


def test_money_that_waits_is_settled_by_one_click(person: Browsing, lived: Workflow) -> None:
    sent = person.send(ATTENTION, {"letter_id": letter(lived, "p4"), "act": "retry"}, claim_id="c3")

    assert sent.headers["Location"] == f"{ATTENTION}?done=applied"
    assert "Done: it was applied." in person.look(sent.headers["Location"])
    claim = lived.claim("u1", "c3")
    assert claim is not None
    assert claim.paid == {"USD": "9.99"}
    [*_, act] = lived.acts("u1")
    assert (act.act, act.actor) == ("deadletter_retried", "operator")


def test_a_conflict_is_counted_as_it_stands_or_as_a_line(person: Browsing, lived: Workflow) -> None:
    page = person.look(ATTENTION)
    assert "conflicts with p1" in page

    sent = person.send(ATTENTION, {"letter_id": letter(lived, "p2"), "force": "1"})

    assert sent.headers["Location"].endswith("done=applied")
    claim = lived.claim("u1", "c2")
    assert claim is not None
    assert claim.paid == {"USD": "76.00"}


def test_a_dead_letter_is_dropped_with_a_reason_and_restored(person: Browsing, lived: Workflow) -> None:
    which = {"letter_id": letter(lived, "p2"), "act": "drop"}
    listed = "/dashboard/deadletters"

    bare = person.send(listed, which)
    assert (bare.status_code, "say why it is dropped" in bare.text) == (400, True)
    dropped = person.send(listed, which, reason="told twice")
    assert dropped.headers["Location"].endswith("done=dropped")
    restored = person.send(f"{listed}?dropped=1", {"act": "restore"})
    assert restored.headers["Location"] == f"{listed}?dropped=1&done=restored"
    assert [one.reason for one in lived.acts("u1")] == ["told twice", None]


def test_an_effect_that_was_given_up_is_owed_again(person: Browsing, lived: Workflow) -> None:
    [one] = lived.dead_letters(kind="effect")
    sent = person.send(ATTENTION, {"letter_id": one.id, "act": "retry"})

    assert sent.headers["Location"].endswith("done=owed")
    assert lived.dead_letters(kind="effect") == []


def test_all_that_match_are_counted_with_their_money_before_anything_is_done(
    person: Browsing, lived: Workflow
) -> None:
    path = "/dashboard/deadletters/all?act=drop&kind=event&trigger=payout_received"
    page = person.look(path)
    assert "<b>2</b> dead letters match" in page
    assert "50.99&nbsp;USD" in page
    assert len(lived.dead_letters(kind="event")) == 2

    done = person.send(path, {"act": "drop"}, reason="all told twice")

    assert "Of 2 dead letters 2 were dropped" in done.text
    assert lived.dead_letters(kind="event") == []
    assert lived.check().sound


def test_all_effects_of_a_handler_are_retried(person: Browsing, lived: Workflow) -> None:
    done = person.send("/dashboard/deadletters/all?act=retry&handler=file_it", {"act": "retry"})

    assert "Of 1 dead letters 1 are settled" in done.text
    assert lived.dead_letters(kind="effect") == []


@pytest.mark.parametrize(
    "path", ["/dashboard/claim", "/dashboard/deadletters", "/dashboard/deadletters/all", "/logout"]
)
def test_nothing_is_done_without_the_sessions_own_token(person: Browsing, lived: Workflow, path: str) -> None:
    before = lived.check().root
    form = {
        **{"user_id": "u1", "claim_id": "c1", "trigger": "claim_submitted", "reason": "x", "do": "fire"},
        **{"act": "drop", "letter_id": letter(lived, "p2")},
    }
    for token in ({}, {"csrf_token": ""}, {"csrf_token": "x" * 64}):
        refused = person.client.post(path, data={**form, **token}, headers=PAGE)
        assert refused.status_code == 403
        assert path == "/logout" or "<h1>" in refused.text
    foreign = {**PAGE, "Origin": "http://evil.example"}
    _, hidden = person.forms(ATTENTION)[0]
    assert person.client.post(path, data={**form, **hidden}, headers=foreign).status_code == 403
    assert lived.check().root == before


def test_after_an_act_nobody_is_led_elsewhere(person: Browsing, lived: Workflow) -> None:
    for to in ("https://evil.example/", "//evil.example", "/\\evil.example", ""):
        [one] = lived.dead_letters(kind="effect")
        which = {"letter_id": one.id, "act": "retry"}
        sent = person.send(ATTENTION, which, next=to)
        assert sent.headers["Location"] == "/?done=owed"
        lived.run_effects()


def test_an_unknown_word_for_what_was_done_says_nothing(person: Browsing) -> None:
    assert not re.search(r'class="told" role="status"', person.look("/?done=<b>robbed"))

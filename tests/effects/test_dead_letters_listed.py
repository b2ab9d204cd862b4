"""Dead letters listed: every kind in one list, in pages, by kind and by user."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import pytest

from workflow_fsm import (
    DeadLetterUnknown,
    InvalidEvent,
    Workflow,
)
from workflow_fsm.results import DeadLetterRecord
from workflow_fsm.testing import detected


def test_dead_letters_of_every_kind_are_listed_oldest_first(all_kinds: Workflow) -> None:
    """ "`{"id", "kind", "user_id", "claim_id", "trigger", "amount", "currency", "handler", "reason", "error",
    "attempts", "at", "event_id", "candidates", "conflicts_with"}`: refused and expired events, money that
    waits, effects past their last try; `id` is opaque. `reason` says what is true of this one, and what would
    settle it." """
    found = all_kinds.dead_letters()
    ids = [dead_letter.id for dead_letter in found]
    assert len(set(ids)) == 4
    keys = ["kind", "user_id", "claim_id", "trigger", "amount", "currency", "handler"]
    assert [[getattr(one, key) for key in keys] for one in found] == [
        ["event", "u2", "gone", "payout_received", "5.00", "USD", None],
        ["effect", "u1", "c0", "evidence_matching_complete", None, None, "submit"],
        ["event", "u1", "c1", "claim_rejected", None, None, None],
        ["event", "u3", "never", "claim_submitted", None, None, None],
    ]
    traceback = found[1].error
    assert isinstance(traceback, str)
    assert traceback.splitlines()[-2:] == [
        '    raise Discard("no such case")',
        "workflow_fsm.effects.handler.Discard: no such case",
    ]
    keys = ["attempts", "at", "event_id", "candidates", "conflicts_with"]
    assert [[getattr(one, key) for key in keys] for one in found] == [
        [None, "2026-01-01T12:00:00.000000Z", "money", [], None],
        [1, "2026-01-02T12:00:00.000000Z", "evt_3", [], None],
        [None, "2026-01-04T12:00:00.000000Z", "no", [], None],
        [None, "2026-01-10T12:00:00.000000Z", "early", [], None],
    ]
    assert [one.error is None for one in found] == [True, False, True, True]
    money, effect, refused, expired = (one.reason for one in found)
    assert money == "claim 'gone' is not known yet; retry it with the claim_id that it is for, or drop it"
    assert effect == "no such case"
    assert refused == (
        "claim_rejected contradicts what is recorded: the claim is paid; it takes payout_received, "
        "payout_reversed; retry it once the claim has moved, or drop it"
    )
    assert expired == (
        "it waited for its time to live: claim 'never' is not known yet; retry it once what it waited for "
        "has come, or drop it"
    )
    assert list(found[0]) == [
        "id",
        "kind",
        "user_id",
        "claim_id",
        "trigger",
        "amount",
        "currency",
        "handler",
        "reason",
        "error",
        "attempts",
        "at",
        "event_id",
        "candidates",
        "conflicts_with",
    ]


def test_a_reason_says_what_is_true_of_this_one(workflow: Workflow) -> None:
    """ "`reason` says what is true of this one, and what would settle it.": of money that names nobody, a
    currency that can't hold the amount, more than is left, a conflict, a case that nobody or several have."""
    detected(workflow, claim_id="c1", currency="JPY")
    detected(workflow, claim_id="c2")
    fire = partial(workflow.fire, user_id="u1")
    fire("payout_received", amount="5", event_id="nobody")
    fire("payout_received", claim_id="c1", amount="5.50", event_id="currency")
    fire("payout_received", claim_id="c2", amount="4.00", reimbursement_id="r", event_id="paid")
    fire("payout_reversed", claim_id="c2", amount="9.00", event_id="more")
    fire("payout_received", claim_id="c2", amount="3.00", reimbursement_id="r", event_id="conflict")
    fire("payout_received", amazon_case_id="k0", amount="1.00", event_id="case")
    for claim_id in ("c1", "c2"):
        fire("claim_submitted", claim_id=claim_id, amazon_case_id="k1")
    fire("payout_received", amazon_case_id="k1", amount="2.00", event_id="shared")
    fire("payout_reversed", original_reimbursement_id="r9", amount="2.00", event_id="original")
    told = {one.event_id: one for one in workflow.dead_letters()}
    says = {
        "nobody": ("neither claim nor case", "claim_id"),
        "currency": ("JPY has no decimals", "currency"),
        "more": ("more than is left", "force"),
        "conflict": ("'r'", "line_id"),
        "case": ("no claim has case 'k0'", "claim_id"),
        "shared": ("case 'k1' is that of 2 claims", "claim_id"),
        "original": ("no payout of reimbursement 'r9'", "original_reimbursement_id"),
    }
    assert set(told) == set(says)
    for event_id, parts in says.items():
        reason = str(told[event_id].reason)
        assert all(part in reason for part in parts), reason
        assert (reason.count("retry it"), reason.count("drop it")) == (1, 1), reason
    assert [told[one].conflicts_with for one in ("nobody", "conflict")] == [None, "paid"]
    assert (told["currency"].amount, told["currency"].currency) == ("5.5", "JPY")
    assert {one.claim_id for one in told["shared"].candidates} == {"c1", "c2"}


def test_the_dropped_are_listed_where_they_are_asked_for(all_kinds: Workflow) -> None:
    """ "`GET deadletters?…&dropped=`": what was dropped, of both kinds, and nothing else."""
    before = all_kinds.dead_letters()
    assert all_kinds.dead_letters(dropped=True) == []
    for dead_letter in before:
        all_kinds.drop_dead_letter(dead_letter.id, reason="settled by phone")
    dropped = all_kinds.dead_letters(dropped=True)
    assert {one.id for one in dropped} == {one.id for one in before}
    assert all_kinds.dead_letters() == []
    assert [one.id for one in all_kinds.dead_letters(dropped=True, kind="effect")] == [before[1].id]
    assert [one.event_id for one in all_kinds.dead_letters(dropped=True, user_id="u2")] == ["money"]
    assert [one.id for limit in (1,) for one in all_kinds.dead_letters(dropped=True, limit=limit)] == [
        dropped[0].id
    ]
    for dead_letter in before:
        assert all_kinds.restore_dead_letter(dead_letter.id) == {"status": "restored"}
    assert {one.id for one in all_kinds.dead_letters()} == {one.id for one in before}
    assert all_kinds.dead_letters(dropped=True) == []
    assert all_kinds.check().faults == ()


def test_pages_join_to_the_whole_by_an_opaque_cursor(all_kinds: Workflow) -> None:
    """ "`GET deadletters?kind=event|effect&user_id=&limit=&cursor=`" """
    whole = all_kinds.dead_letters()
    assert whole.next_cursor is None
    for limit in (1, 2, 3, 4):
        joined: list[DeadLetterRecord] = []
        cursor: str | None = None
        while True:
            page = all_kinds.dead_letters(limit=limit, cursor=cursor)
            joined += page
            cursor = page.next_cursor
            if cursor is None:
                break
            assert len(page) == limit
        assert joined == whole


def test_kind_and_user_choose(all_kinds: Workflow) -> None:
    events = all_kinds.dead_letters(kind="event")
    assert [dead_letter.event_id for dead_letter in events] == ["money", "no", "early"]
    assert [dead_letter.handler for dead_letter in all_kinds.dead_letters(kind="effect")] == ["submit"]
    assert [dead_letter.kind for dead_letter in all_kinds.dead_letters(user_id="u1")] == ["effect", "event"]
    assert all_kinds.dead_letters(kind="effect", user_id="u3") == []
    assert all_kinds.dead_letters(user_id="nobody") == []


@pytest.mark.parametrize(
    "which",
    [
        {"kind": "money"},
        {"kind": ""},
        {"limit": 0},
        {"limit": 1001},
        {"cursor": ""},
        {"cursor": "x"},
        {"cursor": "ä"},
        {"cursor": base64.urlsafe_b64encode(b'["",1e999,1]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'["","\\ud800",1]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'["","",99999999999999999999]').decode()},
    ],
    ids=str,
)
def test_a_question_that_is_none_is_refused(workflow: Workflow, which: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent) as caught:
        workflow.dead_letters(**which)
    assert [error.field for error in caught.value.errors] == list(which)


@pytest.mark.parametrize(
    "parts",
    [
        "",
        "no-id",
        "ä",
        ["event", "u1", 0],
        ["event", "u1", -1],
        ["event", "u1", 2**63],
        ["event", "u1", True],
        ["event", "u1", 1.5],
        ["event", 1, 1],
        ["event", "\ud800", 1],
        ["event", "u1"],
        ["money", "u1", 1],
        ["event", "u1", 1],
        ["effect", "u1", 1],
        ["event", "nobody", 1],
    ],
    ids=str,
)
def test_an_id_of_no_dead_letter_is_said_to_be_none(workflow: Workflow, parts: str | list[object]) -> None:
    """An unknown id, one that was never made, and that of an event that is no dead letter."""
    detected(workflow)
    text = parts if isinstance(parts, str) else json.dumps(parts, separators=(",", ":"))
    raw = base64.urlsafe_b64encode(text.encode()).decode()
    for given in {text, raw, raw.rstrip("=")}:
        for act in (
            partial(workflow.retry_dead_letter, given),
            partial(workflow.drop_dead_letter, given, reason="x"),
        ):
            with pytest.raises(DeadLetterUnknown) as caught:
                act()
            assert caught.value.code == "dead-letter-unknown"
    assert workflow.acts("u1") == []

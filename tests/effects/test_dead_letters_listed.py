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
    """ "`{"id", "kind", "user_id", "claim_id", "trigger", "handler", "reason", "attempts",
    "at", "event_id"}`: refused and expired events, money that waits, effects past their last try; `id` is
    opaque" """
    found = all_kinds.dead_letters()
    ids = [dead_letter.id for dead_letter in found]
    assert len(set(ids)) == 4
    assert [list(dead_letter.values())[1:] for dead_letter in found] == [
        [
            "event",
            "u2",
            "gone",
            "payout_received",
            None,
            "its money waits: no claim was found for it, or several could be meant",
            None,
            "2026-01-01T12:00:00.000000Z",
            "money",
        ],
        [
            "effect",
            "u1",
            "c0",
            "evidence_matching_complete",
            "submit",
            "no such case",
            1,
            "2026-01-02T12:00:00.000000Z",
            "evt_3",
        ],
        [
            "event",
            "u1",
            "c1",
            "claim_rejected",
            None,
            "claim_rejected contradicts what is recorded: the claim is paid; it takes payout_received, "
            "payout_reversed",
            None,
            "2026-01-04T12:00:00.000000Z",
            "no",
        ],
        [
            "event",
            "u3",
            "never",
            "claim_submitted",
            None,
            "it waited for its time to live, and what it waited for didn't come",
            None,
            "2026-01-10T12:00:00.000000Z",
            "early",
        ],
    ]
    assert list(found[0]) == [
        "id",
        "kind",
        "user_id",
        "claim_id",
        "trigger",
        "handler",
        "reason",
        "attempts",
        "at",
        "event_id",
    ]


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

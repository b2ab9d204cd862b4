"""Lists: bad entries refused alone, claims named twice, and what the answer says of each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.acts import (
    claim,
    detect,
    faults,
    find,
    moves,
    states,
    status,
    sync,
)
from workflow_fsm import EventTooLarge, InvalidEvent, Outcome, Workflow
from workflow_fsm.core.definition.events import MOST_ENTRIES
from workflow_fsm.core.definition.reading import read_event


def matches(workflow: Workflow, *entries: Any, **fields: Any) -> Outcome:
    return workflow.fire("evidence_matching_complete", user_id="u1", matches=list(entries), **fields)


def test_a_bad_entry_is_refused_alone_and_the_rest_is_taken(workflow: Workflow) -> None:
    """ "A bad *entry of a list* is refused alone and the rest is taken (207; a correction needs a new event
    id, and `refused` says so)" with "`refused`: [{"index" or "claim_id", "state", "reason", "allowed",
    "errors"}]" """
    sync(workflow)
    outcome = detect(
        workflow,
        "c1",
        {"claim_id": "c2", "amount": "-1", "confidence": 2},
        {"amount": "5"},
        {"claim_id": "c3"},
    )
    assert outcome.status == "applied"
    assert [one.claim_id for one in outcome.transitions] == [None, "c1", "c3"]
    first, second = outcome.refused
    assert (first["index"], second["index"]) == (1, 2)
    assert sorted(error["field"] for error in first.errors) == ["amount", "confidence"]
    assert [error["field"] for error in second.errors] == ["claim_id"]
    for one in (first, second):
        assert set(one) >= {"index", "state", "reason", "allowed", "errors"}
        assert "new event id" in one.reason
    assert outcome.as_dict()["refused"] == [first, second]
    assert status(workflow).syncs[0].claims_found == 2


def test_a_correction_under_the_same_id_is_an_error(workflow: Workflow) -> None:
    """ "a correction needs a new event id" """
    sync(workflow)
    detect(workflow, "c1", {"claim_id": "c2", "amount": "x"}, event_id="e")
    again = detect(workflow, "c1", {"claim_id": "c2", "amount": "x"}, event_id="e")
    assert (again.status, [one["index"] for one in again.refused]) == ("duplicate", [1])
    outcome = detect(workflow, {"claim_id": "c2", "amount": "5"}, event_id="f")
    assert moves(outcome) == [("c2", "synced", "detected")]


def test_a_list_of_nothing_but_bad_entries_is_an_error_of_its_own(workflow: Workflow) -> None:
    """ "where every entry is bad it is 400" """
    sync(workflow)
    assert faults(
        workflow, "detection_complete", claims=[{"claim_id": ""}, 5, {"claim_id": "c", "amount": "x"}]
    )
    assert faults(workflow, "evidence_matching_complete", matches=[None])
    assert states(workflow) == {"s1": "synced"}


@pytest.mark.parametrize("entry", [None, 5, "c1", [], {}, {"claim_id": None}, {"claim_id": 7}], ids=str)
def test_an_entry_is_an_object_with_a_claim(in_memory: Workflow, entry: object) -> None:
    """ "wrong types in listed fields … are refused" """
    find(in_memory, "c1")
    outcome = matches(in_memory, {"claim_id": "c1"}, entry)
    assert [one["index"] for one in outcome.refused] == [1]
    assert outcome.status == "applied"


def test_one_claim_named_twice_with_different_content_is_two_bad_entries(workflow: Workflow) -> None:
    """ "one claim named twice with different content is two bad entries" """
    sync(workflow)
    outcome = detect(workflow, {"claim_id": "c1", "amount": "1"}, "c2", {"claim_id": "c1", "amount": "2"})
    assert [one["index"] for one in outcome.refused] == [0, 2]
    assert states(workflow) == {"c2": "detected"}
    with pytest.raises(InvalidEvent):
        detect(workflow, {"claim_id": "c9", "amount": "1"}, {"claim_id": "c9"})


def test_one_claim_named_twice_with_equal_content_counts_once(workflow: Workflow) -> None:
    """ "one claim named twice with *different* content is two bad entries" """
    sync(workflow)
    outcome = detect(workflow, {"claim_id": "c1", "amount": "1"}, {"amount": 1.00, "claim_id": "c1"})
    assert moves(outcome) == [("s1", "synced", "detected"), ("c1", "synced", "detected")]
    assert outcome.refused == ()
    assert status(workflow).syncs[0].claims_found == 1


@pytest.mark.parametrize("reverse", [False, True])
def test_a_claim_may_have_several_documents_and_the_highest_confidence_counts(
    workflow: Workflow, reverse: bool
) -> None:
    """ "in `matches` a claim may have several documents: the highest confidence counts" """
    find(workflow, "c1", "c2")
    entries: list[dict[str, Any]] = [
        {"claim_id": "c1", "evidence_document_id": "d1", "confidence": 0.4},
        {"claim_id": "c1", "evidence_document_id": "d2", "confidence": "0.90"},
        {"claim_id": "c1", "evidence_document_id": "d3"},
        {"claim_id": "c2", "confidence": 0.6},
    ]
    outcome = matches(workflow, *(reversed(entries) if reverse else entries))
    assert sorted(moves(outcome)) == [("c1", "detected", "matched"), ("c2", "detected", "matched")]
    assert outcome.refused == ()
    assert [(one.confidence, one.decision) for one in status(workflow).claims] == [
        (0.9, "auto_submit"),
        (0.6, "ask_user"),
    ]


def test_a_list_may_wait_and_have_bad_entries_at_once(workflow: Workflow) -> None:
    """ "207 | as 200 or 202, with `"refused"`" """
    outcome = matches(workflow, {"claim_id": "c1"}, {"claim_id": "c2", "confidence": 7})
    assert (outcome.status, outcome.transitions) == ("deferred", ())
    assert outcome.waiting_for == ("sync_complete", "detection_complete")
    assert [one.claim_id for one in outcome.deferred] == ["c1"]
    assert [one["index"] for one in outcome.refused] == [1]
    find(workflow, "c1", "c2")
    assert states(workflow) == {"c1": "matched", "c2": "detected"}


def test_a_waiting_detection_with_bad_entries_is_taken_without_them(workflow: Workflow) -> None:
    """ "A bad *entry of a list* is refused alone and the rest is taken" """
    outcome = detect(workflow, "c1", {"claim_id": "c2", "currency": "??"})
    assert (outcome.status, [one["index"] for one in outcome.refused]) == ("deferred", [1])
    sync(workflow)
    assert states(workflow) == {"c1": "detected"}
    assert status(workflow).deferred == []


def test_all_known_beside_bad_entries_is_unchanged(workflow: Workflow) -> None:
    """ "`status` is `applied` where anything moved, else `deferred` where anything waits, else
    `unchanged`" """
    find(workflow, "c1")
    entries = [{"claim_id": "c1"}, 5]
    outcome = workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=entries)
    assert outcome.status == "unchanged"
    assert [one["index"] for one in outcome.refused] == [1]
    assert claim(workflow).version == 2


def test_a_list_has_as_many_claims_as_it_has(workflow: Workflow) -> None:
    """ "each of its claims moves" """
    sync(workflow)
    outcome = detect(workflow, *[f"c{n}" for n in range(500)])
    assert len(outcome.transitions) == 501
    assert status(workflow).counts == {"detected": 500}
    assert len(status(workflow).claims) == 500


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


@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        ("detection_complete", "claims"),
        ("detection_complete", "claims_found"),
        ("evidence_matching_complete", "matches"),
        ("evidence_matching_complete", "matching_results"),
    ],
)
def test_a_list_of_more_than_50_000_entries_is_refused_whole_and_leaves_nothing(
    workflow: Workflow, trigger: str, field: str
) -> None:
    """ "A list has at most 50,000 entries (413 ◆; send it in parts)" """
    too_many = [{"claim_id": f"c{number}"} for number in range(50_001)]
    with pytest.raises(
        EventTooLarge, match=r"50001 entries.*at most 50000.*nothing was kept.*parts"
    ) as caught:
        workflow.fire(trigger, user_id="u1", event_id="e", **{field: too_many})
    error = caught.value
    assert (error.code, error.field, error.found, error.most) == ("event-too-large", field, 50_001, 50_000)
    assert workflow.status("u1") is None


def test_a_list_of_50_000_entries_is_read(workflow: Workflow) -> None:
    most = [{"claim_id": f"c{number}"} for number in range(50_000)]
    event = workflow.read("detection_complete", {"user_id": "u1", "claims": most})
    assert len(event.parts) == 50_000


def test_the_entries_of_a_list_have_at_most_50_000_aliases_together(workflow: Workflow) -> None:
    names = [f"a{number}" for number in range(25_001)]
    claims = [{"claim_id": "c1", "aliases": names}, {"claim_id": "c2", "aliases": [f"b{n}" for n in names]}]
    with pytest.raises(EventTooLarge, match=r"claims\[\].aliases: holds 50002 names"):
        workflow.fire("detection_complete", user_id="u1", claims=claims)


def test_a_list_too_long_harms_no_other_event_of_its_batch(workflow: Workflow) -> None:
    too_many = [{"claim_id": f"c{number}"} for number in range(50_001)]
    first, second, third = workflow.fire_many(
        [
            {"trigger": "sync_complete", "user_id": "u1", "sync_id": "s1"},
            {"trigger": "detection_complete", "user_id": "u1", "claims": too_many},
            {"trigger": "sync_complete", "user_id": "u1", "sync_id": "s2"},
        ]
    )
    assert isinstance(second, EventTooLarge)
    assert [one.status for one in (first, third) if isinstance(one, Outcome)] == ["applied", "applied"]


def test_a_longer_list_that_a_store_has_already_stays_readable(workflow: Workflow) -> None:
    trigger = workflow.definition.trigger("detection_complete")
    assert trigger is not None
    claims = [{"claim_id": f"c{number}"} for number in range(MOST_ENTRIES + 1)]
    stored = read_event(trigger, {"user_id": "u1", "claims": claims}, is_stored=True)
    assert len(stored.parts) == MOST_ENTRIES + 1

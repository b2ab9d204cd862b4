"""Events for many: evidence that names nobody is for everyone who has an arrow."""

from __future__ import annotations

from tests.stories.acts import (
    detect,
    find,
    match,
    moves,
    pay,
    states,
    status,
    submit,
    sync,
    waits,
)
from workflow_fsm import Workflow


def test_an_empty_list_names_nobody(workflow: Workflow) -> None:
    """ "A list that is there but empty names nobody." """
    find(workflow, "c1")
    outcome = workflow.fire("evidence_matching_complete", user_id="u1", matches=[])
    assert (outcome.status, outcome.transitions, outcome.unchanged) == ("unchanged", (), ())
    assert states(workflow) == {"c1": "detected"}


def test_an_empty_list_names_nobody_of_an_unknown_user_either(workflow: Workflow) -> None:
    """ "A list that is there but empty names nobody." """
    outcome = workflow.fire("evidence_matching_complete", user_id="u1", matching_results=[])
    assert outcome.status == "unchanged"
    assert status(workflow).state is None
    assert status(workflow).deferred == []


def test_evidence_that_names_nobody_is_for_everyone_who_has_an_arrow(workflow: Workflow) -> None:
    """ "`evidence_matching_complete`: every lifecycle of that user in whose cell an arrow stands" """
    find(workflow, "c1", "c2", "c3", "c4", sync_id="s1")
    find(workflow, "c5", sync_id="s2")
    match(workflow, "c2", "0.5")
    match(workflow, "c3", "0.99")
    submit(workflow, "c4")
    sync(workflow, "s3")
    outcome = match(workflow, None, "0.9")
    assert moves(outcome) == [
        ("c1", "detected", "matched"),
        ("c2", "matched", "matched"),
        ("c5", "detected", "matched"),
    ]
    assert [one.claim_id for one in outcome.unchanged] == ["c3"]


def test_evidence_with_a_sync_id_is_for_those_of_that_sync(workflow: Workflow) -> None:
    """ "with a `sync_id`, only those of that sync (an unknown one: wait for it)" """
    find(workflow, "c1", sync_id="s1")
    find(workflow, "c2", sync_id="s2")
    assert moves(match(workflow, None, sync_id="s2")) == [("c2", "detected", "matched")]
    waiting = match(workflow, None, sync_id="s3")
    assert waiting.waiting_for == ("sync_complete", "detection_complete")
    assert states(workflow) == {"c1": "detected", "c2": "matched"}
    find(workflow, "c3", sync_id="s3")
    assert states(workflow) == {"c1": "detected", "c2": "matched", "c3": "matched"}


def test_evidence_for_nobody_waits_if_any_cell_says_so(workflow: Workflow) -> None:
    """ "None: wait, if any cell says so or the user has no lifecycle; else known." """
    assert match(workflow, None, event_id="early").waiting_for == ("sync_complete", "detection_complete")
    sync(workflow, "s1")
    assert match(workflow, None, event_id="later").waiting_for == ("detection_complete",)
    assert waits(workflow) == [("evidence_matching_complete", None)] * 2


def test_evidence_for_nobody_is_known_where_all_are_past_it(workflow: Workflow) -> None:
    """ "else known" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1")
    pay(workflow, "c2")
    outcome = match(workflow, None)
    assert outcome.status == "unchanged"
    assert [(one.claim_id, one.state) for one in outcome.unchanged] == [("c1", "submitted"), ("c2", "paid")]


def test_evidence_for_nobody_waits_beside_one_that_is_still_synced(workflow: Workflow) -> None:
    """ "wait, if any cell says so" """
    find(workflow, "c1")
    submit(workflow, "c1")
    sync(workflow, "s2")
    assert match(workflow, None).status == "deferred"


def test_an_unnamed_event_for_many_is_done_once_it_has_moved_somebody(workflow: Workflow) -> None:
    """ "An unnamed event for many is done once it has moved somebody." """
    find(workflow, "c1", sync_id="s1")
    sync(workflow, "s2")
    outcome = match(workflow, None)
    assert (outcome.status, outcome.deferred) == ("applied", ())
    detect(workflow, "c2", sync_id="s2")
    assert states(workflow) == {"c1": "matched", "c2": "detected"}

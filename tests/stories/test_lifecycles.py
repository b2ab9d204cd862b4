"""Who has a lifecycle: a user's syncs, the claims that fork from them, and plain lifecycles."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.acts import (
    chain,
    claim,
    detect,
    detect_plainly,
    find,
    match,
    moves,
    plain,
    states,
    status,
    submit,
    sync,
    take_back,
)
from workflow_fsm import Workflow


def syncs(workflow: Workflow) -> dict[str, tuple[str, int | None]]:
    return {one.sync_id: (one.state, one.claims_found) for one in status(workflow).syncs}


def test_a_sync_has_a_lifecycle_of_its_own_before_detection_names_claims(workflow: Workflow) -> None:
    """ "Before detection has named a claim, a sync has one of its own (`claim_id` null, known by its
    `sync_id`)" """
    outcome = sync(workflow, "s1", event_id="e1")
    assert outcome.transitions == (
        {"claim_id": None, "sync_id": "s1", "from": None, "to": "synced", "version": 1},
    )
    assert (plain(workflow).claim_id, plain(workflow).sync_id) == (None, "s1")


@pytest.mark.parametrize(("given", "made"), [("e1", "e1"), (None, "evt_1")])
def test_a_sync_without_an_id_gets_one_made_from_its_event_id(
    workflow: Workflow, given: str | None, made: str
) -> None:
    """ "one that comes without gets one made from its event id" """
    outcome = sync(workflow, None, event_id=given)
    assert outcome.event_id == made
    assert outcome.transitions[0].sync_id == made
    assert detect_plainly(workflow, made).transitions[0].sync_id == made


def test_a_detection_forks_the_sync_into_its_claims(workflow: Workflow) -> None:
    """ "When detection names claims the sync *forks*: each claim that is new to the user gets a lifecycle
    and moves on to `detected`; the sync itself goes to `detected` with its `claims_found` and takes no
    further part" and the answer has "every lifecycle that moved, a sync that forked first" """
    sync(workflow)
    outcome = detect(workflow, "c1", "c2")
    assert outcome.transitions == (
        {"claim_id": None, "sync_id": "s1", "from": "synced", "to": "detected", "version": 2},
        {"claim_id": "c1", "sync_id": "s1", "from": "synced", "to": "detected", "version": 2},
        {"claim_id": "c2", "sync_id": "s1", "from": "synced", "to": "detected", "version": 2},
    )
    assert states(workflow) == {"c1": "detected", "c2": "detected"}
    assert syncs(workflow) == {"s1": ("detected", 2)}
    assert moves(match(workflow, None, sync_id="s1")) == [
        ("c1", "detected", "matched"),
        ("c2", "detected", "matched"),
    ]


def test_new_claims_fork_from_the_sync_that_is_named(workflow: Workflow) -> None:
    """ "New claims fork from the sync that `sync_id` names" """
    sync(workflow, "s1")
    sync(workflow, "s2")
    detect(workflow, "c1", sync_id="s1")
    assert claim(workflow, "c1").sync_id == "s1"
    assert syncs(workflow) == {"s1": ("detected", 1), "s2": ("synced", None)}


def test_without_a_sync_id_claims_fork_from_the_newest_sync_that_is_still_synced(
    workflow: Workflow,
) -> None:
    """ "or without one from the user's newest that is still `synced`, else the newest" """
    sync(workflow, "s1")
    sync(workflow, "s2")
    sync(workflow, "s3")
    detect(workflow, "c3", sync_id="s3")
    detect(workflow, "c2", sync_id=None)
    detect(workflow, "c1", sync_id=None)
    detect(workflow, "c4", sync_id=None)
    assert {one.claim_id: one.sync_id for one in status(workflow).claims} == {
        "c3": "s3",
        "c2": "s2",
        "c1": "s1",
        "c4": "s3",
    }


def test_a_second_detection_of_a_sync_adds_the_claims_it_did_not_have(workflow: Workflow) -> None:
    """ "A second detection of the same sync adds the claims it did not have" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1")
    outcome = detect(workflow, "c1", "c3")
    assert moves(outcome) == [("c3", "synced", "detected")]
    assert outcome.unchanged == ({"claim_id": "c1", "sync_id": "s1", "state": "submitted"},)
    assert states(workflow) == {"c1": "submitted", "c2": "detected", "c3": "detected"}
    assert syncs(workflow) == {"s1": ("detected", 3)}
    assert chain(workflow, "c3") == ["sync_complete", "detection_complete"]


def test_a_claim_that_an_earlier_sync_found_is_known(workflow: Workflow) -> None:
    """ "a claim that any earlier sync found is known" """
    find(workflow, "c1")
    sync(workflow, "s2")
    outcome = detect(workflow, "c1", "c2", sync_id="s2")
    assert moves(outcome) == [("s2", "synced", "detected"), ("c2", "synced", "detected")]
    assert outcome.unchanged == ({"claim_id": "c1", "sync_id": "s1", "state": "detected"},)
    assert claim(workflow, "c1").sync_id == "s1"


def test_a_detection_waits_for_a_sync_that_is_unknown_whatever_its_list_holds(workflow: Workflow) -> None:
    """ "A detection is also *for its sync*: while that sync is unknown the whole event waits for it,
    whatever its list holds." """
    find(workflow, "c1")
    waiting = detect(workflow, "c1", "c2", sync_id="s2", event_id="d2")
    assert (waiting.status, waiting.waiting_for) == ("deferred", ("sync_complete",))
    assert (waiting.transitions, waiting.unchanged) == ((), ())
    assert detect(workflow, sync_id="s3").status == "deferred"
    assert states(workflow) == {"c1": "detected"}
    sync(workflow, "s2")
    assert states(workflow) == {"c1": "detected", "c2": "detected"}
    assert claim(workflow, "c2").sync_id == "s2"
    rows = workflow.history("u1", "c2")
    assert rows is not None
    assert [row.event_id for row in rows][1] == "d2"
    sync(workflow, "s3")
    assert syncs(workflow)["s3"] == ("detected", 0)


def test_a_detection_without_a_sync_id_waits_while_the_user_has_no_sync(workflow: Workflow) -> None:
    """ "| (none yet) | → synced | wait |" """
    assert detect(workflow, "c1", sync_id=None).waiting_for == ("sync_complete",)
    sync(workflow, "s9")
    assert states(workflow) == {"c1": "detected"}


@pytest.mark.parametrize("fields", [{}, {"claims_found": 3}, {"claims": None, "claims_found": None}], ids=str)
def test_a_detection_that_names_no_claims_moves_the_sync_itself_on(
    workflow: Workflow, fields: dict[str, Any]
) -> None:
    """ "Detection that names no claims (no list, or a plain count above 0) moves the sync's own lifecycle
    on, so a caller who never speaks of claims has one plain lifecycle a sync" """
    sync(workflow)
    assert moves(detect_plainly(workflow, **fields)) == [("s1", "synced", "detected")]
    match(workflow, None)
    submit(workflow, None)
    assert states(workflow) == {"s1": "submitted"}
    assert syncs(workflow) == {"s1": ("submitted", fields.get("claims_found"))}


@pytest.mark.parametrize("fields", [{"claims": []}, {"claims_found": []}, {"claims_found": 0}], ids=str)
def test_an_empty_list_or_a_count_of_none_forks_into_nothing(
    workflow: Workflow, fields: dict[str, Any]
) -> None:
    """ "an empty list, or a count of 0, forks into nothing" """
    sync(workflow)
    assert moves(detect_plainly(workflow, **fields)) == [("s1", "synced", "detected")]
    assert status(workflow).claims == []
    assert status(workflow).counts == {}
    assert syncs(workflow) == {"s1": ("detected", 0)}


def test_a_user_has_many_syncs_and_many_claims(workflow: Workflow) -> None:
    """ "A user has many syncs and many claims." """
    find(workflow, *[f"a{n}" for n in range(20)], sync_id="s1")
    find(workflow, *[f"b{n}" for n in range(20)], sync_id="s2")
    assert status(workflow).counts == {"detected": 40}
    assert len(status(workflow).syncs) == 2


def test_users_do_not_meet(workflow: Workflow) -> None:
    """ "**Who has a lifecycle.** A user and a claim." """
    find(workflow, "c1", user_id="u1")
    find(workflow, "c1", user_id="u2")
    submit(workflow, "c1")
    assert states(workflow, "u2") == {"c1": "detected"}


def test_a_plain_lifecycle_still_detected_takes_no_further_part_when_its_sync_gets_a_list(
    workflow: Workflow,
) -> None:
    """ "A plain lifecycle whose sync later gets a list: the claims fork all the same; the plain one takes
    no further part if it is still `detected`" """
    sync(workflow)
    detect_plainly(workflow)
    assert moves(detect(workflow, "c1")) == [("c1", "synced", "detected")]
    assert states(workflow) == {"c1": "detected"}
    assert moves(match(workflow, None)) == [("c1", "detected", "matched")]


def test_a_plain_lifecycle_that_went_on_stays_its_own_when_its_sync_gets_a_list(workflow: Workflow) -> None:
    """ "else stays its own" """
    sync(workflow)
    detect_plainly(workflow)
    match(workflow, None)
    detect(workflow, "c1")
    assert states(workflow) == {"s1": "matched", "c1": "detected"}
    assert moves(submit(workflow, "c1")) == [("c1", "detected", "submitted")]
    assert take_back(workflow, None).status == "deferred"


def test_a_count_beside_a_list_is_kept_and_not_compared(workflow: Workflow) -> None:
    """ "A count beside a list is kept, not compared." """
    sync(workflow)
    outcome = detect(workflow, "c1", claims_found=7)
    assert moves(outcome) == [("s1", "synced", "detected"), ("c1", "synced", "detected")]
    assert syncs(workflow)["s1"][0] == "detected"


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

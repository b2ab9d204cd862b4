"""A user's state and counts, made of all their lifecycles."""

from __future__ import annotations

from tests.stories.acts import (
    detect,
    detect_plainly,
    find,
    pay,
    status,
    submit,
    sync,
)
from workflow_fsm import Workflow

PAST = "2026-02-01T00:00:00Z"


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

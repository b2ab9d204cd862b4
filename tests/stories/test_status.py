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


def test_syncs_are_shown_a_page_at_a_time_each_once_from_the_oldest(workflow: Workflow) -> None:
    """Beside claims and what waits, which may have more pages or fewer; `counts` cover all."""
    for number in range(5):
        find(workflow, f"c{number}", sync_id=f"s{number}")
    for number in range(3):
        workflow.fire("payout_received", user_id="u1", amount="1.00", event_id=f"w{number}")

    pages, cursor = [workflow.status("u1", limit=2)], None
    while pages[-1] and (cursor := pages[-1].next_cursor) is not None:
        pages.append(workflow.status("u1", limit=2, cursor=cursor))
    found = [page for page in pages if page]

    assert [[one.sync_id for one in page.syncs] for page in found] == [["s0", "s1"], ["s2", "s3"], ["s4"]]
    assert [len(page.claims) for page in found] == [2, 2, 1]
    assert [[one.event_id for one in page.deferred] for page in found] == [["w0", "w1"], ["w2"], []]
    assert {page.counts["detected"] for page in found} == {5}


def test_syncs_go_on_where_nothing_else_does(workflow: Workflow) -> None:
    """One that has forked is no claim, and a sync that is asked for stands alone."""
    for number in range(3):
        find(workflow, sync_id=f"s{number}")

    first = workflow.status("u1", limit=2)
    assert first
    second = workflow.status("u1", limit=2, cursor=first.next_cursor)
    alone = workflow.status("u1", limit=2, sync_id="s2")

    assert second
    assert alone
    assert ([one.sync_id for one in second.syncs], second.next_cursor) == (["s2"], None)
    assert ([one.sync_id for one in alone.syncs], alone.next_cursor) == (["s2"], None)


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

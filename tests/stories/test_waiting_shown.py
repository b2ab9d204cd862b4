"""What waits, as it is shown: a page at a time, each once from the oldest, with the money that waits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.acts import find, status, sync
from workflow_fsm import InvalidEvent, Workflow


def pages(workflow: Workflow, **which: Any) -> list[Any]:
    """Give every page of a user's status."""
    found: list[Any] = []
    cursor: int | str | None = None
    while not found or cursor is not None:
        page = workflow.status("u1", **which, cursor=cursor)
        assert page is not None
        found.append(page)
        cursor = page.next_cursor
    return found


def test_what_waits_is_shown_a_page_at_a_time_each_once_from_the_oldest(workflow: Workflow) -> None:
    """`deferred` holds at most `limit`, and the cursor goes on while either list has more; the parts of one
    event count one by one."""
    find(workflow, "c1", "c2", "c3")
    for number in range(7):
        workflow.fire("payout_received", user_id="u1", amount="1.00", event_id=f"w{number}")
    matches = [{"claim_id": f"x{number}", "confidence": 0.9} for number in range(5)]
    workflow.fire("evidence_matching_complete", user_id="u1", matches=matches, event_id="list")

    found = pages(workflow, limit=2)

    assert [len(page.deferred) for page in found] == [2, 2, 2, 2, 2, 2]
    assert [one.claim_id for page in found for one in page.claims] == ["c1", "c2", "c3"]
    shown = [(one.event_id, one.claim_id) for page in found for one in page.deferred]
    assert shown == [*((f"w{number}", None) for number in range(7)), *(("list", f"x{n}") for n in range(5))]
    assert {page["unapplied"]["USD"] for page in found} == {"7.00"}


def test_a_page_whose_claims_go_on_and_whose_waits_do_not_goes_on_by_a_number(workflow: Workflow) -> None:
    """So does every cursor that an earlier version gave."""
    find(workflow, "c1", "c2", "c3")
    workflow.fire("payout_received", user_id="u1", amount="1.00", event_id="w")

    first, second = pages(workflow, limit=2)

    assert isinstance(first.next_cursor, int)
    assert ([one.event_id for one in first.deferred], second.deferred) == (["w"], [])


def test_what_waits_for_one_claim_is_shown_a_page_at_a_time_too_by_all_of_its_names(
    workflow: Workflow,
) -> None:
    find(workflow, "c1")
    for number in range(4):
        for name in ("x", "y", "z"):
            told = {"claim_id": name, "amount": "1.00", "event_id": f"{name}{number}"}
            workflow.fire("payout_received", user_id="u1", **told)
    workflow.link(user_id="u1", claim_id="x", alias="y")

    found = pages(workflow, limit=3, claim_id="y")

    assert [[one.event_id for one in page.deferred] for page in found] == [
        ["x0", "y0", "x1"],
        ["y1", "x2", "y2"],
        ["x3", "y3"],
    ]


@pytest.mark.parametrize("cursor", ["x", "1.2", "-1", "1.2.3.4", "1.2.-3", "1s", "1s2.3.4", "1s2s3", True])
def test_a_cursor_that_no_page_gave_is_refused(workflow: Workflow, cursor: Any) -> None:
    with pytest.raises(InvalidEvent, match="next_cursor"):
        workflow.status("u1", cursor=cursor)


def test_unapplied_money_that_tells_no_currency_is_shown_under_that_of_the_claims(workflow: Workflow) -> None:
    workflow.fire("payout_received", user_id="u1", claim_id="x", amount="3.00")
    workflow.fire("payout_received", user_id="u1", claim_id="y", amount="1.50", currency="EUR")
    assert status(workflow)["unapplied"] == {"USD": "3.00", "EUR": "1.50"}

    sync(workflow, "s")
    workflow.fire(
        "detection_complete", user_id="u1", claims=[{"claim_id": "c1", "currency": "EUR"}], event_id="found"
    )

    assert status(workflow)["unapplied"] == {"EUR": "4.50"}
    assert workflow.check().faults == ()

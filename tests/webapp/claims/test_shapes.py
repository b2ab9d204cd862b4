"""The members of what callers read, as the contract lists them, in its order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.claims.conftest import Post
from tests.webapp.conftest import Api

CLAIM = (
    "claim_id aliases sync_id state version entered_at allowed claim_type amount currency confidence "
    "decision amazon_case_id cases rejection_reason paid units deadline_date eligible_from overdue "
    "merged_into"
)
DEFERRED = (
    "event_id trigger claim_id amount currency waiting_for reason candidates conflicts_with received_at "
    "expires_at"
)
ROW = (
    "cursor claim_id sync_id version trigger from to event_id amount currency at occurred_at actor reason "
    "hash"
)
LETTER = (
    "id kind user_id claim_id trigger amount currency handler reason error attempts at event_id candidates "
    "conflicts_with"
)


@pytest.fixture
def conflict(find: Callable[..., None], post: Post) -> dict[str, Any]:
    """A claim that was paid under a case, and a payout that conflicts with it: its answer."""
    find("c1")
    paid = {"claim_id": "c1", "amazon_case_id": "K1", "reimbursement_id": "R"}
    assert post("payout/received", **paid, amount="5.00", event_id="p1").status_code == 200
    answer = post("payout/received", **paid, amount="6.00", event_id="p2")
    assert answer.status_code == 202
    return dict(answer.json())


def test_what_waits_is_answered_with_its_reason_and_what_it_conflicts_with(conflict: dict[str, Any]) -> None:
    """ "202 … `"waiting_for": [trigger, …], "reason", "expires_at", "candidates", "conflicts_with",
    "deferred": […]`" """
    assert list(conflict) == [
        *("status", "event_id", "user_id", "trigger", "waiting_for", "reason", "expires_at", "candidates"),
        *("conflicts_with", "deferred"),
    ]
    assert (conflict["conflicts_with"], conflict["waiting_for"]) == ("p1", [])


@pytest.mark.usefixtures("conflict")
def test_status_has_cases_units_merges_and_why_an_event_waits(status: Callable[[], dict[str, Any]]) -> None:
    """ "`"cases": [{"amazon_case_id", "state", "at"}]`, … `"units"`, … `"merged_into"`"; "`"deferred":
    [{"event_id", "trigger", "claim_id", "amount", "currency", "waiting_for", "reason", …}]`" """
    shown = status()
    [claim], [waiting] = shown["claims"], shown["deferred"]
    assert (list(claim), list(waiting)) == (CLAIM.split(), DEFERRED.split())
    assert [(list(case), case["state"]) for case in claim["cases"]] == [
        (["amazon_case_id", "state", "at"], "paid")
    ]
    assert (waiting["amount"], waiting["currency"], waiting["conflicts_with"]) == ("6.00", "USD", "p1")


@pytest.mark.usefixtures("conflict")
def test_history_and_dead_letters_tell_amounts(
    api: Api, user: str, letters: Callable[..., list[dict[str, Any]]]
) -> None:
    """ "`GET history` … `"amount", "currency", "at", "occurred_at", "actor", "reason", "hash"`"; "`GET
    deadletters` … `"trigger", "amount", "currency", "handler", "reason", "error"`" """
    rows = api.get(f"history/{user}").json()["history"]
    [letter] = letters()
    assert {tuple(row) for row in rows} == {tuple(ROW.split())}
    assert (rows[-1]["amount"], rows[-1]["currency"]) == ("5.00", "USD")
    assert list(letter) == LETTER.split()
    assert (letter["amount"], letter["currency"], letter["conflicts_with"]) == ("6.00", "USD", "p1")

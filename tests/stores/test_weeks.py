"""Money by week: what was paid and reversed, by currency, of what came in within the last weeks."""

from __future__ import annotations

from datetime import date

import pytest

from workflow_fsm import InvalidEvent, Workflow
from workflow_fsm.read.across.weeks import WeekMoney
from workflow_fsm.testing import ManualClock


@pytest.fixture
def claims(workflow: Workflow) -> Workflow:
    """A seller with two claims; it is Sunday, the first of March."""
    found = [{"claim_id": "c1", "currency": "USD"}, {"claim_id": "c2", "currency": "JPY"}]
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=found)
    return workflow


def pay(workflow: Workflow, claim: str, amount: str, *, trigger: str = "payout_received", name: str) -> None:
    workflow.fire(trigger, user_id="u1", claim_id=claim, amount=amount, event_id=name)


def test_payouts_and_reversals_are_added_up_by_the_week_in_which_they_came(
    claims: Workflow, clock: ManualClock
) -> None:
    pay(claims, "c1", "10.10", name="p1")
    pay(claims, "c1", "0.20", name="p2")
    clock.advance(days=1)
    pay(claims, "c1", "5.00", name="p3")
    pay(claims, "c1", "3.30", trigger="payout_reversed", name="p4")
    pay(claims, "c2", "1200", name="p5")

    usd, jpy = claims.money_by_week(weeks=3)

    assert (usd.currency, usd.booked, jpy.currency, jpy.booked) == ("USD", 4, "JPY", 1)
    assert [one.monday for one in usd.weeks] == [date(2026, 2, 16), date(2026, 2, 23), date(2026, 3, 2)]
    assert [(one.paid, one.reversed) for one in usd.weeks] == [
        (0.0, 0.0),
        (pytest.approx(10.3), 0.0),
        (5.0, 3.3),
    ]
    assert jpy.weeks[2] == WeekMoney(monday=date(2026, 3, 2), paid=1200.0, reversed=0.0)
    assert sum(one.net for one in usd.weeks) == pytest.approx(claims.totals().recovered["USD"])


def test_what_waits_or_is_older_is_in_no_week(claims: Workflow, clock: ManualClock) -> None:
    pay(claims, "c1", "10.00", name="p1")
    clock.advance(days=15)
    claims.fire("payout_received", user_id="u1", amount="5.00", amazon_case_id="nobodys")

    assert claims.money_by_week(weeks=2) == []
    [usd] = claims.money_by_week(weeks=4)
    assert [one.paid for one in usd.weeks] == [10.0, 0.0, 0.0, 0.0]


def test_so_many_weeks_as_a_page_has_rows_are_asked_for_at_most(claims: Workflow) -> None:
    for weeks in (0, 1001):
        with pytest.raises(InvalidEvent, match="1"):
            claims.money_by_week(weeks=weeks)

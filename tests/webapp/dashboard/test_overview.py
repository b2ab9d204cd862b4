"""The overview's figures: age and deadlines by state, flow by arrow, money at stake and lost, intake."""

from __future__ import annotations

import re
from datetime import timedelta

from flask.testing import FlaskClient

from tests.webapp.dashboard.conftest import PAGE, Browsing
from webapp import create_app
from webapp.dashboard import picture
from workflow_fsm import Workflow, claim_lifecycle
from workflow_fsm.testing import ManualClock


def look(workflow: Workflow) -> str:
    """Load the overview in an app of its own, so that its figures are of now."""
    return Browsing(create_app(workflow).test_client()).look("/")


def money(page: str) -> dict[str, list[str]]:
    """Read the table of money: by currency recovered, at stake, unapplied, dropped and lost."""
    [table] = re.findall(r'id="money-table".*?<tbody>(.*?)</tbody>', page, re.S)
    return {
        currency: re.findall(r'<td class="number[^"]*">([^<]*)</td>', rest)
        for currency, rest in re.findall(r'<tr><th scope="row">(\w+)</th>(.*?)</tr>', table, re.S)
    }


def detected(workflow: Workflow, clock: ManualClock, *, days: int = 30) -> None:
    """Have a seller's claims found, the first of which ends after so many days."""
    deadline = (clock() + timedelta(days=days)).isoformat()
    claims = [
        {"claim_id": "c1", "amount": "12.50", "currency": "EUR", "deadline_date": deadline},
        {"claim_id": "c2", "amount": "100.00", "currency": "USD"},
    ]
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=claims)


def test_a_state_tells_for_how_long_its_oldest_claim_has_been_there(
    workflow: Workflow, clock: ManualClock
) -> None:
    detected(workflow, clock)
    clock.advance(hours=50)
    workflow.fire("payout_received", user_id="u1", claim_id="c2", amount="100.00")

    page = look(workflow)

    assert 'aria-label="detected: 1, 12.50 EUR; the oldest for 2 d"' in page
    assert re.search(r'class="age"[^>]*>oldest 2 d</text>', page)
    assert 'aria-label="paid: 1, 100.00 USD"' in page


def test_what_ends_within_a_week_is_red_with_its_count(workflow: Workflow, clock: ManualClock) -> None:
    detected(workflow, clock, days=8)
    assert "box due" not in look(workflow)
    clock.advance(days=2)

    page = look(workflow)

    assert page.count('class="box due"') == 1
    assert re.search(r'<tspan class="soon">1 due</tspan>', page)
    assert "1 past their deadline or due within 7 days" in page
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1", amazon_case_id="k1")
    assert "box due" not in look(workflow)


def test_an_arrow_tells_how_many_went_that_way_within_a_day(workflow: Workflow, clock: ManualClock) -> None:
    detected(workflow, clock)
    workflow.fire("claim_submitted", user_id="u1", claim_id="c2", amazon_case_id="k2")

    page = look(workflow)

    ways = dict(re.findall(r'class="flow" data-way="([^"]+)">([\d,]+)<', page))
    assert ways == {"-synced": "1", "synced-detected": "3", "detected-submitted": "1"}
    assert "submitted by claim submitted (1)" in page
    clock.advance(days=2)
    assert 'class="flow"' not in look(workflow)


def test_the_arrow_by_which_a_deadline_passed_is_red(workflow: Workflow, clock: ManualClock) -> None:
    detected(workflow, clock)
    assert 'class="passed"' not in look(workflow)
    clock.advance(days=31)
    workflow.tick()

    [passed] = re.findall(r'<g class="passed">(.*?)</g>', look(workflow), re.S)

    assert "deadline passed" in passed
    assert 'data-way="detected-expired">1<' in passed


def test_money_is_at_stake_while_its_claim_is_open_and_lost_when_its_deadline_passed(
    workflow: Workflow, clock: ManualClock
) -> None:
    detected(workflow, clock)
    assert money(look(workflow)) == {
        "EUR": ["0.00", "12.50", "0.00", "0.00", "0.00"],
        "USD": ["0.00", "100.00", "0.00", "0.00", "0.00"],
    }
    clock.advance(days=31)
    workflow.tick()
    workflow.fire("payout_received", user_id="u1", claim_id="c2", amount="90.00")
    workflow.fire("payout_received", user_id="u1", amount="5.00", currency="USD", amazon_case_id="nobodys")

    assert money(look(workflow)) == {
        "EUR": ["0.00", "0.00", "0.00", "0.00", "12.50"],
        "USD": ["90.00", "0.00", "5.00", "0.00", "0.00"],
    }


def test_what_came_in_within_a_minute_stands_beside_all(workflow: Workflow, clock: ManualClock) -> None:
    detected(workflow, clock)
    clock.advance(minutes=5)
    workflow.fire("payout_received", user_id="u1", amount="5.00", amazon_case_id="nobodys")

    [table] = re.findall(r'id="intake-table".*?<tbody>(.*?)</tbody>', look(workflow), re.S)

    rows = re.findall(r'<th scope="row">([^<]+)</th><td[^>]*>(\d+)</td><td[^>]*>(\d+)</td>', table)
    assert rows[:3] == [("applied", "0", "2"), ("known already", "0", "0"), ("waiting", "1", "1")]


def test_labels_leave_room_for_counts() -> None:
    assert picture._A_COUNT in picture.words_of(claim_lifecycle())


def test_figures_that_are_not_read_yet_are_left_open(workflow: Workflow) -> None:
    """The page is shown without what takes too long; that the store is closed stands for it."""
    app = create_app(workflow)
    client: FlaskClient = app.test_client()
    workflow.close()

    answer = client.get("/", headers=PAGE)

    assert answer.status_code == 200
    assert "not counted yet" in answer.text

"""What operators ask across users of claims, from the library, and what is no question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Stored
from tests.stories.acts import detect, find, pay, submit
from tests.stories.asked import DEADLINE, fill, names, whole
from workflow_fsm import InvalidEvent, Transition, Workflow
from workflow_fsm.read.across import claims_named
from workflow_fsm.results import ClaimRow
from workflow_fsm.testing import ManualClock


def test_rows_of_claims_are_as_status_has_them_each_with_its_user(
    workflow: Workflow, clock: ManualClock
) -> None:
    fill(workflow, clock)
    rows = list(workflow.claims())
    known = whole(workflow)
    assert sorted(names(rows)) == sorted(known)
    for row in rows:
        assert dict(row.items()) == {"user_id": row.user_id, **known[f"{row.user_id}/{row.claim_id}"]}


FILTERS: dict[str, tuple[dict[str, Any], Callable[[str, Any], bool]]] = {
    "state": ({"state": "rejected"}, lambda _, one: one.state == "rejected"),
    "decision": ({"decision": "ask_user"}, lambda _, one: one.decision == "ask_user"),
    "currency": ({"currency": "eur"}, lambda _, one: one.currency == "EUR"),
    "amazon_case_id": (
        {"amazon_case_id": "shared"},
        lambda _, one: "shared" in [case.amazon_case_id for case in one.cases],
    ),
    "reimbursement_id": ({"reimbursement_id": "r4"}, lambda _, one: one.claim_id == "c4"),
    "q": ({"q": "c2"}, lambda _, one: one.claim_id == "c2"),
    "q, an alias": ({"q": "disp"}, lambda _, one: one.aliases == ["dispute-2"]),
    "due_before": (
        {"due_before": DEADLINE.format(5)},
        lambda _, one: (one.deadline_date or "z") < DEADLINE.format(5),
    ),
    "overdue": ({"overdue": True}, lambda _, one: one.overdue),
    "not overdue": ({"overdue": False}, lambda _, one: not one.overdue),
    "waiting": ({"waiting": True}, lambda _, one: one.claim_id == "c6"),
    "not waiting": ({"waiting": False}, lambda _, one: one.claim_id != "c6"),
    "both": (
        {"currency": "USD", "state": "rejected", "q": "c"},
        lambda _, one: one.currency == "USD" and one.state == "rejected",
    ),
}


@pytest.mark.parametrize("few", [2000, 0], ids=["few", "many"])
@pytest.mark.parametrize("asked", FILTERS)
def test_each_filter_of_claims_takes_what_fits_in_each_order(
    workflow: Workflow, clock: ManualClock, asked: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what is named is too many to be looked up first."""
    monkeypatch.setattr(claims_named, "FEW", few)
    fill(workflow, clock)
    clock.advance(days=2)
    workflow.tick()
    given, fits = FILTERS[asked]
    wanted = sorted(name for name, one in whole(workflow).items() if fits(name, one))
    for sort in ("deadline", "-deadline", "amount", "-amount", "entered_at", "-entered_at"):
        rows = list(workflow.claims(**given, sort=sort))
        if asked == "overdue" and few == 0:
            rows = [row for row in rows if row.state == "expired"]
        assert sorted(names(rows)) == wanted, sort
        assert_in_order(rows, sort)
        paged, cursor = [], None
        while True:
            page = workflow.claims(**given, sort=sort, limit=2, cursor=cursor)
            paged += list(page)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert names(paged) == names(rows), sort


def assert_in_order(rows: list[ClaimRow], sort: str) -> None:
    """What isn't told comes last both ways."""
    by, down = sort.removeprefix("-"), sort.startswith("-")
    column = {"deadline": "deadline_date"}.get(by, by)
    told = [getattr(row, column) for row in rows]
    there = [Decimal(one) if by == "amount" else one for one in told if one is not None]
    assert there == sorted(there, reverse=down)
    assert told[len(there) :] == [None] * (len(told) - len(there))


def test_claims_that_are_overdue_and_no_timer_has_moved_yet_are_overdue(
    workflow: Workflow, clock: ManualClock
) -> None:
    fill(workflow, clock)
    clock.advance(days=1)
    assert names(workflow.claims(overdue=True, sort="deadline")) == ["a/c2", "b/c2", "c/c2"]
    workflow.tick()
    assert names(workflow.claims(overdue=True, sort="deadline")) == ["a/c2", "b/c2", "c/c2"]
    assert names(workflow.claims(overdue=True, state="expired")) == ["a/c2", "b/c2", "c/c2"]


def test_what_only_candidates_name_does_not_make_a_claim_waiting(workflow: Workflow) -> None:
    find(workflow, "c1", "c2")
    pay(workflow, None, amount="5.00")
    assert names(workflow.claims(waiting=True)) == []
    workflow.fire("payout_reversed", user_id="u1", claim_id="c2", amount="1.00")
    assert names(workflow.claims(waiting=True)) == ["u1/c2"]


def test_a_merged_claim_is_none(workflow: Workflow) -> None:
    find(workflow, "c1", "c2")
    workflow.link(user_id="u1", claim_id="c1", alias="c2")
    assert names(workflow.claims()) == ["u1/c1"]
    assert names(workflow.claims(q="c2")) == ["u1/c1"]
    detail = workflow.claim("u1", "c2")
    assert detail is not None
    assert detail.claim_id == "c1"


def test_rows_that_are_not_written_meanwhile_are_given_once_each(
    workflow: Workflow, clock: ManualClock
) -> None:
    """A cursor is stable while rows are written."""
    names_of = [f"c{number:02}" for number in range(30)]
    find(workflow, *names_of)
    seen: Counter[str] = Counter()
    rows = workflow.claims(sort="entered_at", limit=7)
    while True:
        page = list(rows)
        seen.update(str(row.claim_id) for row in page)
        if rows.next_cursor is None:
            break
        clock.advance(minutes=1)
        detect(workflow, f"new-{len(seen)}")
        submit(workflow, str(page[0].claim_id), amazon_case_id=f"k{page[0].claim_id}")
        rows = workflow.claims(sort="entered_at", limit=7, cursor=rows.next_cursor)
    assert set(names_of) <= set(seen)
    moved = {name for name in names_of if seen[name] > 1}
    assert all(one.state == "submitted" for one in workflow.claims() if one.claim_id in moved)


def test_a_claim_is_given_whole(workflow: Workflow) -> None:
    """ "one claim whole, with `explain` for each trigger, its waiting events, what is owed …" """

    @workflow.on_enter("submitted", name="files", tries=3)
    def files(transition: Transition) -> None:
        raise RuntimeError("no network")

    find(workflow, "c1")
    workflow.link(user_id="u1", claim_id="c1", alias="x1")
    workflow.fire("payout_reversed", user_id="u1", claim_id="x1", amount="2.00", event_id="early")
    submit(workflow, "c1", amazon_case_id="k1")
    workflow.run_effects()
    told = workflow.claim("u1", "x1")
    assert told is not None
    status = workflow.status("u1", claim_id="c1")
    assert status is not None
    assert {name: told.get(name) for name in status.claims[0]} == dict(status.claims[0].items())
    assert [one.trigger for one in told.explain] == [one.name for one in workflow.definition.triggers]
    assert {one.trigger: one.verdict for one in told.explain}["claim_submitted"] == "known"
    assert [one.event_id for one in told.deferred] == ["early"]
    assert told.history == workflow.history("u1", "c1")
    (effect,) = told.effects
    assert (effect.handler, effect.standing, effect.attempt, effect.tries) == ("files", "paused", 1, 3)
    assert "no network" in str(effect.error)
    assert workflow.claim("u1", "c9") is None
    assert workflow.claim("nobody", "c1") is None


@pytest.mark.parametrize(
    ("question", "asked", "field"),
    [
        ("claims", {"state": "gone"}, "state"),
        ("claims", {"decision": "maybe"}, "decision"),
        ("claims", {"sort": "colour"}, "sort"),
        ("claims", {"due_before": "soon"}, "due_before"),
        ("claims", {"limit": 0}, "limit"),
        ("claims", {"cursor": "x"}, "cursor"),
        ("money", {"standing": "lost"}, "standing"),
        ("money", {"since": "yesterday"}, "since"),
        ("money", {"cursor": "!"}, "cursor"),
        ("users", {"cursor": "x"}, "cursor"),
        ("users", {"limit": True}, "limit"),
        ("effects", {"standing": "gone"}, "standing"),
        ("effects", {"claim_id": "c1"}, "user_id"),
        ("effects", {"cursor": "WyJhIl0"}, "cursor"),
    ],
)
def test_what_nothing_can_have_is_no_question(
    workflow: Workflow, question: str, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        getattr(workflow, question)(**asked)
    assert [one.field for one in caught.value.errors] == [field]


def test_all_that_is_wrong_with_a_question_is_told_at_once_and_what_may_be_meant(workflow: Workflow) -> None:
    with pytest.raises(InvalidEvent) as caught:
        workflow.claims(
            state="payd", decision="x", currency="USB", due_before="then", sort="-ammount", cursor="!"
        )
    told = {one.field: one.reason for one in caught.value.errors}
    assert list(told) == ["state", "decision", "currency", "sort", "due_before"]
    assert told["state"].endswith("did you mean 'paid'?")
    assert told["currency"] == "is 'USB'; it must be a currency's code, such as USD; did you mean 'USD'?"
    assert "did you mean 'amount'?" in told["sort"]
    with pytest.raises(InvalidEvent) as caught:
        workflow.money(currency="?", since="then", until="later", standing="recoverd", cursor="!")
    assert [one.field for one in caught.value.errors] == ["currency", "since", "until", "standing", "cursor"]
    with pytest.raises(InvalidEvent) as caught:
        workflow.effects(standing="ded", claim_id="c1", cursor="!")
    assert [one.field for one in caught.value.errors] == ["standing", "user_id", "cursor"]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("users", "recovered", "{"),
        ("lifecycles", "facts", "{"),
        ("lifecycles", "paid", "{"),
        ("lifecycles", "entered_at", "then"),
        ("events", "body", "{"),
        ("events", "shares", "{"),
        ("events", "received_at", "then"),
        ("cases", "at", "then"),
    ],
)
def test_an_unreadable_row_of_one_user_hides_nobody_elses(
    workflow: Workflow, clock: ManualClock, stored: Stored, table: str, column: str, value: str
) -> None:
    fill(workflow, clock)
    others = {
        "claims": [one for one in names(workflow.claims()) if not one.startswith("b/")],
        "money": [one for one in names(workflow.money()) if not one.startswith("b/")],
        "users": ["a", "c", "d"],
    }
    stored(f"UPDATE {table} SET {column} = '{value}' WHERE user_id = 'b'")  # noqa: S608  # of ours
    for sort in ("entered_at", "-amount", "deadline"):
        rows = names(workflow.claims(sort=sort))
        assert sorted(one for one in rows if not one.startswith("b/")) == sorted(others["claims"])
    assert [one for one in names(workflow.money()) if not one.startswith("b/")] == others["money"]
    assert [one.user_id for one in workflow.users() if one.user_id != "b"] == others["users"]
    list(workflow.effects())


def test_status_and_history_page_by_themselves(workflow: Workflow) -> None:
    """They stopped silently at 100 of 250."""
    find(workflow, *(f"c{number}" for number in range(2500)))
    for number in range(1100):
        workflow.fire("payout_reversed", user_id="u1", claim_id=f"c{number}", amount="1.00")
    status, history = workflow.status("u1"), workflow.history("u1")
    assert status is not None
    assert history is not None
    assert [one.claim_id for one in status.claims] == [f"c{number}" for number in range(2500)]
    assert len({one.event_id for one in status.deferred}) == len(status.deferred) == 1100
    assert (len(history), len({row.cursor for row in history})) == (2502, 2502)
    assert status.next_cursor is history.next_cursor is None
    short = workflow.status("u1", limit=100)
    assert short is not None
    assert (len(short.claims), short.next_cursor is None) == (100, False)
    page = workflow.history("u1", limit=100)
    assert page is not None
    assert (len(page), page.next_cursor) == (100, page[-1].cursor)

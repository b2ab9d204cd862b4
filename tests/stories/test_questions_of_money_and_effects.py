"""What operators ask across users of money, users, events and effects, from the library."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.stories.acts import find, pay, submit, take_back
from tests.stories.asked import fill
from workflow_fsm import Fire, Transition, Workflow
from workflow_fsm.testing import ManualClock


def test_money_adds_up_to_what_status_and_the_figures_say(workflow: Workflow, clock: ManualClock) -> None:
    """ "which adds up to `recovered`, `unapplied` and `dropped`" """
    fill(workflow, clock)
    pay(workflow, "c4", amount="5.25", currency="EUR", user_id="a")
    take_back(workflow, "c4", amount="1.00", reimbursement_id="r4", user_id="b")
    pay(workflow, None, amount="8.00", event_id="unnamed", user_id="c")
    pay(workflow, None, amount="0.75", event_id="gone", user_id="c")
    (letter,) = [one for one in workflow.dead_letters(user_id="c") if one.event_id == "gone"]
    workflow.drop_dead_letter(letter.id, reason="not ours")
    rows = list(workflow.money())
    for user in ("a", "b", "c", "d"):
        status = workflow.status(user)
        assert status is not None
        for standing, said in (("recovered", status.recovered), ("unapplied", status.unapplied)):
            mine = [row for row in rows if row.user_id == user and row.standing == standing]
            assert added(mine) == {code: Decimal(text) for code, text in said.items()}
    assert {code: float(amount) for code, amount in added(workflow.money(standing="recovered")).items()} == {
        code: amount for code, amount in workflow.figures().recovered.items() if amount
    }
    report = workflow.check()
    for standing in ("recovered", "unapplied", "dropped"):
        assert added(workflow.money(standing=standing)) == {
            one.currency: Decimal(getattr(one, standing))
            for one in report.money
            if Decimal(getattr(one, standing))
        }
    (dropped,) = workflow.money(standing="dropped")
    assert (dropped.event_id, dropped.amount, dropped.currency) == ("gone", "0.75", "USD")


def added(rows: Any) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        sign = 1 if row.trigger == "payout_received" else -1
        sums[row.currency] = sums.get(row.currency, Decimal(0)) + sign * Decimal(row.amount)
    return {code: amount for code, amount in sums.items() if amount}


def test_money_is_filtered_and_told_whole(workflow: Workflow, clock: ManualClock) -> None:
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="k1")
    first = clock()
    pay(
        workflow,
        None,
        amount="5",
        amazon_case_id="k1",
        reimbursement_id="r1",
        line_id="l1",
        event_id="e1",
        occurred_at="2026-02-01T00:00:00Z",
    )
    clock.advance(hours=1)
    pay(workflow, None, amount="7", currency="EUR", event_id="e2")
    pay(workflow, "c1", amount="3", user_id="u2", event_id="e3")
    (row,) = workflow.money(user_id="u1", currency="usd")
    assert dict(row.items()) == {
        "user_id": "u1",
        "claim_id": "c1",
        "amazon_case_id": "k1",
        "reimbursement_id": "r1",
        "line_id": "l1",
        "trigger": "payout_received",
        "amount": "5.00",
        "currency": "USD",
        "standing": "recovered",
        "at": "2026-03-01T12:00:00.000000Z",
        "occurred_at": "2026-02-01T00:00:00.000000Z",
        "event_id": "e1",
    }

    def ids(**asked: Any) -> list[str]:
        return [one.event_id for one in workflow.money(**asked)]

    assert ids() == ["e1", "e2", "e3"]
    assert ids(since=first + timedelta(minutes=1)) == ["e2", "e3"]
    assert ids(until=first + timedelta(minutes=1)) == ["e1"]
    assert ids(since="2026-03-01T12:00:00Z", until="2026-03-01T13:00:00+00:00") == ["e1"]
    assert ids(currency="EUR") == ["e2"]
    assert ids(user_id="u2", standing="unapplied") == ["e3"]
    assert ids(standing="dropped") == []
    page = workflow.money(limit=2)
    assert [one.event_id for one in page] == ["e1", "e2"]
    assert ids(cursor=page.next_cursor) == ["e3"]


def test_users_are_given_by_how_their_ids_begin(workflow: Workflow, clock: ManualClock) -> None:
    for user in ("bea", "ben", "al/ü", "zoe"):
        find(workflow, "c1", user_id=user)
    pay(workflow, "c1", user_id="ben", amount="4.00")
    assert [one.user_id for one in workflow.users()] == ["al/ü", "bea", "ben", "zoe"]
    page = workflow.users(q="be", limit=1)
    assert [one.user_id for one in page] == ["bea"]
    (ben,) = workflow.users(q="be", cursor=page.next_cursor)
    status = workflow.status("ben")
    assert status is not None
    assert (ben.user_id, ben.recovered, ben.unapplied) == ("ben", {"USD": "4.00"}, {})
    assert ben.updated_at == status.updated_at


def test_an_event_tells_what_it_said_and_what_became_of_it(workflow: Workflow) -> None:
    """ "did it arrive, what did it say, what became of it" """
    find(workflow, "c1")
    waiting = workflow.fire("payout_reversed", user_id="u1", claim_id="c1", amount="2", event_id="e1", note=1)
    told = workflow.event("u1", "e1")
    assert told is not None
    assert (told.standing, told.trigger, told.amount, told.currency) == (
        "waiting",
        "payout_reversed",
        "2.00",
        "USD",
    )
    assert (told.said["amount"], told.said["note"]) == ("2", 1)
    assert told.answer == waiting.as_dict()
    (part,) = told.parts
    assert (part.claim_id, part.standing, part.waiting_for) == ("c1", "waiting", ["payout_received"])
    assert told.transitions == []
    pay(workflow, "c1", amount="2.00")
    later = workflow.event("u1", "e1")
    assert later is not None
    assert later.standing == "applied"
    assert [(one.from_, one.to) for one in later.transitions] == [("paid", "rejected")]
    assert workflow.event("u1", "e9") is None
    assert workflow.event("u2", "e1") is None


def test_effects_are_given_by_handler_standing_user_and_claim(workflow: Workflow, clock: ManualClock) -> None:
    @workflow.on_transition(trigger="claim_submitted", name="tells")
    def tells(transition: Transition) -> None:
        """Do nothing, and be done."""

    @workflow.on_enter("submitted", name="files", tries=1)
    def files(transition: Transition) -> Fire | None:
        if transition.claim_id == "c1":
            raise RuntimeError("no network")
        return None

    for user in ("u1", "u2"):
        find(workflow, "c1", "c2", user_id=user)
        submit(workflow, "c1", amazon_case_id="k1", user_id=user)
        submit(workflow, "c2", amazon_case_id="k2", user_id=user)

    def told(**asked: Any) -> list[str]:
        rows = workflow.effects(**asked)
        return [f"{one.user_id}/{one.claim_id} {one.handler} {one.standing}" for one in rows]

    assert len(told(standing="owed")) == 8
    workflow.run_effects()
    assert told(standing="dead") == ["u1/c1 files dead", "u2/c1 files dead"]
    assert told(handler="files", user_id="u2") == ["u2/c1 files dead", "u2/c2 files done"]
    assert sorted(told(user_id="u1", claim_id="c2")) == ["u1/c2 files done", "u1/c2 tells done"]
    assert told(standing="running") == told(handler="nobody") == told(user_id="u9") == []
    page = workflow.effects(limit=3)
    first = list(page)
    assert len(first) == 3
    assert [*first, *workflow.effects(cursor=page.next_cursor)] == list(workflow.effects())


def test_an_effect_that_runs_is_running(workflow: Workflow) -> None:
    seen: list[str] = []

    @workflow.on_enter("detected", name="looks")
    def looks(transition: Transition) -> None:
        seen.extend(one.standing for one in workflow.effects(standing="running"))

    find(workflow, "c1")
    workflow.run_effects()
    assert seen == ["running"]

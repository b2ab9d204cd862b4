"""A user is forgotten: nothing of the user is left, others are untouched, and what was counted stays true."""

from __future__ import annotations

import pytest

from tests.erasure.forgetful import MARK, WHO, Stored, fill, left_of, register
from tests.stories.acts import detect, pay, status, submit, sync
from workflow_fsm import InvalidEvent, RootUnknown, Workflow
from workflow_fsm.testing import ManualClock

WHY = "a request for erasure, ticket 17"


def test_nothing_is_left_of_whoever_was_forgotten(workflow: Workflow, stored: Stored) -> None:
    register(workflow)
    fill(workflow)
    fill(workflow, "somebody", "q0815")
    workflow.run_effects()
    workflow.check()
    tables = {"users", "lifecycles", "history", "events", "event_ids", "waits", "aliases", "cases"}
    assert left_of(stored).keys() >= tables - {"event_ids"} | {"effects", "checked"}
    others = left_of(stored, "q0815")
    assert workflow.forget(WHO, reason=WHY) is not None
    assert left_of(stored) == {}
    assert left_of(stored, "q0815") == others


def test_who_was_forgotten_is_unknown_wherever_one_asks(workflow: Workflow) -> None:
    register(workflow)
    fill(workflow)
    workflow.forget(WHO, reason=WHY)
    assert (workflow.status(WHO), workflow.history(WHO), workflow.allowed(WHO)) == (None, None, None)
    assert list(workflow.users()) == list(workflow.claims()) == list(workflow.money()) == []
    assert workflow.event(WHO, f"lost-{MARK}") is None
    assert [*workflow.dead_letters(), *workflow.owed(), *workflow.acts(WHO)] == []
    assert workflow.newest_cursor(WHO) == 0
    assert workflow.forget(WHO, reason=WHY) is None


def test_the_stub_tells_how_much_there_was_and_not_of_whom(workflow: Workflow, clock: ManualClock) -> None:
    fill(workflow)
    before = workflow.check(users=[WHO])
    clock.advance(hours=1)
    told = workflow.forget(WHO, reason=WHY, actor="dpo")
    assert told is not None
    assert told.money == {
        "USD": {"payouts_less_reversals": "36.00", "recovered": "25.00", "dropped": "11.00"}
    }
    assert told.events == {"applied": 8, "refused": 1, "dropped": 2}
    assert (told.kept["lifecycles"], told.kept["history"]) == (before.lifecycles, 12)
    assert told.rows == sum(told.kept.values())
    assert (told.root, told.faults) == (before.root, 0)
    assert (told.actor, told.reason, told.at) == ("dpo", WHY, "2026-03-01T13:00:00.000000Z")
    assert MARK not in repr(told)
    assert workflow.forgotten() == [told]


def test_a_check_adds_up_and_the_totals_are_what_they_were(workflow: Workflow) -> None:
    fill(workflow)
    fill(workflow, "somebody", "q0815")
    before = workflow.check()
    workflow.forget(WHO, reason=WHY)
    after = workflow.check()
    assert (after.sound, after.faults) == (True, ())
    assert (after.received, after.forgotten, after.users) == (before.received, 1, 1)
    assert after.events == {**before.events, "waiting": 1, "dropped": before.events["dropped"] + 1}
    (was,), (now,) = before.money, after.money
    assert (now.payouts, now.recovered) == (was.payouts, was.recovered)
    assert (now.unapplied, now.dropped) == (was.unapplied - 8, was.dropped + 8)


def test_no_figure_falls_where_a_user_is_forgotten(workflow: Workflow) -> None:
    fill(workflow)
    before = workflow.figures()
    workflow.forget(WHO, reason=WHY)
    after = workflow.figures()
    assert after.recovered == before.recovered == {"USD": 25.0}
    moved = {key: many - before.events[key] for key, many in after.events.items()}
    assert {key: many for key, many in moved.items() if many} == {
        ("payout_received", "waiting"): -1,
        ("payout_received", "dropped"): 1,
    }


def test_a_root_is_over_the_stubs(workflow: Workflow, stored: Stored) -> None:
    fill(workflow)
    empty = workflow.check().root
    workflow.forget(WHO, reason=WHY)
    root = workflow.check().root
    assert root not in (empty, "")
    assert workflow.check(expect=root).sound
    stored("UPDATE forgotten SET reason = 'none of your business'")
    (fault,) = workflow.check(expect=root).faults
    assert "a user was forgotten" in fault.reason
    stored("DELETE FROM forgotten")
    assert not workflow.check(expect=root).sound


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("money", "{"),
        ("money", '{"USD": {}}'),
        ("events", '{"x": {"lost": 1}}'),
        ("kept", '{"x": -1}'),
        ("at", "now"),
    ],
)
def test_a_damaged_stub_is_a_fault_with_a_name(
    workflow: Workflow, stored: Stored, column: str, value: str
) -> None:
    fill(workflow)
    told = workflow.forget(WHO, reason=WHY)
    assert told is not None
    stored(f"UPDATE forgotten SET {column} = '{value}'")  # noqa: S608  # of ours
    report = workflow.check()
    assert [(fault.table, fault.key) for fault in report.faults] == [("forgotten", told.id)]


def test_money_that_a_stub_was_told_anew_adds_up_no_more(workflow: Workflow, stored: Stored) -> None:
    fill(workflow)
    workflow.forget(WHO, reason=WHY)
    stored("UPDATE forgotten SET money = replace(money, '25.00', '26.00')")
    (fault,) = workflow.check().faults
    assert "the money in USD does not add up" in fault.reason


def test_no_check_goes_on_from_a_root_from_before(workflow: Workflow) -> None:
    fill(workflow)
    fill(workflow, "somebody", "q0815")
    before = workflow.check().root
    workflow.forget(WHO, reason=WHY)
    with pytest.raises(RootUnknown, match="a user was forgotten since") as raised:
        workflow.check(since=before)
    assert raised.value.is_outdated
    after = workflow.check()
    pay(workflow, "claim-q0815-b", user_id="somebody")
    report = workflow.check(since=after.root)
    assert (report.sound, report.users, report.root) == (True, 1, workflow.check().root)


def test_who_comes_again_begins_anew_behind_all_numbers_that_were_seen(workflow: Workflow) -> None:
    fill(workflow)
    last = workflow.newest_cursor(WHO)
    first = workflow.history(WHO)
    workflow.forget(WHO, reason=WHY)
    assert sync(workflow, user_id=WHO, event_id="e1").status == "applied"
    detect(workflow, "claim-q4711", user_id=WHO)
    assert status(workflow, WHO).recovered == {}
    rows = workflow.history(WHO)
    assert first is not None
    assert rows is not None
    assert [row.version for row in rows] == [1, 2, 2][: len(rows)]
    assert min(row.cursor for row in rows) > last
    report = workflow.check()
    assert (report.sound, report.users, report.forgotten) == (True, 1, 1)
    workflow.forget(WHO, reason=WHY)
    assert sync(workflow, user_id=WHO).transitions
    assert workflow.newest_cursor(WHO) > max(row.cursor for row in rows)
    assert (workflow.check().sound, len(workflow.forgotten())) == (True, 2)


def test_an_event_that_comes_again_after_that_is_new(workflow: Workflow) -> None:
    assert sync(workflow, user_id=WHO, event_id="e1").status == "applied"
    assert sync(workflow, user_id=WHO, event_id="e1").status == "duplicate"
    workflow.forget(WHO, reason=WHY)
    assert sync(workflow, user_id=WHO, event_id="e1").status == "applied"


def test_work_under_way_ends_in_nothing(workflow: Workflow) -> None:
    keys = []

    @workflow.on_enter("submitted")
    def file(transition: object) -> None:
        keys.append(transition.key)  # type: ignore[attr-defined]  # it is a Transition
        if len(keys) == 1:
            workflow.forget(WHO, reason=WHY)
            sync(workflow, user_id=WHO)
            detect(workflow, "c1", user_id=WHO)
            submit(workflow, "c1", user_id=WHO)

    sync(workflow, user_id=WHO)
    detect(workflow, "c1", user_id=WHO)
    submit(workflow, "c1", user_id=WHO)
    workflow.run_effects()
    assert len(set(keys)) == 2
    assert workflow.owed() == []
    assert workflow.check().sound


def test_of_a_user_whose_rows_are_damaged_all_is_erased_too(workflow: Workflow, stored: Stored) -> None:
    fill(workflow)
    stored("UPDATE users SET recovered = '{'")
    stored("UPDATE events SET body = '{' WHERE \"trigger\" = 'payout_reversed'")
    stored("UPDATE events SET standing = 'lost' WHERE standing = 'waiting'")
    told = workflow.forget(WHO, reason=WHY)
    assert told is not None
    assert told.faults > 0
    assert left_of(stored) == {}
    assert workflow.check().sound


def test_of_who_is_told_of_only_by_rows_astray_all_is_erased(workflow: Workflow, stored: Stored) -> None:
    fill(workflow)
    stored("DELETE FROM users")
    assert workflow.forget(WHO, reason=WHY) is not None
    assert left_of(stored) == {}
    assert workflow.check().sound


@pytest.mark.parametrize("reason", ["", "  ", "\0", "\ud800"])
def test_a_reason_is_asked_for(workflow: Workflow, reason: str) -> None:
    fill(workflow)
    with pytest.raises(InvalidEvent) as raised:
        workflow.forget(WHO, reason=reason)
    assert [one.field for one in raised.value.errors] == ["reason"]
    assert workflow.status(WHO) is not None


def test_who_is_unknown_leaves_no_stub(workflow: Workflow, stored: Stored) -> None:
    assert workflow.forget("nobody", reason=WHY) is None
    assert workflow.forgotten() == []
    assert stored("SELECT * FROM users") == []

"""Checks that go on from an earlier one's root, and checks of some users alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.stories.acts import detect, sync
from workflow_fsm import RootUnknown, Workflow
from workflow_fsm.testing import ManualClock, open_workflow

Stored = Callable[[str], object]
CUT = (
    "DELETE FROM history WHERE user_id = 'u1' AND cursor = ("
    "SELECT max(cursor) FROM history WHERE user_id = 'u1')"
)


@pytest.fixture
def filled(workflow: Workflow) -> Workflow:
    for user in ("u1", "u2", "u3"):
        sync(workflow, user_id=user)
        detect(workflow, "c1", "c2", user_id=user)
    return workflow


def pay(workflow: Workflow, user: str) -> None:
    workflow.fire("payout_received", user_id=user, claim_id="c1", amount="3.00")


def test_a_check_goes_on_from_a_root_with_those_who_have_something_new(filled: Workflow) -> None:
    first = filled.check()
    pay(filled, "u2")
    second = filled.check(since=first.root)
    assert (first.users, first.recorded) == (3, True)
    assert (second.sound, second.users, second.recorded) == (True, 1, True)
    assert second.root == filled.check().root != first.root


def test_where_nothing_came_since_the_root_is_the_same(filled: Workflow) -> None:
    root = filled.check().root
    again = filled.check(since=root, expect=root)
    assert (again.sound, again.users, again.root) == (True, 0, root)


def test_one_goes_on_from_an_older_root_as_well_as_from_the_last(filled: Workflow) -> None:
    roots = [filled.check().root]
    for user in ("u1", "u2"):
        pay(filled, user)
        roots.append(filled.check(since=roots[-1]).root)
    pay(filled, "u4")
    found = [filled.check(since=root) for root in roots]
    assert [(report.sound, report.users) for report in found] == [(True, 3), (True, 2), (True, 1)]
    assert {report.root for report in found} == {filled.check().root}


@pytest.mark.parametrize("who", ["u1", "u2"])
def test_a_chain_whose_end_was_cut_off_before_is_found(filled: Workflow, stored: Stored, who: str) -> None:
    """Also of a user who has nothing new."""
    root = filled.check().root
    stored(CUT)
    pay(filled, who)
    report = filled.check(since=root)
    assert not report.sound
    assert root in report.faults[-1].reason
    assert not report.recorded


def test_a_user_who_was_taken_out_whole_is_missed(filled: Workflow, stored: Stored) -> None:
    root = filled.check().root
    for table in ("users", "lifecycles", "history", "events"):
        stored(f"DELETE FROM {table} WHERE user_id = 'u3'")  # noqa: S608  # of ours
    assert not filled.check(since=root).sound


def test_no_check_goes_on_from_a_root_that_none_printed(filled: Workflow) -> None:
    filled.check()
    with pytest.raises(RootUnknown, match="run one of all") as raised:
        filled.check(since="0" * 64)
    assert raised.value.root == "0" * 64


def test_a_root_of_a_damaged_store_is_none_to_go_on_from(filled: Workflow, stored: Stored) -> None:
    stored(CUT)
    root = filled.check().root
    with pytest.raises(RootUnknown):
        filled.check(since=root)


def test_only_the_users_named_are_audited(filled: Workflow, stored: Stored) -> None:
    stored(CUT)
    assert filled.check(users=["u2", "u3"]).sound
    assert filled.check(users=["u2"]).users == 1
    assert {fault.user_id for fault in filled.check(users=["u1", "u2"]).faults} == {"u1"}


def test_a_user_of_whom_nothing_is_kept_is_a_fault(filled: Workflow) -> None:
    (fault,) = filled.check(users=["u2", "u9"]).faults
    assert (fault.user_id, fault.reason) == ("u9", "nothing is kept of this user")


def test_some_users_and_what_came_since_are_not_asked_for_at_once(filled: Workflow) -> None:
    with pytest.raises(ValueError, match="all users"):
        filled.check(users=["u1"], since="0" * 64)


def test_who_watches_is_told_how_far_it_is(filled: Workflow) -> None:
    told: list[tuple[int, int]] = []
    filled.check(progress=lambda done, many: told.append((done, many)))
    assert len(told) == 3
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1][0] == told[-1][1]


def test_no_snapshot_of_sqlite_is_open_while_users_are_audited(tmp_path: Path) -> None:
    """The log can be emptied at any moment, so that it doesn't grow."""
    path, busy = tmp_path / "claims.db", []
    with (
        open_workflow(f"sqlite:///{path}", clock=ManualClock()) as workflow,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        for number in range(40):
            sync(workflow, user_id=f"u{number}")

        def look(done: int, many: int) -> None:
            pay(workflow, f"u{done % 40}")
            busy.append(other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])

        assert workflow.check(progress=look).sound
    assert busy == [0] * len(busy)
    assert len(busy) >= 40

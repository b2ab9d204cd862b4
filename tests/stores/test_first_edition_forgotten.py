"""Users of a first edition's store, once that is migrated, can be forgotten; others stay as they were."""

from __future__ import annotations

from workflow_fsm import Workflow


def test_everybody_of_an_old_store_can_be_forgotten(reopened: Workflow) -> None:
    before = reopened.check()
    users = [row.user_id for row in reopened.users()]
    assert len(users) > 10
    half = users[::2]
    others = {user: reopened.status(user) for user in users if user not in half}
    for user in half:
        assert reopened.forget(user, reason="a request") is not None
    assert {user: reopened.status(user) for user in others} == others
    for user in others:
        assert reopened.forget(user, reason="a request") is not None
    report = reopened.check()
    assert (report.sound, report.faults) == (True, ())
    assert (report.users, report.lifecycles, report.forgotten) == (0, 0, len(users))
    assert report.received == before.received
    sums = {one.currency: (one.payouts, one.recovered, one.unapplied + one.dropped) for one in before.money}
    assert {one.currency: (one.payouts, one.recovered, one.dropped) for one in report.money} == sums

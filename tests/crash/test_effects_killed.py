"""`kill -9` at each point on the way of events, effects and timers: what was acknowledged is there, all that
is owed is done, and what handlers fire is committed once.

`WORKFLOW_CRASH_KILLS` says how often, in all; each kill is followed by a life that finds what it left.
"""

from __future__ import annotations

import signal
from datetime import timedelta
from functools import partial
from random import Random
from time import sleep

import pytest

from tests.crash.conftest import KILLS, LONG, Begin, Disk, until
from tests.crash.life import EFFECTS, EVENTS, ClockAhead, Point, register, settle
from tests.machine.ledger import Ledger
from workflow_fsm import Settings, Workflow

POINTS = [point for point in Point if point is not Point.ANYWHERE]
DONE_AND_NOT_MARKED = (Point.HANDLER_DONE, Point.MARK_NOT_COMMITTED)
DEADLY_TO_AN_EFFECT = (Point.EFFECT_TAKEN, Point.HANDLER_BEGUN, *DONE_AND_NOT_MARKED)
"""Where an effect is tried again; anywhere else, none is."""
FEW = [Point.EVENT_NOT_COMMITTED, Point.EVENT_NOT_ANSWERED, Point.MARK_NOT_COMMITTED]
ON_A_SERVER = POINTS if LONG else FEW
WHERE = [
    *(pytest.param(False, point, id=f"sqlite-{point}") for point in POINTS),
    *(pytest.param(True, point, id=f"postgres-{point}") for point in ON_A_SERVER),
]
only_long = pytest.mark.skipif(not LONG, reason="takes long: make crash")
MINUTES = 5
"""From one life's clock to the next one's."""


def finish(disk: Disk, minutes: int) -> None:
    """Send again what was not acknowledged, as its sender does, and do what is owed; nothing stays owed."""
    clock = ClockAhead(timedelta(minutes=minutes))
    with Workflow.open(disk.url, settings=Settings(), clock=clock) as workflow:
        register(workflow, lambda told, handler: disk.record.add_work("done", told, handler))
        settle(workflow)
        acknowledged = [line | {"what": "to send"} for line in disk.record.lines("acknowledged")]
        for body in disk.record.lines("to send"):
            if body not in acknowledged:
                workflow.fire(**{name: value for name, value in body.items() if name != "what"})
        settle(workflow)
        assert (workflow.owed(), workflow.dead_letters()) == ([], [])
        assert workflow.check().faults == ()


def check_fires(disk: Disk, ledger: Ledger) -> None:
    """Hold that a claim went each step of its way once, by the events that its effects fired."""
    keys = {(row["user_id"], row["handler"]): row["key"] for row in disk.effects()}
    for user in ledger.users():
        claims = [one for one in ledger.rows("lifecycles", user) if one["claim_id"] is not None]
        kept = {row["event_id"] for row in ledger.rows("events", user)}
        assert len(claims) == ("e2" in kept)
        if not claims:
            continue  # killed between the sync and the detection, which nobody acknowledged
        [claim] = claims
        way = [
            (row["trigger"], row["event_id"])
            for row in ledger.rows("history", user)
            if row["lifecycle"] == claim["id"]
        ]
        if claim["state"] == "expired":
            assert way == [("detection_complete", "e2"), ("deadline_passed", None)]
        else:
            [case] = [row for row in ledger.rows("cases", user) if row["claim_id"] == claim["claim_id"]]
            assert (case["case_id"], case["state"]) == (keys[user, "submit"], "filed")
            assert way == [
                ("detection_complete", "e2"),
                ("evidence_matching_complete", keys[user, "match"]),
                ("claim_submitted", keys[user, "submit"]),
            ]


@pytest.mark.crash
@pytest.mark.parametrize(("disk_or_server", "point"), WHERE, indirect=["disk_or_server"])
def test_a_process_that_is_killed_there_loses_nothing_and_fires_nothing_twice(
    disk_or_server: Disk, begin: Begin, point: Point
) -> None:
    disk = disk_or_server
    lives = max(1, KILLS // len(POINTS))
    numbers = EVENTS if point in (Point.EVENT_NOT_COMMITTED, Point.EVENT_NOT_ANSWERED) else EFFECTS
    for life in range(1, lives + 1):
        number = numbers[(life - 1) % len(numbers)]
        arguments = (disk.url, str(disk.record.path), str(MINUTES * life), f"u{life}", point)
        process = begin("tests.crash.life", *arguments, str(number))
        assert process.wait(timeout=30) == -signal.SIGKILL, disk.log.read_text()
        disk.check_acknowledged()
        disk.end_leases()

    finish(disk, MINUTES * (lives + 1))
    ledger = disk.check_acknowledged()
    disk.check_work()
    check_fires(disk, ledger)
    again = lives if point in DEADLY_TO_AN_EFFECT else 0
    assert sum(row["attempt"] - 1 for row in disk.effects() if row["attempt"]) == again
    done = [line["key"] for line in disk.record.lines("done")]
    assert len(done) - len(set(done)) == (lives if point in DONE_AND_NOT_MARKED else 0)
    assert len(ledger.users()) == lives
    claims = [one for user in ledger.users() for one in ledger.rows("lifecycles", user) if one["claim_id"]]
    assert {one["state"] for one in claims} == {"expired" if point.is_timers else "submitted"}


@pytest.mark.crash
@pytest.mark.parametrize(
    "disk_or_server", [False, pytest.param(True, marks=only_long)], ids=["sqlite", "postgres"], indirect=True
)
def test_a_process_that_is_killed_anywhere_loses_nothing_and_fires_nothing_twice(
    disk_or_server: Disk, begin: Begin
) -> None:
    disk = disk_or_server
    chance = Random(KILLS)
    lives = max(1, KILLS // 10 if not LONG else KILLS // 4)
    for life in range(1, lives + 1):
        arguments = (disk.url, str(disk.record.path), str(MINUTES * life), f"u{life}", Point.ANYWHERE)
        acknowledged = partial(disk.has_more_acknowledged, than=len(disk.record.lines("acknowledged")))
        process = begin("tests.crash.life", *arguments, "0")
        until(acknowledged, disk, seconds=30)
        sleep(chance.uniform(0.0, 0.5))
        process.kill()
        assert process.wait(timeout=30) == -signal.SIGKILL, disk.log.read_text()
        if life < 4 or life % 10 == 0:
            disk.check_acknowledged()
        disk.end_leases()

    finish(disk, MINUTES * (lives + 1))
    ledger = disk.check_acknowledged()
    disk.check_work()
    check_fires(disk, ledger)
    assert len(ledger.users()) >= lives

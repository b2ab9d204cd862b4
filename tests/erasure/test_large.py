"""Of whom much is kept, all is erased in several commits: others pass between, and none is half told of."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from tests.erasure.forgetful import WHO, Stored, left_of
from tests.stores.sqlite.on_sqlite import Child
from tests.stories.acts import detect, pay, sync
from workflow_fsm import Settings, StoreUnavailable, Transition, Workflow, claim_lifecycle
from workflow_fsm.stores.session import Database, Session
from workflow_fsm.stores.store import Store
from workflow_fsm.stores.url import open_database
from workflow_fsm.testing import ManualClock

T = TypeVar("T")
CLAIMS = 1_500
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHY = "a request for erasure"


class Counted:
    """A database that does something within a commit that is done apart, and between two of those."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.between: list[Callable[[], object]] = []
        self.within: list[Callable[[], object]] = []
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def write(self, work: Callable[[Session], T], **how: Any) -> T:
        def work_on(session: Session) -> T:
            result = work(session)
            acts, self.within = self.within, []
            for act in acts:
                act()
            return result

        if not how.get("apart"):
            return self._database.write(work, **how)
        result = self._database.write(work_on, **how)
        self.commits += 1
        acts, self.between = self.between, []
        for act in acts:
            act()
        return result


@pytest.fixture
def counted(store_url: str) -> Counted:
    return Counted(open_database(store_url, START))


@pytest.fixture
def workflow(counted: Counted) -> Iterator[Workflow]:
    """A workflow on it, in which much is kept of one user, and little of another."""
    clock = ManualClock(START)
    with Workflow(Store(counted, claim_lifecycle()), settings=Settings(tries=1), clock=clock) as opened:
        fill(opened)
        yield opened


def fill(workflow: Workflow) -> None:
    @workflow.on_transition(target="detected", name="noted")
    def noted(transition: Transition) -> None:
        """Do nothing."""

    deadline = (START + timedelta(hours=1)).isoformat()
    for user in (WHO, "somebody"):
        sync(workflow, user_id=user)
        many = CLAIMS if user == WHO else 3
        entries = [
            {"claim_id": f"c{n}-q4711", "aliases": [f"alias-{n}-q4711"], "deadline_date": deadline}
            for n in range(many)
        ]
        detect(workflow, *entries, user_id=user)
        pay(workflow, "c1-q4711", user_id=user)


def test_others_pass_between_and_the_user_is_told_of_no_more(workflow: Workflow, counted: Counted) -> None:
    seen: list[object] = []

    def look() -> None:
        seen.append(pay(workflow, "c2-q4711", user_id="somebody").status)
        seen.extend([workflow.status(WHO), workflow.history(WHO), workflow.newest_cursor(WHO)])
        report = workflow.check()
        seen.extend([report.sound, report.users, report.forgotten, report.forgetting])
        with pytest.raises(StoreUnavailable, match="is being forgotten"):
            sync(workflow, "s2", user_id=WHO)
        with pytest.raises(StoreUnavailable, match="is being forgotten"):
            workflow.fire("sync_complete", user_id=WHO, sync_id="s2", dry_run=True)

    counted.between = [look]
    told = workflow.forget(WHO, reason=WHY)
    assert told is not None
    assert told.kept["lifecycles"] == CLAIMS + 1
    assert seen == ["applied", None, None, 0, True, 1, 1, (WHO,)]
    assert counted.commits > 3
    assert workflow.check().forgetting == ()
    assert sync(workflow, "s2", user_id=WHO).status == "applied"


def test_time_passes_for_others_and_their_work_is_done_meanwhile(
    workflow: Workflow, counted: Counted
) -> None:
    seen: list[object] = []

    def pass_time() -> None:
        clock = workflow._clock
        assert isinstance(clock, ManualClock)
        clock.advance(hours=2)
        seen.extend([workflow.run_effects(), workflow.tick()])

    counted.between = [pass_time]
    workflow.forget(WHO, reason=WHY)
    assert seen == [3, 2 + 1]


def test_an_event_that_comes_in_while_it_is_looked_at_counts(workflow: Workflow, counted: Counted) -> None:
    read = counted._database.read

    def read_and_pay(work: Callable[[Session], T]) -> T:
        result = read(work)
        counted._database.read = read  # type: ignore[method-assign]  # once
        thread = threading.Thread(target=lambda: pay(workflow, "c7-q4711", "2.00", user_id=WHO))
        thread.start()
        thread.join(30)
        return result

    counted._database.read = read_and_pay  # type: ignore[method-assign]
    told = workflow.forget(WHO, reason=WHY)
    assert told is not None
    assert told.money["USD"].recovered == "12.00"


def test_an_event_that_waits_for_the_user_meanwhile_begins_anew(store_url: str, stored: Stored) -> None:
    """Where the row that it waits to lock is gone once it could."""
    database = Counted(open_database(store_url, START))
    with Workflow(Store(database, claim_lifecycle()), settings=Settings()) as workflow:
        for number in range(3):
            sync(workflow, f"s{number}", user_id=WHO)
        statuses: list[str] = []
        waiting = threading.Thread(
            target=lambda: statuses.append(sync(workflow, "s9", user_id=WHO, event_id="e9").status)
        )

        def meanwhile() -> None:
            waiting.start()
            waiting.join(0.5)

        database.within = [meanwhile]
        told = workflow.forget(WHO, reason=WHY)
        waiting.join(30)
        assert told is not None
        assert statuses == ["applied"]
        (row,) = workflow.history(WHO) or []
        (user,) = stored("SELECT cursor FROM users")
        assert (row.sync_id, row.version) == ("s9", 1)
        assert user["cursor"] >= row.cursor > 6
        assert workflow.check().sound


def test_what_was_interrupted_is_gone_on_with(workflow: Workflow, counted: Counted, stored: Stored) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    counted.between = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        workflow.forget(WHO, reason=WHY, actor="first")
    assert left_of(stored) != {}
    assert workflow.check().forgetting == (WHO,)
    told = workflow.forget(WHO, reason="another", actor="second")
    assert told is not None
    assert (told.reason, told.actor, len(workflow.forgotten())) == (WHY, "first", 1)
    assert WHO not in str(left_of(stored))
    report = workflow.check()
    assert (report.sound, report.forgotten, report.forgetting) == (True, 1, ())


def test_whoever_lets_time_pass_goes_on_with_it(workflow: Workflow, counted: Counted, stored: Stored) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    counted.between = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        workflow.forget(WHO, reason=WHY)
    assert (workflow.tick(), workflow.tick()) == (1, 0)
    assert WHO not in str(left_of(stored))
    assert workflow.check().forgetting == ()


FORGET = f"""
import sys
from workflow_fsm import Settings, Workflow
from workflow_fsm.erasure import steps

go_on = steps.go_on
def told(*arguments, **named):
    print("erased", flush=True)
    return go_on(*arguments, **named)

steps.go_on = told
steps.MOST_AT_ONCE = 200
with Workflow.open(sys.argv[1], settings=Settings()) as workflow:
    workflow.forget({WHO!r}, reason={WHY!r})
"""


@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_process_that_is_killed_in_the_middle_leaves_what_another_goes_on_with(
    store_url: str, stored: Stored, after: int
) -> None:
    with Workflow.open(store_url, settings=Settings(), clock=ManualClock(START)) as workflow:
        fill(workflow)
        before = workflow.check()
    child = Child(FORGET, store_url)
    for _ in range(after):
        assert child.hear() == "erased"
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.communicate()
    with Workflow.open(store_url, settings=Settings(), clock=ManualClock(START)) as workflow:
        report = workflow.check()
        assert (report.sound, report.received, report.forgetting) == (True, before.received, (WHO,))
        assert workflow.status(WHO) is None
        assert workflow.forget(WHO, reason="again") is not None
        report = workflow.check()
        assert (report.sound, report.received, report.forgetting) == (True, before.received, ())
    assert WHO not in str(left_of(stored))

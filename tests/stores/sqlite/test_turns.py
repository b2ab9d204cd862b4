"""Turns on SQLite's one writer: users share its time, and one who sends much is nobody else's delay.

Nothing is timed: the seconds are a clock of ours, which the work itself moves.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from workflow_fsm import StoreUnavailable
from workflow_fsm.stores.group_commit.queue import MOST_WAITING_OF_ONE
from workflow_fsm.stores.group_commit.turns import COMMIT_SECONDS, PASSED_OVER_SECONDS, FairTurns, Job
from workflow_fsm.stores.session import Session
from workflow_fsm.stores.sqlite.database import SQLite

HEAVY, LIGHT = 0.25, 0.001


class Writer:
    """A SQLite file whose commits are noted: who was in each, in order."""

    def __init__(self, path: Path, pool: ThreadPoolExecutor) -> None:
        self.now = 0.0
        self.commits: list[list[str]] = []
        self._database = SQLite(str(path), seconds=lambda: self.now)
        self._database.tell_commits(lambda many, seconds: self._commit())
        self._pool = pool
        self._done: list[str] = []
        self._brought: list[Future[None]] = []
        self._held, self._go = threading.Event(), threading.Event()
        self._bring("", self._hold)
        assert self._held.wait(10)

    def bring(self, user: str, seconds: float, *, times: int = 1, apart: bool = False) -> None:
        """Have work of a user wait, so many pieces one behind the other."""
        for _ in range(times):
            waiting = len(self._database._queue)
            self._bring(user, lambda session: self._take(user, seconds), apart=apart)
            until(lambda waiting=waiting: len(self._database._queue) > waiting)  # type: ignore[misc]

    def let_go(self) -> list[list[str]]:
        """Have all that waits committed; give whose was in each commit."""
        self._go.set()
        for one in self._brought:
            one.result(20)
        self._database.close()
        return self.commits[1:]

    def _bring(self, user: str, work: Callable[[Session], None], *, apart: bool = False) -> None:
        users = [user] if user else []
        self._brought.append(self._pool.submit(self._database.write, work, users=users, apart=apart))

    def _hold(self, session: Session) -> None:
        self._held.set()
        assert self._go.wait(20)

    def _take(self, user: str, seconds: float) -> None:
        self.now += seconds
        self._done.append(user)

    def _commit(self) -> None:
        self.commits.append(self._done)
        self._done = []


def until(holds: Callable[[], bool]) -> None:
    end = monotonic() + 20
    while not holds():
        assert monotonic() < end
        sleep(0.001)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with ThreadPoolExecutor(200) as pool:
        yield Writer(tmp_path / "turns.db", pool)


def test_heavy_work_of_one_user_that_came_first_delays_others_by_one_piece_of_it(writer: Writer) -> None:
    writer.bring("heavy", HEAVY, times=4)
    for user in ("a", "b", "c"):
        writer.bring(user, LIGHT)
    assert writer.let_go() == [["heavy"], ["a", "b", "c"], ["heavy"], ["heavy"], ["heavy"]]


def test_users_who_send_little_share_a_commit_in_the_order_of_arrival(writer: Writer) -> None:
    for user in ("a", "b", "a", "c", "a"):
        writer.bring(user, LIGHT)
    assert writer.let_go() == [["a", "b", "a", "c", "a"]]


def test_two_heavy_users_take_turns_whoever_came_first(writer: Writer) -> None:
    writer.bring("a", HEAVY, times=3)
    writer.bring("b", HEAVY, times=3)
    assert writer.let_go() == [["a"], ["b"], ["a"], ["b"], ["a"], ["b"]]


def test_one_who_is_alone_is_not_held_back(writer: Writer) -> None:
    writer.bring("alone", 0.06, times=6)
    assert writer.let_go() == [["alone"] * 4, ["alone"] * 2]


def test_a_commit_ends_once_it_has_taken_its_time(writer: Writer) -> None:
    for number in range(12):
        writer.bring(f"u{number}", 0.06)
    assert [len(commit) for commit in writer.let_go()] == [4, 4, 4]


def test_what_is_known_to_take_long_has_a_commit_to_itself(writer: Writer) -> None:
    writer.bring("a", LIGHT)
    writer.bring("large", LIGHT, apart=True)
    writer.bring("b", LIGHT)
    writer.bring("c", LIGHT)
    assert writer.let_go() == [["a", "b", "c"], ["large"]]


def test_what_fails_fails_alone_and_what_is_behind_it_goes_on(writer: Writer) -> None:
    writer.bring("heavy", HEAVY, times=2)

    def fail(session: Session) -> None:
        raise LookupError("it fails")

    writer._bring("failing", fail)
    until(lambda: len(writer._database._queue) == 3)
    failing = writer._brought.pop()
    writer.bring("a", LIGHT)
    assert writer.let_go() == [["heavy"], ["a"], ["heavy"]]
    with pytest.raises(LookupError):
        failing.result(20)


def test_what_fails_in_a_commit_of_its_own_fails_nobody_else(writer: Writer) -> None:
    def fail(session: Session) -> None:
        raise LookupError("it fails")

    writer._bring("large", fail, apart=True)
    until(lambda: len(writer._database._queue) == 1)
    failing = writer._brought.pop()
    writer.bring("a", LIGHT)
    assert writer.let_go() == [["a"]]
    with pytest.raises(LookupError):
        failing.result(20)


def test_one_user_may_have_half_of_the_places_and_others_find_the_rest(writer: Writer) -> None:
    writer.bring("greedy", LIGHT, times=MOST_WAITING_OF_ONE)
    told = f"{MOST_WAITING_OF_ONE} others of greedy wait to be committed already, and nothing was kept"
    with pytest.raises(StoreUnavailable, match=told) as refused:
        writer._database.write(lambda session: None, users=["greedy"])
    assert refused.value.retry_after == 1
    writer.bring("other", LIGHT)
    assert sum(map(len, writer.let_go())) == MOST_WAITING_OF_ONE + 1


# -- over a while: several users always have work waiting


class Simulated:
    """A writer and users who have the next piece of work waiting as soon as one is done."""

    def __init__(self, users: dict[str, tuple[float, int]], *, strangers: float = 0.0) -> None:
        """Begin with users, each with what a piece takes and how many wait at a time; `strangers` take
        turns with them who come once, a new one for each commit."""
        self.now = 0.0
        self.took: Counter[str] = Counter()
        self.waited: Counter[str] = Counter()
        self._users, self._strangers = users, strangers
        self._turns = FairTurns(lambda: self.now)
        self._waiting: list[Job[Any]] = []
        self._numbers = iter(range(10**9))
        for user, (_, many) in users.items():
            for _ in range(many):
                self._bring(user)

    def run(self, seconds: float) -> None:
        while self.now < seconds:
            if self._strangers:
                self._bring(f"stranger-{next(self._numbers)}")
            waiting = list(self._waiting)
            self._turns.begin(waiting)
            taken = []
            for job in self._turns.take(waiting):
                (user,) = job.users
                self.waited[user] = max(self.waited[user], self.now - job.since)  # type: ignore[assignment]
                seconds_it_takes = self._users.get(user, (self._strangers, 0))[0]
                self.now += seconds_it_takes
                self.took[user] += seconds_it_takes  # type: ignore[assignment]
                taken.append(job)
            self.now += 0.001  # the commit
            self._waiting = [job for job in self._waiting if job not in taken]
            for job in taken:
                (user,) = job.users
                if user in self._users:
                    self._bring(user)
            self._turns.end(self._waiting)

    def _bring(self, user: str) -> None:
        job: Job[Any] = Job(lambda session: None, users=[user])
        job.since = self.now
        self._waiting.append(job)


def test_users_who_always_have_work_waiting_share_time_whatever_a_piece_takes() -> None:
    users = {"heavy": (0.3, 20), "middle": (0.05, 20), "light": (0.01, 20), "small": (0.002, 20)}
    simulated = Simulated(users)
    simulated.run(120)
    shares = [simulated.took[user] / simulated.now for user in users]
    assert min(shares) > 0.15
    assert max(shares) < 0.4


def test_who_sends_little_waits_for_one_heavy_piece_at_most() -> None:
    simulated = Simulated({"heavy": (0.3, 50), "light": (0.001, 1), "small": (0.001, 1)})
    simulated.run(60)
    assert max(simulated.waited[user] for user in ("light", "small")) < 0.3 + COMMIT_SECONDS


def test_one_who_owes_is_passed_over_for_a_while_only_though_new_users_come_all_the_time() -> None:
    simulated = Simulated({"heavy": (0.3, 1)}, strangers=0.02)
    simulated.run(60)
    assert simulated.waited["heavy"] < PASSED_OVER_SECONDS + 2 * COMMIT_SECONDS
    assert simulated.took["heavy"] > 60 * 0.3 / (0.3 + PASSED_OVER_SECONDS + 2 * COMMIT_SECONDS)


def test_nothing_is_remembered_of_users_who_owe_nothing() -> None:
    simulated = Simulated({"heavy": (0.3, 1)}, strangers=0.001)
    simulated.run(30)
    assert simulated._turns._debts.keys() <= {"heavy"}

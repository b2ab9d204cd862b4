"""Threads that are interrupted while they commit, or wait for one, hold up nobody who comes after them."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import sleep
from types import FrameType
from typing import Any

import pytest

from tests.stores.sqlite.on_sqlite import Start
from workflow_fsm.stores.group_commit.queue import CommitQueue
from workflow_fsm.stores.group_commit.turns import Job

INTERRUPTED = """
import json, os, random, signal, sys, threading, time
from workflow_fsm import StoreUnavailable, Workflow

chance = random.Random(1)
over, at_it, interrupted, acknowledged = threading.Event(), False, 0, {}

def fire(workflow, user_id, number):
    workflow.fire("sync_complete", user_id=user_id, sync_id=f"s{number}", event_id=f"e{number}")

def go_on(workflow, user_id):
    acknowledged[user_id] = 0
    while not over.is_set():
        try:
            fire(workflow, user_id, acknowledged[user_id])
            acknowledged[user_id] += 1
        except StoreUnavailable:
            pass  # nobody knows whether it was kept: again, by the same id

def hear(number, frame):
    global at_it
    if at_it:
        at_it = False
        raise KeyboardInterrupt

def interrupt():
    while not over.is_set():
        time.sleep(chance.random() / 500)
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, hear)
with Workflow.open(sys.argv[1]) as workflow:
    others = [threading.Thread(target=go_on, args=(workflow, f"u{n}"), daemon=True) for n in range(4)]
    others.append(threading.Thread(target=interrupt, daemon=True))
    for other in others:
        other.start()
    number = 0
    while interrupted < 200:
        number += 1
        try:
            at_it = True
            fire(workflow, "interrupted", number)
            at_it = False
        except StoreUnavailable:
            at_it = False
        except KeyboardInterrupt:
            interrupted += 1
    before = dict(acknowledged)
    fire(workflow, "last", 1)
    time.sleep(0.2)
    over.set()
    for other in others:
        other.join(10)
    told = {"alive": sum(other.is_alive() for other in others), "stuck": before == acknowledged}
    kept = {user: len(workflow.status(user).syncs) for user in acknowledged}
    told["lost"] = [user for user in kept if kept[user] < min(100, acknowledged[user])]
    told["sound"] = workflow.check().sound
    print(json.dumps(told), flush=True)
"""


def test_a_thread_that_sigint_interrupts_leaves_the_lane_to_the_next(store_url: str, start: Start) -> None:
    """ "A thread that waits for the commit and is interrupted (SIGINT, a soft time limit) leaves the queue's
    lane to nobody: every later `fire` of the process hangs." """
    child = start(INTERRUPTED, store_url)
    told = child.hear()
    child.end()
    assert json.loads(told) == {"alive": 0, "stuck": False, "lost": [], "sound": True}


class Interrupted(BaseException):
    """What a signal raises in the main thread."""


def raise_interrupted(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


def test_work_whose_bringer_was_interrupted_leads_no_commit_that_it_was_left_out_of() -> None:
    begun = [threading.Event() for _ in range(9)]
    go_on = [threading.Event() for _ in range(2)]
    numbers = count()

    def commit(batch: Iterable[Job[Any]]) -> None:
        job, number = next(iter(batch)), next(numbers)  # and leaves the rest to the next commit
        begun[number].set()
        for wait in go_on[number : number + 1]:
            assert wait.wait(10)
        job.result = job.work(None)  # type: ignore[arg-type]  # it asks the session nothing

    def strike() -> None:
        while len(queue) < 2:
            sleep(0.001)
        go_on[0].set()
        assert begun[1].wait(10)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    queue = CommitQueue(commit)
    before = signal.signal(signal.SIGUSR1, raise_interrupted)
    try:
        with ThreadPoolExecutor(3) as pool:
            first = pool.submit(queue.do, lambda _: "first")
            assert begun[0].wait(10)
            second = pool.submit(queue.do, lambda _: "second")
            while len(queue) < 1:
                sleep(0.001)
            striking = pool.submit(strike)
            with pytest.raises(Interrupted):
                queue.do(lambda _: "never heard of")
            striking.result(timeout=10)
            go_on[1].set()
            assert [first.result(timeout=10), second.result(timeout=10)] == ["first", "second"]
            assert pool.submit(queue.do, lambda _: "last").result(timeout=10) == "last"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (len(queue), queue._idle_lanes) == (0, 1)


LIMITED = """
import ctypes, json, random, sys, threading, time
from itertools import count
from workflow_fsm import StoreUnavailable, Workflow

class Limit(getattr(__import__("builtins"), sys.argv[2])):
    pass

chance, over, numbers, ended = random.Random(1), threading.Event(), count(), 0
threading.excepthook = sys.unraisablehook = lambda *told: None
sys.setswitchinterval(1e-5)  # threads change places far more often than by themselves

def fire_on(user_id):
    while not over.is_set():
        try:
            workflow.fire("sync_complete", user_id=user_id, sync_id=f"s{next(numbers)}")
        except StoreUnavailable:
            pass

def begin(one):
    thread = threading.Thread(target=fire_on, args=(f"u{one}",), daemon=True)
    thread.start()
    return thread

with Workflow.open(sys.argv[1]) as workflow:
    threads = [begin(one) for one in range(4)]
    until = time.monotonic() + 3
    while time.monotonic() < until:
        time.sleep(chance.random() / 500)
        one = chance.randrange(4)
        if not threads[one].is_alive():
            threads[one] = begin(one)
            ended += 1
        ident = ctypes.c_ulong(threads[one].ident)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Limit))
    time.sleep(0.1)
    outcome = workflow.fire("sync_complete", user_id="last", sync_id="s1")
    over.set()
    for thread in threads:
        thread.join(10)
    told = {"struck": ended > 50, "alive": sum(thread.is_alive() for thread in threads)}
    print(json.dumps({**told, "status": outcome.status, "sound": workflow.check().sound}), flush=True)
"""


@pytest.mark.parametrize("kind", ["Exception", "BaseException"])
def test_a_thread_that_a_time_limit_interrupts_leaves_the_lane_to_the_next(
    sqlite_url: str, start: Start, kind: str
) -> None:
    child = start(LIMITED, sqlite_url, kind)
    told = child.hear()
    child.end()
    assert json.loads(told) == {"struck": True, "alive": 0, "status": "applied", "sound": True}

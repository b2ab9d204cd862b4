"""Forks: a child is told that its parent's workflow isn't its own, opens the store anew, and never hangs."""

from __future__ import annotations

import json

import pytest

from tests.stores.sqlite.on_sqlite import Start

FORKED = """
import faulthandler, json, os, random, sys, threading, time
from workflow_fsm import StoreUnavailable, Workflow, WorkflowClosed

url, forks = sys.argv[1], int(sys.argv[2])
chance, over, fired = random.Random(1), threading.Event(), [0] * 4

def fire_on(one):
    while not over.is_set():
        try:
            workflow.fire("sync_complete", user_id=f"u{one}", sync_id=f"s{fired[one]}")
            workflow.status(f"u{one}", limit=1)
            fired[one] += 1
        except StoreUnavailable:
            pass

def told_to_open_anew():
    asked = [
        lambda: workflow.fire("sync_complete", user_id="child", sync_id="none"),
        lambda: workflow.status("child"),
        workflow.run_effects,
        workflow.tick,
        workflow.ready,
    ]
    for ask in asked:
        try:
            ask()
            return False
        except WorkflowClosed as error:
            if "open the store anew" not in str(error):
                return False
    return True

def be_the_child(number):
    faulthandler.dump_traceback_later(15, exit=True)  # where it hangs
    if not told_to_open_anew():
        os._exit(3)
    worker.stop()
    workflow.close()
    with Workflow.open(url) as own:
        own.on_enter("synced", name="see")(lambda told: None)
        own.fire("sync_complete", user_id="child", sync_id=f"s{number}")
        with own.worker(threads=1):
            pass
    os._exit(0)

with Workflow.open(url) as workflow:
    workflow.on_enter("synced", name="see")(lambda told: None)
    with workflow.worker(threads=2) as worker:
        threads = [threading.Thread(target=fire_on, args=(one,), daemon=True) for one in range(4)]
        for thread in threads:
            thread.start()
        ends = []
        for number in range(forks):
            time.sleep(chance.random() / 100)
            child = os.fork()
            if child == 0:
                be_the_child(number)
            ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        before = list(fired)
        time.sleep(0.5)
        over.set()
        for thread in threads:
            thread.join(10)
        told = {"ends": sorted(set(ends)), "goes_on": before != fired}
    told["kept"] = len(workflow.status("child").syncs)
    told["sound"] = workflow.check().sound
print(json.dumps(told), flush=True)
"""


@pytest.mark.parametrize("forks", [15])
def test_a_forks_child_is_told_opens_the_store_anew_and_never_hangs(
    store_url: str, start: Start, forks: int
) -> None:
    """ "3 of 15 forked children hung in `fire`"; "A fork's child opens the store anew, or is told to; it
    never hangs." """
    child = start(FORKED, store_url, forks)
    told = child.hear()
    child.end()
    assert json.loads(told) == {"ends": [0], "goes_on": True, "kept": forks, "sound": True}

"""The steps that a version of the project takes: a script, run where that version's code is found.

What is counted are the interpreter's steps, and the calls of Python's functions, by file: they are the same
whatever else a machine does. `python stepped.py WHAT URL`; prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from time import sleep
from types import FrameType
from typing import Any

from workflow_fsm import Settings, Transition, Workflow

EVENTS = 200
CLAIMS = 30
"""Of each user who owes effects, found by one event."""
USERS = 10


class Steps:
    """What was counted: of each file, the interpreter's steps and the calls."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def trace(self, frame: FrameType, event: str, _told: object) -> Any:
        """Count what `sys.settrace` tells of."""
        file = frame.f_code.co_filename
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            self.calls[file] += 1
        elif event == "opcode":
            self.steps[file] += 1
        return self.trace

    def of(self, work: Callable[[], object], many: int) -> dict[str, Any]:
        """Count what some work does, in all threads that it starts; give it for one of `many`."""
        threading.settrace(self.trace)
        sys.settrace(self.trace)
        work()
        sys.settrace(None)
        threading.settrace(None)
        steps = {file: count / many for file, count in self.steps.items()}
        return {"steps": steps, "calls": sum(self.calls.values()) / many}


def fire(workflow: Workflow) -> dict[str, Any]:
    """Fire syncs of many users one by one."""

    def work() -> None:
        for number in range(EVENTS, 2 * EVENTS):
            workflow.fire("sync_complete", **_event(number))

    _warm(workflow)
    return Steps().of(work, EVENTS)


def fire_many(workflow: Workflow) -> dict[str, Any]:
    """Fire syncs of many users at once."""
    _warm(workflow)
    some = [{"trigger": "sync_complete", **_event(number)} for number in range(EVENTS, 2 * EVENTS)]
    return Steps().of(lambda: workflow.fire_many(some), EVENTS)


def story(workflow: Workflow) -> dict[str, Any]:
    """Tell claims from their sync to their payout, one event behind the other."""
    told: list[Callable[[str], dict[str, Any]]] = [
        lambda one: {"trigger": "sync_complete", "sync_id": one},
        lambda one: {"trigger": "detection_complete", "sync_id": one, "claims": [{"claim_id": one}]},
        lambda one: {"trigger": "evidence_matching_complete", "claim_id": one, "confidence": 0.9},
        lambda one: {"trigger": "claim_submitted", "claim_id": one, "amazon_case_id": f"k{one}"},
        lambda one: {"trigger": "payout_received", "claim_id": one, "amount": "5", "reimbursement_id": one},
    ]

    def work() -> None:
        for number in range(EVENTS // len(told)):
            for place, event in enumerate(told):
                fields = event(f"c{number}")
                user_id = f"user-{number}"
                workflow.fire(fields.pop("trigger"), user_id=user_id, event_id=f"e{number}-{place}", **fields)

    _warm(workflow)
    return Steps().of(work, EVENTS)


def effects(workflow: Workflow) -> dict[str, Any]:
    """Do effects, of claims that were found a hundred by one event, in a worker."""
    done: list[str | None] = []

    @workflow.on_transition(trigger="detection_complete", name="nothing")
    def nothing(told: Transition) -> None:
        done.append(told.claim_id)

    for user in range(USERS):
        workflow.fire("sync_complete", user_id=f"user-{user}", sync_id="s")
        found = [{"claim_id": f"c{number}"} for number in range(CLAIMS)]
        workflow.fire("detection_complete", user_id=f"user-{user}", sync_id="s", claims=found)

    def work() -> None:
        worker = workflow.worker()
        worker.start()
        while len(done) < USERS * CLAIMS:
            sleep(0.01)
        worker.stop()

    return Steps().of(work, USERS * CLAIMS)


def _warm(workflow: Workflow) -> None:
    workflow.fire_many([{"trigger": "sync_complete", **_event(number)} for number in range(EVENTS)])
    workflow.fire("sync_complete", user_id="warm", sync_id="warm")


def _event(number: int) -> dict[str, Any]:
    return {
        "user_id": f"user-{number % EVENTS}",
        "sync_id": f"steps-{number}",
        "event_id": f"msg_{number:010}",
        "orders_count": 12,
    }


if __name__ == "__main__":
    _, what, url = sys.argv
    works = {"fire": fire, "fire_many": fire_many, "story": story, "effects": effects}
    with Workflow.open(url, settings=Settings()) as opened:
        print(json.dumps(works[what](opened)))

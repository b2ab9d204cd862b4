"""Worker processes: many effects by two, one that is paused past its lease, and a handler that is deadly."""

from __future__ import annotations

import signal
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.crash.conftest import LONG, Begin, Disk, until
from tests.crash.engines import counting, deadly, sleepy
from tests.forked import Forked
from tests.machine.ledger import Ledger
from workflow_fsm import Settings, StoreUnavailable, Workflow
from workflow_fsm.testing import detected, matched

LIFECYCLES = 500
MATCHES = 40 if LONG else 4
"""Of each claim, each with an effect."""
TRIES = 3

pytestmark = pytest.mark.crash

BY_ANOTHER_S_CLOCK = pytest.param(False, id="its lease is over by another's clock")
WAITED_OUT = pytest.param(True, id="its lease is waited out")
waits = pytest.mark.parametrize("waits", [BY_ANOTHER_S_CLOCK, WAITED_OUT] if LONG else [BY_ANOTHER_S_CLOCK])


def begin_worker(begin: Begin, engine: str, *, minutes: int = 0, **environment: str) -> Forked:
    """Begin a worker; it is the command itself, unless its clock is to be ahead."""
    environment |= {"WORKFLOW_HANDLERS": "tests.crash.engines", "CRASH_ENGINE": engine}
    if minutes:
        return begin("tests.crash.worker_ahead", str(minutes), **environment)
    return begin("workflow_fsm", "worker", **environment)


def end(*workers: Forked) -> None:
    """End workers as a service manager does."""
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        assert worker.wait(timeout=15) == 0


def matches(number: int) -> Iterator[dict[str, Any]]:
    """Give the events of the match so numbered, one a claim."""
    for claim in range(LIFECYCLES):
        yield {
            "trigger": "evidence_matching_complete",
            "user_id": f"u{claim % 50}",
            "claim_id": f"c{claim}",
            "confidence": number / 100,
            "event_id": f"m{number}-{claim}",
        }


def fire_all(workflow: Workflow, events: list[dict[str, Any]]) -> None:
    """Fire in commits of 50, each again while the store is taken by others, as senders do."""
    for at in range(0, len(events), 50):
        for _ in range(20):
            try:
                outcomes = workflow.fire_many(events[at : at + 50])
                break
            except StoreUnavailable:
                sleep(0.1)
        assert not [one for one in outcomes if isinstance(one, Exception)]


def test_two_workers_do_each_effect_of_many_once_and_each_lifecycles_in_order(
    disk: Disk, begin: Begin
) -> None:
    with Workflow.open(disk.url, settings=Settings()) as workflow:
        counting(workflow, disk.record)
        begin_with: list[dict[str, Any]] = []
        for user in range(50):
            claims = [{"claim_id": f"c{claim}"} for claim in range(user, LIFECYCLES, 50)]
            whose = {"user_id": f"u{user}", "sync_id": "s"}
            begin_with += [
                {"trigger": "sync_complete", **whose},
                {"trigger": "detection_complete", "claims": claims, **whose},
            ]
        fire_all(workflow, begin_with)
        for number in range(1, MATCHES // 2 + 1):
            fire_all(workflow, list(matches(number)))
        workers = [begin_worker(begin, "counting") for _ in range(2)]
        until(lambda: disk.log.read_text().count("working in") == 2, disk, seconds=20)
        for number in range(MATCHES // 2 + 1, MATCHES + 1):  # beside the workers
            fire_all(workflow, list(matches(number)))
        until(lambda: disk.unfinished() == 0, disk, seconds=40 if not LONG else 300)
        end(*workers)

        effects = disk.effects()
        assert (len(effects), {row["standing"] for row in effects}) == (LIFECYCLES * MATCHES, {"done"})
        disk.check_work()
        lines = defaultdict(list)
        for line in disk.record.lines("begun", "done"):
            lines[line["claim"]].append((line["what"], line["key"]))
        for told in lines.values():  # "one at a time"
            assert [what for what, _ in told] == ["begun", "done"] * (len(told) // 2)
            assert [key for _, key in told[::2]] == [key for _, key in told[1::2]]
        assert {line["process"] for line in disk.record.lines("done")} == {one.pid for one in workers}
        assert workflow.dead_letters() == []
        assert workflow.check().faults == ()


def is_stopped(worker: Forked) -> bool:
    return Path(f"/proc/{worker.pid}/stat").read_text().rpartition(") ")[2].startswith("T")


def pause(worker: Forked, disk: Disk) -> None:
    """Stop a worker where it is; not in the middle of a commit, which would hold up every other process."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        until(lambda: is_stopped(worker), disk, seconds=5)
        with closing(sqlite3.connect(disk.store, timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                return
            except sqlite3.OperationalError:
                worker.send_signal(signal.SIGCONT)
                sleep(0.05)


@waits
def test_a_worker_that_was_paused_past_its_lease_changes_nothing_when_it_wakes(
    disk: Disk, begin: Begin, waits: bool
) -> None:
    with Workflow.open(disk.url, settings=Settings()) as workflow:
        sleepy(workflow, disk.record)
        matched(workflow)
        paused = begin_worker(begin, "sleepy")
        until(lambda: len(disk.record.lines("begun")) == 1, disk, seconds=20)
        pause(paused, disk)
        since = monotonic()

        other = begin_worker(begin, "sleepy", minutes=0 if waits else 1)
        until(lambda: disk.unfinished() == 0, disk, seconds=45)
        assert not waits or 10 < monotonic() - since < 32  # "taken over within 30 seconds"
        ledger, effects = Ledger(disk.store), disk.effects()

        disk.record.add("wake")
        paused.send_signal(signal.SIGCONT)
        until(lambda: "effect submit of u1 is lost" in disk.log.read_text(), disk, seconds=20)
        assert (Ledger(disk.store), disk.effects()) == (ledger, effects)
        end(paused, other)

        begun = disk.record.lines("begun")
        assert [line["attempt"] for line in begun] == [1, 2]
        assert [line["process"] for line in begun] == [paused.pid, other.pid]
        assert len({line["key"] for line in begun}) == 1
        (effect,) = disk.effects()
        assert (effect["standing"], effect["attempt"]) == ("done", 2)
        history = workflow.history("u1", "c1")
        assert history is not None
        assert [row.event_id for row in history if row.trigger == "claim_submitted"] == [effect["key"]]
        status = workflow.status("u1")
        assert status is not None
        assert status.claims[0].amazon_case_id == "in time"
        assert workflow.dead_letters() == []
        assert workflow.check().faults == ()


@waits
def test_a_handler_that_kills_its_process_ends_as_a_dead_letter_and_the_rest_goes_on(
    disk: Disk, begin: Begin, waits: bool
) -> None:
    with Workflow.open(disk.url, settings=Settings()) as workflow:
        deadly(workflow, disk.record)
        for claim in ("c1", "c2", "poison", "c3", "c4", "c5"):
            detected(workflow, f"user-of-{claim}", claim)
        for life in range(TRIES):
            worker = begin_worker(
                begin, "deadly", minutes=0 if waits else 1 + life, WORKFLOW_EFFECT_TRIES=str(TRIES)
            )
            assert worker.wait(timeout=50) == -signal.SIGKILL
        worker = begin_worker(
            begin, "deadly", minutes=0 if waits else 1 + TRIES, WORKFLOW_EFFECT_TRIES=str(TRIES)
        )
        until(lambda: disk.unfinished() == 0, disk, seconds=50)
        end(worker)

        (dead_letter,) = workflow.dead_letters()
        assert (dead_letter.handler, dead_letter.claim_id, dead_letter.attempts) == ("match", "poison", TRIES)
        assert dead_letter.reason.endswith(
            f"begun {TRIES} times, and the last time never ended: its process died, stopped or hung"
        )
        begun = [line["attempt"] for line in disk.record.lines("begun") if line["claim"] == "poison"]
        assert begun == [1, 2, 3]
        (told,) = disk.record.lines("told")
        assert told["letter"]["id"] == dead_letter.id
        # What stood behind it in its own lifecycle, and all of the others.
        done = {(line["handler"], line["claim"]) for line in disk.record.lines("done")}
        claims = {f"c{number}" for number in range(1, 6)}
        assert done >= {
            ("behind", "poison"),
            *((name, one) for name in ("match", "behind") for one in claims),
        }
        assert {(workflow.allowed(f"user-of-{one}", one) or ("",))[0] for one in claims} == {
            workflow.definition.allowed("matched")[0]
        }
        assert {row["standing"] for row in disk.effects()} == {"done", "dead"}
        assert workflow.check().faults == ()

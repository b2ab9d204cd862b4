"""A process whose disk is watched: threads fire claims, and each answer is told to the disk's log.

Its arguments are the store's file, a seed, how many events a thread fires, and how: `FULL`, as the store sets
it; `NORMAL`, as it must not; `slow`, on a disk that takes 20 ms for a sync; `failing`, on one that fails now
and then. The log is begun anew every 40 pages, so that a short life has checkpoints too.
"""

from __future__ import annotations

import ctypes
import errno
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, ClassVar

from workflow_fsm import Settings, StoreUnavailable, Workflow

THREADS = 4
DISK = ctypes.CDLL(None)
FAULTS = [(kind, error) for kind in (b"W", b"S") for error in (errno.EIO, errno.ENOSPC)]


class Tuned(sqlite3.Connection):
    """A connection that is told some things otherwise than the store tells it."""

    told: ClassVar[Mapping[str, str]] = {
        "PRAGMA wal_autocheckpoint = 10000": "PRAGMA wal_autocheckpoint = 40"
    }

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return super().execute(self.told.get(sql, sql), parameters)


def events(user: str, chance: Random) -> Iterator[dict[str, Any]]:
    """Give the events of a claim that is paid, in some order."""
    found: list[dict[str, Any]] = [
        {"trigger": "sync_complete", "sync_id": "s", "event_id": "e1"},
        {"trigger": "detection_complete", "sync_id": "s", "claims": [{"claim_id": "c"}], "event_id": "e2"},
        {"trigger": "claim_submitted", "claim_id": "c", "amazon_case_id": "k", "event_id": "e3"},
        {"trigger": "payout_received", "claim_id": "c", "amount": "12.50", "event_id": "e4"},
    ]
    chance.shuffle(found)
    for one in found:
        yield {"user_id": user, **one}


def send(workflow: Workflow, number: int, seed: int, many: int, how: str) -> None:
    """Fire, and tell the disk's log of each answer; what is not answered is sent again."""
    chance = Random(seed * 100 + number)
    sent = 0
    while sent < many:
        for body in events(f"u{number}-{sent}", chance):
            if how == "failing" and chance.random() < 0.1:
                kind, error = chance.choice(FAULTS)
                DISK.power_fail(ctypes.c_char(kind), ctypes.c_long(chance.randrange(6)), error)
            while True:
                try:
                    workflow.fire(**body)
                    break
                except StoreUnavailable as unavailable:
                    DISK.power_say(f"refused {unavailable}".encode())
            DISK.power_say(f"{body['user_id']} {body['event_id']}".encode())
            sent += 1


def main() -> None:
    """Fire in threads."""
    _, path, seed, many, how = sys.argv
    if how == "NORMAL":
        Tuned.told = {**Tuned.told, "PRAGMA synchronous = FULL": "PRAGMA synchronous = NORMAL"}
    sqlite3.connect = partial(sqlite3.connect, factory=Tuned)  # type: ignore[assignment]
    if how == "slow":
        DISK.power_slow(ctypes.c_long(20_000))
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        work = partial(send, workflow, seed=int(seed), many=int(many), how=how)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()

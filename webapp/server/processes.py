"""Processes: how several serve one port as one service: their cores, their metrics, and who does effects.

What the processes share is made before the first of them is forked; each opens a store of its own.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.workers.base import Worker

from webapp.routes import metrics

OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""Python's own 700 come together every few requests, whose objects, in cycles or not, are few."""

_IN_MEMORY = "/dev/shm"
_PR_SET_PDEATHSIG = 1
_M_MMAP_THRESHOLD = -3
_APART_BYTES = 128 * 1024


class Places:
    """A number for each process that lives, from 0 on: one that stands in for another has that one's."""

    def __init__(self) -> None:
        self._taken: dict[int, Worker] = {}

    def give(self, _arbiter: Arbiter, worker: Worker) -> None:
        """Give a process that is about to be forked the lowest number that is free."""
        number = next(one for one in range(len(self._taken) + 1) if one not in self._taken)
        self._taken[number] = worker

    def take_back(self, _arbiter: Arbiter, worker: Worker) -> None:
        """Take the number of a process that has ended."""
        self._taken = {number: one for number, one in self._taken.items() if one is not worker}

    def of(self, worker: Worker) -> int:
        """Tell a process's number."""
        return next(number for number, one in self._taken.items() if one is worker)

    def pin(self, worker: Worker) -> None:
        """Keep this process on one of the cores that it may use: another than those of the numbers beside.

        Services of one machine spread over the cores by the number of the process that forks.
        """
        if sys.platform == "linux":
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[(os.getppid() + self.of(worker)) % len(cores)]})


class Duty:
    """What one process of several does, and another as soon as that has ended, however it ended.

    It is with who holds a file's lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, begin: Callable[[], None]) -> None:
        """Have `begin` called, in a thread, once the duty is this process's; it is until the process ends."""

        def wait() -> None:
            self._held = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX)
            begin()

        Thread(target=wait, name="duty", daemon=True).start()


class SharedFolder:
    """What several processes share: where they count what they do, and the duty that one of them has.

    In memory where there is such a folder: nobody tidies up there what looks old, and no disk is written to.
    """

    def __init__(self) -> None:
        memory = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK | os.X_OK) else None
        self._folder = Path(tempfile.mkdtemp(prefix="workflow-fsm-", dir=memory))
        self.duty = Duty(self._folder / "duty")
        metrics.share(str(self._folder))

    def forget(self, worker: Worker) -> None:
        """Let go of what a process that has ended had under way; what it has counted stays."""
        metrics.forget(int(worker.pid))

    def remove(self, _arbiter: Arbiter) -> None:
        """Remove it, at the end of the service."""
        shutil.rmtree(self._folder, ignore_errors=True)


def tie_to_arbiter() -> None:
    """Let a worker end with its arbiter, however that ends.

    One that outlived `kill -9` of its arbiter would hold the port for seconds, and the service could not be
    started again. What is large is apart in memory, to be given back.
    """
    if sys.platform == "linux":
        system = ctypes.CDLL(None)
        system.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if hasattr(system, "mallopt"):  # glibc's; it would raise the bound by what was freed last
            system.mallopt(_M_MMAP_THRESHOLD, _APART_BYTES)


def settle(config: Config) -> None:
    """Give gunicorn's settings as they stand to whoever asks: each request looks up twenty of them."""
    told = {name: setting.get() for name, setting in config.settings.items()}
    vars(config).update({name: value for name, value in told.items() if not hasattr(Config, name)})


def keep_shared() -> None:
    """Have processes that are forked from now on share what is in memory: looking for cycles writes to it."""
    gc.collect()
    gc.freeze()
    gc.disable()


def collect_seldom() -> None:
    """Look for unused cycles after many requests instead of few, and not among what stays for good."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)

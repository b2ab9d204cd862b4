"""Blocks of the log: lines of requests are written many at once, by a thread that nobody waits for.

Each writing costs a way into the system, and the interpreter's lock until it is back. What a line tells is on
disk before, by its commit; a process that is killed loses the lines of its last moments.
"""

from __future__ import annotations

import os
import select
import stat
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from threading import Event, Lock, Thread
from time import sleep
from typing import TextIO

EVERY_SECONDS = 0.05
"""How long a line waits for others."""
MOST_WAITING = 2_000
"""Lines that wait at most: past them whoever adds one writes them, so that a reader who stalls is felt."""


class Blocks:
    """The lines that wait for a stream, and the thread that writes them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[Callable[[], str]] = deque()
        self._writing = Lock()
        self._came = Event()
        self._is_told = False
        Thread(target=self._run, name="log", daemon=True).start()

    def add(self, line: Callable[[], str]) -> None:
        """Have a line written, which is made where it is written."""
        self._waiting.append(line)
        if not self._is_told:
            self._is_told = True
            self._came.set()
        if len(self._waiting) > MOST_WAITING:
            self.write()

    def write(self) -> None:
        """Write what waits, now."""
        with self._writing:
            lines = [_made(self._waiting.popleft()) for _ in range(len(self._waiting))]
            with suppress(OSError, ValueError):  # a reader that is gone is gone for every line
                for block in _in_blocks(lines, self._most()):
                    self._stream.write(block)
                    self._stream.flush()

    def _most(self) -> int:
        """Give how much goes into one writing: into a pipe what no other process's comes between."""
        return select.PIPE_BUF if stat.S_ISFIFO(os.fstat(self._stream.fileno()).st_mode) else 1 << 20

    def _run(self) -> None:
        while True:
            self._came.wait()
            sleep(EVERY_SECONDS)
            self._came.clear()
            self._is_told = False
            self.write()


def _made(line: Callable[[], str]) -> str:
    try:
        return line() + "\n"
    except Exception:
        traceback.print_exc()  # the log itself can't tell it
        return ""


def _in_blocks(lines: Iterable[str], most: int) -> Iterator[str]:
    """Join lines to blocks of so many bytes at most; one that is longer is a block by itself."""
    block: list[str] = []
    size = 0
    for line in lines:
        bytes_of_it = len(line.encode("utf-8", "replace"))
        if block and size + bytes_of_it > most:
            yield "".join(block)
            block, size = [], 0
        block.append(line)
        size += bytes_of_it
    if block:
        yield "".join(block)

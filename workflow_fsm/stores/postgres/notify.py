"""Notify: whoever made something ready wakes other processes, and only where somebody idles.

An idle listener holds a shared advisory lock, which a notifier looks for: a NOTIFY takes a lock that all
commits of the server share. Calls are a help and no promise, since whoever idles also looks by itself.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import sql

log = logging.getLogger(__name__)

Connect = Callable[[], psycopg.Connection[Any]]
_LOCK = 0x69646C65
"""The advisory lock of whoever idles; its second half is the schema's name."""
_APART_SECONDS = 0.02
"""The least time between two calls: those between are one."""
_STAY_SECONDS = 0.2
"""How long a listener is taken to idle still, since most that idle do so again at once."""
_DOWN_SECONDS = 1.0
_CHANNEL = "SELECT 'workflow_fsm_' || md5(current_schema()::text)"
_NOTIFY = """
SELECT pg_notify('workflow_fsm_' || md5(current_schema()::text), '') WHERE EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND classid = %(lock)s::bigint::oid
      AND objid = (hashtext(current_schema()::text)::bigint & 4294967295)::oid
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""
_IDLE = "SELECT pg_advisory_lock_shared(%(lock)s, hashtext(current_schema()::text))"
_BUSY = "SELECT pg_advisory_unlock_shared(%(lock)s, hashtext(current_schema()::text))"


class Notifier:
    """Calls, in a thread of its own that begins with the first call."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None

    def notify(self) -> None:
        """Have whoever idles called soon; never waits."""
        if self._thread is None:
            with self._mutex:
                if self._thread is None and not self._closed.is_set():
                    self._thread = threading.Thread(target=self._work, name="calls", daemon=True)
                    self._thread.start()
        self._asked.set()

    def close(self) -> None:
        """Stop."""
        self._closed.set()
        self._asked.set()
        with self._mutex:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while self._asked.wait() and not self._closed.is_set():
            self._asked.clear()
            try:
                connection = connection or self._connect()
                connection.execute(_NOTIFY, {"lock": _LOCK})
            except psycopg.Error:  # whoever idles looks by itself, and users of the store are told
                _close(connection)
                connection = None
            self._closed.wait(_APART_SECONDS if connection is not None else _DOWN_SECONDS)
        _close(connection)


class Listener:
    """Hears calls, in a thread of its own: `hear` is called for each."""

    def __init__(self, connect: Connect, hear: Callable[[], None]) -> None:
        self._connect = connect
        self._hear = hear
        self._idle = False
        self._closed = False
        self._mutex = threading.Lock()
        self._woken, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._work, name="listener", daemon=True)
        self._thread.start()

    def idle(self, idle: bool) -> None:
        """Say whether anybody here idles; never waits."""
        with self._mutex:
            begins = idle and not self._idle
            self._idle = idle
            if begins and not self._closed:
                os.write(self._wake, b"i")

    def close(self) -> None:
        """Stop."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            os.write(self._wake, b"c")
        self._thread.join()
        os.close(self._wake)
        os.close(self._woken)

    def _work(self) -> None:
        while not self._closed:
            try:
                connection = self._connect()
                try:
                    self._listen(connection)
                finally:
                    connection.close()
            except psycopg.Error as error:
                log.info(
                    "not listening for calls, and looking now and then: %s", " ".join(str(error).split())
                )
                self._wait(None, _DOWN_SECONDS)

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute(_CHANNEL).fetchone()
        assert row is not None
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(row[0])))
        locked = False
        while not self._closed:
            idle = self._idle
            if idle and not locked:
                connection.execute(_IDLE, {"lock": _LOCK})
                self._hear()  # for what was made ready before anybody could tell that someone idles
            elif locked and not idle:
                connection.execute(_BUSY, {"lock": _LOCK})
            locked = idle
            for _ in connection.notifies(timeout=0):
                self._hear()
            self._wait(connection, _STAY_SECONDS if locked else None)

    def _wait(self, connection: psycopg.Connection[Any] | None, seconds: float | None) -> None:
        """Wait for something on the connection, to be woken, or for some seconds."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        if connection is not None:
            poll.register(connection.fileno(), select.POLLIN)
        found = poll.poll(None if seconds is None else seconds * 1000)
        if any(descriptor == self._woken for descriptor, _ in found):
            os.read(self._woken, 1024)


def _close(connection: psycopg.Connection[Any] | None) -> None:
    if connection is not None:
        with suppress(psycopg.Error):
            connection.close()

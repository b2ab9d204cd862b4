"""The turnstile: who waits for a file goes before who has just written, and nobody waits for the dead."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest

from tests.webapp.services import until
from workflow_fsm.stores.sqlite.turnstile import WAIT_SECONDS, Turnstile

pytestmark = pytest.mark.skipif(not hasattr(fcntl, "F_OFD_SETLK"), reason="no such locks here")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "claims.db.lock")


def is_waited_for(path: str) -> bool:
    """Tell whether somebody is next in line: the system tells of each lock that is held."""
    inode = os.stat(path).st_ino
    return any(
        f":{inode} 0 0" in line and "OFDLCK" in line for line in Path("/proc/locks").read_text().splitlines()
    )


def in_another_process(work: Callable[[], None]) -> int:
    process = os.fork()
    if process == 0:
        try:
            work()
        finally:
            os._exit(0)
    return process


@pytest.mark.skipif(sys.platform != "linux", reason="the locks that are held are looked at")
def test_who_has_just_written_does_not_go_before_who_waits(path: str) -> None:
    one, other, order = Turnstile(path), Turnstile(path), []
    one.enter()

    def wait_and_write() -> None:
        other.enter()
        order.append("who waited")
        other.leave()

    waiting = Thread(target=wait_and_write)
    waiting.start()
    until(lambda: is_waited_for(path))
    one.leave()
    one.enter()
    order.append("who has just written")
    one.leave()
    waiting.join()

    assert order == ["who waited", "who has just written"]


def test_several_have_as_many_turns_each(path: str, tmp_path: Path) -> None:
    def write(to: Path) -> None:
        turnstile, turns, until = Turnstile(path), 0, monotonic() + 1
        while monotonic() < until:
            turnstile.enter()
            time.sleep(0.002)
            turnstile.leave()
            turns += 1
        to.write_text(str(turns))

    told = [tmp_path / str(number) for number in range(3)]
    processes = [in_another_process(lambda to=to: write(to)) for to in told]  # type: ignore[misc]
    for process in processes:
        os.waitpid(process, 0)

    turns = [int(one.read_text()) for one in told]
    assert min(turns) > 0.7 * max(turns)


def test_who_is_killed_at_the_file_holds_up_nobody(path: str, tmp_path: Path) -> None:
    """Nor does what it has forked, which lives on."""

    def hold() -> None:
        holder = Turnstile(path)
        holder.enter()
        (tmp_path / "child").write_text(str(in_another_process(lambda: time.sleep(60))))
        (tmp_path / "held").touch()
        time.sleep(60)

    process = in_another_process(hold)
    until((tmp_path / "held").exists)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    began = monotonic()
    Turnstile(path).enter()

    assert monotonic() - began < WAIT_SECONDS / 2
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_one_that_stands_still_is_waited_for_a_bounded_while(path: str) -> None:
    standing, waiting = Turnstile(path), Turnstile(path)
    standing.enter()
    began = monotonic()
    waiting.enter()
    waited = monotonic() - began
    waiting.leave()

    assert WAIT_SECONDS * 0.9 < waited < WAIT_SECONDS + 1
    standing.leave()
    began = monotonic()
    for _ in range(3):
        waiting.enter()
        waiting.leave()
    assert monotonic() - began < WAIT_SECONDS / 2


def test_where_no_file_can_be_made_nobody_queues(tmp_path: Path) -> None:
    turnstile = Turnstile(str(tmp_path / "none" / "claims.db.lock"))

    turnstile.enter()
    turnstile.leave()
    turnstile.close()


def test_it_can_be_entered_again_after_it_was_closed(path: str) -> None:
    one, other = Turnstile(path), Turnstile(path)
    one.enter()
    other.enter()  # and has a thread that waits
    one.leave()
    other.close()
    one.close()

    other.enter()
    other.leave()

"""Lines of the log in blocks: all of them, in order, whole, and none later than it must be."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from tests.webapp.services import until
from webapp.http.log_blocks import MOST_WAITING, Blocks


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "log").open("w") as opened:
        yield opened


def told(stream: TextIO) -> list[str]:
    return Path(stream.name).read_text().splitlines()


def test_lines_come_in_order_and_soon(stream: TextIO) -> None:
    blocks = Blocks(stream)
    for number in range(500):
        blocks.add(lambda number=number: f"line {number}")  # type: ignore[misc]

    until(lambda: len(told(stream)) == 500, seconds=5)
    assert told(stream) == [f"line {number}" for number in range(500)]


def test_what_waits_is_written_when_it_is_asked_for(stream: TextIO) -> None:
    blocks = Blocks(stream)
    blocks.add(lambda: "one")
    blocks.write()

    assert told(stream) == ["one"]


def test_a_line_that_can_t_be_made_takes_no_other_with_it(
    stream: TextIO, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails() -> str:
        raise ValueError("no line")

    blocks = Blocks(stream)
    for line in (lambda: "before", fails, lambda: "behind"):
        blocks.add(line)

    until(lambda: told(stream) == ["before", "behind"], seconds=5)
    assert "no line" in capfd.readouterr().err


def test_two_processes_tear_no_line_of_each_other_s_in_a_pipe() -> None:
    reader, writer = os.pipe()
    for name in "ab":
        if os.fork() == 0:
            blocks = Blocks(open(writer, "w", encoding="utf-8"))  # noqa: SIM115  # it ends by its own end
            for _ in range(2000):
                blocks.add(lambda: name + "ü" * 40)  # noqa: B023  # this process's own
            blocks.write()
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as told:
        lines = told.read().splitlines()
    for _ in "ab":
        os.wait()

    assert Counter(lines) == {name + "ü" * 40: 2000 for name in "ab"}


def test_too_many_that_wait_are_written_by_who_adds_one(stream: TextIO) -> None:
    blocks = Blocks(stream)
    for _ in range(3 * MOST_WAITING):
        blocks.add(lambda: "line")

    assert len(told(stream)) >= 2 * MOST_WAITING

"""Which cells, arrows and answers of the claim table the tests enter: noted as they run, held to be all.

A plugin notes what decisions ask the table, in whichever of the run's processes, and the first test that
made them: for the answer to an event, for what a cell says to one that is for nobody yet or the way from
there to where it is for somebody, and whether a timer would go on. A run of the whole suite fails where a way
is left that none entered. What processes do that tests start themselves is not counted, nor what tests ask a
definition directly.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import update_wrapper
from typing import Any, Protocol

import pytest

from workflow_fsm.core.definition import Cell, Definition, Meeting, Rest
from workflow_fsm.core.definition.claim import CELLS, claim_lifecycle
from workflow_fsm.core.definition.definition import Taken

Way = tuple[str | None, str, str | None]
"""A state, a trigger, and what the cell's question was answered: None where it asks none."""
KEY = "entered"
ASKED = ("answer", "cell", "path", "has_arrow")
"""What of a definition is looked at."""
CLOSED_TO_ALL = {
    ("synced", "deadline_passed", None): "a sync is told no deadline",
    ("expired", "sync_complete", None): "a claim is not found by its sync, and what is has no deadline",
}
"""Ways that nothing can take, and why."""


class Node(Protocol):
    """A process of a run that is spread over several."""

    workeroutput: dict[str, Any]


def ways(definition: Definition) -> Iterator[Way]:
    """Give all that a table can be met with."""
    for (state, trigger), cell in definition.table.items():
        for told in cell.question.answers if cell.question else (None,):
            if (state, trigger, told) not in CLOSED_TO_ALL:
                yield state, trigger, told


def is_arrow(definition: Definition, way: Way) -> bool:
    """Tell whether an arrow is taken on that way."""
    state, trigger, told = way
    return any(arrow.when == told for arrow in definition.cell(state, trigger).arrows)


def shown(way: Way) -> str:
    """Tell a way in words."""
    state, trigger, told = way
    return f"{state or '(none yet)'} / {trigger}" + (f", answered {told!r}" if told else "")


class Entered:
    """What was entered so far, and by which test first."""

    def __init__(self, definition: Definition) -> None:
        self.by: dict[Way, str] = {}
        self.all = tuple(ways(definition))
        self._definition = definition

    def missing(self) -> list[Way]:
        """Give what no test entered."""
        return [way for way in self.all if way not in self.by]

    def summary(self) -> str:
        """Count in a line what was entered, of all that there is."""
        kinds = {
            "cells": self.all,
            "arrows": [way for way in self.all if is_arrow(self._definition, way)],
            "answers of questions": [way for way in self.all if way[2] is not None],
        }
        told = []
        for kind, of_kind in kinds.items():
            parts = 2 if kind == "cells" else 3
            entered = {way[:parts] for way in of_kind if way in self.by}
            told.append(f"{len(entered)} of {len({way[:parts] for way in of_kind})} {kind}")
        return f"tests entered, of the claim table, {', '.join(told)}"

    def lines(self) -> Iterator[str]:
        """Give the whole report: each way, and the test that entered it first."""
        yield self.summary()
        for way in self.all:
            yield f"  {shown(way)}: {self.by.get(way, 'NOT ENTERED')}"


class Recorder:
    """The plugin: notes, joins what the processes of a run noted, reports and judges."""

    def __init__(self, config: pytest.Config) -> None:
        self.entered = Entered(claim_lifecycle())
        self._config = config
        self._test = "before any test"
        self._own: dict[str, Callable[..., Any]] = {name: getattr(Definition, name) for name in ASKED}

    def begin(self) -> None:
        """Note from now on."""
        answer, cell, path, has_arrow = (getattr(Definition, name) for name in ASKED)

        def answering(made: Definition, state: str | None, trigger: str, meeting: Meeting) -> Taken | Rest:
            given: Taken | Rest = answer(made, state, trigger, meeting)
            if made.cells is CELLS and is_decision():
                question = made.table[state, trigger].question
                self._note((state, trigger, question.answer(meeting) if question else None))
            return given

        def looking(made: Definition, state: str | None, trigger: str) -> Cell:
            given: Cell = cell(made, state, trigger)
            if not given.arrows and not given.question and made.cells is CELLS and is_decision():
                self._note((state, trigger, None))
            return given

        def leading(made: Definition, state: str | None, trigger: str, **how: bool) -> tuple[str, ...]:
            given: tuple[str, ...] = path(made, state, trigger, **how)
            if given and made.cells is CELLS and is_decision():
                self._note((state, trigger, None))
            return given

        def having(made: Definition, state: str | None, trigger: str, **how: bool) -> bool:
            given: bool = has_arrow(made, state, trigger, **how)
            if not given and made.cells is CELLS and made.by_name[trigger].timer and is_decision():
                self._note((state, trigger, None))
            return given

        asking: tuple[Callable[..., Any], ...] = (answering, looking, leading, having)
        for name, noting in zip(ASKED, asking, strict=True):
            setattr(Definition, name, update_wrapper(noting, self._own[name]))

    def _note(self, way: Way) -> None:
        self.entered.by.setdefault(way, self._test)

    @property
    def is_one_of_many(self) -> bool:
        """Whether this process has a part of a run's tests only."""
        return hasattr(self._config, "workerinput")

    @property
    def is_whole(self) -> bool:
        """Whether all tests were asked for."""
        option = self._config.option
        picked = option.keyword or option.markexpr or option.deselect or getattr(option, "lf", False)
        return self._config.args_source is pytest.Config.ArgsSource.TESTPATHS and not picked

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._test = nodeid

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Node) -> None:
        """Join what another process of the run noted."""
        for way, test in getattr(node, "workeroutput", {}).get(KEY, ()):
            self.entered.by.setdefault(tuple(way), test)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what was noted; else fail a whole run that leaves something out."""
        if self.is_one_of_many:
            output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]  # of pytest-xdist
            output[KEY] = [(list(way), test) for way, test in self.entered.by.items()]
        elif self.is_whole and self.entered.missing() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._config.option.cells:
            lines = list(self.entered.lines())
        elif self.is_whole:
            missing = [f"  no test enters {shown(way)}" for way in self.entered.missing()]
            lines = [self.entered.summary(), *missing]
        else:
            return
        for line in lines:
            terminalreporter.write_line(line)

    def pytest_unconfigure(self) -> None:
        for name, own in self._own.items():
            setattr(Definition, name, own)


def is_decision() -> bool:
    """Tell whether a decision asks the function that asks this one."""
    return bool(sys._getframe(2).f_globals["__name__"].startswith("workflow_fsm.core.decision."))


def record(config: pytest.Config) -> None:
    """Begin to note what a run enters."""
    recorder = Recorder(config)
    config.pluginmanager.register(recorder, "entered")
    recorder.begin()

"""Observers: whoever wants to be told, as they happen, of commits, of answers to events, of tries of effects.

What is told is over by then and on disk: an observer changes nothing, and one that fails is logged and holds
up nobody. Where there is none, telling costs an empty loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import WorkflowError
from workflow_fsm.core.outcome import Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTry:
    """One try of an effect that failed: of which handler, for whom, and by what it raised.

    `outcome` is how the effect stands then: `owed` again, `dead`, `void`, or `lost` to another. `claim_id` is
    None for what is about no claim.
    """

    handler: str
    user_id: str
    claim_id: str | None
    key: str
    attempt: int
    outcome: str
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerHealth:
    """How the threads of a worker are: of so many `threads`, `working` live and don't hang.

    `hung` run past their handler's timeout; `missing` died or hang, and no other stands in for them;
    `replaced` counts those for which another ever did. `failing` says why it can't go on as it should, if so.
    """

    threads: int
    working: int
    hung: int
    missing: int
    replaced: int
    failing: str | None


class Observer:
    """Override what you want to be told; `workflow.observe` makes it heard.

    Called in the thread that did what is told of, from many at once: be quick, and wait for nothing.
    """

    def committed(self, jobs: int, seconds: float) -> None:
        """Hear of one commit: how many jobs were in it, and how long it took."""

    def not_committed(self, jobs: int) -> None:
        """Hear of one commit that the store couldn't do: how many jobs waited for it, and got an error."""

    def moved(self, user_ids: Collection[str]) -> None:
        """Hear of one commit that gave users new rows of history: which users."""

    def answered(self, trigger: str, outcome: str) -> None:
        """Hear of one event's answer: its status (`applied`, `duplicate`, …), or the code of its error."""

    def tried(self, handler: str, outcome: str) -> None:
        """Hear of one try of an effect: `done`, `owed` again, `dead`, `void`, or `lost` to another."""

    def failed(self, failed: FailedTry) -> None:
        """Hear of one try that failed, behind `tried`: whose it was, and the exception."""

    def watched(self, health: WorkerHealth) -> None:
        """Hear how the threads of a worker are: about each second while it works, and as it stops."""


class Observers(Observer):
    """All who want to be told."""

    def __init__(self) -> None:
        self._all: tuple[Observer, ...] = ()

    def add(self, observer: Observer) -> None:
        """Tell one more."""
        self._all = (*self._all, observer)

    def committed(self, jobs: int, seconds: float) -> None:
        """Tell of a commit."""
        for one in self._all:
            _tell(one.committed, jobs, seconds)

    def not_committed(self, jobs: int) -> None:
        """Tell of a commit that could not be done."""
        for one in self._all:
            _tell(one.not_committed, jobs)

    def moved(self, user_ids: Collection[str]) -> None:
        """Tell of users with new rows of history."""
        for one in self._all:
            _tell(one.moved, user_ids)

    def answered(self, trigger: str, outcome: str) -> None:
        """Tell of an answer."""
        for one in self._all:
            _tell(one.answered, trigger, outcome)

    def tried(self, handler: str, outcome: str) -> None:
        """Tell of a try."""
        for one in self._all:
            _tell(one.tried, handler, outcome)

    def failed(self, failed: FailedTry) -> None:
        """Tell of a try that failed."""
        for one in self._all:
            _tell(one.failed, failed)

    def watched(self, health: WorkerHealth) -> None:
        """Tell how a worker's threads are."""
        for one in self._all:
            _tell(one.watched, health)

    def hear(
        self, events: Sequence[Event | WorkflowError], outcomes: Sequence[Outcome | WorkflowError]
    ) -> None:
        """Tell of the answers to events; one that could not be read was told of by then."""
        for event, outcome in zip(events, outcomes, strict=True) if self._all else ():
            if isinstance(event, Event):
                told = outcome.status if isinstance(outcome, Outcome) else outcome.code
                self.answered(event.trigger, told)


def _tell(tell: Callable[..., None], *facts: object) -> None:
    try:
        tell(*facts)
    except Exception:
        log.exception("an observer failed")

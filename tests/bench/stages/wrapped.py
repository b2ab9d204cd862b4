"""What is a stage: the few functions that begin one, by name, which are wrapped before a service begins.

The product has no hook of its own for this, so nothing is paid where nobody measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from types import FunctionType
from typing import Any, ClassVar, TypeVar

from tests.bench.stages.counter import CountedLock, Counter, Stage
from workflow_fsm.stores.group_commit import queue
from workflow_fsm.stores.group_commit.turns import Job

T = TypeVar("T")

WRAPPED: dict[Stage, tuple[str, ...]] = {
    Stage.RECEIVE: (
        "webapp.server.slow_clients:BoundedWorker.handle",
        "webapp.server.slow_clients:BoundedConnection._receive",
    ),
    Stage.REST: ("webapp.server.slow_clients:BoundedWorker._handle_one",),
    Stage.PARSE: (
        "webapp.server.plain_requests:PlainParser.__next__",
        "gunicorn.http.wsgi:create",
        "webapp.routes.direct:_object",
        "webapp.routes.webhooks:read_ids",
        "workflow_fsm.parts.firing:Firing.read",
    ),
    Stage.CREDENTIALS: ("webapp.access.authorization:Guard.usual_sender",),
    Stage.HAND_OVER: (
        "workflow_fsm.parts.firing:Firing.submit",
        "workflow_fsm.stores.group_commit.queue:CommitQueue.do",
    ),
    Stage.READ: (
        "workflow_fsm.stores.unit_of_work:UnitOfWork.lock",
        "workflow_fsm.stores.repository:Repository.*",
    ),
    Stage.DECIDE: ("workflow_fsm.parts.firing:decide",),
    Stage.WRITE: ("workflow_fsm.stores.unit_of_work:UnitOfWork.change",),
    Stage.COMMIT: (
        "workflow_fsm.stores.sqlite.database:SQLite._commit",
        "workflow_fsm.stores.postgres.database:Postgres._commit",
    ),
    Stage.ANSWER: (
        "webapp.routes.webhooks:answer",
        "webapp.routes.direct:Direct._send",
        "webapp.server.plain_requests:written",
        "webapp.server.slow_clients:BoundedConnection.sendall",
    ),
    Stage.LOG: ("webapp.http.access_log:write", "webapp.http.log_blocks:Blocks.write"),
}
"""By stage: a module, and what it or its class calls a function; `*` is all that others call of a class."""


class CountedJob(Job[T]):
    """Work whose bringer's waiting is counted."""

    __slots__ = ()
    counter: ClassVar[Counter]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.turn = CountedLock(self.turn, self.counter)  # type: ignore[assignment]  # all that is asked of one


def install(counter: Counter) -> None:
    """Have everything that is a stage counted in this process, and in those that it forks."""
    for stage, names in WRAPPED.items():
        for name in names:
            for holder, attribute, function in found(name):
                setattr(holder, attribute, counter.counting(stage, function))
    CountedJob.counter = counter
    queue.Job = CountedJob  # type: ignore[attr-defined]  # whoever brings work makes it by this name


def found(name: str) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    """Give who holds what a name tells, what it is called there, and it itself. Raises LookupError."""
    module, _, path = name.partition(":")
    holder: Any = import_module(module)
    *above, last = path.split(".")
    for one in above:
        holder = vars(holder)[one]
    members = list(vars(holder).items())
    if last == "*":
        members = [(one, it) for one, it in members if isinstance(it, FunctionType) and _is_called(one)]
    else:
        members = [(one, it) for one, it in members if one == last]
    if not members:
        raise LookupError(f"{name} is there no more; say in {__name__} what begins its stage now")
    for one, it in members:
        yield holder, one, it


def _is_called(name: str) -> bool:
    """Tell whether others than its class call a function."""
    return name == "__init__" or not name.startswith("_")

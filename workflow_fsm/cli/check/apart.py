"""An audit in several processes: each opens the store for itself, and audits parts of its users.

They are new processes, that nothing is shared with but a folder; where the first ends, however it ends, so do
they.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from itertools import count
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from workflow_fsm.audit.audit import Audit
from workflow_fsm.audit.parts import AuditedPart, Elsewhere, Range
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import StoreUnavailable, WorkflowError
from workflow_fsm.definition.named import definition_for
from workflow_fsm.settings import Settings
from workflow_fsm.stores.session import Database
from workflow_fsm.stores.url import open_database
from workflow_fsm.workflow import utc_now

MOST_PROCESSES = 32
_AHEAD = 2
"""Parts that are asked of each process at once, so that none waits for the next."""


def in_processes(settings: Settings, many: int) -> Elsewhere:
    """Have parts of the store that settings name audited by so many processes."""
    return partial(_audited, settings, many)


@contextmanager
def _audited(
    settings: Settings, many: int, ranges: Iterator[Range], *, since: str | None
) -> Iterator[Iterator[AuditedPart]]:
    with TemporaryDirectory(prefix="workflow-fsm-") as folder:
        pool = ProcessPoolExecutor(many, mp_context=get_context("spawn"), initializer=_begin)
        try:
            submit = partial(pool.submit, partial(_audit, settings, since))
            yield _in_order(submit, ranges, Path(folder), many * _AHEAD)
        finally:
            pool.shutdown(cancel_futures=True)


def _in_order(
    submit: Callable[[Range, Path], Future[AuditedPart]], ranges: Iterator[Range], home: Path, ahead: int
) -> Iterator[AuditedPart]:
    """Give the parts in the order of the ranges, and forget what was written of each once it was taken."""
    asked: deque[tuple[Path, Future[AuditedPart]]] = deque()
    numbers = count()
    while True:
        while len(asked) < ahead and (whom := next(ranges, None)) is not None:
            folder = home / str(next(numbers))
            folder.mkdir()
            with _uninterrupted():
                asked.append((folder, submit(whom, folder)))
        if not asked:
            return
        folder, found = asked.popleft()
        yield found.result()
        shutil.rmtree(folder)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keep Ctrl-C from processes that are begun here, for good: it is the first one's affair."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- in the processes


def _begin() -> None:
    """End with the process that began this one."""
    first = parent_process()

    def follow() -> None:
        if first is not None:
            first.join()
            os._exit(1)

    Thread(target=follow, daemon=True).start()


def _audit(settings: Settings, since: str | None, whom: Range, folder: Path) -> AuditedPart:
    """Audit a part. Raises StoreUnavailable, which can be told from process to process."""
    try:
        database, definition = _opened(settings)
        with Audit(database.read, definition, since=since) as audit:
            return audit.part(whom, folder)
    except WorkflowError as error:
        raise StoreUnavailable(f"a part of the check ended: {error}") from None


@cache
def _opened(settings: Settings) -> tuple[Database, Definition]:
    return open_database(settings.database_url, utc_now()), definition_for(settings)

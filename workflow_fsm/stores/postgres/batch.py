"""Batch: several jobs, each of a user, in one transaction; one that others hold up is left out.

Only what concerns one user, and little of that, is grouped. Its user's row is locked where it is free; work
for a user whose row another transaction holds is done apart, so that nobody waits for another user's events.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from workflow_fsm.stores.group_commit.queue import LeftOut
from workflow_fsm.stores.group_commit.turns import Job
from workflow_fsm.stores.postgres.session import PostgresSession


def do_together(batch: Sequence[Job[Any]], session: PostgresSession) -> None:
    """Do a batch; set what each gave, or that it was left out.

    Raises what any of them raises, in which the others may have no part: then each is better done apart.
    """
    scopes = [job.scope for job in batch if job.scope is not None]
    users = sorted({one.user_id for one in scopes})
    free = session.lock_free(users, chain.from_iterable(one.expected for one in scopes))
    for job in batch:
        job.error = None
        if job.scope is not None and job.scope.user_id in free:
            job.result = job.work(session)
        else:
            job.error = LeftOut()

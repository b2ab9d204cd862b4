"""What hardly ever changes is remembered by who writes, and read anew where anybody has changed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores.sqlite.on_sqlite import opened
from workflow_fsm import Transition, Workflow


def owed(workflow: Workflow, user: str) -> int:
    """Fire what makes a user's sync synced; give how many effects that owes."""
    workflow.fire("sync_complete", user_id=user, sync_id="s1")
    return sum(row.user_id == user for row in workflow.effects())


def nothing(_transition: Transition) -> None:
    """Do nothing."""


def test_a_handler_that_another_process_registers_is_owed_the_next_transition(path: Path) -> None:
    with opened(path) as one, opened(path) as other:
        assert owed(one, "u1") == 0
        other.on_enter("synced", name="told")(nothing)
        assert owed(one, "u2") == 1
        assert other.drop_handler("told").dropped
        assert owed(one, "u3") == 0


def test_a_handler_that_this_one_registers_is_owed_the_next_transition(path: Path) -> None:
    with opened(path) as one:
        assert owed(one, "u1") == 0
        one.on_enter("synced", name="told")(nothing)
        assert owed(one, "u2") == 1


def test_a_registration_that_is_undone_owes_nothing(path: Path) -> None:
    with opened(path) as one:
        assert owed(one, "u1") == 0

        def fail(session: object) -> None:
            session.row("put_handler", handler="told", pattern="{}", registered_at="", before=None)  # type: ignore[attr-defined]
            assert len(session.rows("handlers")) == 1  # type: ignore[attr-defined]
            raise RuntimeError

        with pytest.raises(RuntimeError):
            one._store.write(fail)
        assert owed(one, "u2") == 0
        one.on_enter("synced", name="told")(nothing)
        assert owed(one, "u3") == 1

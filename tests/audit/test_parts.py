"""A check that is parted says what one of all says: in this process, and by the command in several."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import Stored
from tests.stories.acts import detect, pay, submit, sync
from workflow_fsm import Workflow
from workflow_fsm.audit import parts
from workflow_fsm.audit.audit import Audit
from workflow_fsm.audit.parts import AuditedPart, Elsewhere, Range
from workflow_fsm.cli.check.apart import in_processes
from workflow_fsm.settings import Settings

USERS = [f"u{number:02}" for number in range(24)]
DAMAGE = (
    "UPDATE history SET reason = 'x' WHERE user_id = 'u03' AND cursor = 2",
    "UPDATE lifecycles SET facts = '[' WHERE user_id = 'u11'",
    "UPDATE currencies SET decimals = 7 WHERE currency = 'EUR'",
    "UPDATE users SET recovered = '{}' WHERE user_id = 'u20'",
    "DELETE FROM users WHERE user_id = 'u22'",
)


@pytest.fixture
def filled(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> Workflow:
    monkeypatch.setattr(parts, "NUMBERS_IN_A_PART", 20)
    monkeypatch.setattr(parts, "_USERS_AT_ONCE", 5)
    for user in USERS:
        sync(workflow, user_id=user)
        detect(workflow, "c1", "c2", user_id=user)
        submit(workflow, "c1", user_id=user)
        pay(workflow, "c1", "7.00", user_id=user, currency="EUR")
    return workflow


@pytest.fixture
def here(workflow: Workflow, tmp_path: Path) -> Elsewhere:
    """Audits parts in this process, and holds that there are several."""
    numbers = count()

    @contextmanager
    def audited(ranges: Iterator[Range], *, since: str | None) -> Iterator[Iterator[AuditedPart]]:
        yield (part(whom, since) for whom in ranges)
        assert next(numbers) > 3

    def part(whom: Range, since: str | None) -> AuditedPart:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        with Audit(workflow._store.read, workflow.definition, since=since) as audit:
            return audit.part(whom, folder)

    return audited


def test_parts_say_what_the_whole_says(filled: Workflow, here: Elsewhere) -> None:
    told: list[tuple[int, int]] = []
    whole = filled.check()
    parted = filled.check(elsewhere=here, progress=lambda *done: told.append(done))
    assert whole.sound
    assert parted == whole
    assert told[-1][0] == told[-1][1]


def test_each_part_goes_on_from_a_root(filled: Workflow, here: Elsewhere) -> None:
    first = filled.check(elsewhere=here)
    for user in ("u04", "u15"):
        pay(filled, "c2", "3.00", user_id=user, currency="EUR")
    second = filled.check(since=first.root, elsewhere=here)
    assert (first.recorded, second.sound, second.users) == (True, True, 2)
    assert second.root == filled.check().root
    assert filled.check(since=second.root).users == 0


def test_parts_name_what_the_whole_names_once(filled: Workflow, here: Elsewhere, stored: Stored) -> None:
    for change in DAMAGE:
        stored(change)
    whole = filled.check()
    parted = filled.check(elsewhere=here)
    assert {fault.user_id for fault in whole.faults} >= {"", "u03", "u11", "u20", "u22"}
    assert sorted(map(str, parted.faults)) == sorted(map(str, whole.faults))
    assert replace(parted, faults=()) == replace(whole, faults=())


def test_processes_of_their_own_say_the_same(filled: Workflow, store_url: str) -> None:
    apart = in_processes(replace(Settings.from_environment({}), database_url=store_url), 2)
    assert filled.check(elsewhere=apart) == filled.check()

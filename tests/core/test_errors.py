"""The tree of errors: stable codes, a sentence each, and facts as attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import workflow_fsm
from workflow_fsm.core import errors
from workflow_fsm.core.errors import WorkflowError

CODES = {
    "WorkflowError": "workflow-error",
    "InvalidEvent": "invalid-event",
    "EventTooLarge": "event-too-large",
    "NotAllowed": "not-allowed",
    "EventIdReused": "event-id-reused",
    "AliasTaken": "alias-taken",
    "MergeRefused": "merge-refused",
    "UnlinkRefused": "unlink-refused",
    "NameUnknown": "name-unknown",
    "StoreUnavailable": "store-unavailable",
    "WorkflowClosed": "workflow-closed",
    "EffectsEndless": "effects-endless",
    "WorkerStuck": "worker-stuck",
    "StoreRefused": "store-refused",
    "RowUnreadable": "row-unreadable",
    "DefinitionInvalid": "definition-invalid",
    "SettingsInvalid": "settings-invalid",
}
"""Other people's programs read these codes: a change here breaks them."""


def tree(root: type[WorkflowError] = WorkflowError) -> Iterator[type[WorkflowError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def test_the_codes_are_stable_and_unique() -> None:
    """ "all `WorkflowError`s with a `.code`" """
    found = {error.__name__: error.code for error in tree() if error.__module__.startswith("workflow_fsm")}
    assert found.items() >= CODES.items()
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in found.values())


def test_every_error_says_in_its_docstring_what_was_done() -> None:
    for error in tree():
        assert error.__doc__, error
        assert len(error.__doc__) > 40, error


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__))
    assert drawn == {error.__name__ for error in tree() if error.__module__ == errors.__name__} - {
        "WorkflowError"
    }


def test_every_error_is_public() -> None:
    for error in tree():
        if error.__module__.startswith("workflow_fsm"):
            assert error.__name__ in workflow_fsm.__all__, error

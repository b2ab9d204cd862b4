"""Errors go wherever values go: every one is copied, pickled, and raised in another process as it was."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.core.test_errors import tree
from workflow_fsm import (
    AliasTaken,
    DefinitionInvalid,
    Discard,
    EffectsEndless,
    EventIdReused,
    EventTooLarge,
    FieldError,
    InvalidEvent,
    MergeRefused,
    NameUnknown,
    NotAllowed,
    RetryAfter,
    RootUnknown,
    RowUnreadable,
    StoreUnavailable,
    UnlinkRefused,
)
from workflow_fsm.core.records import Candidate, RefusedPart

WHO = {"user_id": "u1", "claim_id": "c1"}
MADE: list[Exception] = [
    InvalidEvent([FieldError(field="amount", reason="is required")], trigger="payout_received"),
    EventTooLarge("too long", most=10, found=11, field="claims"),
    NotAllowed(
        "is paid",
        event_id="e1",
        user_id="u1",
        trigger="claim_rejected",
        state="paid",
        allowed=["payout_reversed"],
        candidates=[Candidate(claim_id="c1", sync_id="s1", state="paid")],
        refused=[RefusedPart(index=0, claim_id="c1", state="paid", reason="is paid", allowed=[], errors=[])],
        hint="send nothing",
    ),
    EventIdReused("another's", event_id="e1", user_id="u1", trigger="sync_complete"),
    AliasTaken(**WHO, alias="a", owner="c2"),
    MergeRefused(**WHO, alias="a", reason="it has money"),
    UnlinkRefused("it has money", **WHO, amazon_case_id="k1"),
    NameUnknown("nobody has it", user_id="u1", alias="a"),
    StoreUnavailable("too much waits", retry_after=7),
    RowUnreadable("no JSON", table="events", key="e1", user_id="u1"),
    EffectsEndless(limit=1000, handler="submit"),
    DefinitionInvalid(["no state", "no trigger"]),
    RootUnknown("r00t"),
    Discard("given up"),
    RetryAfter(3600),
    RetryAfter(60, "closed"),
]
"""One of each that is made of more than a text."""
OTHERS = [
    error("what is wrong")
    for error in tree()
    if error.__module__.startswith("workflow_fsm") and error not in {type(made) for made in MADE}
]


def facts(error: BaseException) -> object:
    return type(error), str(error), error.args, vars(error)


def throw(error: Exception) -> None:
    raise error


def test_one_of_every_error_is_made_here() -> None:
    ours = {error for error in tree() if error.__module__.startswith("workflow_fsm")}
    assert {type(error) for error in (*MADE, *OTHERS)} >= ours


@pytest.mark.parametrize("error", [*MADE, *OTHERS], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(6))],
    ids=["copied", "copied-deeply", *(f"pickled-{protocol}" for protocol in range(6))],
)
def test_an_error_is_copied_and_pickled_with_all_its_facts(
    error: Exception, again: Callable[[Exception], Exception]
) -> None:
    """ "Every error can be copied and pickled." """
    error.add_note("seen at noon")
    made = again(error)
    assert made is not error
    assert facts(made) == facts(error)
    assert getattr(made, "code", None) == getattr(error, "code", None)


def test_errors_come_out_of_a_spawned_process_as_they_were() -> None:
    """ "a process pool hangs or breaks" """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for error, future in [(error, pool.submit(throw, error)) for error in (*MADE, *OTHERS)]:
            raised = future.exception(timeout=50)
            assert raised is not None
            assert (type(raised), str(raised)) == (type(error), str(error))
            told, kept = vars(raised), vars(error)
            assert {name: told[name] for name in kept} == kept

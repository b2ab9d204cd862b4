"""Records: keys that are attributes, keys that a shape may lack, and what type checkers are told of them."""

from __future__ import annotations

import copy
import pickle
from typing import Any, get_args, get_type_hints

import pytest

from workflow_fsm import results
from workflow_fsm.core.records import Record, key_of
from workflow_fsm.read.shapes import HandlerLoad
from workflow_fsm.results import Candidate, HistoryRow, RefusedPart, TransitionRecord

SHAPES = [
    shape
    for shape in (HandlerLoad, *(getattr(results, name) for name in results.__all__))
    if issubclass(shape, Record) and shape is not Record
]


def test_a_key_is_an_attribute_too() -> None:
    one = Candidate(claim_id="c1", sync_id="s1", state="paid")

    assert one == {"claim_id": "c1", "sync_id": "s1", "state": "paid"}
    assert one.state == one["state"] == "paid"


def test_a_key_that_is_a_word_of_pythons_has_an_underscore_as_an_attribute_alone() -> None:
    moved = TransitionRecord(claim_id=None, sync_id="s1", from_="synced", to="detected", version=2)

    assert list(moved) == ["claim_id", "sync_id", "from", "to", "version"]
    assert moved.from_ == moved["from"] == getattr(moved, "from") == "synced"


def test_a_record_without_a_key_has_no_such_attribute_and_says_which_it_has() -> None:
    part = RefusedPart(claim_id="c1", state=None, reason="no", allowed=[], errors=[])

    with pytest.raises(AttributeError, match="no 'index'; it has allowed, claim_id, errors, reason, state"):
        _ = part.index
    for untold in ("stat", "state_", "from_"):
        assert not hasattr(part, untold)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_record_is_copied_and_pickled_as_what_it_is(again: Any) -> None:
    row = TransitionRecord(claim_id=None, sync_id="s1", from_="synced", to="detected", version=2)

    assert (again(row), type(again(row))) == (row, TransitionRecord)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_type_checkers_know_a_shapes_keys_as_they_know_its_attributes(shape: type[Record]) -> None:
    """They check `record["state"]` by the one and `record.state` by the other."""
    [[key]] = [get_args(base) for base in vars(shape)["__orig_bases__"]]
    keys = [name for one in get_args(key) for name in (get_args(one) or [one])]

    assert keys == [key_of(name) for name in get_type_hints(shape)]
    assert shape.__optional_keys__ <= set(keys)


def test_no_key_is_hidden_by_what_every_dictionary_has() -> None:
    for shape in SHAPES:
        assert not {key_of(name) for name in get_type_hints(shape)} & set(dir(Record)), shape


def test_the_order_in_which_a_rows_keys_are_told_is_kept() -> None:
    """The text of a WebSocket's message is the same whenever it is sent."""
    given: dict[str, Any] = dict.fromkeys(get_type_hints(HistoryRow))

    assert list(HistoryRow(**given)) == [key_of(name) for name in given]

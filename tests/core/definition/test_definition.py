"""A definition answers what a trigger does in a state, the same to whoever asks, and moves nothing."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
from transitions import Machine

from tests.core.definition.small_lifecycle import SIZE, row, small
from workflow_fsm.core.definition import (
    STAY,
    Meeting,
    Rest,
    Taken,
    ask,
    stay,
)
from workflow_fsm.core.definition.claim import claim_lifecycle

NOTHING = Meeting(facts={}, paid={}, told={})


def test_a_sound_definition_is_built() -> None:
    definition = small()
    assert definition.first_state() == "open"
    assert definition.allowed("open") == ("step", "pay")
    assert definition.arrow_states("pay") == ("open", "done")
    assert (definition.rank("done"), definition.closed("done"), definition.closed("open")) == (1, True, False)
    assert definition.trigger("what") is None
    with pytest.raises(KeyError):
        definition.cell("open", "what")


def test_there_is_one_machine_and_it_has_no_models() -> None:
    definition = claim_lifecycle()
    gc.collect()
    before = sum(isinstance(one, Machine) for one in gc.get_objects())
    for _ in range(1000):
        assert definition.answer("detected", "claim_submitted", NOTHING) == Taken("submitted")
    machines = [one for one in gc.get_objects() if isinstance(one, Machine)]
    assert len(machines) == before
    assert all(machine.models == [] for machine in machines)


def test_threads_may_ask_one_definition_at_once() -> None:
    definition = claim_lifecycle()
    asked = [
        (state.name, trigger.name)
        for state in definition.states
        for trigger in definition.triggers
        if not definition.cell(state.name, trigger.name).question
    ]
    expected = [definition.answer(*one, NOTHING) for one in asked]

    def ask_all(_: int) -> list[Taken | Rest]:
        return [definition.answer(*one, NOTHING) for one in asked]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask_all, range(40))) == [expected] * 40


def test_threads_that_get_different_answers_do_not_mix_them_up() -> None:
    cells = row("open", 1, ask(SIZE, {"big": "done", "small": "open"}))
    definition = small(cells=cells)

    def ask_often(number: int) -> set[Taken | Rest]:
        size = ("small", "big")[number % 2]
        meeting = Meeting(facts={}, paid={}, told={"size": size})
        return {definition.answer("open", "step", meeting) for _ in range(300)}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask_often, range(16))) == [{Taken("open")}, {Taken("done")}] * 8


def test_an_answer_moves_nothing_by_itself() -> None:
    definition = small()
    assert definition.answer("open", "step", NOTHING) == Taken("done")
    assert definition.answer("open", "step", NOTHING) == Taken("done")
    assert definition.answer("done", "step", NOTHING) is Rest.KNOWN
    with pytest.raises(KeyError):
        definition.answer("gone", "step", NOTHING)


def test_an_arrow_that_stays_is_a_transition_that_leaves_and_enters_nothing() -> None:
    """ "`↻` … is an arrow to the same state: it adds a row to history …, but leaves and enters nothing" """
    definition = small(cells=row("open", 1, ask(SIZE, {"big": "done", "small": STAY})))
    meetings = [Meeting(facts={}, paid={}, told={"size": size}) for size in ("small", "big")]
    assert [definition.answer("open", "step", one) for one in meetings] == [
        Taken("open", internal=True),
        Taken("done"),
    ]
    assert definition.allowed("open") == ("step", "pay")
    assert definition.is_internal("open", "step", "open")
    assert not definition.is_internal("open", "step", "done")
    assert not definition.is_internal("done", "pay", "done")
    always = small(cells=row("open", 1, stay()))
    assert always.answer("open", "step", NOTHING) == Taken("open", internal=True)


def test_an_answer_may_have_a_rest_of_its_own() -> None:
    """A cell says `no`, and `=` to one answer, as that of a rejection on `rejected` does."""
    definition = small(cells=row("done", 1, ask(SIZE, {"small": Rest.KNOWN}, rest=Rest.REFUSED)))
    meetings = [Meeting(facts={}, paid={}, told={"size": size}) for size in ("small", "big")]
    assert [definition.answer("done", "step", one) for one in meetings] == [Rest.KNOWN, Rest.REFUSED]


def test_an_event_that_names_no_case_has_no_arrow_where_one_is_asked_for() -> None:
    """ "a rejection that names no case has no arrow where one is asked for" """
    definition = claim_lifecycle()
    assert definition.arrow_states("claim_rejected") == ("detected", "matched", "submitted", "expired")
    assert definition.arrow_states("claim_rejected", named=False) == ("submitted",)
    for trigger in definition.triggers:
        if trigger.name != "claim_rejected":
            named, unnamed = (definition.arrow_states(trigger.name, named=one) for one in (True, False))
            assert named == unnamed


def test_a_path_is_the_fewest_triggers_and_leaves_timers_out() -> None:
    definition = claim_lifecycle()
    assert definition.path("detected", "claim_rejected", named=False) == ("claim_submitted",)
    assert definition.path("detected", "claim_rejected") == ()
    assert definition.path("synced", "claim_rejected") == ("detection_complete",)
    assert definition.path("paid", "claim_rejected") == ("payout_reversed", "claim_submitted")
    assert definition.path(None, "payout_reversed") == (
        "sync_complete",
        "detection_complete",
        "payout_received",
    )
    assert definition.path("paid", "payout_received") == ()
    assert definition.path("paid", "detection_complete") == ()

"""Every cell of the contract's table, through the core, the store and HTTP, which agree.

Each cell meets an event four times: first; "the same event again"; its id "with other content"; and "without
any id". What is expected stands in `cases_of_cells`, copied from the contract and not from the code.
"""

from __future__ import annotations

import os

import pytest

from tests.machine.cases_of_cells import WAYS, Case, cases, event
from tests.machine.layers import PREFIX, HttpLayer, Layer, StoreLayer, Told
from tests.machine.stories.tellers import ModelTeller
from tests.stores.postgres.server import WHAT_TO_INSTALL
from workflow_fsm import InvalidEvent
from workflow_fsm.testing import ManualClock


def bring(layer: Layer, case: Case, user: str, clock: ManualClock, deadline: str) -> None:
    """Lead the user's lifecycle to the row of a case."""
    steps = [step for step in WAYS[case.row] if step != "time"]
    layer.bring([event(step, case, user, deadline=deadline, event_id=f"way-{step}") for step in steps])
    if "time" in WAYS[case.row]:
        clock.advance(hours=2)
        layer.tick()
    assert layer.stands(user) == case.before


LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
WITHOUT_AN_ID = ("core", "store", "http", "database") if LONG else ("core", "database")
"""Where each case is met without an id, too: all the way through in a long run."""


@pytest.mark.parametrize("case", list(cases(timers=False)), ids=str)
def test_a_cell_does_what_the_table_says_first_again_changed_and_without_an_id(
    layers: dict[str, Layer], moving_clock: ManualClock, case: Case
) -> None:
    set_out, deadline = moving_clock.now, moving_clock.text(hours=1)
    for meet, where in ((meet_with_an_id, layers), (meet_without_an_id, WITHOUT_AN_ID)):
        told = {}
        for name in where:
            if name in layers:
                moving_clock.now = set_out
                told[name] = meet(layers[name], case, moving_clock, deadline)
        assert all(answers == told["core"] for answers in told.values())


def meet_with_an_id(layer: Layer, case: Case, clock: ManualClock, deadline: str) -> list[Told]:
    user = f"{case} with an id"
    bring(layer, case, user, clock, deadline)
    trigger, fields = event(case.column, case, user, deadline=deadline, event_id="e", reason="once")

    first = layer.send(trigger, fields)
    assert (first.code, first.status, first.transitions) == (case.code, case.status, case.transitions)
    assert first.body["event_id"] == "e"
    assert layer.stands(user) == case.after

    # "Seen before with the same content: the first answer again, marked `duplicate`", what isn't listed left
    # out (a sender's `attempt` changes nothing) …
    again = layer.send(trigger, fields | {"attempt": 2})
    # … "with other content, for another trigger, or two ids of two events: 422".
    changed = layer.send(trigger, fields | {"reason": "otherwise"})
    if case.cell == "no":
        # "A refused, dead or dropped event does not bind its ids: sent again, with this content or a
        # corrected one, it is judged anew and replaces it."
        assert again == first
        assert (changed.code, changed.status) == (409, "refused")
    else:
        assert (again.code, again.status) == (200, "duplicate")
        assert again.body == {**first.body, "status": "duplicate", "first_status": case.status}
        assert (changed.code, changed.status) == (422, "reused")
    assert layer.stands(user) == case.after
    return [first, again, changed]


def meet_without_an_id(layer: Layer, case: Case, clock: ManualClock, deadline: str) -> list[Told]:
    user = f"{case} without an id"
    bring(layer, case, user, clock, deadline)
    trigger, fields = event(case.column, case, user, deadline=deadline, reason="once")

    first = layer.send(trigger, fields)
    assert (first.code, first.status, first.transitions) == (case.code, case.status, case.transitions)
    # "Without any id, content equal to that of the latest such event of the user is a duplicate while that
    # one waits, or while the lifecycles that it was for have made no transition since it was settled"
    again = layer.send(trigger, fields)
    assert (again.code, again.status) == ((409, "refused") if case.cell == "no" else (200, "duplicate"))
    assert layer.stands(user) == case.after
    return [first, again]


@pytest.mark.parametrize("case", [*cases(timers=False), *cases(timers=True)], ids=str)
def test_the_model_does_what_the_table_says(case: Case) -> None:
    clock, model = ManualClock(), ModelTeller()
    deadline = clock.text(hours=1)
    for step in WAYS[case.row]:
        if step == "time":
            model.tell("wait", {"hours": 2})
        else:
            model.tell(*event(step, case, "model", deadline=deadline))
    before = stands_in_model(model, case)
    if case.column == "deadline_passed":
        model.tell("wait", {"hours": 2})
    else:
        assert model.tell(*event(case.column, case, "model", deadline=deadline, event_id="e")) == case.status
    after = stands_in_model(model, case)
    assert (before, after) == tuple((one.state, one.version) for one in (case.before, case.after))


def stands_in_model(model: ModelTeller, case: Case) -> tuple[str | None, int]:
    claims = model.shows()["claims"]
    one = claims.get(case.claim) or claims.get("plain s")
    return (one["state"], one["version"]) if one else (None, 0)


@pytest.mark.parametrize("layer", ["core", "store", "http", "database"])
@pytest.mark.parametrize("case", list(cases(timers=True)), ids=str)
def test_a_deadline_expires_a_claim_that_was_not_filed_and_only_once(
    layers: dict[str, Layer], moving_clock: ManualClock, case: Case, layer: str
) -> None:
    if layer not in layers:
        pytest.skip(WHAT_TO_INSTALL)
    at, deadline = layers[layer], moving_clock.text(hours=1)
    bring(at, case, str(case), moving_clock, deadline)
    at.tick()
    assert at.stands(str(case)) == case.before

    moving_clock.advance(hours=2)
    for _ in range(2):
        at.tick()
        assert at.stands(str(case)) == case.after


@pytest.mark.parametrize("row", ["none", "synced", "detected"])
def test_a_lifecycle_without_a_deadline_never_expires(
    layers: dict[str, Layer], moving_clock: ManualClock, row: str
) -> None:
    """ "No deadline: never." """
    case = Case(row=row, column="deadline_passed", cell="=", named=False)
    for layer in layers.values():
        bring(layer, case, f"{row} for ever", moving_clock, "")
        moving_clock.advance(days=400)
        layer.tick()
        assert layer.stands(f"{row} for ever") == case.before


@pytest.mark.parametrize("event_id", ["e", None])
def test_a_deadline_can_not_be_fired_from_outside(layers: dict[str, Layer], event_id: str | None) -> None:
    """ "`deadline_passed` can't be fired from outside." """
    store, http = layers["store"], layers["http"]
    assert isinstance(store, StoreLayer)
    assert isinstance(http, HttpLayer)
    with pytest.raises(InvalidEvent):
        store.workflow.fire("deadline_passed", user_id="outside", event_id=event_id)
    body = [{"trigger": "deadline_passed", "user_id": "outside", "event_id": event_id}]
    (answer,) = http.client.post(f"{PREFIX}/events", json=body).get_json()

    assert answer["code"] == 400
    assert store.workflow.status("outside") is None

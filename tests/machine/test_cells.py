"""Every cell of the contract's table, through the core, the store and HTTP, which agree.

Each cell meets an event four times: first; "the same event again"; its id "with other content"; and "without
any id". What is expected stands in the tables below, copied from the contract and not from the code.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.machine.layers import NOTHING, PREFIX, HttpLayer, Layer, Stands, StoreLayer, Told
from tests.stores.postgres.server import WHAT_TO_INSTALL
from workflow_fsm import InvalidEvent
from workflow_fsm.testing import ManualClock

Fields = dict[str, Any]

COLUMNS = (
    "sync_complete",
    "detection_complete",
    "a higher match",
    "a lower match",
    "claim_submitted",
    "claim_rejected",
    "payout_received",
    "a part reversed",
    "all reversed",
    "more reversed",
    "deadline_passed",
)
# "An arrow moves; `=` (*known*) …; `wait` (*deferred*) …; `no` (*refused*)": an arrow is its target's name.
# A match below `matched`, and a reversal outside `paid`, meet the same cell whatever they bring.
TABLE = """
none     |synced|wait    |wait   |wait   |wait     |wait    |wait|wait|wait    |wait |
synced   |=     |detected|wait   |wait   |wait     |wait    |wait|wait|wait    |wait |
detected |=     |=       |matched|matched|submitted|wait    |paid|wait|wait    |wait|expired
matched  |=     |=       |matched|=      |submitted|wait    |paid|wait|wait    |wait|expired
submitted|=     |=       |=      |=      |=        |rejected|paid|wait|wait    |wait|=
rejected |=     |=       |=      |=      |submitted|no      |paid|wait|wait    |wait|=
paid     |=     |=       |=      |=      |=        |no      |paid|paid|rejected|wait|=
expired  |=     |=       |=      |=      |submitted|wait    |paid|wait|wait    |wait|=
"""
# "`allowed`: the triggers with an arrow, timers left out."
ALLOWED = {
    "synced": ("detection_complete",),
    "detected": ("evidence_matching_complete", "claim_submitted", "payout_received"),
    "matched": ("evidence_matching_complete", "claim_submitted", "payout_received"),
    "submitted": ("claim_rejected", "payout_received"),
    "rejected": ("claim_submitted", "payout_received"),
    "paid": ("payout_received", "payout_reversed"),
    "expired": ("claim_submitted", "payout_received"),
}
# "`version` counts transitions only": how many lead to each row on the ways below.
VERSIONS = {
    "none": 0,
    "synced": 1,
    "detected": 2,
    "matched": 3,
    "submitted": 3,
    "rejected": 4,
    "paid": 3,
    "expired": 3,
}
WAYS: dict[str, tuple[str, ...]] = {
    "none": (),
    "synced": ("sync_complete",),
    "detected": ("sync_complete", "detection_complete"),
    "matched": ("sync_complete", "detection_complete", "a match"),
    "submitted": ("sync_complete", "detection_complete", "claim_submitted"),
    "rejected": ("sync_complete", "detection_complete", "claim_submitted", "claim_rejected"),
    "paid": ("sync_complete", "detection_complete", "payout_received"),
    "expired": ("sync_complete", "detection_complete", "time"),
}
TRIGGERS = {
    "a match": "evidence_matching_complete",
    "a higher match": "evidence_matching_complete",
    "a lower match": "evidence_matching_complete",
    "a part reversed": "payout_reversed",
    "all reversed": "payout_reversed",
    "more reversed": "payout_reversed",
}
TELLS: dict[str, Fields] = {
    "a match": {"confidence": "0.6"},
    "a higher match": {"confidence": "0.9"},
    "a lower match": {"confidence": "0.5"},
    "claim_rejected": {"reason": "no proof"},
    "payout_received": {"amount": "10.00", "currency": "USD"},
    "a part reversed": {"amount": "2.50", "currency": "USD"},
    "all reversed": {"amount": "10.00", "currency": "USD"},
    "more reversed": {"amount": "10.01", "currency": "USD"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One cell, met by a claim that has a name, or by the plain lifecycle of a sync."""

    row: str
    column: str
    cell: str
    named: bool

    @property
    def claim(self) -> str | None:
        return "c" if self.named else None

    @property
    def code(self) -> int:
        return {"wait": 202, "no": 409}.get(self.cell, 200)

    @property
    def status(self) -> str:
        return {"=": "unchanged", "wait": "deferred", "no": "refused"}.get(self.cell, "applied")

    @property
    def moves(self) -> bool:
        return self.status == "applied"

    @property
    def transitions(self) -> tuple[tuple[Any, ...], ...]:
        """`[{"claim_id", "sync_id", "from", "to", "version"}]`, "a sync that forked first"."""
        if not self.moves:
            return ()
        if self.row == "none":
            return ((None, "s", None, "synced", 1),)
        moved = (self.claim, "s", self.row, self.cell, VERSIONS[self.row] + 1)
        if self.named and self.row == "synced":
            return ((None, "s", "synced", "detected", 2), moved)
        return (moved,)

    @property
    def before(self) -> Stands:
        if self.row == "none":
            return NOTHING
        return Stands(state=self.row, version=VERSIONS[self.row], allowed=ALLOWED[self.row])

    @property
    def after(self) -> Stands:
        if not self.moves:
            return self.before
        return Stands(state=self.cell, version=VERSIONS[self.row] + 1, allowed=ALLOWED[self.cell])

    def __str__(self) -> str:
        return f"{'claim' if self.named else 'plain'}-{self.row}-{self.column}"


def cases(*, timers: bool) -> Iterator[Case]:
    for line in TABLE.strip().splitlines():
        row, *cells = (cell.strip() for cell in line.split("|"))
        for column, cell in zip(COLUMNS, cells, strict=True):
            if (column == "deadline_passed") is not timers or not cell:
                continue
            yield Case(row=row, column=column, cell=cell, named=True)
            # A plain lifecycle has no deadline, so it never expires.
            if row != "expired" and not timers:
                yield Case(row=row, column=column, cell=cell, named=False)


def event(step: str, case: Case, user: str, **more: Any) -> tuple[str, Fields]:
    """Make the event of a step on a way, or of a column."""
    trigger = TRIGGERS.get(step, step)
    fields: Fields = {"user_id": user, **TELLS.get(step, {})}
    if trigger == "detection_complete" and case.named:
        fields |= {"sync_id": "s", "claims": [{"claim_id": "c", "deadline_date": more.pop("deadline")}]}
    elif trigger == "detection_complete":
        fields |= {"sync_id": "s", "claims_found": 1}
    elif trigger == "sync_complete" or not case.named:
        fields |= {"sync_id": "s"}
    else:
        fields |= {"claim_id": "c"}
    more.pop("deadline", None)
    return trigger, fields | more


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
    trigger, fields = event(case.column, case, user, deadline=deadline, event_id="e", told="once")

    first = layer.send(trigger, fields)
    assert (first.code, first.status, first.transitions) == (case.code, case.status, case.transitions)
    assert first.body["event_id"] == "e"
    assert layer.stands(user) == case.after

    # "Seen before with the same content: the first answer again, marked `duplicate`" …
    again = layer.send(trigger, fields)
    # … "with other content, or for another trigger: 422".
    changed = layer.send(trigger, fields | {"told": "otherwise"})
    if case.cell == "no":
        # "A refused or dead event does not bind its id: sent again, with this content or a corrected one, it
        # is judged anew and replaces it."
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
    trigger, fields = event(case.column, case, user, deadline=deadline, told="once")

    first = layer.send(trigger, fields)
    assert (first.code, first.status, first.transitions) == (case.code, case.status, case.transitions)
    # "Without any id, content equal to that of the latest such event of the user is a duplicate while that
    # one waits, or while the lifecycles that it was for have made no transition since it was settled"
    again = layer.send(trigger, fields)
    assert (again.code, again.status) == ((409, "refused") if case.cell == "no" else (200, "duplicate"))
    assert layer.stands(user) == case.after
    return [first, again]


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

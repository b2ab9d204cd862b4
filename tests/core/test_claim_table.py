"""The claim lifecycle, cell by cell, against the table of the contract."""

from __future__ import annotations

import pytest

from workflow_fsm.core.definition import Arrow, Cell, Rest
from workflow_fsm.core.definition.claim import HIGHER, LEFT, claim_lifecycle

CONTRACT = """
| state | sync_complete | detection_complete | evidence_matching_complete | claim_submitted | claim_rejected | payout_received | payout_reversed | deadline_passed (a timer) |
|---|---|---|---|---|---|---|---|---|
| (none yet) | → synced | wait | wait | wait | wait | wait | wait | |
| synced | = | → detected | wait | wait | wait | wait | wait | |
| detected | = | = | → matched | → submitted | wait | → paid | wait | → expired |
| matched | = | = | → matched if the confidence is higher, else = | → submitted | wait | → paid | wait | → expired |
| submitted | = | = | = | = | → rejected | → paid | wait | = |
| rejected | = | = | = | → submitted | no | → paid | wait | = |
| paid | = | = | = | = | no | → paid | → paid; → rejected where nothing is left in any currency; wait where it is more than is left | = |
| expired | = | = | = | → submitted | wait | → paid | wait | = |
"""  # noqa: E501  # the contract's lines as they are

RESTS = {"=": Rest.KNOWN, "wait": Rest.WAIT, "no": Rest.REFUSED}
ASKED = {
    "→ matched if the confidence is higher, else =": (
        HIGHER,
        {"yes": "matched"},
        Rest.KNOWN,
    ),
    "→ paid; → rejected where nothing is left in any currency; wait where it is more than is left": (
        LEFT,
        {"something": "paid", "nothing": "rejected"},
        Rest.WAIT,
    ),
}


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


HEAD, _, *ROWS = [cells_of(line) for line in CONTRACT.strip().splitlines()]
TRIGGERS = [name.split(" ")[0] for name in HEAD[1:]]
CASES = [
    pytest.param(row[0], trigger, text, id=f"{row[0]}-{trigger}")
    for row in ROWS
    for trigger, text in zip(TRIGGERS, row[1:], strict=True)
]


@pytest.mark.parametrize(("state", "trigger", "text"), CASES)
def test_a_cell_is_the_contracts(state: str, trigger: str, text: str) -> None:
    definition = claim_lifecycle()
    name = None if state == "(none yet)" else state
    if text == "":
        # Nothing is said: time can do nothing there.
        assert not definition.has_arrow(name, trigger)
        return
    cell = definition.cell(name, trigger)
    if text in RESTS:
        assert cell == Cell(rest=RESTS[text])
    elif text in ASKED:
        question, arrows, rest = ASKED[text]
        assert (cell.question, cell.rest) == (question, rest)
        assert {arrow.when: arrow.target for arrow in cell.arrows} == arrows
    else:
        assert cell == Cell(arrows=(Arrow(target=text.removeprefix("→ ")),))


def test_the_states_and_triggers_are_the_contracts_in_its_order() -> None:
    definition = claim_lifecycle()
    assert [state.name for state in definition.states] == [row[0] for row in ROWS[1:]]
    assert [trigger.name for trigger in definition.triggers] == TRIGGERS
    assert [trigger.name for trigger in definition.triggers if trigger.timer] == ["deadline_passed"]


def test_paid_and_expired_are_closed() -> None:
    definition = claim_lifecycle()
    assert [state.name for state in definition.states if state.closed] == ["paid", "expired"]


def test_a_filing_and_a_payment_move_or_are_known_in_every_state_of_a_claim() -> None:
    """ "A filing and a payment are facts: they are taken from every claim" """
    definition = claim_lifecycle()
    for state in ("detected", "matched", "submitted", "rejected", "paid", "expired"):
        assert definition.has_arrow(state, "payout_received")
        filing = definition.cell(state, "claim_submitted")
        assert filing.arrows or filing.rest is Rest.KNOWN


def test_money_is_never_refused() -> None:
    """ "Money is never refused and never guessed." """
    definition = claim_lifecycle()
    for trigger in definition.triggers:
        if trigger.money:
            rests = {definition.cell(state.name, trigger.name).rest for state in definition.states}
            assert rests <= {None, Rest.WAIT}

"""The claim lifecycle, cell by cell, against the table of the contract."""

from __future__ import annotations

import pytest

from workflow_fsm.core.definition import STAY, Cell, Rest, ask, go
from workflow_fsm.core.definition.claim import (
    A_CASE,
    ANEW,
    ANOTHER_DEADLINE,
    ANOTHER_FILED,
    FIRST_NO,
    HIGHER,
    LATE,
    LEFT,
    UNPAID_CASE,
    claim_lifecycle,
)

CONTRACT = """
| state | sync_complete | detection_complete | evidence_matching_complete | claim_submitted | claim_rejected | payout_received | payout_reversed | deadline_passed (a timer) |
|---|---|---|---|---|---|---|---|---|
| (none yet) | → synced | wait | wait | wait | wait | wait | wait | |
| synced | = | → detected | wait | wait | wait | wait | wait | |
| detected | = | ↻ detected if it tells anew, else = | → matched | → submitted | → rejected if it names a case, else wait | → paid | wait | → expired |
| matched | = | ↻ matched if it tells anew, else = | → matched if the confidence is higher, else = | → submitted | → rejected if it names a case, else wait | → paid | wait | → expired |
| submitted | = | = | = | = | → rejected; = while another of its cases is filed | → paid | wait | = |
| rejected | = | = | = | → submitted; = if it is a filing told late | no; = if it names a case that nobody said this of | → paid | wait | = |
| paid | = | = | = | = | no; = if it names a case that was not paid | → paid | → paid; → rejected where nothing is left in any currency; wait where it is more than is left | = |
| expired | = | → matched or detected if it tells another deadline, not past, else = | = | → submitted | → rejected if it names a case, else wait | → paid | wait | = |
"""  # noqa: E501  # the contract's lines as they are

RESTS = {"=": Rest.KNOWN, "wait": Rest.WAIT, "no": Rest.REFUSED}
ASKED = {
    "↻ detected if it tells anew, else =": ask(ANEW, {"yes": STAY}, rest=Rest.KNOWN),
    "↻ matched if it tells anew, else =": ask(ANEW, {"yes": STAY}, rest=Rest.KNOWN),
    "→ matched if the confidence is higher, else =": ask(HIGHER, {"yes": "matched"}, rest=Rest.KNOWN),
    "→ matched or detected if it tells another deadline, not past, else =": ask(
        ANOTHER_DEADLINE, {"yes": "detected", "yes, of a matched claim": "matched"}, rest=Rest.KNOWN
    ),
    "→ submitted; = if it is a filing told late": ask(LATE, {"no": "submitted"}, rest=Rest.KNOWN),
    "→ rejected if it names a case, else wait": ask(
        A_CASE, {"yes": "rejected"}, rest=Rest.WAIT, leads=("claim_submitted",)
    ),
    "→ rejected; = while another of its cases is filed": ask(
        ANOTHER_FILED, {"no": "rejected"}, rest=Rest.KNOWN
    ),
    "no; = if it names a case that nobody said this of": ask(
        FIRST_NO, {"yes": Rest.KNOWN}, rest=Rest.REFUSED
    ),
    "no; = if it names a case that was not paid": ask(UNPAID_CASE, {"yes": Rest.KNOWN}, rest=Rest.REFUSED),
    "→ paid; → rejected where nothing is left in any currency; wait where it is more than is left": ask(
        LEFT, {"something": "paid", "nothing": "rejected"}, rest=Rest.WAIT, leads=("payout_received",)
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
        assert cell == ASKED[text]
    else:
        assert cell == go(text.removeprefix("→ "))
    if text.startswith("↻ "):
        assert {arrow.leads_to(name) for arrow in cell.arrows} == {text.split(" ")[1]} == {name}


def test_the_states_and_triggers_are_the_contracts_in_its_order() -> None:
    definition = claim_lifecycle()
    assert [state.name for state in definition.states] == [row[0] for row in ROWS[1:]]
    assert [trigger.name for trigger in definition.triggers] == TRIGGERS
    assert [trigger.name for trigger in definition.triggers if trigger.timer] == ["deadline_passed"]


def test_paid_and_expired_are_closed() -> None:
    definition = claim_lifecycle()
    assert [state.name for state in definition.states if state.closed] == ["paid", "expired"]


def test_a_filing_a_verdict_and_a_payment_are_taken_in_every_state_of_a_claim() -> None:
    """ "A filing, a verdict and a payment are facts: they are taken from every claim, whether or not anybody
    told us of the steps before (…; a verdict on a case says that there was a filing)." """
    definition = claim_lifecycle()
    for state in ("detected", "matched", "submitted", "rejected", "paid", "expired"):
        assert definition.has_arrow(state, "payout_received")
        filing = definition.cell(state, "claim_submitted")
        assert filing.arrows or filing.rest is Rest.KNOWN
        verdict = definition.cell(state, "claim_rejected")
        assert verdict.arrows or Rest.KNOWN in verdict.rests.values()


def test_money_is_never_refused() -> None:
    """ "Money is never refused and never guessed." """
    definition = claim_lifecycle()
    for trigger in definition.triggers:
        if trigger.money:
            cells = [definition.cell(state.name, trigger.name) for state in definition.states]
            assert {rest for cell in cells for rest in cell.all_rests} <= {Rest.WAIT}

"""The pages of states and of cells: what the table says, beside a sentence on each state and trigger."""

from __future__ import annotations

from workflow_fsm import claim_lifecycle
from workflow_fsm.core.definition import NONE, Addressing, Arrow, Cell
from workflow_fsm.core.definition.explain import explain

STATES = {
    "synced": "The seller's data is in.",
    "detected": "A claim was found. A sync that has forked rests here too.",
    "matched": "Evidence was matched to the claim.",
    "submitted": "The claim was filed with the marketplace.",
    "rejected": "The marketplace said no, or took all of its money back.",
    "paid": "Money came in. More may come, and money may be taken back.",
    "expired": "The deadline passed before the claim was filed. It may still be filed, or paid.",
}
TRIGGERS = {
    "sync_complete": "A sync of the seller's data is complete.",
    "detection_complete": "Detection ran over a sync and found claims, or none.",
    "evidence_matching_complete": "Evidence was matched to claims.",
    "claim_submitted": "A claim was filed with the marketplace.",
    "claim_rejected": "The marketplace rejected a claim.",
    "payout_received": "The marketplace paid. Each instalment is an event of its own.",
    "payout_reversed": "The marketplace took back money that it had paid.",
    "deadline_passed": "The claim's `deadline_date` is over.",
}
ADDRESSING = {
    Addressing.SYNC: "the sync of its `sync_id`; one without gets its event id as `sync_id`",
    Addressing.DETECTION: "the sync of its `sync_id`, without one the newest that is still `synced`, "
    "else the newest; its list names the claims that fork from it",
    Addressing.EVERY: "the claims it names; naming none, every lifecycle in whose cell an arrow stands",
    Addressing.TIMER: "time fires it; nobody else may",
}
_BY_CASE = "the claim it names; naming none, those that have the case it names"
_ONLY = "naming nothing, the only one in whose cell an arrow stands"
_MONEY = (
    "the one that has the case it names; while nobody has that name, it waits. Naming nothing, it waits for "
    "a person, or, of a user who has no claims, is for the newest lifecycle"
)
ONE = {
    "claim_submitted": f"{_BY_CASE}; {_ONLY}. A case that nobody has counts as naming nothing for a user "
    "who has no claims, or with a `sync_id` of theirs; else it is refused",
    "claim_rejected": f"{_BY_CASE}; while nobody has it, it waits; {_ONLY}",
    "payout_received": f"the claim it names; naming none, {_MONEY}",
    "payout_reversed": "the claim it names; naming none, the one that what it takes back was for; else "
    + _MONEY,
}
"""Of triggers that are for one claim, where no list names them."""


def states_page() -> str:
    """Write the page of states."""
    definition = claim_lifecycle()
    lines = ["# States", ""]
    lines += [
        "In the order of advance: a user's `state` in `status` is that of the least advanced open lifecycle.",
        "In a *closed* state nothing is awaited; a fact that comes later is still taken.",
        "",
        "| state | meaning | closed | triggers with an arrow (`allowed`) |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{state.name}` | {STATES[state.name]} | {'yes' if state.closed else 'no'} "
        f"| {', '.join(f'`{name}`' for name in definition.allowed(state.name))} |"
        for state in definition.states
    ]
    lines += ["", "## Triggers", "", "| trigger | meaning | whom an event is for |", "|---|---|---|"]
    for trigger in definition.triggers:
        whom = ADDRESSING.get(trigger.addressing) or ONE[trigger.name]
        lines.append(f"| `{trigger.name}` | {TRIGGERS[trigger.name]} | {whom} |")
    lines += ["", "What each trigger does in each state: [cells](cells.md).", ""]
    return "\n".join(lines)


def cells_page() -> str:
    """Write the page of cells."""
    definition = claim_lifecycle()
    names = [trigger.name for trigger in definition.triggers]
    rows: list[str | None] = [None, *(state.name for state in definition.states)]
    lines = ["# Cells", ""]
    lines += [
        "What each trigger does in each state. An arrow moves the lifecycle; ↻ leads to the same state,",
        "a row of history that leaves and enters nothing. *known*: it is past that point; nothing moves, and",
        "what the event tells is kept with the claim where nothing stood yet.",
        "*wait*: it is too early; the event is kept and applied later, in the commit of the transition that",
        "makes it possible.",
        "*refused*: it contradicts what is recorded. A cell may ask *a question* first; its answers exclude",
        "each other.",
        "",
        f"| state | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for row in rows:
        told = (_cell(definition.cell(row, name), row) if _has(row, name) else "" for name in names)
        lines.append(f"| {NONE if row is None else f'`{row}`'} | {' | '.join(told)} |")
    lines += ["", "## In words", "", "As `Workflow.explain` tells it.", ""]
    for row in rows:
        lines += [f"### {NONE if row is None else row}", ""]
        for name in names:
            if _has(row, name):
                lines.append(f"- `{name}`: {explain(definition, row, name).reason}.")
        lines.append("")
    return "\n".join(lines)


def _has(row: str | None, trigger: str) -> bool:
    known = claim_lifecycle().trigger(trigger)
    assert known is not None
    return row is not None or not known.timer


def _cell(cell: Cell, row: str | None) -> str:
    if cell.question is None:
        return _arrow(cell.arrows[0], row) if cell.arrows else str(cell.rest)
    told = [f"{arrow.when}: {_arrow(arrow, row)}" for arrow in cell.arrows]
    told += [f"{answer}: {rest}" for answer, rest in cell.rests.items()]
    if cell.rest is not None:
        told.append(f"else {cell.rest}")
    return f"*{cell.question.name}* {'; '.join(told)}"


def _arrow(arrow: Arrow, row: str | None) -> str:
    return f"{'↻' if arrow.target is None else '→'} {arrow.leads_to(row)}"

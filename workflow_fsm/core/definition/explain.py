"""Explains a cell: why a trigger is allowed, waits or is refused, and what would lead to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workflow_fsm.core.definition import Cell, Definition, Rest, State

Explained = Literal["allowed", "known", "waits", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a trigger would meet.

    `verdict` is `allowed`, `known`, `waits` or `refused`; `state` is None where there is no lifecycle yet.
    `leads` names, in order, the triggers that would lead to where it is allowed; empty where it is, or where
    none would. `reason` says it all in a sentence.
    """

    trigger: str
    state: str | None
    verdict: Explained
    reason: str
    leads: tuple[str, ...] = ()


def explain(definition: Definition, state: str | None, trigger: str) -> Explanation:
    """Explain one cell of the table. Raises KeyError for a state or trigger that isn't there."""
    cell = definition.cell(state, trigger)
    where = "nothing is known of the claim yet" if state is None else f"the claim is {state}"
    if cell.arrows:
        question = cell.question
        if question is None:
            reason = f"{where}, and {trigger} moves it to {cell.arrows[0].target}"
        else:
            moves = ", ".join(f"{arrow.when}: to {arrow.target}" for arrow in cell.arrows)
            otherwise = "" if cell.rest is None else f"; else it {_REST[cell.rest]}"
            reason = f"{where}, and {trigger} asks: {question.name} {moves}{otherwise}"
        return Explanation(trigger=trigger, state=state, verdict="allowed", reason=reason)
    assert cell.rest is not None
    leads = definition.path(state, trigger)
    way = f"; {' then '.join(leads)} would lead to where it is allowed" if leads else ""
    reason = f"{where}, and {trigger} {_REST[cell.rest]}{way}"
    verdict = _VERDICT[cell.rest]
    return Explanation(trigger=trigger, state=state, verdict=verdict, reason=reason, leads=leads)


def mermaid(definition: Definition) -> str:
    """Draw the arrows as a Mermaid state diagram, the triggers between two states on one arrow."""
    labels: dict[tuple[str, str], list[str]] = {}
    for state in (None, *definition.states):
        name = state.name if isinstance(state, State) else None
        for trigger in definition.triggers:
            if not definition.has_arrow(name, trigger.name):
                continue
            cell = definition.cell(name, trigger.name)
            for arrow in cell.arrows:
                label = trigger.name if arrow.when is None else f"{trigger.name} ({_guard(cell, arrow.when)})"
                labels.setdefault((name or "[*]", arrow.target), []).append(label)
    lines = ["stateDiagram-v2"]
    lines += [f"    {source} --> {target}: {', '.join(by)}" for (source, target), by in labels.items()]
    lines += [f"    {state.name} --> [*]" for state in definition.states if state.closed]
    return "\n".join(lines)


def _guard(cell: Cell, when: str) -> str:
    assert cell.question is not None
    return f"{cell.question.name} {when}"


_REST = {
    Rest.KNOWN: "is known: nothing moves, and what it tells is kept",
    Rest.WAIT: "waits: it is too early",
    Rest.REFUSED: "is refused: it contradicts what is recorded",
}
_VERDICT: dict[Rest, Explained] = {Rest.KNOWN: "known", Rest.WAIT: "waits", Rest.REFUSED: "refused"}

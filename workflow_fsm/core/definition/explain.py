"""Explains a cell: why a trigger is allowed, waits or is refused, and what would lead to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workflow_fsm.core.definition import Arrow, Cell, Definition, Rest, State

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
    leads = definition.path(state, trigger)
    if cell.arrows:
        leads = cell.leads if Rest.WAIT in cell.all_rests else ()
    way = f"; {' then '.join(leads)} would lead to where it is allowed" if leads else ""
    question = cell.question
    if question is None:
        told = _MOVES.format(_target(cell.arrows[0], state)) if cell.arrows else _REST[cell.all_rests[0]]
        reason = f"{where}, and {trigger} {told}{way}"
    else:
        answers = [f"{arrow.when}: {_MOVES.format(_target(arrow, state))}" for arrow in cell.arrows]
        answers += [f"{answer}: it {_REST[rest]}" for answer, rest in cell.rests.items()]
        otherwise = "" if cell.rest is None else f"; else it {_REST[cell.rest]}"
        reason = f"{where}, and {trigger} asks: {question.name} {', '.join(answers)}{otherwise}{way}"
    verdict = "allowed" if cell.arrows else _VERDICT[cell.all_rests[0]]
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
                label = f"{label} ↻" if arrow.target is None else label
                labels.setdefault((name or "[*]", arrow.leads_to(name)), []).append(label)
    lines = ["stateDiagram-v2"]
    lines += [f"    {source} --> {target}: {', '.join(by)}" for (source, target), by in labels.items()]
    lines += [f"    {state.name} --> [*]" for state in definition.states if state.closed]
    return "\n".join(lines)


def _target(arrow: Arrow, state: str | None) -> str:
    return (
        f"{arrow.leads_to(state)} (which it neither leaves nor enters)"
        if arrow.target is None
        else arrow.leads_to(state)
    )


def _guard(cell: Cell, when: str) -> str:
    assert cell.question is not None
    return f"{cell.question.name} {when}"


_MOVES = "moves it to {}"
_REST = {
    Rest.KNOWN: "is known: nothing moves, and what it tells is kept",
    Rest.WAIT: "waits: it is too early",
    Rest.REFUSED: "is refused: it contradicts what is recorded",
}
_VERDICT: dict[Rest, Explained] = {Rest.KNOWN: "known", Rest.WAIT: "waits", Rest.REFUSED: "refused"}

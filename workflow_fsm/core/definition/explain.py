"""Explains a cell: why a trigger is allowed, waits or is refused, and what would lead to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from workflow_fsm.core.definition import Arrow, Cell, Definition, Rest
from workflow_fsm.core.definition.arguments import did_you_mean
from workflow_fsm.core.errors import FieldError, InvalidEvent
from workflow_fsm.core.outcome import Outcome

Explained = Literal["allowed", "known", "waits", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a trigger would meet.

    `verdict` is `allowed`, `known`, `waits` or `refused`; `state` is None where there is no lifecycle yet.
    `leads` names, in order, the triggers that would lead to where it is allowed; empty where it is, or where
    none would. `reason` says it all in a sentence. `outcome` is what an event that was told of would be
    answered, None where none was, or where it would be refused.
    """

    trigger: str
    state: str | None
    verdict: Explained
    reason: str
    leads: tuple[str, ...] = ()
    outcome: Outcome | None = None


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


def mermaid(definition: Definition, state: str | None = None) -> str:
    """Draw the arrows as a Mermaid state diagram, the triggers between two states on one arrow.

    `state` is marked. Raises InvalidEvent where the definition has no such state.
    """
    refuse_unknown(definition, state)
    names = {
        one.name: one.name if _PLAIN.fullmatch(one.name) and one.name not in _WORDS else f"state_{place}"
        for place, one in enumerate(definition.states)
    }
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{_text(told)}" as {name}' for told, name in names.items() if told != name]
    lines += [
        f"    {'[*]' if source is None else names[source]} --> {names[target]}: {_text(', '.join(by))}"
        for (source, target), by in arrows(definition).items()
    ]
    lines += [f"    {names[one.name]} --> [*]" for one in definition.states if one.closed]
    if state is not None:
        lines += [f"    classDef marked {_MARK}", f"    class {names[state]} marked"]
    return "\n".join(lines)


def refuse_unknown(definition: Definition, state: str | None) -> None:
    """Raise InvalidEvent for a state that a definition hasn't."""
    known = [one.name for one in definition.states]
    if state is not None and state not in known:
        reason = f"is {state!r}, which is no state of {definition.name!r}: {did_you_mean(state, known)}"
        raise InvalidEvent([FieldError(field="state", reason=reason)])


def arrows(definition: Definition) -> dict[tuple[str | None, str], list[str]]:
    """Give what leads from a state (None: from nothing) to another, in words."""
    labels: dict[tuple[str | None, str], list[str]] = {}
    for name in (None, *(state.name for state in definition.states)):
        for trigger in definition.triggers:
            if not definition.has_arrow(name, trigger.name):
                continue
            cell = definition.cell(name, trigger.name)
            for arrow in cell.arrows:
                label = trigger.name if arrow.when is None else f"{trigger.name} ({_guard(cell, arrow.when)})"
                label = f"{label} ↻" if arrow.target is None else label
                labels.setdefault((name, arrow.leads_to(name)), []).append(label)
    return labels


_PLAIN = re.compile(r"[^\W\d]\w*")
_WORDS = frozenset({"as", "class", "classDef", "direction", "end", "note", "state", "stateDiagram", "style"})
_MARK = "fill:#ffd54f,stroke:#333,stroke-width:3px,color:#000"


def _text(text: str) -> str:
    """Write text so that nothing in it is a word of Mermaid's."""
    return "".join(f"#{ord(one)};" if one in _SIGNS else one for one in text)


_SIGNS = frozenset('"#;<>{}')


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

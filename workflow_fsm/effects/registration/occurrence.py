"""Occurrence: whether any transition of a definition fits a handler's pattern."""

from __future__ import annotations

from collections.abc import Iterator

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import HandlerInvalid
from workflow_fsm.core.model.outbox import Pattern

Step = tuple[str | None, str, str]


def refuse_impossible(definition: Definition, pattern: Pattern) -> None:
    """Raise HandlerInvalid where no transition of the definition owes the handler."""
    if pattern.dead_letter or pattern.request:
        return
    if pattern.enter is not None:
        if not any(target == pattern.enter for _, _, target in _entries(definition)):
            raise HandlerInvalid(
                f"handler {pattern.name!r} is for entering {pattern.enter!r}, which nothing enters"
            )
        return
    steps = list(_steps(definition))
    if any(_fits(pattern, step) for step in steps):
        return
    near = [
        step for step in steps if pattern.source in (None, step[0]) and pattern.trigger in (None, step[1])
    ] or [step for step in steps if pattern.source in (None, step[0])]
    if pattern.source is None:
        told = f"{pattern.trigger} leads to {', '.join(sorted({step[2] for step in near}))}"
    elif near:
        ways = sorted({f"{trigger} to {target}" for _, trigger, target in near})
        told = f"from {pattern.source} go {', '.join(ways)}"
    else:
        told = f"nothing leads on from {pattern.source}"
    raise HandlerInvalid(
        f"handler {pattern.name!r} is for {_shown(pattern)}, a transition that can't occur: {told}"
    )


def _steps(definition: Definition) -> Iterator[Step]:
    """Give each transition that the table can bring about, as from, by and to."""
    for (state, trigger), cell in definition.table.items():
        for arrow in cell.arrows:
            yield state, trigger, arrow.leads_to(state)


def _entries(definition: Definition) -> Iterator[Step]:
    """Give those that enter a state."""
    for (state, trigger), cell in definition.table.items():
        for arrow in cell.arrows:
            if arrow.target is not None:
                yield state, trigger, arrow.target


def _fits(pattern: Pattern, step: Step) -> bool:
    source, trigger, target = step
    return (
        pattern.source in (None, source)
        and pattern.trigger in (None, trigger)
        and pattern.target in (None, target)
    )


def _shown(pattern: Pattern) -> str:
    by = "" if pattern.trigger is None else f"{pattern.trigger}: "
    return f"{by}{pattern.source or 'any state'} → {pattern.target or 'any state'}"

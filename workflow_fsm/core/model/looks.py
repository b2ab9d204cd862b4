"""Looks: what waits and names nobody, in groups for all of which one look at the user's lifecycles tells.

Events of one trigger that name nobody wait for the same: until somebody takes them, or nobody can any more.
So the oldest of them is judged after a change, and the next only where that has told something new.
"""

from __future__ import annotations

import json

from workflow_fsm.core.definition import Addressing, Definition, Trigger
from workflow_fsm.core.model.inbox import Wait, WaitKind

WITHIN_A_SYNC = Wait(WaitKind.WITHIN, "")
"""What all wait under, besides, that look within one sync: without any, none of those is asked for."""


def look_for(trigger: Trigger, *, named: bool, sync_id: str | None = None) -> tuple[Wait, ...]:
    """Give what an event that names nobody waits under: within a sync where that is given.

    `named` is for one that names a case, which may have an arrow where others have none.
    """
    look = _name(trigger, named=named)
    if sync_id is None:
        return (Wait(WaitKind.ANY, look),)
    return (Wait(WaitKind.WITHIN, json.dumps([look, sync_id])), WITHIN_A_SYNC)


def looks(definition: Definition) -> tuple[Wait, ...]:
    """Give all that can be waited under where no sync is told, and that within a sync."""
    return definition.once(
        looks, lambda: (*(Wait(WaitKind.ANY, name) for name in _names(definition)), WITHIN_A_SYNC)
    )


def looks_within(definition: Definition, sync_id: str) -> tuple[Wait, ...]:
    """Give all that can be waited under within a sync."""
    return tuple(Wait(WaitKind.WITHIN, json.dumps([name, sync_id])) for name in _names(definition))


def is_look(wait: Wait) -> bool:
    """Tell whether a wait is one of a group's, for all of which its oldest is judged."""
    return bool(wait.name) and wait.kind in (WaitKind.ANY, WaitKind.WITHIN)


def _names(definition: Definition) -> list[str]:
    asked = (Addressing.DETECTION, Addressing.EVERY, Addressing.ONE)
    return [
        _name(trigger, named=named)
        for trigger in definition.triggers
        for named in (False, True)
        if trigger.addressing in asked and (trigger.addressing is Addressing.ONE or not named)
    ]


def _name(trigger: Trigger, *, named: bool) -> str:
    return f"{trigger.name} of a case" if named else trigger.name

"""Reasons: why a first edition's dead letters are such, and what would settle each, said in their parts."""

from __future__ import annotations

from typing import Any

from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.model.inbox import Share, Standing
from workflow_fsm.core.model.ways_out import ONCE_CHANGED, ONCE_MOVED, WITH_CLAIM, died_of


def give_reason(trigger: Trigger, event: Event, share: dict[str, Any], answered: str | None) -> None:
    """Say of a part that is refused, dead, or money that waits, why it is, and what would settle it.

    The first edition kept the reason of a refusal in its answer, and told no way out.
    """
    told = share.get("reason")
    standing = Standing(share.get("was", share["standing"]))
    if standing is Standing.REFUSED:
        way_out = ONCE_MOVED if share.get("lifecycles") else ONCE_CHANGED
        share["reason"] = f"{answered or 'it was refused'}; {way_out}"
    elif standing is Standing.DEAD:
        waiting_for = tuple(share.get("waiting_for", ()))
        part = Share(claim=share.get("claim"), standing=standing, waiting_for=waiting_for, reason=told)
        share["reason"] = died_of(part, listed=event.listed)
    elif standing is Standing.WAITING and trigger.money and "conflicts_with" not in share:
        what = told or "its money waits: no claim was found for it, or several could be meant"
        share["reason"] = f"{what}; {WITH_CLAIM}"

"""Waking: which waiting events a change concerns, so that those are judged again and no others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.model.inbox import ANY_CHANGE, StoredEvent, Wait
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.looks import WITHIN_A_SYNC, is_look, looks, looks_within
from workflow_fsm.core.model.situation import Situation


def woken(
    definition: Definition, situation: Situation, touched: Collection[Lifecycle], names: Collection[Wait]
) -> list[StoredEvent]:
    """Give the waiting events that changed lifecycles and names concern: of each group the oldest."""
    if ANY_CHANGE not in names:
        return situation.waiting(names)
    found = situation.waiting(names, dict.fromkeys(looks(definition), 0))
    if any(WITHIN_A_SYNC in stored.waits for stored in found):
        syncs = dict.fromkeys(one.sync_id for one in touched)
        within = [look for sync_id in syncs for look in looks_within(definition, sync_id)]
        found += situation.waiting((), dict.fromkeys(within, 0))
        if situation.has_its_first_claim():
            found += situation.waiting((WITHIN_A_SYNC,))
    return found


def following(situation: Situation, stored: StoredEvent) -> list[StoredEvent]:
    """Give those that are next in the groups of one that was judged and found otherwise than it was."""
    groups: Sequence[Wait] = [wait for wait in stored.waits if is_look(wait)]
    return situation.waiting((), dict.fromkeys(groups, stored.seq)) if groups else []

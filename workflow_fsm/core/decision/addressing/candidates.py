"""Candidates: who could take what waits for a person, at most a hundred, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterable

from workflow_fsm.core.decision.addressing.correlation import MOST_CANDIDATES, arrow_states, known_sync
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.model.source import Seek
from workflow_fsm.core.records import Candidate


def candidates(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event
) -> tuple[Candidate, ...]:
    """Show the lifecycles that an event could be for, at most a hundred, the likeliest first.

    Likeliest is one whose filing has no name yet, then one that is filed, then whichever came last.
    """
    sync_id = None if trigger.money else known_sync(situation, event)
    able = arrow_states(definition, trigger, event)
    filed, awaited = _filed(definition), _awaited(definition)
    found: list[Lifecycle] = []
    for likely in (filed, awaited - filed, set(able) - awaited):
        states = tuple(state for state in able if state in likely)
        if states and len(found) < MOST_CANDIDATES:
            found += situation.seek(Seek(states=states, sync_id=sync_id, limit=MOST_CANDIDATES - len(found)))
    return show_candidates(likeliest(definition, situation, event, found))


def likeliest(
    definition: Definition, situation: Situation, event: Event, lifecycles: Iterable[Lifecycle]
) -> list[Lifecycle]:
    """Put those that could be meant in the order in which they are likely to be: see `candidates`."""
    found = sorted(lifecycles, key=lambda one: one.id, reverse=True)
    filed, awaited = _filed(definition), _awaited(definition)
    unnamed = situation.with_unnamed_case(found) if event.field("amazon_case_id") is not None else set()
    found.sort(key=lambda one: (one.id not in unnamed, one.state not in filed, one.state not in awaited))
    return found


def show_candidates(lifecycles: Iterable[Lifecycle]) -> tuple[Candidate, ...]:
    """Show lifecycles that an event could be for."""
    shown = list(lifecycles)[:MOST_CANDIDATES]
    return tuple(Candidate(claim_id=one.claim_id, sync_id=one.sync_id, state=one.state) for one in shown)


def _awaited(definition: Definition) -> set[str]:
    return {state.name for state in definition.states if not state.closed}


def _filed(definition: Definition) -> set[str]:
    filing = (trigger for trigger in definition.triggers if trigger.files)
    return _awaited(definition) & definition.led_to(filing)

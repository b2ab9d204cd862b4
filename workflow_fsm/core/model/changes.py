"""Changes: what a decision changed, held until it is committed as one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from workflow_fsm.core.definition.cases import Cases
from workflow_fsm.core.model.inbox import Money, StoredEvent
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle, Row
from workflow_fsm.core.model.outbox import Effect


@dataclass(slots=True)
class Changes:
    """What a decision changed, to be committed as one.

    `ids` are further ids of events, by number. `aliases` maps one that was taken away to None. `currencies`
    are those met, with their decimals; `claim_currencies` says how many claims more have each. `rescheduled`
    says from when on what a lifecycle owes to a handler is due, where nobody has begun it.
    """

    lifecycles: dict[int, Lifecycle] = field(default_factory=dict)
    made: set[int] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    events: dict[int, StoredEvent] = field(default_factory=dict)
    received: set[int] = field(default_factory=set)
    replaced: dict[int, int] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, str | None] = field(default_factory=dict)
    cases: dict[CaseOwner, Cases] = field(default_factory=dict)
    money: list[Money] = field(default_factory=list)
    currencies: dict[str, int] = field(default_factory=dict)
    claim_currencies: Counter[str] = field(default_factory=Counter)
    effects: dict[int, Effect] = field(default_factory=dict)
    rescheduled: dict[int, dict[str, datetime]] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)

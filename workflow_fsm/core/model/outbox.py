"""The outbox, as values: handlers by name and pattern, and the effects that a move enqueues or makes void.

A handler here is data: its name, what it is owed by, and how it is retried. The code behind a name is known
to `effects/registration/registry.py` of the processes that have it.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any

from workflow_fsm.core.model.lifecycle import Lifecycle, Row
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.core.values.value_types import dataclass

REQUEST = "request"
"""What an effect is about that somebody asked for."""
STANDINGS = ("owed", "taken", "done", "dead", "void", "dropped")
"""What an effect may be: at rest before it is due or done, at work, or at one of four ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What owes a handler: entering `enter`, a dead letter, a request, or a transition (None fits any).

    `not_before` names a fact of the claim that holds an instant before which the effect isn't due. `tries`
    and `pause_seconds` are None where the process's settings say.
    """

    name: str
    enter: str | None = None
    dead_letter: bool = False
    request: bool = False
    trigger: str | None = None
    source: str | None = None
    target: str | None = None
    not_before: str | None = None
    tries: int | None = None
    pause_seconds: float | None = None
    timeout_seconds: float | None = None

    @property
    def on_enter(self) -> bool:
        """Whether it is work for being in a state, and void once the lifecycle leaves it."""
        return self.enter is not None

    def fits(self, row: Row) -> bool:
        """Tell whether a transition owes it."""
        if self.dead_letter or self.request:
            return False
        if self.enter is not None:
            return row.to_state == self.enter
        return (
            self.trigger in (None, row.trigger)
            and self.source in (None, row.from_state)
            and self.target in (None, row.to_state)
        )

    def is_owed_alike(self, other: Pattern) -> bool:
        """Tell whether both are owed by the same, and due at the same time, however they are tried."""
        return self._what() == other._what()

    def owing(self) -> str:
        """Say in words what owes it."""
        if self.dead_letter:
            return "dead letters"
        if self.request:
            return "requests"
        held = "" if self.not_before is None else f", not before {self.not_before}"
        if self.enter is not None:
            return f"entering {self.enter}{held}"
        by = "" if self.trigger is None else f" by {self.trigger}"
        between = f"{self.source or 'any state'} to {self.target or 'any state'}"
        return f"a transition from {between}{by}{held}"

    def _what(self) -> tuple[object, ...]:
        return (
            self.enter,
            self.dead_letter,
            self.request,
            self.trigger,
            self.source,
            self.target,
            self.not_before,
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the pattern as it is kept."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A piece of work owed: the handler, the transition (by its cursor) and when it is due.

    `key` is the same over all tries, and unique among all effects: use it as an idempotency key. `about` is
    the id of the dead letter to tell of, or `REQUEST`; then `lifecycle` and `cursor` are 0.
    """

    seq: int
    lifecycle: int
    cursor: int
    handler: str
    on_enter: bool
    due_at: datetime
    key: str
    about: str | None = None


def owed(pattern: Pattern, row: Row, lifecycle: Lifecycle, *, seq: int) -> Effect:
    """Make the effect that a transition owes to a handler; `lifecycle` is as the transition left it."""
    held = held_until(pattern, lifecycle)
    return Effect(
        seq=seq,
        lifecycle=row.lifecycle,
        cursor=row.cursor,
        handler=pattern.name,
        on_enter=pattern.on_enter,
        due_at=row.at if held is None else max(row.at, held),
        key=effect_key(row.user_id, row.lifecycle, row.version, pattern.name),
    )


def held_until(pattern: Pattern, lifecycle: Lifecycle) -> datetime | None:
    """Give the instant before which what a lifecycle owes to a handler isn't due, None where there is
    none."""
    return None if pattern.not_before is None else _instant(lifecycle.facts.get(pattern.not_before))


def owed_apart(handler: str, user_id: str, about: str, *, seq: int, now: datetime) -> Effect:
    """Make an effect that no transition owes: the telling of a dead letter, or what was requested."""
    return Effect(
        seq=seq,
        lifecycle=0,
        cursor=0,
        handler=handler,
        on_enter=False,
        due_at=now,
        key=effect_key(user_id, about, seq, handler),
        about=about,
    )


def effect_key(user_id: str, owner: int | str, number: int, handler: str) -> str:
    """Give an effect's key: of a lifecycle and a version, or of what it is about and its number."""
    text = "\n".join(map(str, (user_id, owner, number, handler)))
    return f"eff_{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def _instant(fact: Any) -> datetime | None:
    """Read a fact that should be an instant; one that is none holds nothing back."""
    try:
        return read_instant(fact)
    except (TypeError, ValueError):
        return None

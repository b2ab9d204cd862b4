"""The inbox: an event as it is stored, with its place among the user's, and what became of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from workflow_fsm.core.definition.events import Event


class Standing(StrEnum):
    """What became of a part, or of a whole event."""

    WAITING = "waiting"
    APPLIED = "applied"
    DEAD = "dead"
    REFUSED = "refused"
    KNOWN = "known"
    DROPPED = "dropped"


_PLACES = {
    standing: place
    for place, standing in enumerate(
        (
            Standing.WAITING,
            Standing.APPLIED,
            Standing.DEAD,
            Standing.REFUSED,
            Standing.KNOWN,
            Standing.DROPPED,
        )
    )
}
"""A list counts once, as the first of these that a part is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One part's fate: the claim as the event names it (None: nameless), and the lifecycles it was for."""

    claim: str | None
    standing: Standing
    lifecycles: tuple[int, ...] = ()
    index: int | None = None
    waiting_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What an applied payout or reversal was: signed minor units (a reversal below 0) and its currency."""

    currency: str
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One kept event.

    `standing` is how it counts. `seq` is its place among the user's events (a repeat that replaces a refused
    one takes a new place). `settled` is the user's cursor when its last part found its end. `expires_at` is
    None for what waits for ever. `answer` is the first answer given, as JSON. `money` is set once a payout or
    reversal was applied.
    """

    seq: int
    event_id: str
    event: Event
    actor: str
    received_at: datetime
    shares: tuple[Share, ...]
    settled: int = 0
    expires_at: datetime | None = None
    answer: Mapping[str, Any] | None = None
    money: Money | None = None
    standing: Standing = field(init=False)

    def __post_init__(self) -> None:
        """See how the event counts."""
        standings = (share.standing for share in self.shares)
        standing = min(standings, key=_PLACES.__getitem__, default=Standing.KNOWN)
        object.__setattr__(self, "standing", standing)

    @property
    def binds(self) -> bool:
        """Tell whether the id is taken: a refused or dead event may be sent again, corrected too."""
        if self.standing is Standing.DEAD:
            return False
        return self.answer is None or self.answer["status"] != "refused"

    @property
    def letter(self) -> str | None:
        """Tell why a person should look: a part is `dead`, it is `refused`, or it is money that waits."""
        if any(share.standing is Standing.DEAD for share in self.shares):
            return "dead"
        if self.standing is Standing.REFUSED:
            return None if self.binds else "refused"
        waits = self.standing is Standing.WAITING and self.expires_at is None
        return "waiting" if waits else None

    @property
    def letter_at(self) -> datetime:
        """Tell since when."""
        dead = self.letter == "dead" and self.expires_at is not None
        return self.expires_at if dead and self.expires_at is not None else self.received_at

    @property
    def waits_under(self) -> tuple[str, ...]:
        """Give the names of claims under which parts wait; `""` stands for a part that names none."""
        waiting = (share for share in self.shares if share.standing is Standing.WAITING)
        return tuple(dict.fromkeys(share.claim or "" for share in waiting))

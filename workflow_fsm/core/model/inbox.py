"""The inbox: an event as it is stored, with its place among the user's, and what became of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.values.value_types import dataclass, replace


class Standing(StrEnum):
    """What became of a part, or of a whole event."""

    WAITING = "waiting"
    APPLIED = "applied"
    DEAD = "dead"
    REFUSED = "refused"
    KNOWN = "known"
    DROPPED = "dropped"


_PLACES = {standing: place for place, standing in enumerate(Standing)}
"""A list counts once, as the first of these that a part is."""


class WaitKind(StrEnum):
    """What kind of name an event waits under."""

    CLAIM = "claim"
    CASE = "case"
    SYNC = "sync"
    REIMBURSEMENT = "reimbursement"
    ANY = "any"
    WITHIN = "within"
    PERSON = "person"


class Wait(NamedTuple):
    """A name under which an event waits: judged again as soon as somebody has it, or what it names
    changed."""

    kind: str
    name: str


ANY_CHANGE = Wait(WaitKind.ANY, "")
"""What an event waits under that any change of the user's lifecycles may concern."""
A_PERSON = Wait(WaitKind.PERSON, "")
"""What an event waits under that only a person can tell for whom it is: no change of the user's calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One part's fate: the claim as the event names it (None: nameless), and the lifecycles it was for.

    One that waits tells the triggers that would end it (`waiting_for`), the names it waits under (`waits`;
    none where only a person can tell), a `reason`, the event that it conflicts with, and the currency of
    money that tells none. `was` is the standing of one that a person has dropped, before that.
    """

    claim: str | None
    standing: Standing
    lifecycles: tuple[int, ...] = ()
    index: int | None = None
    waiting_for: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    reason: str | None = None
    conflicts_with: str | None = None
    currency: str | None = None
    was: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What an applied payout or reversal was: signed (a reversal below 0), its currency, and its units.

    `case_id` is the case that it was booked under, None for none.
    """

    currency: str
    amount: Decimal
    units: int = 0
    case_id: str | None = None


LAID_OVER = ("claim_id", "amazon_case_id", "currency", "line_id", "original_reimbursement_id")
"""The fields that a person who retries an event may lay over what it said, beside `FORCE`."""
FORCE = "force"
"""What a person lays over an event to let through what would wait; not a field of any event."""
LEARNT_LINE = "learnt_line"
"""Under which the line stands over an event that a repeat of it told: nobody laid it there, so that no retry
takes it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One event of the inbox.

    `standing` is how it counts. `seq` is its place among the user's events (a repeat that replaces a refused
    one takes a new place). `settled` is the user's cursor when its last part found its end. `expires_at` is
    None for what waits for ever. `answer` is the first answer given, as JSON. `money` is set once a payout or
    reversal was applied. `overlay` is what a person laid over what it said, last, and the line that a repeat
    told: `event` is read with it, and its body is what it said. `doubt` says why a person should look at one
    that was applied.
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
    overlay: Mapping[str, Any] | None = None
    doubt: str | None = None
    standing: Standing = field(init=False)

    def __post_init__(self) -> None:
        """See how the event counts."""
        if len(self.shares) == 1:  # as of most
            standing = self.shares[0].standing
        else:
            standings = (share.standing for share in self.shares)
            standing = min(standings, key=_PLACES.__getitem__, default=Standing.KNOWN)
        object.__setattr__(self, "standing", standing)

    @property
    def binds(self) -> bool:
        """Tell whether its ids are taken: a refused, dead or dropped event may be sent again, corrected
        too."""
        if self.standing in (Standing.DEAD, Standing.DROPPED):
            return False
        return self.answer is None or self.answer["status"] != "refused"

    @property
    def is_reuse(self) -> bool:
        """Tell whether it is refused since its ids belong to another event."""
        return self.was_reuse and not self.binds

    @property
    def was_reuse(self) -> bool:
        """Tell whether it came with ids that belong to another event, whatever a person made of it since."""
        return self.answer is not None and self.answer.get("code") == "event-id-reused"

    @property
    def forced(self) -> bool:
        """Tell whether a person lets through what would wait."""
        return bool(self.overlay and self.overlay.get(FORCE))

    @property
    def letter(self) -> str | None:
        """Tell why a person should look: a part is `dead`, it is `refused`, it is in `doubt`, or money
        waits."""
        if any(share.standing is Standing.DEAD for share in self.shares):
            return "dead"
        if self.standing is Standing.REFUSED:
            return None if self.binds else "refused"
        if self.doubt is not None:
            return "doubt"
        waits = self.standing is Standing.WAITING and self.expires_at is None
        return "waiting" if waits else None

    @property
    def is_dropped(self) -> bool:
        """Tell whether a person has dropped a part of it, or all."""
        return any(share.standing is Standing.DROPPED for share in self.shares)

    @property
    def letter_at(self) -> datetime:
        """Tell since when."""
        dead = self.letter == "dead" and self.expires_at is not None
        return self.expires_at if dead and self.expires_at is not None else self.received_at

    @property
    def has_line_of_its_own(self) -> bool:
        """Tell whether a person has named the line of its reimbursement that it is."""
        return bool(self.overlay and "line_id" in self.overlay)

    @property
    def waits(self) -> tuple[Wait, ...]:
        """Give the names under which its parts wait."""
        if self.standing is not Standing.WAITING:
            return ()
        waiting = (share for share in self.shares if share.standing is Standing.WAITING)
        return tuple(dict.fromkeys(wait for share in waiting for wait in share.waits or (A_PERSON,)))

    @property
    def lifecycles(self) -> frozenset[int]:
        """Give the lifecycles that it was for."""
        return frozenset(one for share in self.shares for one in share.lifecycles)

    @property
    def line(self) -> str | None:
        """Give the line of its reimbursement that it tells."""
        return self.event.fields.get("line_id")


def lay_over(trigger: Trigger, stored: StoredEvent, overlay: Mapping[str, Any]) -> StoredEvent:
    """Lay fields over what an event said, in the place of those that lay there; its body stays what it said.

    Raises InvalidEvent where it can't be read like that.
    """
    laid = dict(overlay)
    if stored.overlay and LEARNT_LINE in stored.overlay:
        laid[LEARNT_LINE] = stored.overlay[LEARNT_LINE]
    told = {name: value for name, value in laid.items() if name not in (FORCE, LEARNT_LINE)}
    if LEARNT_LINE in laid:
        told.setdefault("line_id", laid[LEARNT_LINE])
    said = stored.event
    refused = {entry.index for entry in said.bad}
    read = read_event(trigger, {**said.body, **told}, is_stored=True, refused=refused)
    event = replace(read, body=said.body, fingerprint=said.fingerprint, ids=said.ids, hint=said.hint)
    return replace(stored, event=event, overlay=laid)

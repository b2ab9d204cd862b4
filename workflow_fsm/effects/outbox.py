"""The outbox: takes effects under a lease, and marks them done, dead or owed again while the lease holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import HandlerInvalid, RowUnreadable
from workflow_fsm.core.model.outbox import REQUEST, Pattern
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.read.dead_letters import show_dead_letter
from workflow_fsm.read.history import show_transition
from workflow_fsm.read.letter_shapes import DeadLetterRecord, SettledLetter
from workflow_fsm.read.shapes import Claim, HistoryRow, OwedEffect
from workflow_fsm.read.status import show_claim
from workflow_fsm.stores.columns import reads, unreadable
from workflow_fsm.stores.event_mapping import said_by
from workflow_fsm.stores.mapping import pattern_of
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Columns, Session

NO_CLAIM = partial(Claim.of, {})
"""Makes the claim of what is about none."""
_LETTER = re.compile(r"(event|effect):[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedEffect:
    """An effect that this process holds under a lease, by the number of its attempt.

    `attempt` counts all its tries and is never given twice; `tried` counts them since a person retried it.
    `suspect` tells whether its last holder died, or hung, in it. `transition` (None where none owes it) and
    `claim` are as history and status show them; `about` is the dead letter to tell of. `fault` is set where
    these can't be read: the attempt fails by it, and no handler is called. `said` reads what the event said:
    it may have told of thousands of claims, each of which owes an effect.
    """

    user_id: str
    seq: int
    handler: str
    attempt: int
    tried: int
    key: str
    suspect: bool = False
    transition: HistoryRow | None = None
    said: Callable[[], Mapping[str, Any]] = dict
    claim: Claim = field(default_factory=NO_CLAIM)
    about: DeadLetterRecord | SettledLetter | None = None
    fault: RowUnreadable | None = None

    @property
    def claim_id(self) -> str | None:
        """The claim that it is about, where it is about one."""
        if self.transition is not None:
            return self.transition.claim_id
        return None if self.about is None else self.about.get("claim_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is ready: what is due at `now`, and what is leased until `over` at most, by the leases' clock."""

    now: datetime
    over: datetime

    def parameters(self, *, suspects: bool) -> dict[str, str | int]:
        """Give the parameters of statements that ask for it; `suspects`: with those whose lease is over."""
        return {
            "now": show_instant(self.now),
            "over": show_instant(self.over),
            "latest": show_instant(max(self.now, self.over)),
            "suspects": int(suspects),
        }


def register(session: Session, pattern: Pattern, now: datetime, *, replace: bool = False) -> None:
    """Let transitions owe a handler from this commit on.

    Raises HandlerInvalid where its name is kept for what something else owes, unless it is to `replace` that.
    """
    row = {
        "handler": pattern.name,
        "pattern": json.dumps(pattern.as_dict()),
        "registered_at": show_instant(now),
    }
    known = next((one for one in session.rows("handlers") if one["name"] == pattern.name), None)
    while known is None or known["pattern"] != row["pattern"]:
        kept = None if known is None else _readable(known)
        if kept is not None and not kept.is_owed_alike(pattern) and not replace:
            raise HandlerInvalid(
                f"the store keeps the handler {pattern.name!r} for {kept.owing()}, and this one is for "
                f"{pattern.owing()}: another program's work would be owed no more. Give name=… to one of the "
                "two; where this one takes the other's place, replace=True"
            )
        before = None if known is None else known["pattern"]
        if session.row("put_handler", **row, before=before) is not None:
            return
        # Another program was first: what it registered counts, and is seen by the next statement.
        known = session.row("handler", handler=pattern.name)


def _readable(row: Columns) -> Pattern | None:
    """Read a handler's pattern; one that is damaged is in nobody's way."""
    try:
        return pattern_of(row)
    except RowUnreadable:
        return None


def forget(session: Session, name: str, over: datetime) -> tuple[bool, int]:
    """Drop a handler; tell whether it was known, and how many effects owed to it became void.

    Leases that end at `over`, or before, are nobody's any more.
    """
    known = session.row("drop_handler", handler=name) is not None
    told = {"handler": name, "over": show_instant(over)}
    asked = [{"user_id": row["user_id"], **told} for row in session.rows("users_owing", handler=name)]
    session.prefetch(("void_effects_of_handler", one) for one in asked)
    return known, sum(len(session.rows("void_effects_of_handler", **one)) for one in asked)


def lease(
    session: Session, definition: Definition, effect: Columns, *, now: datetime, until: datetime
) -> LeasedEffect:
    """Lease an effect until an instant, under the next number of attempt.

    One that can't be read is leased too: it goes the way of any attempt that fails, out of the others' way.
    """
    attempt = effect["attempt"] + 1
    held: dict[str, Any] = {
        "user_id": effect["user_id"],
        "seq": effect["seq"],
        "handler": effect["handler"],
        "attempt": attempt,
        "tried": attempt - effect["forgiven"],
        "key": effect["key"],
        "suspect": effect["standing"] == "taken",
    }
    try:
        leased = LeasedEffect(**held, **_told(session, definition, effect, now))
    except RowUnreadable as error:
        leased = LeasedEffect(**held, fault=error)
    session.run(
        "take_effect",
        {
            "user_id": effect["user_id"],
            "seq": effect["seq"],
            "attempt": attempt,
            "ready_at": show_instant(until),
        },
    )
    return leased


def _told(session: Session, definition: Definition, effect: Columns, now: datetime) -> dict[str, Any]:
    """Read what the handler of an effect is told. Raises RowUnreadable."""
    if effect["about"] == REQUEST:
        return {}
    whose = {"user_id": effect["user_id"]}
    session.prefetch(
        [
            ("row_at", {**whose, "cursor": effect["cursor"]}),
            ("user", whose),
            ("lifecycle", {**whose, "id": effect["lifecycle"]}),
        ]
    )
    if effect["about"] is not None:
        return {"about": show_dead_letter(session, definition, effect["user_id"], _about(effect))}
    row = session.row("row_at", user_id=effect["user_id"], cursor=effect["cursor"])
    source = Repository.of(session, definition, effect["user_id"])
    lifecycle = source.lifecycle(effect["lifecycle"])
    if row is None or lifecycle is None:
        missing = ValueError(f"no transition of lifecycle {effect['lifecycle']} is at {effect['cursor']}")
        raise unreadable("effects", effect, "seq", missing)
    event = None
    if row["event_id"] is not None:
        event = session.row("said", user_id=effect["user_id"], event_id=row["event_id"])
    return {
        "transition": _transition(row),
        "said": dict if event is None else partial(said_by, event),
        "claim": show_claim(session, definition, effect["user_id"], lifecycle, now),
    }


@reads("effects", "seq")
def _about(effect: Columns) -> str:
    about = str(effect["about"])
    if _LETTER.fullmatch(about) is None:
        raise ValueError(f"it is about {about!r}, which is no dead letter")
    return about


@reads("history", "cursor")
def _transition(row: Columns) -> HistoryRow:
    read_instant(row["at"])
    return show_transition(row)


def end(session: Session, effect: Columns, standing: str, now: datetime, error: str | None = None) -> None:
    """End an effect that is not to be taken again: `void`, or `dead` with an error."""
    session.run(
        "end_effect",
        {
            "user_id": effect["user_id"],
            "seq": effect["seq"],
            "standing": standing,
            "now": show_instant(now),
            "error": error,
        },
    )


def extend(session: Session, taken: LeasedEffect, until: datetime) -> bool:
    """Hold a lease longer; tell whether it was still held."""
    row = session.row(
        "extend_effect",
        user_id=taken.user_id,
        seq=taken.seq,
        attempt=taken.attempt,
        ready_at=show_instant(until),
    )
    return row is not None


def find_overlong(session: Session, handlers: Collection[str], latest: datetime) -> list[Columns]:
    """Give the effects of some handlers whose leases end later than any can, by user, number and attempt."""
    asked = [{"handler": name, "latest": show_instant(latest)} for name in handlers]
    session.prefetch(("overlong_leases", parameters) for parameters in asked[1:])
    return [row for parameters in asked for row in session.rows("overlong_leases", **parameters)]


def cut(session: Session, overlong: Columns, until: datetime) -> None:
    """Let a lease that ends too late end sooner, where it is the same still."""
    session.run(
        "cut_lease",
        {
            "user_id": overlong["user_id"],
            "seq": overlong["seq"],
            "attempt": overlong["attempt"],
            "ready_at": show_instant(until),
        },
    )


def settle(
    session: Session,
    taken: LeasedEffect,
    standing: str,
    *,
    ready_at: datetime,
    error: str | None = None,
    traceback: str | None = None,
    forgiven: bool = False,
) -> str | None:
    """Mark an effect `done`, `dead` or `owed` again; None where its lease was lost meanwhile.

    Gives how it stands then: `void` where it was work for being in a state that the lifecycle has left. A
    `forgiven` attempt is no try, and leaves the traceback of the last that was.
    """
    row = session.row(
        "settle_effect",
        user_id=taken.user_id,
        seq=taken.seq,
        attempt=taken.attempt,
        standing=standing,
        ready_at=show_instant(ready_at),
        error=error,
        traceback=traceback,
        forgiven=int(forgiven),
    )
    return None if row is None else str(row["standing"])


def settled_before(session: Session, taken: LeasedEffect, standing: str) -> str | None:
    """Give `standing` where this very attempt was settled so already: nobody heard of its commit."""
    row = session.row("effect_at", user_id=taken.user_id, seq=taken.seq)
    same = row is not None and row["attempt"] == taken.attempt and row["standing"] == standing
    return standing if same else None


def is_requested(session: Session, user_id: str, handler: str) -> bool:
    """Tell whether a requested effect of a user waits to be begun, or is at work."""
    return session.row("requested", user_id=user_id, handler=handler) is not None


def revive(session: Session, user_id: str, seq: int, standing: str, now: datetime) -> str | None:
    """Owe a dead effect anew (`owed`), or drop it (`dropped`); None where it isn't dead.

    Gives how it stands then: `void` where it was work for being in a state that the lifecycle has left.
    """
    row = session.row("revive_effect", user_id=user_id, seq=seq, standing=standing, now=show_instant(now))
    return None if row is None else str(row["standing"])


def restore(session: Session, user_id: str, seq: int) -> bool:
    """Bring a dropped effect back as the dead letter that it was; tell whether it was one."""
    return session.row("restore_effect", user_id=user_id, seq=seq) is not None


def unfinished(
    session: Session, handlers: Collection[str], user_id: str | None, *, over: datetime, limit: int
) -> list[OwedEffect]:
    """Show what is owed and not done: waiting for its time, its turn, a try, or a worker with its handler."""
    at = show_instant(over)
    if user_id is None:
        rows = session.rows("unfinished_effects", limit=limit)
    else:
        rows = session.rows("unfinished_effects_of", user_id=user_id, limit=limit)
    return [
        OwedEffect(
            handler=row["handler"],
            user_id=row["user_id"],
            claim_id=row["claim_id"],
            sync_id=row["sync_id"],
            trigger=row["trigger"],
            state="running" if row["standing"] == "taken" and row["ready_at"] > at else "owed",
            here=row["handler"] in handlers,
            attempt=row["attempt"],
            owed_at=row["owed_at"],
            due_at=row["due_at"],
            ready_at=row["ready_at"],
            key=row["key"],
            error=row["error"],
        )
        for row in rows
    ]

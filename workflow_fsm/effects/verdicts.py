"""Verdicts: what becomes of an effect that was run, the events that it fires, and the texts of its errors."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_fsm.core.definition import Addressing, Definition, Trigger
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import WorkflowError
from workflow_fsm.core.values.fields import Kind
from workflow_fsm.effects.handler import Discard, Fire, RetryAfter
from workflow_fsm.effects.outbox import LeasedEffect
from workflow_fsm.read.shapes import HistoryRow
from workflow_fsm.stores.observers import FailedTry

log = logging.getLogger(__name__)

MOST_OF_AN_ERROR = 2000
"""Characters of an error's text that are kept."""
MOST_OF_A_TRACEBACK = 8000
MOST_LOGGED = 64_000
"""Of a traceback: characters that a dead letter keeps, bytes that a log is given as they are."""
_BEGINNING = 2000
Reader = Callable[[str, Mapping[str, Any]], Event]
"""Turns a trigger and fields into an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of an effect that was run: `done`, `dead`, or `owed` again after some seconds.

    `events` are those that it fires, in the commit that marks it done. `cause` is what its handler raised.
    """

    standing: str
    error: str | None = None
    cause: BaseException | None = None
    seconds: float = 0.0
    events: Sequence[Event] = ()


def events(taken: LeasedEffect, answer: object, *, definition: Definition, read: Reader) -> list[Event]:
    """Read by `read` what a handler answered. Raises Discard for what is no answer, or can't be fired."""
    fires = list(answer) if isinstance(answer, list | tuple) else [answer]
    fired: list[Event] = []
    for fire in fires:
        if isinstance(fire, Fire):
            key = taken.key if not fired else f"{taken.key}:{len(fired) + 1}"
            fired.append(_event(taken, fire, key, definition, read))
        elif fire is not None:
            what = type(fire).__name__
            raise Discard(f"its handler returned {what}; it may return None, a Fire, or several Fires")
    return fired


def describe(error: BaseException) -> str:
    """Name what a handler raised, and say its text."""
    name, text = type(error).__name__, text_of(error)
    return text if isinstance(error, RetryAfter) else f"{name}: {text}" if text else name


def text_of(error: BaseException) -> str:
    """Give an error's text, also where its own code fails at that."""
    try:
        return str(error)
    except BaseException as worse:
        return f"its text can't be had: {type(worse).__name__}"


def failed_try(taken: LeasedEffect, cause: BaseException, outcome: str) -> FailedTry:
    """Give what observers are told of a try that failed."""
    return FailedTry(
        handler=taken.handler,
        user_id=taken.user_id,
        claim_id=taken.claim_id,
        key=taken.key,
        attempt=taken.attempt,
        outcome=outcome,
        error=cause,
    )


def log_failure(taken: LeasedEffect, error: BaseException) -> None:
    """Log a try that failed, with its traceback."""
    is_shown = can_be_logged(error)
    log.warning(
        "try %d of handler %s for user %s, claim %s, failed: %s%s",
        taken.attempt,
        taken.handler,
        taken.user_id,
        taken.claim_id,
        storable(describe(error)),
        "" if is_shown else f"\n{traceback_of(error)}",
        exc_info=error if is_shown else None,
    )


def can_be_logged(error: BaseException) -> bool:
    """Tell whether any log takes an error's whole traceback: it is text, and not without end."""
    try:
        told = "".join(traceback.format_exception(error))
        return len(told.encode()) <= MOST_LOGGED
    except BaseException:
        return False


def traceback_of(error: BaseException) -> str:
    """Give an error's traceback, cut in the middle where it is long: its end says what broke, and where."""
    try:
        told = "".join(traceback.format_exception(error))
    except BaseException as worse:
        told = f"{type(error).__name__}: its traceback can't be had: {type(worse).__name__}"
    told = told.rstrip()
    if len(told) > MOST_OF_A_TRACEBACK:
        told = told[:_BEGINNING] + "\n  …\n" + told[_BEGINNING + 5 - MOST_OF_A_TRACEBACK :]
    return storable(told, most=MOST_OF_A_TRACEBACK)


def storable(told: str, *, most: int = MOST_OF_AN_ERROR) -> str:
    """Cut a text, and replace what a database takes for no text."""
    return told[:most].encode(errors="replace").decode().replace("\0", "?")


def _event(taken: LeasedEffect, fire: Fire, key: str, definition: Definition, read: Reader) -> Event:
    fields = {name: value for name, value in fire.fields.items() if value is not None}
    other = fields.get("user_id", taken.user_id)
    if other != taken.user_id:
        raise Discard(f"its handler fired an event for another user, {other!r}")
    trigger = definition.trigger(fire.trigger) if isinstance(fire.trigger, str) else None
    own = {} if trigger is None else _own(trigger, fields, taken.transition)
    try:
        return read(fire.trigger, {"event_id": key, **own, **fields, "user_id": taken.user_id})
    except WorkflowError as error:
        raise Discard(f"it fired an event that can't be taken: {error}") from error


def _own(trigger: Trigger, fields: Mapping[str, Any], transition: HistoryRow | None) -> dict[str, Any]:
    """Name the transition's own lifecycle, where an event names none: its claim, or else its sync."""
    if transition is None:
        return {}
    of_a_sync = trigger.addressing in (Addressing.SYNC, Addressing.DETECTION)
    for field in trigger.fields:
        names = field.name == "sync_id" or (
            not of_a_sync and (field.name == "claim_id" or field.kind is Kind.ENTRIES)
        )
        if names and any(name in fields for name in field.names):
            return {}
    if of_a_sync or transition.claim_id is None:
        return {"sync_id": transition.sync_id}
    return {"claim_id": transition.claim_id}

"""Overlays, audited: what stands over an event beside what it said, against the acts that laid it there.

The act's row of history tells the claim in a column of its own, and the rest before its reason. An act that
lays something takes away what lay there. One that lays nothing does so if it was of this event alone, and it
isn't told whether it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from workflow_fsm.audit.scratch import Scratch, Values
from workflow_fsm.core.decision.dead_letters import DROPPED, RETRIED
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.model.inbox import FORCE, LEARNT_LINE, StoredEvent

_CLAIM = "claim_id"
_CASE = "amazon_case_id"
_LINE = "line_id"
_NAMES = (_CASE, "currency", _LINE, "original_reimbursement_id")
_ANY_NAME = "|".join(_NAMES)
_LAID = re.compile(rf"({_ANY_NAME})=(.+?)(?=, (?:{_ANY_NAME})=|, {FORCE}(?:: |$)|: |$)", re.DOTALL)


@dataclass(slots=True)
class Retried:
    """What a person told of one event by retrying it: claims and cases, all of them, and what was told last.

    A value that holds what parts it from the reason is known up to there. `reasons` are those since then;
    `may_be_bare` says that a later act laid nothing, unless it forced.
    """

    claims: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    last: dict[str, str] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    may_be_bare: bool = False


class Acts:
    """What a user's chain of acts says was done with each dead letter."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._any = scratch.first("has_acts") is not None

    def dropped(self, letter: str) -> bool:
        """Tell whether a dead letter was dropped."""
        return any(row["trigger"] == DROPPED for row in self._about(letter))

    def retried(self, stored: StoredEvent) -> Retried | None:
        """Give what was told of an event by retrying it, None where nobody did."""
        told = None
        for row in self._about(f"event:{stored.seq}"):
            if row["trigger"] == RETRIED:
                told = told or Retried()
                self._add(told, row)
        return told

    def _about(self, letter: str) -> Iterator[Values]:
        return self._scratch.each("acts_about", letter=letter) if self._any else iter(())

    def _add(self, told: Retried, row: Values) -> None:
        laid: dict[str, str] = {}
        if row["claim_id"] is not None:
            laid[_CLAIM] = str(row["claim_id"])
            told.claims.append(laid[_CLAIM])
        reason = "" if row["reason"] is None else str(row["reason"])
        at = 0
        while found := _LAID.match(reason, at):
            name, value = found.groups()
            laid[name] = value
            if name == _CASE:
                told.cases.append(value)
            at = found.end() + 2 if reason.startswith(", ", found.end()) else len(reason)
        told.may_be_bare = not laid
        if laid:
            told.last, told.reasons = laid, []
        told.reasons.append(reason)


def misfits(definition: Definition, acts: Acts, stored: StoredEvent) -> Iterator[str]:
    """Say where what stands over an event is not what acts say was laid there."""
    retried = acts.retried(stored)
    trigger = definition.trigger(stored.event.trigger)
    if trigger is None:
        return
    overlay = stored.overlay
    if overlay is not None and not overlay:
        yield "nothing was laid over it, which is no overlay"
    laid = dict(overlay or {})
    learns = trigger.money and stored.event.field("reimbursement_id") is not None
    if learns and stored.event.body.get(_LINE) is None:
        laid.pop(LEARNT_LINE, None)
    unsaid = [name for name, value in laid.items() if not _is_told(retried, name, value)]
    if unsaid:
        yield f"{', '.join(unsaid)} was laid over it, and no act says by whom"
    if retried is not None and retried.may_be_bare and not laid.keys() - {FORCE}:
        return
    fields = {one.name for one in trigger.fields}
    for name, value in retried.last.items() if retried is not None else ():
        if name in fields and not str(laid.get(name, "")).startswith(value):
            yield f"an act laid {name} {value!r} over it, and {laid.get(name)!r} stands there"


def names_told(acts: Acts, stored: StoredEvent) -> tuple[Collection[str], Collection[str]]:
    """Give all claims and cases that an event ever named: as it stands, as it came, and as it was retried."""
    claims = {stored.event.field(_CLAIM)}
    cases = {stored.event.field(_CASE)}
    retried = acts.retried(stored)
    if retried is not None:
        claims.update(retried.claims)
        cases.update(retried.cases)
    if stored.overlay:
        claims.add(stored.event.body.get(_CLAIM))
        cases.add(stored.event.body.get(_CASE))
    return _texts(claims), _texts(cases)


def _is_told(retried: Retried | None, name: str, value: object) -> bool:
    if retried is None:
        return False
    if name == _CLAIM:
        return retried.last.get(_CLAIM) == value
    told = FORCE if name == FORCE else f"{name}={value}"
    return any(told in reason for reason in retried.reasons)


def _texts(names: Collection[Any]) -> set[str]:
    return {str(one) for one in names if one is not None}
